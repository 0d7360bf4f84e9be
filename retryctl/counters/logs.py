"""Count in CloudWatch Logs: the START records of this request in the function's own log group.

Nothing is written, and every environment counts, but late: a START appears within about 50 ms, an
END or REPORT within 5 to 15 s, without a guarantee. A retry comes 60 s and more after its
attempt, so a count is wrong only where logs are later than that. The search reads 6 h of the whole
group, at a few calls a second for the whole account: for functions with little traffic. It finds
nothing where the system log level hides START, or the group's class is Infrequent Access.
"""

from __future__ import annotations

import os
import time

from retryctl.counters.attempts import checked
from retryctl.counters.aws import AwsCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# The starts of one request lie at most 6 h apart, and an attempt runs for at most 90 min.
_SEARCHED_S = 6 * 3600 + 5_400


class LogsCounter(AwsCounter):
    """START records in ``log_group``; this attempt writes to ``log_stream``.

    Both are the function's own where they are not given. ``clock`` gives epoch seconds.
    Errors of CloudWatch are botocore's, a bad request ID raises ``ValueError``.
    """

    service = store = "logs"

    def __init__(
        self,
        log_group: str | None = None,
        log_stream: str | None = None,
        *,
        client: Any = None,
        config: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, config)
        self.log_group = log_group or os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream = log_stream or os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self._clock = clock

    def take(self, key: str) -> int:
        """Return how many attempts of this request started before; Lambda records them."""
        return self.count(key)

    def count(self, key: str) -> int:
        """Return how many attempts of the request ``key`` started before this one."""
        request_id = checked(key)
        starts, own_is_open = 0, False
        for event in self._events_with(request_id):
            record = _platform_record(event["message"], request_id)
            starts += record == "start"
            if record and event["logStreamName"] == self.log_stream:
                own_is_open = record == "start"
        # A START of this stream that nothing ended is this attempt's own.
        return starts - own_is_open

    def record(self, key: str) -> None:
        """Do nothing: Lambda writes the START record."""
        checked(key)

    def _events_with(self, request_id: str) -> list[dict[str, Any]]:
        """Return the group's events that contain the ID, in order of time."""
        query = {
            "logGroupName": self.log_group,
            "filterPattern": f'"{request_id}"',
            "startTime": int((self._clock() - _SEARCHED_S) * 1000),
        }
        events: dict[str, Any] = {}
        while True:
            page = self.client.filter_log_events(**query)
            events.update((event["eventId"], event) for event in page["events"])
            if not page.get("nextToken") or page["nextToken"] == query.get("nextToken"):
                # Event IDs grow in the order of a stream, also within one millisecond.
                return sorted(
                    events.values(), key=lambda event: (event["timestamp"], int(event["eventId"]))
                )
            query["nextToken"] = page["nextToken"]


def _platform_record(message: str, request_id: str) -> str | None:
    """Return ``start`` or ``end`` for Lambda's own record of this request, else None."""
    if message.startswith(f"START RequestId: {request_id} "):
        return "start"
    words = message.split()
    if words[:1] in (["END"], ["REPORT"]) and words[1:3] == ["RequestId:", request_id]:
        return "end"
    return _json_record(message, request_id) if message.startswith("{") else None


def _json_record(message: str, request_id: str) -> str | None:
    import json

    try:
        line = json.loads(message)
        if line["record"]["requestId"] != request_id:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return {"platform.start": "start", "platform.report": "end"}.get(line.get("type"))
