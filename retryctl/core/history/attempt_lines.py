"""The bracket of an attempt: its lines, and the rules by which a line finds its bracket."""

from __future__ import annotations

from dataclasses import field
from typing import TypeGuard

from retryctl.core.grammar.older_runtimes import LAMBDA
from retryctl.core.grammar.runtime_text import may_lack_traceback
from retryctl.core.model.events import LogEvent, is_timed, timed_ms
from retryctl.core.model.limits import SHORTEST_RETRY_MS
from retryctl.core.model.records import (
    AppLine,
    End,
    FunctionError,
    InitReport,
    InitStart,
    LogsDropped,
    Record,
    Report,
    RestoreStart,
    RuntimeDone,
    RuntimeExited,
    Start,
    TimedOut,
)
from retryctl.core.value_classes import state_class

Line = tuple[LogEvent, Record]

MOST_SHARED = 200
"""As many lines of several attempts are kept; there may be more."""

# In the JSON format a line can carry a time just before its own platform.start.
_EARLY_MS = 50


@state_class
class AttemptLines:
    """The lines of one attempt: ``init`` before START, ``body``, and ``late`` after REPORT.

    ``ambiguous`` are lines of the body that look like a record of another attempt. ``shared`` are
    the first lines without an ID that this attempt or another one that was open may have written.
    ``contested``: of two REPORTs one is printed text, and nothing shows which.
    ``lacks_end``: it has a REPORT and no END, and is the last one of its stream.
    ``beside_another``: its first line stands inside another attempt, which may have printed it.
    ``starts_unseen``: it is in a JSON stream in which no attempt has a START, since the system log
    level drops them. ``doubtful``: it has no end, and the attempt before it has none either or
    a record of another request stands in it. Then its lines may belong to another attempt.
    """

    request_id: str
    log_group: str | None
    log_stream: str | None
    start: LogEvent | None
    json: bool
    after_another: bool
    managed: bool = False
    starts_unseen: bool = False
    doubtful: bool = False
    contested: bool = False
    lacks_end: bool = False
    beside_another: bool = False
    version: str | None = None
    end: LogEvent | None = None
    report_event: LogEvent | None = None
    report: Report | None = None
    runtime_version: str | None = None
    function_name: str | None = None
    init: list[Line] = field(default_factory=list)
    body: list[Line] = field(default_factory=list)
    late: list[Line] = field(default_factory=list)
    ambiguous: list[LogEvent] = field(default_factory=list)
    shared: list[Line] = field(default_factory=list)

    @property
    def lines(self) -> list[Line]:
        """All lines in the order of the stream."""
        return [*self.init, *self.body, *self.late]

    @property
    def ended(self) -> bool:
        """Whether an END or a REPORT of it is in the log."""
        return self.end is not None or self.report is not None

    @property
    def outlasts_report(self) -> bool:
        """Whether a retry may have started between its START and its REPORT.

        The duration on the REPORT is shorter, by as much as a retry waits at least: then the
        REPORT of one attempt and the START of the next were lost.
        """
        start, report = self.start, self.report_event
        duration_ms = self.report.duration_ms if self.report else None
        if start is None or report is None or duration_ms is None or self.managed:
            return False
        took_ms = report.timestamp_ms - start.timestamp_ms
        return is_timed(start.timestamp_ms) and took_ms - duration_ms >= SHORTEST_RETRY_MS

    @property
    def follows_own_error(self) -> bool:
        """Whether a runtime's error of the request stands so long before START that it was retried.

        Then the START and the REPORT of the attempt that failed were lost.
        """
        start = self.start
        return start is not None and any(
            isinstance(record, FunctionError) and record.certain and not within(event, start)
            for event, record in self.body
        )

    @property
    def before_start(self) -> list[Line]:
        """The lines of the init; without a START, all lines that could belong to it."""
        return self.init if self.start else self.body

    def share(self, line: Line) -> None:
        """Keep a line that may be this attempt's or another's, unless there are many."""
        if len(self.shared) < MOST_SHARED:
            self.shared.append(line)

    @property
    def resets_environment(self) -> bool:
        """Whether module code runs again before the next START: after a timeout or a crash."""
        if self.report is None or self.report.failed or self.report.cut:
            return True
        return any(
            isinstance(record, (TimedOut, RuntimeExited))
            or getattr(record, "in_init", False)
            or is_of_lambda(record)
            for _, record in self.lines
        )

    def add(self, line: Line) -> None:
        """Add a line to the body, and keep the attempt's version, END and REPORT.

        A record that names another request is the function's text, in any form.
        """
        event, record = line
        if names_another(record, self.request_id):
            if isinstance(record, (Start, End, Report)):
                self.ambiguous.append(event)
            self.body.append((event, AppLine(text=event.message, request_id=request_named(record))))
            return
        self.body.append(line)
        if isinstance(record, Start) and event is self.start:
            self.version = record.version
        elif isinstance(record, Start):
            self.ambiguous.append(event)
        elif isinstance(record, End):
            self.end = event
        elif isinstance(record, Report):
            if self.report_event is not None and record != self.report:
                self.ambiguous.append(self.report_event)  # printed: the last one counts
            self.report_event, self.report = event, record

    def drop_unfinished_report(self) -> None:
        """Take a REPORT for printed text where the text format has no END before it.

        Lambda writes END first. At the end of a stream such a line may be the function's own,
        and the attempt may still run.
        """
        report, end = self.report_event, self.end
        if self.json or self.start is None or report is None or self.report is None:
            return
        if self.report.cut:
            return
        if end is None or end.timestamp_ms > report.timestamp_ms:
            self.ambiguous.append(report)
            self.report_event = self.report = None
            self.lacks_end = end is None


def bracket_of(
    line: Line, request_id: str, *, after_another: bool, managed: bool = False
) -> AttemptLines:
    """Return an empty bracket of ``request_id`` that begins with ``line``, its START or another."""
    event, record = line
    return AttemptLines(
        request_id=request_id,
        log_group=event.log_group,
        log_stream=event.log_stream,
        start=event if isinstance(record, Start) else None,
        json=getattr(record, "json", False),
        after_another=after_another,
        managed=managed,
    )


CLOSING = (End, Report, RuntimeDone, TimedOut, RuntimeExited)


def request_named(record: Record) -> str | None:
    """Return the request ID that the record carries as a field."""
    return getattr(record, "request_id", None)


def names_another(record: Record, request_id: str) -> bool:
    """Whether the record carries the ID of another request."""
    return request_named(record) not in (None, request_id)


def is_of_lambda(record: Record) -> TypeGuard[FunctionError]:
    """Whether a record is Lambda's own marker of an error, which names no request."""
    return isinstance(record, FunctionError) and record.runtime == LAMBDA


def within(first: LogEvent, second: LogEvent) -> bool:
    """Whether ``second`` comes too soon after ``first`` for a retry to lie between them."""
    return second.timestamp_ms - first.timestamp_ms < SHORTEST_RETRY_MS


def is_repeat(bracket: AttemptLines, line: Line) -> bool:
    """Whether a record of an attempt's end belongs to ``bracket``, though that has ended.

    It may be late, repeated or out of order. Without any START, another REPORT is another attempt.
    """
    event, record = line
    if bracket.start is None and isinstance(record, Report) and bracket.report:
        return record == bracket.report
    last = next(last for last, record in reversed(bracket.body) if not isinstance(record, AppLine))
    return within(last, event)


def settle(between: list[Line], last: AttemptLines | None, bracket: AttemptLines | None) -> None:
    """Assign the lines between two brackets to the one before, the one behind, or neither."""
    fresh = last is None or last.resets_environment
    for line in between:
        event, record = line
        fresh |= isinstance(record, (InitStart, InitReport, RestoreStart))
        early = _is_early(event, bracket, last)
        if last and is_of_lambda(record) and _follows_report(event, last):
            _add_late(line, last, bracket, tied=early)
        elif last and is_error_in_tie(line, last):
            last.share(line)
        elif bracket and _names(line, bracket) and (early or not last or not _names(line, last)):
            bracket.body.append(line)
        elif last and (_names(line, last) or (isinstance(record, LogsDropped) and not bracket)):
            last.late.append(line)
        elif bracket is None or names_another(record, bracket.request_id):
            continue
        elif bracket.start:
            if early and getattr(record, "in_init", False):
                bracket.share(line)  # of its init, which may have run again, or of the attempt
            elif fresh or isinstance(record, LogsDropped):
                bracket.init.append(line)
            elif early:
                bracket.body.append(line)
        elif not isinstance(record, AppLine):
            bracket.body.append(line)


def _follows_report(event: LogEvent, last: AttemptLines) -> bool:
    """Whether a marker of Lambda's can be of the attempt before: it stood behind REPORT once."""
    reported = last.report_event
    return reported is not None and within(reported, event)


def is_error_in_tie(line: Line, last: AttemptLines) -> bool:
    """Whether an error has the time of the REPORT: a sort of the lines reorders a millisecond.

    A runtime writes no error between REPORT and the next invocation.
    """
    event, record = line
    reported_ms = timed_ms(last.report_event)
    if reported_ms is None or event.timestamp_ms != reported_ms:
        return False
    return isinstance(record, FunctionError) or may_lack_traceback(event.message)


def _add_late(line: Line, last: AttemptLines, bracket: AttemptLines | None, *, tied: bool) -> None:
    """Add a marker behind REPORT; it may be of the next attempt too if that has no START before it.

    ``tied``: it is in the millisecond of that START.
    """
    if bracket is None or (bracket.start and not tied):
        last.late.append(line)
    else:
        last.share(line)
        bracket.share(line)


def _is_early(event: LogEvent, bracket: AttemptLines | None, last: AttemptLines | None) -> bool:
    """Whether it can be output of the attempt though it precedes START.

    Two channels meet in a stream: in one millisecond their order is not promised, and in the
    JSON format a line can carry a time just before its own platform.start. A line nearer to the
    end of the attempt before is background output of that one.
    """
    if bracket is None or bracket.start is None:
        return False
    before_ms = bracket.start.timestamp_ms - event.timestamp_ms
    if before_ms <= 0 or not bracket.json:
        return before_ms <= 0
    ended = last and (last.report_event or last.end)
    near_end = ended and event.timestamp_ms - ended.timestamp_ms < before_ms
    return before_ms <= _EARLY_MS and not near_end


def _names(line: Line, bracket: AttemptLines) -> bool:
    """Whether the line carries the request ID of the bracket, as a field or in its text."""
    event, record = line
    own = request_named(record)
    return own == bracket.request_id if own else bracket.request_id in event.message
