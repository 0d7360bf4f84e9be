"""An attempt: one run of the function for a request, built from its lines."""

from __future__ import annotations

import re
from dataclasses import field

from retryctl.core.crosscheck.claims import (
    Claim,
    Markers,
    has_hidden_claim,
    may_claim,
    read_claim,
)
from retryctl.core.history.attempt_lines import (
    CLOSING,
    MOST_SHARED,
    AttemptLines,
    Line,
    names_another,
    request_named,
)
from retryctl.core.history.outcome import (
    AttemptOutcome,
    ErrorInfo,
    error_of,
    has_masked_error,
    outcome_of,
)
from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import LogEvent, is_timed, timed_ms
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.group_names import function_name, function_place
from retryctl.core.model.records import (
    AppLine,
    FunctionError,
    InitReport,
    InitStart,
    LogsDropped,
    RestoreReport,
    RestoreStart,
)
from retryctl.core.value_classes import value_class


@value_class
class Attempt:
    """One run of the function for a request. ``number`` counts from 1 in order of start.

    ``placed_ms`` is its place among the attempts: its start or, without a START, its
    REPORT less its duration, or its end.
    ``in_json``: Lambda's records are in the JSON format.
    ``bare``: it has a START and no other line. ``unproved``: so few of its records are in the log
    that they may be printed text. ``execution_arn`` names the durable execution
    that its function logged.
    ``masked_error``: one of its lines may be the marker of an error that data protection masked,
    where no record of Lambda's says how it ended.
    ``masked_claim``: one of its lines may be a counter or a branch that data protection masked.
    ``shares_claims``: a counter or a branch in the log may be its own or that of another attempt
    that ran at the same time.
    ``may_be_two``: the REPORT of one attempt and the START of the next may be lost in it. The
    runtime reported two errors, and a counter or a branch between them, or its START and its
    REPORT are further apart than its duration.
    ``events`` are its log events in stream order, with those of its init and late lines;
    ``start_event``, ``report_event`` and ``error_event`` prove its start, its figures and its
    failure. ``report_cut``: its REPORT breaks off, so that a status may be missing.
    ``ambiguous`` are lines of it in the form of a record of another attempt, ``dropped``
    the records of lost ones.
    """

    number: int
    request_id: str
    placed_ms: int
    log_group: str | None
    log_stream: str | None
    function: str | None = None
    version: str | None = None
    cold_start: bool | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    outcome: AttemptOutcome = AttemptOutcome.UNKNOWN
    outcome_inferred: bool = False
    error: ErrorInfo | None = None
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    init_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    xray_trace_id: str | None = None
    runtime_version: str | None = None
    in_json: bool = False
    managed: bool = False
    starts_unseen: bool = False
    bare: bool = False
    unproved: bool = False
    shares_claims: bool = False
    may_be_two: bool = False
    masked_error: bool = False
    masked_claim: bool = False
    execution_arn: str | None = None
    start_event: LogEvent | None = None
    report_event: LogEvent | None = None
    report_cut: bool = False
    error_event: LogEvent | None = None
    claim: Claim = field(default_factory=Claim)
    events: tuple[LogEvent, ...] = ()
    ambiguous: tuple[LogEvent, ...] = ()
    dropped: tuple[LogEvent, ...] = ()

    @property
    def retries(self) -> int:
        """The number of attempts before it."""
        return self.number - 1

    @property
    def last_event(self) -> LogEvent:
        """The event that best proves its end."""
        return self.report_event or self.error_event or self.events[-1]

    @property
    def may_be_several(self) -> bool:
        """Whether lines in it may be another attempt's.

        Then it may be two attempts, or no stream and no time assigns a START, END or REPORT to one.
        """
        is_placed = self.log_stream is not None or is_timed(self.placed_ms)
        return self.may_be_two or (bool(self.ambiguous) and not is_placed)


def build_attempt(
    bracket: AttemptLines,
    markers: Markers,
    settings: FunctionConfig,
    horizon_ms: int,
    function: str | None,
    not_before_ms: int,
) -> Attempt:
    """Build the attempt of some lines, not yet numbered, as of ``horizon_ms``.

    ``not_before_ms`` is the place of the attempt before it in its stream.
    """
    report, lines = bracket.report, bracket.lines
    deadline_ms = horizon_ms - settings.timeout_ms
    outcome = outcome_of(bracket, deadline_ms)
    error, error_event = error_of(bracket, outcome)
    ended = bracket.end or bracket.report_event
    own = _own_lines(bracket)
    claim = Claim() if bracket.doubtful else read_claim(own, markers)
    return Attempt(
        number=0,
        request_id=bracket.request_id,
        placed_ms=max(_placed_ms(bracket), not_before_ms),
        log_group=bracket.log_group,
        log_stream=bracket.log_stream,
        function=function_from_names(bracket.log_group, bracket.log_stream)
        or (bracket.function_name and function_name(bracket.function_name))
        or function,
        version=bracket.version or _version_of(bracket.log_stream),
        cold_start=_cold_start(bracket),
        started_ms=timed_ms(bracket.start),
        ended_ms=timed_ms(ended),
        outcome=outcome,
        error=error,
        duration_ms=report.duration_ms if report else None,
        billed_duration_ms=report.billed_duration_ms if report else None,
        init_duration_ms=report.init_duration_ms if report else None,
        memory_size_mb=report.memory_size_mb if report else None,
        max_memory_used_mb=report.max_memory_used_mb if report else None,
        xray_trace_id=report.xray_trace_id if report else None,
        runtime_version=bracket.runtime_version,
        in_json=bracket.json,
        managed=bracket.managed,
        starts_unseen=bracket.starts_unseen,
        bare=_is_bare(bracket),
        unproved=_is_unproved(bracket),
        shares_claims=bracket.contested
        or len(bracket.shared) == MOST_SHARED
        or any(
            may_claim(record, markers) for _, record in (*bracket.shared, *_unplaced_init(bracket))
        ),
        may_be_two=bracket.outlasts_report or _has_two_errors(bracket, markers),
        masked_error=outcome is AttemptOutcome.OK and has_masked_error(bracket),
        masked_claim=has_hidden_claim((*own, *bracket.shared), claim, markers),
        execution_arn=_execution_arn(bracket),
        start_event=bracket.start,
        report_event=bracket.report_event,
        report_cut=bracket.report is not None and bracket.report.cut,
        error_event=error_event,
        claim=claim,
        events=tuple(event for event, _ in lines),
        ambiguous=tuple(bracket.ambiguous),
        dropped=tuple(event for event, record in lines if isinstance(record, LogsDropped)),
    )


def _own_lines(bracket: AttemptLines) -> list[Line]:
    """Return the lines, without the text of those that name another request.

    Without a START, only the lines that name this request are its own.
    """
    own = (None, bracket.request_id) if bracket.start else (bracket.request_id,)
    others = {id(event) for event, _ in _unplaced_init(bracket)}
    return [
        (event, record)
        if request_named(record) in own and id(event) not in others
        else (event, AppLine(text=""))
        for event, record in bracket.lines
    ]


def _unplaced_init(bracket: AttemptLines) -> list[Line]:
    """Return the lines before START that an attempt in another log stream may have printed."""
    return bracket.init if bracket.log_stream is None else []


def _has_two_errors(bracket: AttemptLines, markers: Markers) -> bool:
    """Whether a line that may be a counter or a branch stands between two errors of the request.

    Where the function can have logged the first one itself, another such line stands before it.
    """
    body = [record for _, record in bracket.body]
    own = [
        (at, record.certain)
        for at, record in enumerate(body)
        if isinstance(record, FunctionError) and not names_another(record, bracket.request_id)
    ]
    if len(own) < 2:
        return False
    (first, certain), *_, (last, _) = own
    claims = [at for at, record in enumerate(body) if may_claim(record, markers)]
    return (certain or any(at < first for at in claims)) and any(first < at < last for at in claims)


def _is_unproved(bracket: AttemptLines) -> bool:
    """Whether a single record is all that proves it: a START, an END or a REPORT."""
    if bracket.start is None:
        return not (bracket.end and bracket.report) and not bracket.starts_unseen
    lone = bracket.beside_another and bracket.report is None
    return bracket.doubtful or bracket.contested or lone or _is_bare(bracket)


def _is_bare(bracket: AttemptLines) -> bool:
    """Whether a START is its only line: neither an init before it nor any line of its own."""
    if bracket.start is None or bracket.report or bracket.end or bracket.late:
        return False
    started = [event for event, _ in bracket.body].index(bracket.start)
    after = bracket.body[started + 1 :]
    return all(isinstance(record, _OF_INIT) for _, record in after) and not any(
        isinstance(record, _OF_INIT) for _, record in bracket.init
    )


_OF_INIT = (InitStart, InitReport, RestoreStart, RestoreReport)


def _execution_arn(bracket: AttemptLines) -> str | None:
    lines = (record for _, record in bracket.lines if isinstance(record, AppLine) and record.fields)
    return next((arn for line in lines if (arn := execution_arn(line))), None)


def execution_arn(line: AppLine) -> str | None:
    """Return the ARN of the durable execution: a field of the function's own JSON lines."""
    for key in ("executionArn", "durableExecutionArn"):
        arn = (line.fields or {}).get(key)
        if isinstance(arn, str) and ":durable-execution" in arn.replace("/", ":"):
            return arn
    return None


def _cold_start(bracket: AttemptLines) -> bool | None:
    report = bracket.report
    if any(isinstance(record, (InitStart, RestoreStart)) for _, record in bracket.before_start):
        return True
    if report and (report.init_duration_ms is not None or report.restore_duration_ms is not None):
        return True
    return False if bracket.after_another else None


# 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef, in a custom group 2026/11/23/name[7]…
_STREAM = late_regex(r"\d{4}/\d\d/\d\d/([\w-]*)\[(\$LATEST(?:\.PUBLISHED)?|\d+)\]")
_GROUP = re.compile(r"(?:.*:)?/aws/lambda/([^/:]+)(?::\*)?\Z")


def function_from_names(log_group: str | None, log_stream: str | None) -> str | None:
    """Return the function that logs there, by the name of its group, or of its stream.

    Where the group is named with its account and region, so is the function.
    """
    m = _GROUP.match(log_group) if log_group else None
    m = m or _STREAM.match(log_stream or "")
    return function_place(log_group) + m[1] if m and m[1] else None


def _version_of(log_stream: str | None) -> str | None:
    m = _STREAM.match(log_stream or "")
    return m[2] if m else None


def _placed_ms(bracket: AttemptLines) -> int:
    if bracket.start:
        return bracket.start.timestamp_ms
    if bracket.report_event and bracket.report and bracket.report.duration_ms is not None:
        return bracket.report_event.timestamp_ms - round(bracket.report.duration_ms)
    ends = [event for event, record in bracket.body if isinstance(record, CLOSING)]
    return (bracket.end or ends[-1]).timestamp_ms


def wait_ms(before: Attempt, after: Attempt) -> int | None:
    """From the end of one attempt to the start of the next; ``None`` if one is not logged."""
    if before.ended_ms is None or after.started_ms is None:
        return None
    return after.started_ms - before.ended_ms


def longest_wait_ms(before: Attempt, after: Attempt) -> int | None:
    """Return the wait or, where the end of the first attempt is not logged, its upper bound.

    The bound is from start to start.
    """
    wait = wait_ms(before, after)
    if wait is not None or after.started_ms is None or not is_timed(before.placed_ms):
        return wait
    return after.started_ms - before.placed_ms
