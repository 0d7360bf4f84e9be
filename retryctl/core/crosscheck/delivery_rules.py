"""The rules about delivery: retries, versions and duplicates, and missing parts of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from retryctl.core.crosscheck.findings import Match, Rule, RuleInput, Severity
from retryctl.core.crosscheck.hidden_parts import ONE_STREAM, may_hide, span_ms
from retryctl.core.grammar.older_runtimes import is_older, may_be_error
from retryctl.core.grammar.platform_text import CUT_MARK
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.grammar.runtime_text import has_written_newlines, may_lack_traceback
from retryctl.core.history.cut_log import BEGINS_LATE
from retryctl.core.history.search_detection import SEARCHED_BY_ID
from retryctl.core.model.attempt import Attempt, AttemptOutcome, wait_ms
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import (
    INFERRED_WAITS_MS,
    LATE_LOGS_MS,
    USUAL_WAITS_MS,
    WAIT_TOLERANCE_MS,
)
from retryctl.core.model.records import InitReport
from retryctl.core.model.request import RequestOutcome
from retryctl.core.wording import number_of

_FEW = 5
_BAD = ("error", "failure", "timeout")
_SAVE_UNFILTERED = (
    "Save the log of this time again, all lines of it: no request ID and no other filter."
)
_REMEDIES = {
    SEARCHED_BY_ID: _SAVE_UNFILTERED,
    "filtered": _SAVE_UNFILTERED,
    "lost-lines": _SAVE_UNFILTERED,
    "truncated": "Save or download the file again.",
    "more-pages": "Save every page: aws logs filter-log-events without --no-paginate, --max-items "
    "and --limit.",
    ONE_STREAM: "Save all log streams of this time: aws logs filter-log-events.",
    "expired": "Log in again, and repeat the command.",
}
"""Remedies by the kind of the gap, where that of the rule does not fit."""


def _duplicate_delivery(case: RuleInput) -> Iterator[Match]:
    good: Attempt | None = None
    for attempt in case.request.attempts:
        if good:
            yield Match(
                attempt.number,
                f"Attempt {attempt.number} started after attempt {good.number} had "
                f"succeeded.{_other_reading(case, good, attempt)}",
                (good.last_event, attempt.start_event or attempt.events[0]),
            )
        good = attempt if attempt.outcome is AttemptOutcome.OK else good


def _other_reading(case: RuleInput, good: Attempt, attempt: Attempt) -> str:
    """Return the other reading: the first attempt failed, and no record of that is in the log.

    Some runtimes leave none; the usual wait of a retry suggests it for all of them.
    """
    wait, usual = wait_ms(good, attempt), USUAL_WAITS_MS.get(good.number)
    if not (good.runtime_version or case.around.settings.runtime):
        return " (Or this is a retry: its runtime leaves no marker of an error.)"
    if not case.request.asynchronous or wait is None or usual is None:
        return ""
    if wait - usual not in INFERRED_WAITS_MS:
        return ""
    return (
        f" (Or this is a retry: it came after {wait // 1000} s, the usual wait, and the log lacks "
        f"the error of attempt {good.number}.)"
    )


def _extra_attempt(case: RuleInput) -> Iterator[Match]:
    if not case.request.asynchronous:
        return
    allowed = case.around.settings.retries_allowed
    failed = [each for each in case.request.attempts if each.outcome.failed]
    for attempt in failed[allowed + 1 :]:
        yield Match(
            attempt.number,
            f"Attempt {attempt.number} ran, but MaximumRetryAttempts is {allowed}, which allows "
            f"{number_of(allowed + 1, 'failed attempt')}.",
            (attempt.start_event or attempt.events[0],),
        )


def _version_changed(case: RuleInput) -> Iterator[Match]:
    versioned = [each for each in case.request.attempts if each.version is not None]
    for before, attempt in pairwise(versioned):
        if before.version != attempt.version:
            yield Match(
                attempt.number,
                f"Attempt {attempt.number} ran version {attempt.version} of the function, "
                f"attempt {before.number} version {before.version}.",
                (
                    before.start_event or before.events[0],
                    attempt.start_event or attempt.events[0],
                ),
            )


def _late_retry(case: RuleInput) -> Iterator[Match]:
    if not case.request.asynchronous:
        return
    for before, attempt in pairwise(case.request.attempts):
        wait, usual = wait_ms(before, attempt), USUAL_WAITS_MS.get(before.number)
        if wait is None or usual is None or not before.outcome.failed:
            continue
        if wait > usual + WAIT_TOLERANCE_MS:
            yield Match(
                attempt.number,
                f"Attempt {attempt.number} started {wait // 1000} s after attempt "
                f"{before.number} had ended; the usual wait is about {usual // 1000} s: "
                f"throttling, or a backlog of events{_reserved(case)}.",
                (before.last_event, attempt.start_event or attempt.events[0]),
            )


def _reserved(case: RuleInput) -> str:
    """Return the function's setting that makes throttling likely."""
    reserved = case.around.settings.reserved_concurrency
    return "" if reserved is None else f" (its reserved concurrency is {reserved})"


def _retries_exhausted(case: RuleInput) -> Iterator[Match]:
    if case.request.outcome is RequestOutcome.EXHAUSTED:
        attempts = case.request.attempts
        number = "The only attempt" if len(attempts) == 1 else f"All {len(attempts):,} attempts"
        yield Match(
            None,
            f"{number} failed and no more are allowed: Lambda gives up on the event."
            f"{_limit_reached(attempts)}",
            tuple(attempt.last_event for attempt in (*attempts[:_FEW], *attempts[-_FEW:])),
        )


def _limit_reached(attempts: Sequence[Attempt]) -> str:
    """Return the advice where every attempt ended at the same limit of the function."""
    outcomes = {attempt.outcome for attempt in attempts}
    if outcomes == {AttemptOutcome.TIMEOUT}:
        return " Each of them timed out: raise the function's timeout, or make it faster."
    if outcomes == {AttemptOutcome.OUT_OF_MEMORY}:
        return " Each of them ran out of memory: raise MemorySize."
    return ""


def _logs_incomplete(case: RuleInput) -> Iterator[Match]:
    for attempt in case.request.attempts:
        yield from _report_missing(case, attempt)
        yield from _start_missing(attempt)
        if attempt.dropped:
            yield Match(
                attempt.number,
                f"Records of attempt {attempt.number} were dropped before they reached the log.",
                attempt.dropped,
            )
    yield from _gaps(case)


def _report_missing(case: RuleInput, attempt: Attempt) -> Iterator[Match]:
    horizon_ms = case.around.coverage.horizon_ms
    over_ms = attempt.placed_ms + case.around.settings.timeout_ms + LATE_LOGS_MS
    if attempt.report_event is None:
        if attempt.start_event and horizon_ms is not None and horizon_ms > over_ms:
            yield Match(
                attempt.number,
                f"Attempt {attempt.number} has a START and no REPORT, though the function's "
                "timeout is over.",
                (attempt.start_event, attempt.events[-1]),
            )
    elif attempt.outcome is AttemptOutcome.UNKNOWN and not (_hides_lines(case) or attempt.dropped):
        yield _unclear_end(attempt, attempt.report_event)


def _unclear_end(attempt: Attempt, report_event: LogEvent) -> Match:
    """Explain why an attempt with a REPORT has no known outcome."""
    lines = (event for event in attempt.events if may_lack_traceback(event.message))
    if not attempt.report_cut and (line := next(lines, None)):
        how = (
            r"with \n written for its newlines"
            if has_written_newlines(line.message)
            else "without its traceback"
        )
        return Match(
            attempt.number,
            f"Attempt {attempt.number} has a line that may be the runtime's record of an error "
            f"{how}, or printed text: whether it failed is not known.",
            (line, report_event),
            "Save the log with all lines of each event (aws logs filter-log-events --output json).",
        )
    if not attempt.report_cut and (match := _may_have_failed(attempt, report_event)):
        return match
    if report_event.message.endswith(CUT_MARK):
        what = f"The file ends within the REPORT of attempt {attempt.number}: a status may follow."
        return Match(
            attempt.number, what, (report_event,), "Save the log again, with its last line."
        )
    if attempt.report_cut or attempt.log_stream is not None:
        what = f"The REPORT of attempt {attempt.number} breaks off."
        unclear = f"The log does not show whether attempt {attempt.number} failed."
        return Match(attempt.number, what if attempt.report_cut else unclear, (report_event,))
    return Match(
        attempt.number,
        f"The log names no log streams: which lines belong to attempt {attempt.number} "
        "cannot be known.",
        (report_event,),
        "Save the log with its log streams (aws logs tail --format detailed).",
    )


def _may_have_failed(attempt: Attempt, report_event: LogEvent) -> Match | None:
    """Explain a failed init, or a line that is an error only if the function did not print it."""
    for event in attempt.events:
        record = parse_record(event)
        if is_older(record) or may_be_error(event.message):
            return Match(
                attempt.number,
                f"Attempt {attempt.number} has a line that may be a runtime's record of an error, "
                "or printed text: whether it failed is not known.",
                (event, report_event),
            )
        if isinstance(record, InitReport) and record.phase == "invoke" and record.status in _BAD:
            return Match(
                attempt.number,
                f"The init for attempt {attempt.number} failed, and the log does not show that it "
                "ran again: whether the attempt failed is not known.",
                (event, report_event),
            )
    return None


def _hides_lines(case: RuleInput) -> bool:
    """Whether a gap makes the outcome of an attempt with a REPORT unknown."""
    return bool(case.given.hidden.lines or case.given.hidden.anywhere)


def _start_missing(attempt: Attempt) -> Iterator[Match]:
    if attempt.start_event is None and not attempt.starts_unseen:
        yield Match(
            attempt.number,
            f"Attempt {attempt.number} ended, and its START is not in the log.",
            (attempt.events[0], attempt.last_event),
            _SAVE_UNFILTERED if attempt.report_event else "",
        )


def _gaps(case: RuleInput) -> Iterator[Match]:
    """Yield the gaps in which an attempt of this request, or a line of one, could lie.

    No event of a request is beside the gap before a whole log.
    """
    attempts = case.request.attempts
    if not attempts:
        return
    span = span_ms(case.request, case.around)
    first, last = attempts[0], attempts[-1]
    for gap in case.around.coverage.gaps:
        if gap.kind == BEGINS_LATE:
            continue
        if (gap.hides_attempts or gap.hides_lines) and may_hide(gap, case.request, *span):
            evidence = (first.events[0], last.events[-1])
            yield Match(None, gap.message, evidence, gap.remedy or _REMEDIES.get(gap.kind, ""))


DELIVERY_RULES = (
    Rule(
        id="duplicate-delivery",
        severity=Severity.WARNING,
        remedy="Make the function idempotent: delivery is at least once.",
        matches=_duplicate_delivery,
    ),
    Rule(
        id="extra-attempt",
        severity=Severity.WARNING,
        remedy="Make the function idempotent, and check whether MaximumRetryAttempts was changed.",
        matches=_extra_attempt,
    ),
    Rule(
        id="version-changed",
        severity=Severity.WARNING,
        remedy="Make sure that each version can read the counts and the state of the one before.",
        matches=_version_changed,
    ),
    Rule(
        id="late-retry",
        severity=Severity.INFO,
        remedy="Check the metrics Throttles and AsyncEventAge, and the reserved concurrency.",
        matches=_late_retry,
    ),
    Rule(
        id="retries-exhausted",
        severity=Severity.WARNING,
        remedy="Give the function a dead-letter queue or an on-failure destination, and replay.",
        matches=_retries_exhausted,
    ),
    Rule(
        id="logs-incomplete",
        severity=Severity.WARNING,
        remedy=(
            "Read a wider window or all files of the export, save a broken file again, or log in "
            "again where a login expired; what is missing may matter."
        ),
        matches=_logs_incomplete,
    ),
)
