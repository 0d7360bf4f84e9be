"""Compact attempts: what is kept of an attempt, so that memory does not grow with the log.

The cross-check needs the times of an attempt's events; their text is needed only to show them. So
an attempt is kept with events that have no text; the attempts of requests that are shown keep the
events that a finding could cite, or all. An attempt is built before the end of the log is known,
as if nothing came after it; ``as_of`` then gives its outcome at the end.
"""

from __future__ import annotations

import pickle
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import field, fields
from itertools import islice, pairwise
from operator import attrgetter
from struct import Struct

from retryctl.bulk.stream_names import Stream, function_of
from retryctl.core.crosscheck.claims import Claim, Markers
from retryctl.core.history.attempt_from_lines import build_attempt
from retryctl.core.history.attempt_lines import AttemptLines
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import LATE_LOGS_MS
from retryctl.core.summary.silent_successes import CompactAttempt, id_of
from retryctl.core.value_classes import replaced, state_class, value_class

PACKED_ATTEMPT = Struct("<16sqIIIII")
"""ID, start and duration in ms, billed ms, MB, the numbers of the fragment and the template."""

KeptAttempts = bytes | list[tuple[int, Attempt]]
"""Attempts of one partition, each with the number of its fragment or stream, or their pickle."""

Mention = tuple[str, LogEvent]
"""A request's ID and an error record that proves it."""


# Long before every log: an attempt that has not ended is running then, however old it is.
_BEFORE_ALL_MS = 0


def part_of(request_id: str, parts: int) -> int:
    """Return the partition of a request, of this number of them: each has a range of IDs."""
    return int(request_id[:4], 16) * parts >> 16


def deal_out(records: list[bytes], parts: int) -> list[bytes]:
    """Return packed attempts by partition; they are sorted, since each begins with its ID."""
    records.sort()
    bounds = [(-(-part * 65536 // parts)).to_bytes(2, "big") for part in range(1, parts)]
    cuts = [0, *(bisect_left(records, bound) for bound in bounds), len(records)]
    return [b"".join(records[start:stop]) for start, stop in pairwise(cuts)]


@value_class
class Shown:
    """Whose attempts are kept with log events: requests that are shown, and not only counted.

    These are the requests ``ids``, or ``every`` one. With ``lines`` all events of their attempts
    are kept, else those that a finding could cite as evidence.
    """

    ids: frozenset[str] = frozenset()
    every: bool = False
    lines: bool = False

    def __bool__(self) -> bool:
        return self.every or bool(self.ids)

    def __contains__(self, request_id: str) -> bool:
        return self.every or request_id in self.ids

    def drops(self, request_id: str) -> bool:
        """Whether other requests are shown, and this one is not read at all."""
        return bool(self.ids) and not self.every and request_id not in self.ids

    def packed(self, attempts: list[tuple[int, Attempt]]) -> KeptAttempts:
        """Pickle the attempts of one partition, unless all of them are needed at once."""
        return attempts if self.lines or not attempts else pickle.dumps(attempts, protocol=5)

    def compact(self, attempt: Attempt) -> Attempt:
        """Drop the events of an attempt that are not kept."""
        if attempt.request_id not in self:
            return _without_lines(attempt)
        return attempt if self.lines else _with_evidence(attempt)


def compact_attempts(
    brackets: Iterable[AttemptLines],
    markers: Markers,
    settings: FunctionConfig,
    shown: Shown,
    not_before_ms: int = 0,
) -> Iterator[Attempt]:
    """Build the attempts of a stream's brackets, in order, with the events that are kept.

    ``not_before_ms`` is the place of the attempt before the first in the same stream.
    """
    placed_ms = not_before_ms
    for bracket in brackets:
        attempt = build_attempt(bracket, markers, settings, _BEFORE_ALL_MS, None, placed_ms)
        placed_ms = attempt.placed_ms
        yield shown.compact(attempt)


def as_of(
    attempt: Attempt, stream: Stream, named: str | None, settings: FunctionConfig, horizon_ms: int
) -> Attempt:
    """Return the attempt as of ``horizon_ms``, with what its whole stream shows of it.

    ``named`` is the function's name where no record gives one.
    """
    outcome = attempt.outcome
    if outcome is AttemptOutcome.RUNNING and attempt.started_ms is not None:
        young = attempt.started_ms >= horizon_ms - settings.timeout_ms - LATE_LOGS_MS
        outcome = AttemptOutcome.RUNNING if young else AttemptOutcome.UNKNOWN
    return replaced(
        attempt,
        outcome=outcome,
        runtime_version=stream.runtime_version,
        log_group=stream.log_group,
        function=function_of(stream, named),
    )


def packed_id(request_id: str) -> bytes:
    """Return a request ID in 16 bytes."""
    return bytes.fromhex(request_id.replace("-", ""))


# An attempt's own, or its stream's: attempts of one template differ in nothing else.
_NO_TEMPLATE = {
    *("number", "request_id", "log_stream", "runtime_version", "xray_trace_id"),
    *("placed_ms", "started_ms", "ended_ms", "duration_ms", "billed_duration_ms"),
    *("init_duration_ms", "memory_size_mb", "max_memory_used_mb"),
}
_LOG_EVENTS = {
    *("start_event", "report_event", "error_event", "events", "ambiguous", "dropped"),
    "claim.evidence",
}
_NAMES = [
    *(each.name for each in fields(Attempt) if each.name != "claim"),
    *(f"claim.{each.name}" for each in fields(Claim)),
]
_VALUES = attrgetter(*(name for name in _NAMES if name not in _NO_TEMPLATE | _LOG_EVENTS))
_EVENTS = attrgetter(*sorted(_LOG_EVENTS - {"events"}))


def template_key(attempt: Attempt) -> tuple[object, ...]:
    """Return what a check can depend on: all but the ID, times, figures and texts of events."""
    numbers = [len(each) if isinstance(each, tuple) else each is None for each in _EVENTS(attempt)]
    return (*_VALUES(attempt), *numbers)


def like(
    template: Attempt, stream: Stream, named: str | None, packed: CompactAttempt, number: int = 1
) -> Attempt:
    """Unpack an attempt; the rest of it is as in the first attempt of its template."""
    request_id, start_ms, took_ms, billed_ms, memory_mb, *_ = packed
    end_ms = start_ms + took_ms
    start, end = (
        LogEvent(timestamp_ms=start_ms, message=""),
        LogEvent(timestamp_ms=end_ms, message=""),
    )
    return replaced(
        template,
        number=number,
        request_id=id_of(request_id),
        function=function_of(stream, named),
        runtime_version=stream.runtime_version,
        placed_ms=start_ms,
        started_ms=start_ms,
        ended_ms=end_ms,
        billed_duration_ms=billed_ms,
        memory_size_mb=memory_mb,
        log_group=stream.log_group,
        log_stream=stream.log_stream,
        start_event=start,
        report_event=end,
        error_event=template.error_event and end,
        events=(start, end),
    )


@state_class
class SilentAttempts:
    """Packed attempts that went well and logged no counter, and the first of each template."""

    records: list[bytes] = field(default_factory=list)
    templates: list[Attempt] = field(default_factory=list)
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def pack(self, attempt: Attempt, fragment: int) -> bool:
        """Pack an attempt without lines; return false where ``like`` would not give it back."""
        billed_ms, memory_mb = attempt.billed_duration_ms, attempt.memory_size_mb
        if attempt.started_ms is None or attempt.ended_ms is None or not attempt.claim.silent:
            return False
        if not (isinstance(billed_ms, int) and isinstance(memory_mb, int)) or attempt.dropped:
            return False
        if attempt.outcome is not AttemptOutcome.OK or not _is_between(attempt):
            return False
        number = self._numbers.setdefault(template_key(attempt), len(self.templates))
        if number == len(self.templates):
            self.templates.append(attempt)
        took_ms = attempt.ended_ms - attempt.started_ms
        figures = (attempt.started_ms, took_ms, billed_ms, memory_mb, fragment, number)
        self.records.append(PACKED_ATTEMPT.pack(packed_id(attempt.request_id), *figures))
        return True


_LONGEST_MS = 1 << 31


def _is_between(attempt: Attempt) -> bool:
    """Whether its times are those of its START and its REPORT, and it has no others."""
    start, report = attempt.start_event, attempt.report_event
    if start is None or report is None or attempt.error_event:
        return False
    events = (attempt.placed_ms, *(event.timestamp_ms for event in attempt.events))
    return events == (attempt.started_ms, attempt.started_ms, attempt.ended_ms) and (
        start.timestamp_ms == attempt.started_ms
        and report.timestamp_ms == attempt.ended_ms
        and 0 <= report.timestamp_ms - start.timestamp_ms < _LONGEST_MS
    )


def _without_lines(attempt: Attempt) -> Attempt:
    claim = attempt.claim
    return replaced(
        attempt,
        start_event=_bare(attempt.start_event),
        report_event=_bare(attempt.report_event),
        error_event=_bare(attempt.error_event),
        claim=replaced(claim, evidence=_bare_all(claim.evidence)) if claim.evidence else claim,
        events=_bare_all((attempt.events[0], attempt.events[-1])),
        ambiguous=_bare_all(attempt.ambiguous[:1]),
        dropped=_bare_all(attempt.dropped[:1]),
    )


def _with_evidence(attempt: Attempt) -> Attempt:
    """Keep its first and last event, and one without the request's ID, if there is any.

    A finding cites no others, beside the events that have fields of their own.
    """
    unnamed = (e for e in attempt.events if attempt.request_id not in e.message.lower())
    events = (attempt.events[0], *islice(unnamed, 1), attempt.events[-1])
    return replaced(attempt, events=events, ambiguous=_bare_all(attempt.ambiguous[:1]))


def _bare_all(events: Iterable[LogEvent]) -> tuple[LogEvent, ...]:
    return tuple(LogEvent(timestamp_ms=event.timestamp_ms, message="") for event in events)


def _bare(event: LogEvent | None) -> LogEvent | None:
    return None if event is None else LogEvent(timestamp_ms=event.timestamp_ms, message="")
