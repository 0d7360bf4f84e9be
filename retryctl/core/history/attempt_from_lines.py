"""From the lines of one bracket to an attempt."""

from __future__ import annotations

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
from retryctl.core.history.attempt_outcome import error_of, has_masked_error, outcome_of
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import is_timed, timed_ms
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.group_names import function_from_names, function_name, version_from_stream
from retryctl.core.model.limits import LONGEST_INIT_MS
from retryctl.core.model.records import (
    AppLine,
    FunctionError,
    InitReport,
    InitStart,
    LogsDropped,
    RestoreReport,
    RestoreStart,
)


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
        version=bracket.version or version_from_stream(bracket.log_stream),
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
        or not read_claim(_far_before(bracket), markers).silent
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
    """Return the lines, without the text of those that name another request, or are far before.

    Without a START, only the lines that name this request are its own.
    """
    own = (None, bracket.request_id) if bracket.start else (bracket.request_id,)
    others = {id(event) for event, _ in (*_unplaced_init(bracket), *_far_before(bracket))}
    return [
        (event, record)
        if request_named(record) in own and id(event) not in others
        else (event, AppLine(text=""))
        for event, record in bracket.lines
    ]


def _unplaced_init(bracket: AttemptLines) -> list[Line]:
    """Return the lines before START that an attempt in another log stream may have printed."""
    return bracket.init if bracket.log_stream is None else []


def _far_before(bracket: AttemptLines) -> list[Line]:
    """Return the lines that stand longer before START than an init takes.

    An attempt of which the other lines are lost may have printed them.
    """
    if bracket.start is None or not is_timed(bracket.start.timestamp_ms):
        return []
    since_ms = bracket.start.timestamp_ms - LONGEST_INIT_MS
    return [(event, record) for event, record in bracket.init if event.timestamp_ms < since_ms]


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


def _placed_ms(bracket: AttemptLines) -> int:
    if bracket.start:
        return bracket.start.timestamp_ms
    reported_ms = timed_ms(bracket.report_event)
    if reported_ms is not None and bracket.report and bracket.report.duration_ms is not None:
        return reported_ms - round(bracket.report.duration_ms)
    ends = [event for event, record in bracket.body if isinstance(record, CLOSING)]
    return (bracket.end or ends[-1]).timestamp_ms
