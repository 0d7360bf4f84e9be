"""How an attempt ended, and with what error: the records of one bracket, in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.grammar.error_fields import INIT_TYPES
from retryctl.core.grammar.masked_lines import may_be_masked_error
from retryctl.core.grammar.older_runtimes import goes_on, is_error_type, is_older, may_be_error
from retryctl.core.grammar.runtime_text import has_written_newlines, may_lack_traceback
from retryctl.core.history.attempt_lines import AttemptLines, is_of_lambda
from retryctl.core.late_regex import late_regex
from retryctl.core.model.attempt import AttemptOutcome, ErrorInfo
from retryctl.core.model.events import LogEvent, timed_ms
from retryctl.core.model.limits import LATE_LOGS_MS
from retryctl.core.model.records import (
    AppLine,
    FunctionError,
    InitReport,
    InitStart,
    LambdaWarning,
    RuntimeDone,
    RuntimeExited,
    TimedOut,
)

# On Managed Instances a raised handler has Status: error too; these types are real crashes.
_MANAGED_CRASHES = ("Runtime.ExitError", "Runtime.Unknown", "Runtime.InvalidEntrypoint")


def outcome_of(bracket: AttemptLines, deadline_ms: int) -> AttemptOutcome:
    """Return the outcome of one attempt.

    ``deadline_ms`` is the moment before which an attempt must have started to be past its
    timeout by now.
    """
    if bracket.contested:
        return AttemptOutcome.UNKNOWN
    statuses, types = _statuses(bracket), _types(bracket)
    kinds = {type(record) for _, record in bracket.lines}
    if "timeout" in statuses or TimedOut in kinds:
        return AttemptOutcome.TIMEOUT
    if "Runtime.OutOfMemory" in types:
        return AttemptOutcome.OUT_OF_MEMORY
    failed, exited = bool(statuses & {"error", "failure"}), RuntimeExited in kinds
    found = _marker(bracket) if FunctionError in kinds and not bracket.doubtful else None
    marker = found[1] if found else None
    exited |= marker is not None and is_of_lambda(marker)
    if (_init_failed(bracket) and (failed or exited)) or (failed and types & INIT_TYPES):
        return AttemptOutcome.INIT_ERROR
    if failed:
        return (
            AttemptOutcome.ERROR
            if bracket.managed and not _is_crash(types)
            else AttemptOutcome.CRASH
        )
    if marker and marker.in_init:
        return AttemptOutcome.INIT_ERROR
    if exited:
        return AttemptOutcome.CRASH
    if marker or (_warning(bracket) and not bracket.doubtful):
        return AttemptOutcome.ERROR
    if bracket.report:
        doubtful = bracket.report.cut or bracket.report.failed or bracket.outlasts_report
        doubtful = doubtful or _may_have_failed(bracket)
        return AttemptOutcome.UNKNOWN if doubtful else AttemptOutcome.OK
    started_ms = timed_ms(bracket.start)
    young = started_ms is not None and started_ms >= deadline_ms - LATE_LOGS_MS
    if bracket.beside_another:
        return AttemptOutcome.UNKNOWN  # its START may be text that the other attempt printed
    return AttemptOutcome.RUNNING if young and not bracket.end else AttemptOutcome.UNKNOWN


def _may_have_failed(bracket: AttemptLines) -> bool:
    """Whether a line may be of an error of the attempt, and its REPORT is not against that."""
    older = (is_older(record) for _, record in bracket.body)
    shared = (isinstance(record, (FunctionError, LambdaWarning)) for _, record in bracket.shared)
    init_failed = not _statuses(bracket) and _init_ended_badly(bracket)
    return init_failed or any(older) or any(shared) or possible_error(bracket) is not None


def possible_error(bracket: AttemptLines) -> LogEvent | None:
    """Return a line that may be of an error that the function raised, or caught."""
    if not bracket.json:
        lines = (e for e, r in (*bracket.body, *bracket.shared) if isinstance(r, AppLine))
        if event := next((event for event in lines if may_be_error(event.message)), None):
            return event
    return error_without_traceback(bracket)


def error_without_traceback(bracket: AttemptLines) -> LogEvent | None:
    """Return a line that may be the runtime's error, whose traceback was not saved as it was.

    The runtime writes it last, perhaps with its traceback as further lines; an application may
    print such a line.
    """
    if bracket.json:
        return None
    printed = [(e, r) for e, r in bracket.body if isinstance(r, AppLine)]
    written = (e for e, _ in (*printed, *bracket.shared) if has_written_newlines(e.message))
    if event := next(written, None):
        return event
    if not (bracket.runtime_version or "python").startswith("python"):
        return None
    for at, (event, _) in enumerate(printed):
        if may_lack_traceback(event.message):
            after = printed[at + 1][0].message if at + 1 < len(printed) else _TRACEBACK
            if after.startswith(_TRACEBACK):
                return event
    return next((e for e, _ in bracket.shared if may_lack_traceback(e.message)), None)


_TRACEBACK = "Traceback (most recent call last):"


def has_masked_error(bracket: AttemptLines) -> bool:
    """Whether a line may be a masked marker of an error, and no record has a status."""
    return not _statuses(bracket) and any(
        may_be_masked_error(event.message, record)
        for event, record in (*bracket.lines, *bracket.shared)
    )


def _statuses(bracket: AttemptLines) -> set[str]:
    done = [r.status for _, r in bracket.lines if isinstance(r, RuntimeDone)]
    return {s for s in (*done, bracket.report.status if bracket.report else None) if s}


def _types(bracket: AttemptLines) -> set[str]:
    done = [r.error_type for _, r in bracket.lines if isinstance(r, RuntimeDone)]
    return {t for t in (*done, bracket.report.error_type if bracket.report else None) if t}


def _init_failed(bracket: AttemptLines) -> bool:
    return any(
        isinstance(r, InitReport) and r.phase == "invoke" and r.status in ("error", "failure")
        for _, r in bracket.before_start
    )


def _init_ended_badly(bracket: AttemptLines) -> bool:
    """Whether the last record of the init is of a failure while a request waited for it."""
    started_ms = timed_ms(bracket.start)
    tied = (line for line in (*bracket.body, *bracket.shared) if timed_ms(line[0]) == started_ms)
    lines = (*bracket.before_start, *(tied if started_ms is not None else ()))
    inits = [r for _, r in lines if isinstance(r, (InitStart, InitReport))]
    last = inits[-1] if inits else None
    return (
        isinstance(last, InitReport)
        and last.phase == "invoke"
        and last.status in ("error", "failure", "timeout")
    )


def _is_crash(types: set[str]) -> bool:
    return any(t in _MANAGED_CRASHES or t.startswith(("Extension.", "Sandbox.")) for t in types)


def _marker(bracket: AttemptLines) -> tuple[LogEvent, FunctionError] | None:
    """Return the marker of an error: the runtime's last one that counts, or Lambda's own."""
    of_lambda, own = _marker_of_lambda(bracket), _marker_of_runtime(bracket)
    return own if own and own[1].in_init else of_lambda or own


def _marker_of_lambda(bracket: AttemptLines) -> tuple[LogEvent, FunctionError] | None:
    """Return Lambda's own marker: behind REPORT, beside it or END, or after all output.

    The function may have printed one that stands elsewhere.
    """
    for event, record in bracket.late:
        if is_of_lambda(record):
            return event, record
    marker = None
    for event, record in bracket.body:
        if is_of_lambda(record):
            marker = event, record
        elif marker and isinstance(record, AppLine) and not is_error_type(record.text):
            marker = marker if _is_beside_end(marker[0], bracket) else None
    return marker if bracket.ended else None


def _is_beside_end(event: LogEvent, bracket: AttemptLines) -> bool:
    """Whether a line is in the millisecond of END or REPORT; times of whole seconds prove none."""
    ends = [end.timestamp_ms for end in (bracket.end, bracket.report_event) if end]
    return event.timestamp_ms in ends and event.timestamp_ms % 1000 != 0


def _marker_of_runtime(bracket: AttemptLines) -> tuple[LogEvent, FunctionError] | None:
    output = [
        (event, record)
        for event, record in bracket.body
        if isinstance(record, (AppLine, FunctionError)) and not is_of_lambda(record)
    ]
    is_over = bracket.ended or any(isinstance(r, RuntimeDone) for _, r in bracket.body)
    for at in range(len(output) - 1, -1, -1):
        event, record = output[at]
        if isinstance(record, FunctionError) and (
            record.certain
            or ((is_over or not is_older(record)) and _is_last(record, output[at + 1 :]))
        ):
            return event, _with_ruby_lines(record, output[at + 1 :])
    return None


def _is_last(
    error: FunctionError, after: Sequence[tuple[LogEvent, AppLine | FunctionError]]
) -> bool:
    """Whether no output of the attempt follows an error."""
    if not error.in_init:
        return not after
    return all(isinstance(line, AppLine) and goes_on(line.text) for _, line in after)


def _warning(bracket: AttemptLines) -> LogEvent | None:
    """Return what the runtime writes before each error that the function raised."""
    return next((e for e, record in bracket.body if isinstance(record, LambdaWarning)), None)


_RUBY_FIELD = late_regex(r'\s*"(errorType|errorMessage)": "(.*?)",?\s*\Z')


def _with_ruby_lines(
    error: FunctionError, after: list[tuple[LogEvent, AppLine | FunctionError]]
) -> FunctionError:
    """Ruby writes its marker first, and the error as JSON over the lines that follow."""
    if error.runtime != "ruby" or error.error_type:
        return error
    found: dict[str, str] = {}
    for _, line in after:
        if isinstance(line, AppLine):
            m = _RUBY_FIELD.match(line.text)
            fields = line.fields or ({m[1]: m[2]} if m else {})
            found |= {k: str(fields[k]) for k in ("errorType", "errorMessage") if k in fields}
    return FunctionError(
        error_type=found.get("errorType"), error_message=found.get("errorMessage"), runtime="ruby"
    )


def error_of(
    bracket: AttemptLines, outcome: AttemptOutcome
) -> tuple[ErrorInfo | None, LogEvent | None]:
    """Return what failed and the event that shows it; ``None`` if the attempt did not fail."""
    if not outcome.failed:
        return None, None
    if outcome is AttemptOutcome.TIMEOUT:
        return _timeout(bracket)
    if outcome is AttemptOutcome.ERROR and (marker := _marker(bracket)):
        event, error = marker
        info = ErrorInfo(type=error.error_type, message=error.error_message, frame=error.frame)
        return info, event
    if outcome is AttemptOutcome.ERROR and (warning := _warning(bracket)):
        return None, warning
    return _exit(bracket, outcome)


def _timeout(bracket: AttemptLines) -> tuple[ErrorInfo | None, LogEvent | None]:
    for event, record in bracket.lines:
        if isinstance(record, TimedOut):
            message = f"Task timed out after {record.timeout_s:.2f} seconds"
            return ErrorInfo(message=message), event
    return None, bracket.report_event


def _exit(
    bracket: AttemptLines, outcome: AttemptOutcome
) -> tuple[ErrorInfo | None, LogEvent | None]:
    """Return a crash, out of memory or failed init: Lambda's type and the best message."""
    lines = bracket.lines
    exits = [(e, r) for e, r in lines if isinstance(r, RuntimeExited) or is_of_lambda(r)]
    raised = [(e, r) for e, r in lines if isinstance(r, FunctionError) and not is_of_lambda(r)]
    kind = next(iter(sorted(_types(bracket))), None) or (exits[-1][1].error_type if exits else None)
    message = exits[-1][1].error_message if exits else None
    frame = None
    if raised and (outcome is AttemptOutcome.INIT_ERROR or not message):
        error = raised[-1][1]
        parts = (error.error_type, error.error_message)
        message, frame = ": ".join(part for part in parts if part), error.frame
    events = [event for event, _ in (raised or exits)]
    info = ErrorInfo(type=kind, message=message, frame=frame) if kind or message else None
    return info, events[-1] if events else bracket.report_event
