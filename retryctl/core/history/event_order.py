"""The order of events within one millisecond, where a source does not give it.

Logs Insights sorts events by their time only, in milliseconds, and Lambda writes several lines in
one: END and REPORT nearly always, and often the REPORT of an attempt and the START of the next.
What the lines are settles most of their order. In each millisecond of a stream come first

1. the end of the attempt that was open before: what it printed, its error, END, REPORT, and marks
   of a timeout or a crash, which follow REPORT;
2. an environment's start, with the error and the report of an init that failed;
3. attempts that start here, first those that end here too: START, output, errors, END, REPORT,
   late marks.

An integer and its branch are printed one directly after the other, so they are kept together:
other output of their millisecond stands before them. A line with a request's ID goes where that
request is. One without an ID belongs to the only attempt there is. Where one attempt ends and
another starts, or two start, nothing settles whose line it is. An error then counts for the first,
since runtimes write it right before END, and output for the attempt that starts. Lines on which a
claim or an outcome depends are reported as a ``Doubt``; so are two claims of one attempt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from itertools import groupby

from retryctl.core.crosscheck.claims import Markers, bare_integer, read_claim
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import (
    AppLine,
    End,
    Extension,
    FunctionError,
    InitReport,
    InitStart,
    LambdaWarning,
    Record,
    Report,
    RestoreReport,
    RestoreStart,
    RuntimeDone,
    RuntimeExited,
    Start,
    TimedOut,
)
from retryctl.core.value_classes import state_class, value_class

_ERROR_OF_INIT, _BRANCH_AFTER_INTEGER, _OUTPUT, _INTEGER, _BRANCH, _ERROR = 1, 4, 5, 6, 7, 8
_RANKS: dict[type[Record], int] = {
    InitStart: 0,
    RestoreStart: 0,
    InitReport: 2,
    RestoreReport: 2,
    Extension: 2,
    Start: 3,
    LambdaWarning: _ERROR,
    FunctionError: _ERROR,
    RuntimeDone: 9,
    End: 10,
    Report: 11,
    TimedOut: 12,
    RuntimeExited: 12,
}
_BRANCH_LINE = re.compile(r"\s*process \S+\s*\Z")
_ERRORS = (FunctionError, LambdaWarning)
_OF_INIT = (InitStart, RestoreStart, InitReport, RestoreReport, Extension)

# The attempts of a millisecond, in order: open before; the environment's start; whole; begun.
_BEFORE, _INIT, _WHOLE, _BEGUN = range(4)
# Which of these attempts a line belongs to, by its request's ID, and the line's rank in it.
_Place = tuple[int, str, int]
_Line = tuple[LogEvent, Record]
Moment = tuple[int, str]
"""A millisecond of a log stream: its time in epoch milliseconds, and the stream."""


@value_class
class Doubt:
    """``lines`` of one millisecond whose attempt or order is not settled.

    It concerns the attempts of ``log_stream`` that started in [since_ms, until_ms).
    """

    log_stream: str | None
    since_ms: int
    until_ms: int
    lines: int

    @property
    def moment(self) -> Moment:
        """The millisecond of the lines, where their stream is known."""
        return self.until_ms - 1, self.log_stream or ""


@state_class
class EventOrder:
    """Puts the events of log streams in order, chunk by chunk; no millisecond is in two chunks.

    ``known`` are messages in the order of their stream, which count where there is a doubt.
    """

    markers: Markers = field(default_factory=Markers)
    doubts: list[Doubt] = field(default_factory=list)
    known: dict[Moment, list[str]] = field(default_factory=dict)
    _started_ms: dict[str, int] = field(default_factory=dict)
    _after_integer: set[str] = field(default_factory=set)

    def copy(self) -> EventOrder:
        """Return an independent order, in which a chunk can be tried."""
        return replace(
            self,
            doubts=[*self.doubts],
            _started_ms={**self._started_ms},
            _after_integer={*self._after_integer},
        )

    def ordered(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        """Return the events by time, then by stream, then by the rules of this module."""
        ordered: list[LogEvent] = []
        for (at_ms, stream), same in groupby(sorted(events, key=moment_of), key=moment_of):
            lines = [(event, parse_record(event)) for event in same]
            if len(lines) > 1:
                lines = self._settled(lines, at_ms, stream)
            self._note(lines, at_ms, stream)
            ordered += [event for event, _ in lines]
        return ordered

    def _settled(self, lines: list[_Line], at_ms: int, stream: str) -> list[_Line]:
        attempts = _attempts([record for _, record in lines])
        after_integer = stream in self._after_integer
        placed = [(attempts.place(r, after_integer=after_integer), e, r) for e, r in lines]
        placed.sort(key=lambda line: line[0])
        doubtful = sum(
            attempts.may_be_anothers(record) and self._matters(event, record)
            for _, event, record in placed
        )
        doubtful = doubtful or self._equal_claims(placed)
        if doubtful and (messages := self.known.get((at_ms, stream))):
            return _as_in(messages, lines)
        if doubtful:
            since_ms = self._started_ms.get(stream, 0)
            self.doubts.append(
                Doubt(
                    log_stream=stream or None, since_ms=since_ms, until_ms=at_ms + 1, lines=doubtful
                )
            )
        return [(event, record) for _, event, record in placed]

    def _matters(self, event: LogEvent, record: Record) -> bool:
        """Whether a verdict or an outcome can depend on the line."""
        if not isinstance(record, AppLine):
            return True
        if self.markers.are_default:  # "retryctl" marks a line of the counters
            return _rank(record) in (_INTEGER, _BRANCH) or '"retryctl"' in record.text
        return not read_claim([(event, record)], self.markers).silent

    def _equal_claims(self, placed: Sequence[tuple[_Place, LogEvent, Record]]) -> int:
        """How many lines of one attempt differ in what they claim, and have no order.

        Where an error counts only as the last line of its attempt, all output beside it does.
        """
        last = {
            place[:2] for place, _, r in placed if isinstance(r, FunctionError) and not r.certain
        }
        claims = {
            (place if self.markers.are_default else place[:2], record.text)
            for place, event, record in placed
            if isinstance(record, AppLine) and (place[:2] in last or self._matters(event, record))
        }
        beside = Counter(place for place, _ in claims)
        return sum(number for place, number in beside.items() if number > 1 or place[:2] in last)

    def _note(self, lines: Sequence[_Line], at_ms: int, stream: str) -> None:
        for _, record in lines:
            if isinstance(record, Start):
                self._started_ms[stream] = at_ms
                self._after_integer.discard(stream)
            elif isinstance(record, AppLine):
                integer = bare_integer(record.text) is not None
                (self._after_integer.add if integer else self._after_integer.discard)(stream)


def _as_in(messages: Sequence[str], lines: Iterable[_Line]) -> list[_Line]:
    """Return the lines in the order of ``messages``, which has each of them."""
    waiting: dict[str, list[_Line]] = {}
    for line in lines:
        waiting.setdefault(line[0].message, []).append(line)
    return [waiting[message].pop(0) for message in messages]


def moment_of(event: LogEvent) -> Moment:
    """Return the millisecond of an event in its stream."""
    return event.timestamp_ms, event.log_stream or ""


def _attempts(records: Sequence[Record]) -> _Attempts:
    started = {record.request_id for record in records if isinstance(record, Start)}
    ended = {record.request_id for record in records if isinstance(record, (End, Report))}
    return _Attempts(
        started={one: _WHOLE if one in ended else _BEGUN for one in sorted(started)},
        ended=frozenset(ended - started),
        init_failed=any(
            isinstance(record, InitReport) and record.status not in (None, "success")
            for record in records
        ),
    )


@value_class
class _Attempts:
    """What goes on in a millisecond of a stream.

    ``started`` are the requests that start in it, ``ended`` those that end and started before.
    None is in both: a request is not retried in the millisecond of its end.
    """

    started: dict[str, int]
    ended: frozenset[str]
    init_failed: bool

    def place(self, record: Record, *, after_integer: bool) -> _Place:
        """``after_integer``: the last line before this millisecond is a printed integer."""
        rank = _rank(record)
        if rank == _BRANCH and after_integer:
            rank = _BRANCH_AFTER_INTEGER
        request_id = _request_of(record)
        if isinstance(record, _OF_INIT):
            return _INIT, "", rank
        if request_id in self.started:
            return self.started[request_id], request_id, rank
        if self.ended and request_id and request_id not in self.ended and rank <= _ERROR:
            return _BEGUN, request_id, rank  # a logger's line can be dated before its START
        if request_id or not self.started:
            return _BEFORE, "", rank
        if isinstance(record, _ERRORS) and self.init_failed:
            return _INIT, "", _ERROR_OF_INIT
        if isinstance(record, _ERRORS) and self.ended:
            return _BEFORE, "", rank
        first = min(self.started, key=lambda one: (self.started[one], one))
        return self.started[first], first, rank

    def may_be_anothers(self, record: Record) -> bool:
        """Whether the record could be of more than one of them."""
        named = _request_of(record) or not isinstance(record, (AppLine, *_ERRORS))
        errors_of_init = isinstance(record, _ERRORS) and self.init_failed
        return not named and not errors_of_init and len(self.started) + len(self.ended) > 1


def _request_of(record: Record) -> str:
    return (getattr(record, "request_id", None) or "").lower()


def _rank(record: Record) -> int:
    if isinstance(record, AppLine):
        if bare_integer(record.text) is not None:
            return _INTEGER
        return _BRANCH if _BRANCH_LINE.match(record.text) else _OUTPUT
    return _RANKS.get(type(record), _OUTPUT)
