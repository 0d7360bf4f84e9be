"""Hits of a request's ID, and the slices of log streams with its attempts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntEnum

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model import records
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class
from retryctl.sources.cloudwatch.pages import TimeRange

# An init takes at most 10 s, and in the invoke phase as long as the function may.
_INIT_MS = 10_000
# When the timeout has passed, REPORT follows within this time.
_GRACE_MS = 60_000
# An environment rests for hours between two requests, so its last REPORT lies far back. Reading
# from the newest, a long window costs nothing: what closes the front ends the reading.
_FRONT_MS = 6 * 3_600_000
# No line of an attempt stands before one of these.
_FRONTS = (records.Report, records.InitStart, records.RestoreStart)


class Kind(IntEnum):
    """What a hit is, from the weakest to the strongest."""

    TEXT = 0  # in the text of something else: no attempt by itself
    NAMED = 1  # a logger's or a runtime's line that carries the ID
    PLATFORM = 2  # another record of Lambda's own
    START = 3
    REPORT = 4


@value_class
class Hit:
    """One log event with the ID of a request."""

    request_id: str
    log_stream: str
    timestamp_ms: int
    event_id: str
    kind: Kind


@value_class
class StreamSlice:
    """Part of a log stream, with one attempt or several that follow closely.

    ``window`` is what to read, from the newest back, until the end of the request before is in
    sight. What lies before ``since_ms`` belongs to another part; nothing of these attempts
    lies before ``lead_ms``. ``known`` are the hits in it, the earliest first.
    """

    log_stream: str
    window: TimeRange
    since_ms: int
    lead_ms: int
    known: tuple[Hit, ...]


def hits_in(event: LogEvent, request_ids: Iterable[str]) -> Iterator[Hit]:
    """Yield a hit for each ID in ``event``. The match is checked here, not only by the service."""
    found = [request_id for request_id in request_ids if request_id in event.message]
    if not found:
        return
    record = parse_record(event)
    own = (getattr(record, "request_id", None) or "").lower()
    for request_id in found:
        yield Hit(
            request_id=request_id,
            log_stream=event.log_stream or "",
            timestamp_ms=event.timestamp_ms,
            event_id=event.event_id or "",
            kind=_kind(record) if own == request_id else Kind.TEXT,
        )


def by_request(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    """Return the hits that are lines of an attempt, by the ID of its request."""
    own: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        if hit.kind is not Kind.TEXT:
            own[hit.request_id].append(hit)
    return own


def _kind(record: object) -> Kind:
    if isinstance(record, records.Start):
        return Kind.START
    if isinstance(record, records.Report):
        return Kind.REPORT
    if isinstance(record, (records.AppLine, records.FunctionError, records.LambdaWarning)):
        return Kind.NAMED
    return Kind.PLATFORM


def stream_slices(found: Iterable[Hit], *, timeout_ms: int, now_ms: int) -> list[StreamSlice]:
    """Return what to read of each stream: disjoint, so that no line is read twice, and in order.

    A hit in the text of something else is not worth a call.
    """
    by_stream: dict[str, list[Hit]] = defaultdict(list)
    for hit in found:
        if hit.kind is not Kind.TEXT:
            by_stream[hit.log_stream].append(hit)
    return [
        part
        for stream in sorted(by_stream)
        for part in _of_stream(stream, by_stream[stream], timeout_ms, now_ms)
    ]


def _of_stream(
    stream: str, found: list[Hit], timeout_ms: int, now_ms: int
) -> Iterator[StreamSlice]:
    groups: list[tuple[list[Hit], int]] = []
    for attempt in _attempts(found, timeout_ms):
        end_ms = _end(attempt, timeout_ms, now_ms)
        if groups and attempt[0].timestamp_ms - _INIT_MS <= groups[-1][1]:
            before, before_end_ms = groups[-1]
            groups[-1] = (before + attempt, max(before_end_ms, end_ms))
        else:
            groups.append((attempt, end_ms))
    read_from_ms = since_ms = 0
    for known, end_ms in groups:
        lead_ms = known[0].timestamp_ms - timeout_ms - _INIT_MS
        yield StreamSlice(
            log_stream=stream,
            window=TimeRange(since_ms=max(read_from_ms, lead_ms - _FRONT_MS, 0), until_ms=end_ms),
            since_ms=since_ms,
            lead_ms=lead_ms,
            known=tuple(known),
        )
        read_from_ms, since_ms = known[-1].timestamp_ms, end_ms


def _in_order(hit: Hit) -> tuple[int, int]:
    """By time, then by event ID where that is a number, as it is on CloudWatch."""
    known = hit.event_id.isascii() and hit.event_id.isdigit()
    return hit.timestamp_ms, int(hit.event_id) if known else 0


def _attempts(found: list[Hit], timeout_ms: int) -> list[list[Hit]]:
    """Return the hits of one stream, cut where another attempt begins."""
    attempts: list[list[Hit]] = []
    for hit in sorted(found, key=_in_order):
        last = attempts[-1] if attempts else None
        if (
            last is None
            or hit.kind is Kind.START
            or hit.request_id != last[-1].request_id
            or hit.timestamp_ms - last[0].timestamp_ms > timeout_ms + _GRACE_MS
        ):
            attempts.append([hit])
        else:
            last.append(hit)
    return attempts


def _end(attempt: list[Hit], timeout_ms: int, now_ms: int) -> int:
    """Return the end of the last hit, or of the time for a REPORT where none was found.

    Marks of a timeout or a crash follow REPORT, and carry the ID: they are hits.
    """
    last_ms = attempt[-1].timestamp_ms
    if any(hit.kind is Kind.REPORT for hit in attempt):
        return last_ms + 1
    return max(last_ms + 1, min(now_ms + 1, last_ms + timeout_ms + _GRACE_MS))


# --------------------------------------------------------------------------- what was read of it


def reaches_front(page: list[LogEvent], part: StreamSlice) -> bool:
    """Whether ``page`` reaches back to before the first attempt of the slice."""
    if page and page[0].timestamp_ms < part.lead_ms:
        return True
    first_ms = part.known[0].timestamp_ms
    before = (event for event in page if event.timestamp_ms < first_ms)
    return any(isinstance(parse_record(event), _FRONTS) for event in before)


def belonging(events: list[LogEvent], part: StreamSlice) -> list[LogEvent]:
    """Without what lies before the REPORT of the request before; that REPORT stays."""
    front = _front(events, part)
    since_ms = max(part.since_ms, part.lead_ms if front is None else 0)
    return [event for event in events[front or 0 :] if event.timestamp_ms >= since_ms]


def _front(events: list[LogEvent], part: StreamSlice) -> int | None:
    """Return the place of the last REPORT, or of the environment's start, before the first hit."""
    earliest = part.known[0]
    places = (
        place
        for place, event in enumerate(events)
        if event.timestamp_ms >= earliest.timestamp_ms and earliest.request_id in event.message
    )
    for place in range(next(places, 0) - 1, -1, -1):
        if isinstance(parse_record(events[place]), _FRONTS):
            return place
    return None


def missing(events: list[LogEvent], part: StreamSlice) -> list[Hit]:
    """Return the hits that are known to lie in the part, and are not among ``events``."""
    at: dict[int, list[str]] = defaultdict(list)
    for event in events:
        at[event.timestamp_ms].append(event.message)
    return [
        hit
        for hit in part.known
        if not any(hit.request_id in message for message in at[hit.timestamp_ms])
    ]
