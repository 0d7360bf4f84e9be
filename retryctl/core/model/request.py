"""A request: its attempts in order, its outcome, and when the next attempt is due."""

from __future__ import annotations

from enum import StrEnum

from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class


class RequestOutcome(StrEnum):
    """The outcome of a request."""

    SUCCEEDED = "succeeded"
    RECOVERED = "recovered"
    EXHAUSTED = "exhausted"
    PENDING = "pending"
    NOT_RETRIED = "not-retried"
    RUNNING = "running"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """Who retries a request: Lambda's asynchronous queue, an event source, or not known."""

    ASYNCHRONOUS = "asynchronous"
    EVENT_SOURCE = "event-source"
    UNKNOWN = "unknown"


@value_class
class Request:
    """One event handed to Lambda, with all attempts of it in the log.

    ``mentions`` are events that prove the request where no attempt is logged: error records of a
    runtime in a log whose level drops Lambda's own. ``ambiguous`` are START lines with its ID
    that nothing proves to be attempts: printed text, or attempts whose other lines are lost.
    """

    request_id: str
    log_group: str | None
    function: str | None
    attempts: tuple[Attempt, ...]
    outcome: RequestOutcome
    delivery: Delivery = Delivery.ASYNCHRONOUS
    next_attempt_due_ms: int | None = None
    mentions: tuple[LogEvent, ...] = ()
    ambiguous: tuple[LogEvent, ...] = ()

    @property
    def key(self) -> tuple[str | None, str]:
        """The log group and the ID. One ID in two groups is two requests."""
        return self.log_group, self.request_id

    @property
    def placed_ms(self) -> int:
        """Its place among requests: that of its first attempt, else of its first mention."""
        return self.attempts[0].placed_ms if self.attempts else self.mentions[0].timestamp_ms

    @property
    def log_streams(self) -> frozenset[str | None]:
        """The log streams that it was read from; with ``None`` where not all are known."""
        lines = (event.log_stream for event in self.mentions)
        unknown = [None] if self.ambiguous else ()  # these events are kept without their stream
        return frozenset((*lines, *(one.log_stream for one in self.attempts), *unknown))

    @property
    def execution_arn(self) -> str | None:
        """The ARN of the durable execution that its function logged."""
        return next((a.execution_arn for a in self.attempts if a.execution_arn), None)

    @property
    def asynchronous(self) -> bool:
        """Whether the retries, waits and limits of Lambda's asynchronous queue apply."""
        return self.delivery is Delivery.ASYNCHRONOUS

    @property
    def from_event_source(self) -> bool:
        """Whether an event source retries it."""
        return self.delivery is Delivery.EVENT_SOURCE
