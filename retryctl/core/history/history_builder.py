"""From log events to requests and their attempts.

Events may come in any order, from many streams, and more than once. They are sorted into the order
of their stream first, and one of the segmenters cuts it into attempts, so the same events always
give the same history. A missing START gives no start time, a missing REPORT no success.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.attempt_from_lines import build_attempt
from retryctl.core.history.attempt_lines import AttemptLines, Line
from retryctl.core.history.lost_lines import has_cut_record, has_lost_lines
from retryctl.core.history.request_from_attempts import request_of
from retryctl.core.history.sequential_segmenter import read_stream
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.records import End, FunctionError, Report, Start, Unrecognised, WebRecord
from retryctl.core.model.request import Request
from retryctl.core.value_classes import value_class


@value_class
class History:
    """The requests in some log events, in order of their first attempt.

    ``unrecognised`` counts events in the shape of a record that could not be read, ``web``
    has the IDs of requests to a web function, which are no events and are not retried; of a
    record without an ID it has ``""``.
    ``torn`` are the groups and streams that show that lines were lost.
    """

    requests: tuple[Request, ...]
    unrecognised: int = 0
    web: frozenset[str] = frozenset()
    torn: frozenset[tuple[str | None, str | None]] = frozenset()


def build_history(
    events: Iterable[LogEvent],
    *,
    horizon_ms: int,
    markers: Markers | None = None,
    settings: FunctionConfig | None = None,
    function: str | None = None,
    wanted: Collection[str] | None = None,
) -> History:
    """Return the history that ``events`` show, as of ``horizon_ms``.

    With ``wanted`` only the requests of these IDs are given. ``function`` names the function
    where the records do not.
    """
    markers, settings = markers or Markers(), settings or FunctionConfig()
    attempts: dict[tuple[str | None, str], list[Attempt]] = defaultdict(list)
    mentions: dict[tuple[str | None, str], list[LogEvent]] = defaultdict(list)
    unrecognised = 0
    web: set[str] = set()
    torn: set[tuple[str | None, str | None]] = set()
    for lines in _streams(events):
        unrecognised += sum(isinstance(record, Unrecognised) for _, record in lines)
        web.update(r.request_id or "" for _, r in lines if isinstance(r, WebRecord))
        brackets = read_stream(lines)
        if has_lost_lines(brackets, opens=True, closes=True) or has_cut_record(lines):
            torn.add((lines[0][0].log_group, lines[0][0].log_stream))
        placed_ms = 0
        for bracket in brackets:
            if wanted is None or bracket.request_id in wanted:
                attempt = build_attempt(bracket, markers, settings, horizon_ms, function, placed_ms)
                placed_ms = attempt.placed_ms
                attempts[attempt.log_group, attempt.request_id].append(attempt)
        for request_id, event in mentions_in(lines, brackets):
            if wanted is None or request_id in wanted:
                mentions[event.log_group, request_id].append(event)
    requests = [
        request_of(key, found, mentions.get(key, []), settings, horizon_ms, function)
        for key, found in [*attempts.items(), *((k, []) for k in mentions if k not in attempts)]
    ]
    return History(
        requests=tuple(sorted(requests, key=_by_first)),
        unrecognised=unrecognised,
        web=frozenset(web),
        torn=frozenset(torn),
    )


# --------------------------------------------------------------------------- order


def _streams(events: Iterable[LogEvent]) -> Iterator[list[Line]]:
    by_stream: dict[tuple[str, str], list[LogEvent]] = defaultdict(list)
    for event in events:
        by_stream[event.log_group or "", event.log_stream or ""].append(event)
    for key in sorted(by_stream):
        yield stream_lines(by_stream[key])


def stream_lines(events: Iterable[LogEvent]) -> list[Line]:
    """Return the events of one stream as records, in the stream's order and without repeats."""
    distinct: dict[object, LogEvent] = {}
    for event in events:
        key = (event.event_id, event.timestamp_ms) if event.event_id else object()
        distinct.setdefault(key, event)
    placed = sorted(distinct.values(), key=lambda event: event.position)
    return _without_repeats(sorted(placed, key=_in_stream))


def _in_stream(event: LogEvent) -> tuple[int, int, int]:
    """Return the sort key: the time, then CloudWatch's event ID or, without it, the place."""
    number = event.event_id or ""
    known = number.isascii() and number.isdigit() and len(number) < 100
    return (event.timestamp_ms, int(not known), int(number) if known else 0)


def _without_repeats(events: list[LogEvent]) -> list[Line]:
    """Drop repeated records: Lambda writes none twice. Printed lines may repeat."""
    read: set[tuple[int, str]] = set()
    lines: list[Line] = []
    for event in events:
        record = parse_record(event)
        if isinstance(record, (Start, End, Report)):
            key = (event.timestamp_ms, event.message.rstrip())
            if key in read:
                continue
            read.add(key)
        lines.append((event, record))
    return lines


def mentions_in(
    lines: Sequence[Line], brackets: Sequence[AttemptLines]
) -> Iterator[tuple[str, LogEvent]]:
    """Yield the requests that only a runtime's error proves: the log level drops Lambda's records.

    ``brackets`` are the attempts of the stream; a request that has one there is known already.
    """
    if brackets and not brackets[0].starts_unseen:
        return
    known = {bracket.request_id for bracket in brackets}
    for event, record in lines:
        if not (isinstance(record, FunctionError) and record.certain and record.request_id):
            continue
        if record.request_id not in known:
            yield record.request_id, event


def _by_first(request: Request) -> tuple[int, str, str]:
    return (request.placed_ms, request.request_id, request.log_group or "")
