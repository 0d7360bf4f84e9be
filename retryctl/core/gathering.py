"""From the attempts of a log that was read in pieces to its checked requests.

A *part* of a log has all attempts of some of its requests. Most requests have one attempt that
went well and said nothing; the core judges the first of their shape, and the others are like it
in all but ID, time and bill.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from retryctl.core.attempts import Attempt
from retryctl.core.checks import Verdict
from retryctl.core.claims import Markers
from retryctl.core.crosscheck import CheckedRequest, check_request
from retryctl.core.kept import RECORD, Stream, as_of, function_of, like
from retryctl.core.outcomes import Outcome
from retryctl.core.records import Coverage, FunctionSettings, LogEvent
from retryctl.core.requests import Request, RequestOutcome, request_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one reading saw: the shapes of its plain attempts, and its streams by run.

    A run that turned out not to hold has no stream, and its attempts do not count.
    """

    shapes: Sequence[Attempt]
    streams: Sequence[Stream | None]


@dataclass(slots=True, kw_only=True)
class Part:
    """The attempts of some requests, each with the number of its reading.

    ``plain`` has packed attempts, ``others`` attempts with the number of their run, ``mentions``
    the events that prove a request without one.
    """

    plain: list[tuple[int, bytes]] = field(default_factory=list)
    others: list[tuple[int, list[tuple[int, Attempt]]]] = field(default_factory=list)
    mentions: list[tuple[str | None, str, LogEvent]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What all requests of a log are judged by; the window is [since_ms, until_ms)."""

    coverage: Coverage
    settings: FunctionSettings
    markers: Markers
    named: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def has(self, placed_ms: int) -> bool:
        """Whether a request whose first attempt is placed there belongs to the window."""
        return (self.since_ms is None or self.since_ms <= placed_ms) and (
            self.until_ms is None or placed_ms < self.until_ms
        )


class Quiet(NamedTuple):
    """A request whose one attempt went well and said nothing."""

    request_id: str
    function: str | None
    log_group: str | None
    placed_ms: int
    billed_ms: int
    memory_mb: int


_Key = tuple["str | None", bytes]
_Packed = tuple[bytes, int, int, int, int, int, int]


def gathered(
    part: Part, readings: Mapping[int, Reading], around: Around
) -> Iterator[CheckedRequest | Quiet]:
    """The requests of a part that belong to the window, each judged."""
    attempts: dict[_Key, list[Attempt]] = defaultdict(list)
    mentions: dict[_Key, list[LogEvent]] = defaultdict(list)
    for reading, others in part.others:
        for run, attempt in others:
            stream = readings[reading].streams[run]
            if stream is not None:
                told = as_of(attempt, stream, around.named, around.settings, _horizon_ms(around))
                attempts[attempt.log_group, UUID(attempt.request_id).bytes].append(told)
    for group, request_id, event in part.mentions:
        mentions[group, UUID(request_id).bytes].append(event)
    yield from _plain(part, readings, around, attempts, mentions)
    for key in attempts.keys() | mentions.keys():
        request = _request(key, attempts.get(key, []), mentions.get(key, []), around)
        placed_ms = (
            request.attempts[0].placed_ms if request.attempts else request.mentions[0].timestamp_ms
        )
        if around.has(placed_ms):
            yield _checked(request, around)


def _plain(
    part: Part,
    readings: Mapping[int, Reading],
    around: Around,
    attempts: dict[_Key, list[Attempt]],
    mentions: Mapping[_Key, list[LogEvent]],
) -> Iterator[Quiet]:
    """The quiet requests; every other plain attempt is added to ``attempts``."""
    single: dict[_Key, tuple[int, _Packed]] = {}
    for number, packed in part.plain:
        streams = readings[number].streams
        shapes = readings[number].shapes
        for record in RECORD.iter_unpack(packed):
            stream = streams[record[5]]
            if stream is None:
                continue
            key = (stream.log_group, record[0])
            if key in attempts or key in mentions or key in single:
                attempts[key].append(_unpacked(record, stream, shapes[record[6]], around))
            else:
                single[key] = (number, record)
    for key in attempts.keys() & single.keys():
        number, record = single.pop(key)
        attempts[key].insert(0, _full(number, record, readings, around))
    before_ms = _nothing_hidden_before_ms(around)
    quiet = {}
    for key, (number, record) in single.items():
        start_ms, shape = record[1], (number, record[6])
        if shape not in quiet:
            quiet[shape] = _is_quiet(key, _full(number, record, readings, around), around)
        if not quiet[shape] or start_ms >= before_ms:
            attempts[key].append(_full(number, record, readings, around))
        elif around.has(start_ms):
            stream = readings[number].streams[record[5]]
            function = stream and function_of(stream)
            yield Quiet(
                str(UUID(bytes=key[1])), function or around.named, key[0], start_ms, *record[3:5]
            )


def _full(number: int, record: _Packed, readings: Mapping[int, Reading], around: Around) -> Attempt:
    stream = readings[number].streams[record[5]]
    assert stream is not None  # such records were passed over
    return _unpacked(record, stream, readings[number].shapes[record[6]], around)


def _unpacked(record: _Packed, stream: Stream, shape: Attempt, around: Around) -> Attempt:
    request_id, start_ms, took_ms, billed_ms, memory_mb, *_ = record
    attempt = like(
        shape, stream, str(UUID(bytes=request_id)), start_ms, took_ms, billed_ms, memory_mb
    )
    return as_of(attempt, stream, around.named, around.settings, _horizon_ms(around))


def _is_quiet(key: _Key, attempt: Attempt, around: Around) -> bool:
    """Whether a request of this one attempt is of no consequence, whenever it was."""
    if attempt.outcome is not Outcome.OK or not attempt.claim.silent:
        return False
    checked = _checked(_request(key, [attempt], [], around), around)
    return (
        checked.request.outcome is RequestOutcome.SUCCEEDED
        and checked.verdict is Verdict.NOT_COUNTED
        and not checked.findings
        and not checked.undetermined_because
    )


def _nothing_hidden_before_ms(around: Around) -> float:
    """Until when no attempt of a request can lie in a gap that hides attempts."""
    hiding = [gap.since_ms for gap in around.coverage.gaps if gap.hides_attempts]
    if None in hiding:
        return -math.inf
    starts = [since_ms for since_ms in hiding if since_ms is not None]
    return min(starts) - around.settings.event_age_ms if starts else math.inf


def _request(
    key: _Key, attempts: Sequence[Attempt], mentions: Sequence[LogEvent], around: Around
) -> Request:
    place = (key[0], str(UUID(bytes=key[1])))
    return request_of(place, attempts, mentions, around.settings, _horizon_ms(around), around.named)


def _checked(request: Request, around: Around) -> CheckedRequest:
    return check_request(request, around.coverage, settings=around.settings, markers=around.markers)


def _horizon_ms(around: Around) -> int:
    return around.coverage.horizon_ms or 0
