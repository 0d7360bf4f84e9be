"""Log events and request IDs."""

from __future__ import annotations

from retryctl.core.late_regex import late_regex
from retryctl.core.value_classes import value_class


@value_class
class LogEvent:
    """One event of a log stream.

    ``event_id`` is CloudWatch's, a decimal number in text that grows in the order of the
    stream; GetLogEvents gives none, and there ``position`` (the place in what was read)
    is the order. ``log_stream`` and ``log_group`` are ``None`` where a saved log does not
    name them.
    """

    timestamp_ms: int
    message: str
    log_stream: str | None = None
    log_group: str | None = None
    event_id: str | None = None
    position: int = 0


UNTIMED_MS = 1_000_000_000_000
"""The time of the first event of a log without times; each next one is 1 ms later."""

UNTIMED_FILE_MS = 100_000_000
"""So far lie the places of the first events of two files without times from each other."""
_UNTIMED_END_MS = 1_100_000_000_000  # in 2004; Lambda's first log is of 2014


def is_timed(timestamp_ms: int) -> bool:
    """Whether this is the time of an event, and not only its place in a log without times."""
    return not UNTIMED_MS <= timestamp_ms < _UNTIMED_END_MS


def timed_ms(event: LogEvent | None) -> int | None:
    """Return the time of an event; ``None`` without one, or where its log has no times."""
    return event.timestamp_ms if event and is_timed(event.timestamp_ms) else None


def stream_name(log_stream: str | None) -> str | None:
    """Return the name of a log stream; ``None`` of one that the log does not name.

    A saved log can show that two unnamed streams are two. Their keys begin with ``:``, which
    CloudWatch allows in no name.
    """
    return None if log_stream is None or log_stream.startswith(":") else log_stream


REQUEST_ID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


_WHOLE_ID = late_regex(REQUEST_ID)


def request_id_in(text: str) -> str | None:
    """Return the one request ID that ``text`` is, in lower case; ``None`` for anything else."""
    return text.lower() if _WHOLE_ID.fullmatch(text) else None


def is_event_source_id(request_id: str) -> bool:
    """Whether the ID is a UUID of version 5.

    The three requests from SQS that were captured had such IDs. Their retries are the
    queue's, so Lambda's two asynchronous retries and their waits do not apply to them.
    """
    return request_id[14] == "5"
