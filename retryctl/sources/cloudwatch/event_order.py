"""The order of events within one millisecond, where a source does not tell it.

Logs Insights gives events by their time only, in milliseconds, and Lambda writes several lines in
one: END and REPORT nearly always, and often the REPORT of an attempt and the START of the next.
What the lines are tells most of their order. Of each millisecond of a stream stand first

1. the end of the attempt that was open before: what it printed, its error, END, REPORT, and marks
   of a timeout or a crash, which follow REPORT;
2. an environment's start, with the error and the report of an init that failed;
3. attempts that start here, first those that end here too: START, bare integers, other output,
   errors, END, REPORT, late marks.

A line with a request's ID goes where that request is. One without an ID belongs to the only
attempt there is. Where one attempt ends and another starts, or two start, nothing tells whose it
is: an error is then taken for the first one's, since runtimes write it right before END, other
output for that of the one that starts. These lines are counted as ambiguous, and so are printed
lines of one attempt that differ and are of the same rank: the last of them may count as its claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from retryctl.core.crosscheck.claims import bare_integer
from retryctl.core.grammar.parse import parse_record
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

_ERROR_OF_INIT, _INTEGER, _OUTPUT, _ERROR = 1, 4, 5, 6
_RANKS: dict[type[Record], int] = {
    InitStart: 0,
    RestoreStart: 0,
    InitReport: 2,
    RestoreReport: 2,
    Extension: 2,
    Start: 3,
    LambdaWarning: _ERROR,
    FunctionError: _ERROR,
    RuntimeDone: 7,
    End: 8,
    Report: 9,
    TimedOut: 10,
    RuntimeExited: 10,
}
_ERRORS = (FunctionError, LambdaWarning)
_OF_INIT = (InitStart, RestoreStart, InitReport, RestoreReport, Extension)

# The attempts of a millisecond, in order: open before; the environment's start; whole; begun.
_BEFORE, _INIT, _WHOLE, _BEGUN = range(4)
# Which of these attempts a line belongs to, by its request's ID, and the line's rank in it.
_Place = tuple[int, str, int]


def in_order(events: Iterable[LogEvent]) -> tuple[list[LogEvent], int]:
    """The events by time, then by stream, then as above; and how many of them are ambiguous."""
    ordered: list[LogEvent] = []
    ambiguous = 0
    for _, same in groupby(sorted(events, key=_moment), key=_moment):
        together = list(same)
        if len(together) > 1:
            together, unsure = _ordered(together)
            ambiguous += unsure
        ordered += together
    return ordered, ambiguous


def _moment(event: LogEvent) -> tuple[int, str]:
    return event.timestamp_ms, event.log_stream or ""


def _ordered(events: list[LogEvent]) -> tuple[list[LogEvent], int]:
    lines = [(event, parse_record(event)) for event in events]
    attempts = _attempts([record for _, record in lines])
    placed = [(attempts.place(record), event, record) for event, record in lines]
    placed.sort(key=lambda line: line[0])
    unsure = sum(attempts.may_be_anothers(record) for _, _, record in placed)
    if not unsure:
        unsure = _of_equal_rank([(place, line) for place, _, line in placed])
    return [event for _, event, _ in placed], unsure


def _of_equal_rank(placed: Sequence[tuple[_Place, Record]]) -> int:
    """How many printed lines there are beside others of the same attempt whose order would tell.

    The last of them may count as its claim, an integer counts directly before its branch alone,
    and some errors only as the last line.
    """
    integers = {place[:2] for place, _ in placed if place[2] == _INTEGER}
    last = {place[:2] for place, r in placed if isinstance(r, FunctionError) and not r.certain}
    printed = {
        (place, record.text)
        for place, record in placed
        if isinstance(record, AppLine) and (record.level is None or place[:2] in integers | last)
    }
    beside = Counter(place for place, _ in printed)
    return sum(number for place, number in beside.items() if number > 1 or place[:2] in last)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempts:
    """What goes on in a millisecond of a stream.

    ``started`` are the requests that start in it, ``ended`` those that end and started before.
    None is in both: a request is not retried in the millisecond of its end.
    """

    started: dict[str, int]
    ended: frozenset[str]
    init_failed: bool

    def place(self, record: Record) -> _Place:
        rank = _rank(record)
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
    if isinstance(record, AppLine) and bare_integer(record.text) is not None:
        return _INTEGER
    return _RANKS.get(type(record), _OUTPUT)
