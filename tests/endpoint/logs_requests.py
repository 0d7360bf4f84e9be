"""Checks of the requests to CloudWatch Logs, with the limits of its API reference."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

from tests.endpoint.errors import invalid, no_such_stream
from tests.endpoint.store import LogGroup

Request = dict[str, Any]
PAGE_BYTES = 1_048_576
PAGE_EVENTS = 10_000
_BATCH_SPAN_MS = 24 * 3_600_000


def check_shape(shape: re.Pattern[str], value: str, member: str) -> None:
    if not shape.fullmatch(value):
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {shape.pattern}"
        )


def limit_of(request: Request, most: int) -> int:
    limit = request.get("limit", most)
    if not 1 <= limit <= most:
        raise invalid(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must have value between 1 and {most}"
        )
    return int(limit)


def check_streams(group: LogGroup, names: list[str] | None, prefix: str | None) -> None:
    if names is None:
        return
    if prefix is not None:
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    if not 1 <= len(names) <= 100:
        raise invalid(
            "1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: "
            "Member must have length between 1 and 100"
        )
    if any(name not in group.streams for name in names):
        raise no_such_stream()


def check_batch(events: list[Request]) -> None:
    if not 1 <= len(events) <= PAGE_EVENTS:
        raise invalid("Value at 'logEvents' must have length between 1 and 10000")
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > PAGE_BYTES:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {PAGE_BYTES}")
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > _BATCH_SPAN_MS:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span "
            "more than 24 hours."
        )


def rejected_events(times: list[int], oldest: int, newest: int) -> dict[str, int]:
    rejected: dict[str, int] = {}
    too_old, fresh = bisect_left(times, oldest), bisect_left(times, newest + 1)
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if fresh < len(times):
        rejected["tooNewLogEventStartIndex"] = fresh
    return rejected
