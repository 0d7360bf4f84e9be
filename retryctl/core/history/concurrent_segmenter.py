"""A stream in which several attempts are open at once: lines go by their own request ID."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from retryctl.core.history.attempt_lines import (
    CLOSING,
    AttemptLines,
    Line,
    bracket_of,
    is_error_in_tie,
    is_of_lambda,
    is_repeat,
    request_named,
    settle,
    within,
)
from retryctl.core.model.events import LogEvent, is_timed, timed_ms
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import (
    AppLine,
    End,
    FunctionError,
    InitReport,
    InitStart,
    LambdaWarning,
    Record,
    Report,
    RestoreReport,
    RestoreStart,
    Start,
)

_OF_INIT = (InitStart, InitReport, RestoreStart, RestoreReport)

_MOST_TO_REPORT_MS = 1_000
_MOST_LINES_TO_REPORT = 3
# Some exports cut times down to seconds, at START and at REPORT.
_CLOCK_SLACK_MS = 2_000


def _is_rounded(event: LogEvent, of: LogEvent) -> bool:
    """Whether an event is ``of`` in a second file of the log, which has whole seconds."""
    return event.timestamp_ms == of.timestamp_ms // 1000 * 1000


class ConcurrentSegmenter:
    """A stream of Managed Instances, or all the streams of a log that does not name them.

    A line without an ID belongs to no attempt while more than one could have written it: also an
    attempt without a START, and an environment that starts up beside the open attempt. The open
    attempts share it: it may be the error or the counter of any of them.
    """

    def __init__(self, lines: Sequence[Line], *, managed: bool) -> None:
        self.lines = lines
        self.managed = managed
        self.brackets: list[AttemptLines] = []
        self.latest: dict[str, AttemptLines] = {}
        self.open: dict[str, AttemptLines] = {}
        self.between: list[Line] = []
        self.unseen = _runs_without_start(lines)
        self.lone_ends = set() if managed else _lone_ends(lines)
        self.another_starts_up = False
        self.reported: AttemptLines | None = None  # whose REPORT was the last line
        self.unplaced: list[Line] = []  # markers that may be of an attempt without a START
        self.late_ends = _ends_behind_report(lines)

    def read(self) -> list[AttemptLines]:
        """Return the attempts, in the order in which they were opened."""
        for line in self.lines:
            self._read(line)
            self._note_report(line)
        settle(self.between, self.brackets[-1] if self.brackets else None, None)
        return self.brackets

    def _read(self, line: Line) -> None:
        event, record = line
        request_id = request_named(record)
        known = self.latest.get(request_id) if request_id else None
        if isinstance(record, Start):
            if known and request_id in self.open and within(known.body[0][0], event):
                known.add(line)
            else:
                self._open(line, record.request_id, again=known)
        elif isinstance(record, CLOSING):
            if known and self._is_contested(known, line):
                known.contested = True
                known.ambiguous.append(event)
            elif known and (record.request_id in self.open or is_repeat(known, line)):
                known.add(line)
                known.contested |= self._lacks_end(known, record) or self._is_too_short(known, line)
            else:
                self._open(line, record.request_id)
                self._take_late_lines(known, line)
            if id(event) in self.lone_ends and self.latest[record.request_id].start is None:
                self.latest[record.request_id].end = None  # it proves nothing
            if isinstance(record, (End, Report)) and not self._may_be_printed(event, record):
                self.open.pop(record.request_id, None)
        elif known and request_id not in self.open and is_error_in_tie(line, known):
            known.share(line)
        elif known:
            (known.body if request_id in self.open else known.late).append(line)
        elif request_id is None:
            self._read_nameless(line)

    def _note_report(self, line: Line) -> None:
        _, record = line
        if isinstance(record, Report):
            self.reported = self.latest.get(record.request_id)
        elif not isinstance(record, AppLine) or record.text.strip():
            self.reported = None

    def _take_late_lines(self, before: AttemptLines | None, line: Line) -> None:
        """Move late lines of the attempt before to one that begins with its REPORT.

        Its START was lost; by the duration on the REPORT it had started before them.
        """
        event, record = line
        if before is None or not isinstance(record, Report) or record.duration_ms is None:
            return
        began_ms = event.timestamp_ms - record.duration_ms - _CLOCK_SLACK_MS
        own = [late for late in before.late if late[0].timestamp_ms >= began_ms]
        before.late = [late for late in before.late if late[0].timestamp_ms < began_ms]
        self.latest[record.request_id].body[:0] = own

    def _is_contested(self, bracket: AttemptLines, line: Line) -> bool:
        """Whether an attempt that has ended ends again: one of the two is printed text."""
        event, record = line
        if self.managed or bracket.start is None or bracket.request_id in self.open:
            return False
        if isinstance(record, End) and bracket.request_id in self.late_ends:
            return False
        if isinstance(record, Report):
            return bracket.report not in (None, record)
        ends = [end for end in (bracket.end, bracket.report_event) if end]
        return isinstance(record, End) and any(
            end.timestamp_ms < event.timestamp_ms and not _is_rounded(end, event) for end in ends
        )

    def _may_be_printed(self, event: LogEvent, record: End | Report) -> bool:
        """Whether the attempt may run on: Lambda writes END, and directly after it REPORT."""
        if isinstance(record, End):
            return id(event) in self.lone_ends
        return self._lacks_end(self.latest[record.request_id], record)

    def _lacks_end(self, bracket: AttemptLines, record: Record) -> bool:
        """Whether a REPORT stands without the END that Lambda writes first: it may be printed."""
        return (
            isinstance(record, Report)
            and bracket.request_id not in self.late_ends
            and not record.json
            and bracket.start is not None
            and bracket.end is None
            and not self.managed
        )

    def _is_too_short(self, bracket: AttemptLines, line: Line) -> bool:
        """Whether a REPORT's duration reaches back to no START: one of the two is printed text."""
        event, record = line
        if self.managed or not isinstance(record, Report) or record.duration_ms is None:
            return False
        if bracket.start is None or not is_timed(event.timestamp_ms):
            return False
        if bracket.end and event.timestamp_ms - bracket.end.timestamp_ms <= _MOST_TO_REPORT_MS:
            return False  # as Lambda writes them
        began_ms = event.timestamp_ms - record.duration_ms - _CLOCK_SLACK_MS
        starts = (start for start, record in bracket.body if isinstance(record, Start))
        return all(start.timestamp_ms < began_ms for start in starts)

    def _read_nameless(self, line: Line) -> None:
        """Read a line without an ID; on Managed Instances a printed one belongs to no attempt."""
        event, record = line
        if self.reported and is_of_lambda(record):
            self._read_late_marker(line, self.reported)
        elif not self.open and not (self.managed and isinstance(record, AppLine)):
            self.between.append(line)
        elif isinstance(record, _OF_INIT) and not self.managed:
            self.another_starts_up = True
            for bracket in self.open.values():
                _share_last_error(bracket)
                if bracket.start and timed_ms(bracket.start) == timed_ms(event):
                    bracket.share(line)
        elif len(self.open) == 1 and not (self.managed or self._another_runs(event)):
            next(iter(self.open.values())).add(line)
        elif not self.managed and isinstance(record, (AppLine, FunctionError, LambdaWarning)):
            for bracket in self.open.values():
                bracket.share(line)

    def _read_late_marker(self, line: Line, reported: AttemptLines) -> None:
        """Read a marker of Lambda's behind REPORT; another that runs may have it before its END."""
        another_runs = self._another_runs(line[0])
        if not self.open and not another_runs:
            reported.late.append(line)
            return
        for bracket in (reported, *self.open.values()):
            bracket.share(line)
        if another_runs:
            self.unplaced.append(line)

    def _another_runs(self, event: LogEvent) -> bool:
        """Whether an attempt without a START, or the init of the next, goes on beside this one."""
        while self.unseen and self.unseen[0][1] < event.timestamp_ms:
            self.unseen.popleft()
        hidden = bool(self.unseen) and self.unseen[0][0] < event.timestamp_ms
        return hidden or self.another_starts_up

    def _open(self, line: Line, request_id: str, again: AttemptLines | None = None) -> None:
        after_another = bool(self.brackets) and not (self.open or self.another_starts_up)
        bracket = bracket_of(line, request_id, after_another=after_another, managed=self.managed)
        if not self.open:
            settle(self.between, self.brackets[-1] if self.brackets else None, bracket)
            self.between = []
        bracket.beside_another = bool(self.open) and not self.managed
        if again and bracket.beside_another and self.open.get(request_id) is again:
            others = len(self.open) > 1  # which may have printed this START
            again.contested = bracket.contested = others
        bracket.add(line)
        if bracket.start is None:
            for marker in self.unplaced:
                bracket.share(marker)
            self.unplaced = []
        self.brackets.append(bracket)
        self.another_starts_up = False
        self.latest[request_id] = self.open[request_id] = bracket


def _share_last_error(bracket: AttemptLines) -> None:
    """Doubt the attempt's latest error without an ID: the init that starts may have failed."""
    for at in range(len(bracket.body) - 1, -1, -1):
        record = bracket.body[at][1]
        if isinstance(record, FunctionError) and record.request_id is None:
            bracket.share(bracket.body.pop(at))
            return


def _lone_ends(lines: Sequence[Line]) -> set[int]:
    """Return the identities of the ENDs without their REPORT, in a log that has REPORTs."""
    lone: set[int] = set()
    reported_ms: dict[str, float] = {}
    for event, record in reversed(lines):
        if isinstance(record, Report):
            reported_ms[record.request_id] = event.timestamp_ms
        elif isinstance(record, End):
            report_ms = reported_ms.pop(record.request_id, math.inf)
            most = _MOST_TO_REPORT_MS if is_timed(event.timestamp_ms) else _MOST_LINES_TO_REPORT
            if report_ms - event.timestamp_ms > most:
                lone.add(id(event))
        elif isinstance(record, Start):
            reported_ms.pop(record.request_id, None)
    has_reports = any(isinstance(record, Report) for _, record in lines)
    return lone if has_reports else set()


def _ends_behind_report(lines: Sequence[Line]) -> set[str]:
    """Return the requests of a single attempt in which END follows REPORT at once.

    Some exports have the lines of one millisecond in another order than Lambda wrote them. With a
    line between the two, or without times, the function may have printed the REPORT.
    """
    places: dict[str, list[int]] = {}
    kinds: dict[str, list[type[Record]]] = {}
    for at, (_, record) in enumerate(lines):
        if isinstance(record, (Start, End, Report)):
            places.setdefault(record.request_id, []).append(at)
            kinds.setdefault(record.request_id, []).append(type(record))
    return {
        request_id
        for request_id, found in places.items()
        if kinds[request_id] == [Start, Report, End] and _is_at_once(lines, *found[1:])
    }


def _is_at_once(lines: Sequence[Line], at: int, until: int) -> bool:
    """Whether two lines are neighbours in one millisecond."""
    return until == at + 1 and lines[at][0].timestamp_ms == lines[until][0].timestamp_ms


def _runs_without_start(lines: Sequence[Line]) -> deque[tuple[int, int]]:
    """Return when attempts without a START may have run, as limits that do not overlap.

    Without times, an attempt that ends again after its REPORT is another one: files were joined.
    """
    closed_ms: dict[str, int | None] = {}
    limits: list[tuple[int, int]] = []
    for event, record in lines:
        if isinstance(record, Start):
            closed_ms[record.request_id] = None
        elif isinstance(record, CLOSING):
            now_ms = event.timestamp_ms
            since_ms = closed_ms.get(record.request_id, now_ms - LONGEST_ATTEMPT_MS)
            if since_ms is not None and since_ms < now_ms:
                limits.append((max(since_ms, now_ms - LONGEST_ATTEMPT_MS), now_ms))
            ends = isinstance(record, Report) and not is_timed(now_ms)
            closed_ms[record.request_id] = now_ms if ends else None
    return deque(_merged(limits))


def _merged(limits: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return limits, in order of their ends, without overlaps."""
    merged: list[tuple[int, int]] = []
    for since_ms, until_ms in limits:
        while merged and since_ms <= merged[-1][1]:
            since_ms = min(since_ms, merged.pop()[0])
        merged.append((since_ms, until_ms))
    return merged
