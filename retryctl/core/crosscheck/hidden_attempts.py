"""Whether attempts before the first, or behind the last, may be missing."""

from __future__ import annotations

from retryctl.core.crosscheck.claimed_retries import claimed, is_ahead, is_behind
from retryctl.core.crosscheck.context import JudgingContext
from retryctl.core.crosscheck.cross_check_input import CrossCheckInput
from retryctl.core.crosscheck.hidden_parts import HiddenParts, may_hide
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import Request


def hidden_before(given: CrossCheckInput, attempt: Attempt, *, ahead: bool) -> str:
    """Explain why attempts before this one may be missing; empty where none can be.

    A saved log that was read whole counts as complete, except where a counter that is ahead
    proves that it was cut: then an attempt may lie before the file's first event.
    """
    request, age_ms = given.request, given.around.settings.event_age_ms
    first, until_ms = request.attempts[0].placed_ms, attempt.placed_ms
    if ahead and attempt.claim.evidence:  # the counter may be that of an attempt after this START
        until_ms = max(until_ms, attempt.claim.evidence[0].timestamp_ms)
    for gap in given.hidden.anywhere:
        if may_hide(gap, request, first - age_ms, until_ms):
            return gap.message
    if is_behind(attempt, given.around.branches) and unproved(given, attempt):
        return f"The log has a single record of an earlier attempt: {_MAY_BE_TEXT}"
    if not ahead:
        return ""
    if request.ambiguous:
        return f"A START line of this request was not counted as an attempt: {_MAY_BE_TEXT}"
    if starts_at_cut(request, given.around):
        return (
            f"Attempt {attempt.number} counted more attempts than this log shows: "
            "it may begin after the first of them."
        )
    return ""


_MAY_BE_TEXT = "it may be printed text, or the attempt's other lines may be lost."


def starts_at_cut(request: Request, around: JudgingContext) -> bool:
    """Whether earlier attempts of the request may lie before the first event of the file."""
    first_ms = request.attempts[0].placed_ms
    return not is_timed(first_ms) or is_near_start(first_ms, around.coverage, around.settings)


def is_near_start(first_ms: int, coverage: Coverage, settings: FunctionConfig) -> bool:
    """Whether the event of an attempt of that time may be older than the file's first event."""
    start_ms = coverage.first_event_ms
    return start_ms is not None and first_ms - start_ms <= settings.event_age_ms


def shows_cut(request: Request, around: JudgingContext) -> bool:
    """Whether the request proves that the log lacks attempts before its first.

    Its first attempt has no START, or a counter is ahead close to the start of the file.
    """
    if not request.attempts:
        return False
    first = request.attempts[0]
    if first.start_event is None and not first.starts_unseen:
        return True
    if not starts_at_cut(request, around):
        return False
    return any(is_ahead(attempt, around.branches) for attempt in request.attempts)


def hidden_after(hidden: HiddenParts) -> tuple[str, ...]:
    """Explain why attempts after the last one may be missing, as of the horizon.

    None of these changes the check of an attempt in the log; the request may have one more.
    """
    return tuple(gap.message for gap in hidden.after)


def unproved(given: CrossCheckInput, attempt: Attempt) -> bool:
    """Whether the counter is right if earlier attempts that are not proved did not run."""
    beside_gap = bool(given.hidden.anywhere)
    fewer = attempt.retries - given.marks.unproved_before(attempt, beside_gap=beside_gap)
    number = claimed(attempt, given.around.branches)
    if fewer == attempt.retries or number is None:
        return False
    return number >= fewer or given.around.branches.same_branch(number, fewer)
