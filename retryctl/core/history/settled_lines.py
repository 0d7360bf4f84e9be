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
claim or an outcome depends are reported as a ``Doubt``. So are

- two claims of one attempt, and two integers one of which stands directly before a branch;
- an integer that does not lead to the branch which it may stand before, or not (``tied_claims``);
- output beside END where the line before it is an error that counts only as the last line;
- two records of one kind and request that differ: one of them is printed text;
- two requests that start and do not end: one of them is printed text, unless the log names no
  streams and has the REPORT of both.

Other records that Lambda cannot have written there are taken for printed text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from retryctl.core.crosscheck.claims import Markers, bare_integer, branch_of
from retryctl.core.history.attempt_lines import Line
from retryctl.core.history.tied_claims import (
    BRANCH,
    BRANCH_AFTER_INTEGER,
    CLOSING,
    INTEGER,
    OUTPUT,
    Place,
    Placed,
    counts_as_last,
    equal_claims,
    last_integers,
    lead_to,
    matters,
    output_rank,
    tied_output,
)
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

_ERROR_OF_INIT, _ERROR = 1, 8
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
_ERRORS = (FunctionError, LambdaWarning)
_OF_INIT = (InitStart, RestoreStart, InitReport, RestoreReport, Extension)

# The attempts of a millisecond, in order: open before; the environment's start; whole; begun.
_BEFORE, _INIT, _WHOLE, _BEGUN = range(4)


@state_class
class StreamState:
    """What the lines of a stream before a millisecond show.

    ``started_ms`` is the time of its last START while no request was open. ``open_id`` is the
    request that runs, empty where none does; ``ended_id`` has an END without its REPORT. ``json``
    is the format of Lambda's records. ``last`` is the last line since START that the function or
    its runtime wrote. What is not known, as in a log without streams, is ``None``.
    """

    started_ms: int = 0
    open_id: str | None = None
    ended_id: str | None = None
    json: bool | None = None
    last: AppLine | FunctionError | None = None

    def note(self, record: Record, at_ms: int, *, named: bool) -> None:
        """Note the next line of a stream."""
        if isinstance(record, (AppLine, FunctionError)):
            self.last = record
        if isinstance(record, Start) and not self.is_foreign(record):
            self.last = None
            if not self.open_id:  # else the function may have printed it
                self.started_ms = at_ms
        if named and not self.is_foreign(record):
            self._note_record(record)

    def _note_record(self, record: Record) -> None:
        if isinstance(record, (InitStart, RestoreStart, Report)):
            self.open_id, self.ended_id = "", None
        elif isinstance(record, Start):
            self.open_id = request_id_of(record)
        elif isinstance(record, End):
            self.ended_id = request_id_of(record)
        if isinstance(record, (InitStart, Start, Report)):
            self.json = record.json

    def is_foreign(self, record: Record) -> bool:
        """Whether a record is in the format that Lambda does not write to this stream."""
        if self.json is None or not isinstance(record, (Start, End, Report)):
            return False
        return self.json is not getattr(record, "json", False)

    @property
    def integer(self) -> int | None:
        """The integer that is the last line."""
        return bare_integer(self.last.text) if isinstance(self.last, AppLine) else None

    @property
    def may_be_failed(self) -> bool:
        """Whether the last line is an error that counts only if nothing follows."""
        return self.last is not None and counts_as_last(self.last)


@value_class
class SettledLines:
    """Lines of one millisecond in order; ``doubtful`` is the number of those in doubt.

    ``if_branch_follows``: these are integers, and matter only if a branch is the next line. So do
    ``last_integers``, if they do not lead to that branch as a counter. ``beside`` are requests
    that start in it, one beside the other. In one stream, or without a REPORT, that is text which
    the other one printed. ``start_here``: no attempt that started before has a line in it.
    """

    lines: Sequence[Line]
    doubtful: int = 0
    if_branch_follows: bool = False
    last_integers: frozenset[int] = frozenset()
    beside: frozenset[str] = frozenset()
    start_here: bool = False


def settled_lines(
    lines: Sequence[Line], state: StreamState, markers: Markers, *, named: bool, real: str = ""
) -> SettledLines:
    """Return the lines of one millisecond of a stream in order; without a name, of a log.

    Of several STARTs the one of the request ``real`` is not printed text, where that is known.
    """
    read = _without_printed([record for _, record in lines], state, real)
    attempts = _attempts(read)
    placed = [
        (attempts.place(record, markers, state), *line)
        for record, line in zip(read, lines, strict=True)
    ]
    placed.sort(key=_in_order)
    mattering = [line for line in placed if matters(line, markers)]
    doubtful = [line for line in mattering if attempts.may_be_anothers(line[2])]
    doubtful = doubtful or equal_claims(placed, markers)
    printed = [*tied_output(placed, markers, state.integer)] if markers.are_default else []
    more = len(attempts.beside) * named + _after_error(placed, state) + _printed_again(lines, state)
    more += sum(each.other_integers or each.unproven_pairs(markers) for each in printed)
    is_idle = state.open_id == "" and not attempts.started
    branches = any(place[2] in (BRANCH, BRANCH_AFTER_INTEGER) for place, *_ in placed)
    integers = markers.are_default and all(place[2] == INTEGER for place, *_ in doubtful)
    integers = integers and not any(counts_as_last(record) for *_, record in placed)
    return SettledLines(
        lines=[(event, record) for _, event, record in placed],
        doubtful=len(doubtful) or more,
        if_branch_follows=named and integers and not branches and not more,
        last_integers=frozenset[int]() if is_idle else last_integers(printed),
        beside=attempts.beside,
        start_here=bool(attempts.started) and not (attempts.ended or state.open_id),
    )


def _in_order(line: Placed) -> tuple[Place, str]:
    """Return the sort key: the place; of claims also the text, so that it is always one order."""
    place, event, _ = line
    return place, event.message if place[2] in (INTEGER, BRANCH, BRANCH_AFTER_INTEGER) else ""


def branch_follows(
    lines: Sequence[Line], markers: Markers, integers: Collection[int] = ()
) -> bool | None:
    """Whether a branch to which some integers do not lead is among the lines of a millisecond.

    Without integers it is any branch. ``None`` where nothing is printed, and no attempt starts or
    ends.
    """
    printed = [record.text for _, record in lines if isinstance(record, AppLine)]
    names = (branch_of(text, markers.branches) for text in printed)
    if branches := [name for name in names if name]:
        return not (integers and lead_to(integers, branches, markers))
    is_over = printed or any(isinstance(record, (Start, *CLOSING)) for _, record in lines)
    return False if is_over else None


def _after_error(placed: Sequence[Placed], state: StreamState) -> int:
    """Count output that may stand before END, behind an error that counts as the last line."""
    before = [record for (attempt, *_), _, record in placed if attempt == _BEFORE]
    ends = any(isinstance(record, CLOSING) for record in before)
    return sum(isinstance(r, AppLine) for r in before) if ends and state.may_be_failed else 0


def _printed_again(lines: Sequence[Line], state: StreamState) -> int:
    """Count the records of one kind and request that differ: all but one of them are printed."""
    texts = defaultdict[tuple[type[Record], str], set[str]](set)
    for event, record in lines:
        if isinstance(record, (Start, End, Report)) and not state.is_foreign(record):
            texts[type(record), request_id_of(record)].add(event.message.rstrip())
    return sum(len(some) for some in texts.values() if len(some) > 1)


def _without_printed(
    records: Sequence[Record], state: StreamState, real_start: str
) -> list[Record]:
    """Return the records; those that the function printed as output.

    The end of a request that is not open and started elsewhere, in the millisecond of a START, is
    one, unless the log has both END and REPORT of it.
    """
    started = _requests_of(records, Start)
    both = _requests_of(records, End) & _requests_of(records, Report)
    real = {*started, *both, state.open_id, state.ended_id}
    known = started and state.open_id is not None

    def is_printed(record: Record) -> bool:
        if real_start and isinstance(record, Start):
            return request_id_of(record) != real_start
        if known and isinstance(record, (End, Report)) and not getattr(record, "json", False):
            return request_id_of(record) not in real
        return state.is_foreign(record)

    return [AppLine(text="") if is_printed(record) else record for record in records]


def _requests_of(records: Iterable[Record], kind: type[Record]) -> set[str]:
    return {request_id_of(record) for record in records if isinstance(record, kind)}


def _attempts(records: Sequence[Record]) -> _Attempts:
    started = _requests_of(records, Start)
    reported = _requests_of(records, Report)
    ended = _requests_of(records, End) | reported
    begun = started - ended
    return _Attempts(
        started={one: _WHOLE if one in reported else _BEGUN for one in sorted(started)},
        ended=frozenset(ended - started),
        beside=frozenset(begun if len(begun) > 1 else ()),
        init_failed=any(
            isinstance(record, InitReport) and record.status not in (None, "success")
            for record in records
        ),
    )


@value_class
class _Attempts:
    """What goes on in a millisecond of a stream.

    ``started`` are the requests that start in it, ``ended`` those that end and started before.
    None is in both: a request is not retried in the millisecond of its end. ``beside`` are several
    that start and do not end: of one stream, all but one are printed text.
    """

    started: dict[str, int]
    ended: frozenset[str]
    beside: frozenset[str]
    init_failed: bool

    def place(self, record: Record, markers: Markers, state: StreamState) -> Place:
        """Return where a line stands."""
        attempt, request_id = self._attempt(record)
        rank = _rank(record, markers)
        if isinstance(record, _ERRORS) and attempt == _INIT:
            rank = _ERROR_OF_INIT
        elif rank == BRANCH and attempt == _BEFORE and state.integer is not None:
            rank = BRANCH_AFTER_INTEGER
        return attempt, request_id, rank

    def _attempt(self, record: Record) -> tuple[int, str]:
        request_id = request_id_of(record)
        if isinstance(record, _OF_INIT):
            return _INIT, ""
        if request_id in self.started:
            return self.started[request_id], request_id
        early = not isinstance(record, CLOSING) and _RANKS.get(type(record), OUTPUT) <= _ERROR
        if self.ended and request_id and request_id not in self.ended and early:
            return _BEGUN, request_id  # a logger's line can be dated before its START
        if request_id or not self.started:
            return _BEFORE, ""
        if isinstance(record, _ERRORS) and self.init_failed:
            return _INIT, ""
        if isinstance(record, _ERRORS) and self.ended:
            return _BEFORE, ""
        return self._first

    @property
    def _first(self) -> tuple[int, str]:
        """The first of the attempts that start here."""
        first = min(self.started, key=lambda one: (self.started[one], one))
        return self.started[first], first

    def may_be_anothers(self, record: Record) -> bool:
        """Whether the record could be of more than one of them."""
        named = request_id_of(record) or not isinstance(record, (AppLine, *_ERRORS))
        errors_of_init = isinstance(record, _ERRORS) and self.init_failed
        return not named and not errors_of_init and len(self.started) + len(self.ended) > 1


def request_id_of(record: Record) -> str:
    """Return the request ID that a record names, in lower case; empty where it names none."""
    return (getattr(record, "request_id", None) or "").lower()


def _rank(record: Record, markers: Markers) -> int:
    if isinstance(record, AppLine):
        return output_rank(record, markers)
    return _RANKS.get(type(record), OUTPUT)
