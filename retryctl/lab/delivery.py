"""How a request is delivered again: by Lambda's asynchronous queue, or by an event source.

Waits as measured on Lambda, from an attempt's end to the next start. A queue delivers a message
again when its visibility timeout is over, as a new request with an ID of UUID version 5. A
stream delivers a batch again at once, then at growing intervals; captured with one ID of version 4.
"""

from __future__ import annotations

import copy
import json
import random
import uuid
from typing import Any, Literal

from retryctl.core.value_classes import value_class

EventSource = Literal["async", "sqs", "stream"]
MOST_RETRIES: dict[str, int] = {"async": 2, "sqs": 99, "stream": 99}

WAITS_S = ((62.0, 66.0), (127.0, 130.0))
"""Of the asynchronous queue: about one minute, then about two."""

VISIBILITY_TIMEOUT_S = 30.0
"""The default of a queue."""

_STREAM_WAITS_S = (0.28, 0.45, 0.97, 1.4, 2.7, 5.1, 9.7, 23.0, 60.0)


@value_class
class EventDelivery:
    """One delivery of an event: attempt ``number``, from 1."""

    request_id: str
    event: bytes
    number: int


class Redelivery:
    """The deliveries of one event. ``chance`` decides its IDs and its waits."""

    def __init__(self, source: EventSource, event: Any, chance: random.Random) -> None:
        self._source = source
        self._event = event
        self._chance = chance
        self.request_id = self._new_id()

    def delivery(self, number: int) -> EventDelivery:
        """Return the delivery with this number."""
        if self._source == "sqs" and number > 1:
            self.request_id = self._new_id()
        return EventDelivery(
            request_id=self.request_id,
            event=json.dumps(self._event_of(number)).encode(),
            number=number,
        )

    def wait_s(self, number: int) -> float:
        """Return the wait after delivery ``number``."""
        if self._source == "sqs":
            return VISIBILITY_TIMEOUT_S
        if self._source == "stream":
            return _STREAM_WAITS_S[min(number, len(_STREAM_WAITS_S)) - 1]
        return self._chance.uniform(*WAITS_S[min(number, len(WAITS_S)) - 1])

    def _new_id(self) -> str:
        version = 5 if self._source == "sqs" else 4
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=version))

    def _event_of(self, number: int) -> Any:
        """Return the event; a queue counts its deliveries in each message."""
        if self._source != "sqs" or not isinstance(self._event, dict):
            return self._event
        event = copy.deepcopy(self._event)
        for record in event.get("Records", []):
            if isinstance(record, dict) and isinstance(record.get("attributes"), dict):
                record["attributes"]["ApproximateReceiveCount"] = str(number)
        return event


def most_waited_s(source: EventSource, deliveries: int) -> float:
    """Return the longest total wait between this number of deliveries."""
    if source == "sqs":
        return VISIBILITY_TIMEOUT_S * (deliveries - 1)
    waits = _STREAM_WAITS_S if source == "stream" else [most for _, most in WAITS_S]
    return sum(waits[min(number, len(waits) - 1)] for number in range(deliveries - 1))
