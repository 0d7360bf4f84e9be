"""The check of each attempt: its claim against the attempts that came before it.

What a hidden attempt could change decides what may be said. Attempts that were not seen can
only add to the retries, so a counter that is behind stays wrong whatever is missing, and one
that is ahead may turn out right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.crosscheck.counter_state import earlier_here, recorded_attempts
from retryctl.core.history.outcome import Outcome
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.core.model.request import Request

_HIDING_LEVELS = frozenset({"WARN", "ERROR", "FATAL"})


class AttemptVerdict(str, Enum):
    """The check of one attempt."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    SILENT = "silent"
    UNDETERMINED = "undetermined"


class Verdict(str, Enum):
    """The verdict on a request."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNDETERMINED = "undetermined"
    NOT_COUNTED = "not-counted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCheck:
    """One attempt's figures: what was expected, what its environment could see, and the result.

    ``counter_agrees`` is ``None`` where no counter was logged, or it cannot be judged.
    ``because`` tells why no judgement is possible, in a sentence; empty where one is.
    """

    counter_expected: int | None
    counter_in_environment: int | None
    branch_expected: str | None
    check: AttemptVerdict
    counter_agrees: bool | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingContext:
    """What a request is judged in: what was looked at, the settings, the branches.

    ``reads_branches`` tells whether a branch is looked for at all, ``stored`` is what a durable
    store holds of it, where one was asked.
    """

    coverage: Coverage
    settings: FunctionConfig
    branches: Branches
    reads_branches: bool = True
    stored: StoreCount | None = None


def uncountable_because(request: Request, around: JudgingContext) -> tuple[str, ...]:
    """Why the attempts of a request cannot be counted at all; empty where they can."""
    attempts, settings = request.attempts, around.settings
    reasons = []
    if settings.durable:
        reasons.append(
            "The function is durable: it is invoked again within one execution, "
            "and such a replay is no retry."
        )
    if settings.managed_instances or any(attempt.managed for attempt in attempts):
        reasons.append(
            "The function runs on Lambda Managed Instances, where requests share an environment "
            "and its /tmp, and printed lines belong to nobody."
        )
    if request.mentions or any(attempt.starts_unseen for attempt in attempts):
        reasons.append(
            "The system log level drops the START of every attempt and the REPORT of good ones, "
            "so attempts cannot be counted; set it to INFO."
        )
    return tuple(reasons)


def check_attempts(
    request: Request, around: JudgingContext, uncountable: Sequence[str]
) -> tuple[AttemptCheck, ...]:
    """One check beside each attempt of ``request``."""
    return tuple(_check(request, attempt, around, uncountable) for attempt in request.attempts)


def verdict_of(checks: Sequence[AttemptCheck], reasons: Sequence[str]) -> Verdict:
    """The verdict on a request: the worst that its attempts give.

    ``reasons`` are those why attempts cannot be counted, or may be missing.
    """
    results = {check.check for check in checks}
    if AttemptVerdict.DISAGREES in results:
        return Verdict.DISAGREES
    if AttemptVerdict.UNDETERMINED in results or reasons:
        return Verdict.UNDETERMINED
    return Verdict.AGREES if AttemptVerdict.AGREES in results else Verdict.NOT_COUNTED


# --------------------------------------------------------------------------- one attempt


def claimed(attempt: Attempt, branches: Branches) -> int | None:
    """The number of earlier attempts that it claims: its counter, else that of its branch.

    A branch stands for every number up to that of the next.
    """
    if attempt.claim.counter is not None:
        return attempt.claim.counter
    if attempt.claim.branch == branches.due(attempt.retries):
        return attempt.retries
    return branches.numbers.get(attempt.claim.branch or "")


def contradicts(attempt: Attempt, branches: Branches) -> bool:
    """Whether the branch that ran is not the branch for the counter of the same attempt."""
    counter, branch = attempt.claim.counter, attempt.claim.branch
    if counter is None or branch is None:
        return False
    if branches.are_strange_to(branch):
        return False
    return branches.numbers.get(branch) != branches.numbers[branches.due(counter)]


def _check(
    request: Request, attempt: Attempt, around: JudgingContext, uncountable: Sequence[str]
) -> AttemptCheck:
    branches = around.branches
    check, because = _judge(request, attempt, around, uncountable)
    known = check is not AttemptVerdict.UNDETERMINED
    strange = branches.are_strange_to(attempt.claim.branch)
    owes = known and not strange and attempt.outcome is Outcome.ERROR
    least, most = recorded_attempts(earlier_here(request, attempt), branches)
    told = least == most and attempt.log_stream is not None
    counter = attempt.claim.counter if known else None
    return AttemptCheck(
        counter_expected=attempt.retries if known else None,
        counter_in_environment=least if told else None,
        branch_expected=branches.due(attempt.retries) if owes else None,
        check=check,
        counter_agrees=None if counter is None else branches.same_branch(counter, attempt.retries),
        because=because,
    )


def _judge(
    request: Request, attempt: Attempt, around: JudgingContext, uncountable: Sequence[str]
) -> tuple[AttemptVerdict, str]:
    if uncountable:
        return AttemptVerdict.UNDETERMINED, uncountable[0]
    if unread := _unread_because(request, attempt, around.settings):
        return AttemptVerdict.UNDETERMINED, unread
    strange = around.branches.are_strange_to(attempt.claim.branch)
    if strange and attempt.claim.counter is None:
        return AttemptVerdict.UNDETERMINED, _unknown_branch(attempt, around.branches)
    if _is_wrong(attempt, around.branches):
        return AttemptVerdict.DISAGREES, ""
    ahead = is_ahead(attempt, around.branches)
    if hidden := hidden_before(request, attempt, around, ahead=ahead):
        return AttemptVerdict.UNDETERMINED, hidden
    if attempt.claim.silent:
        return AttemptVerdict.SILENT, ""
    return (AttemptVerdict.DISAGREES if ahead else AttemptVerdict.AGREES), ""


def _unread_because(request: Request, attempt: Attempt, settings: FunctionConfig) -> str:
    """Why what the attempt printed may not be what was read; empty where it was read whole."""
    if attempt.claim.counter is not None or attempt.outcome is Outcome.RUNNING:
        return ""
    if attempt.start_event is None:
        return f"The START of attempt {attempt.number} lies outside what was looked at."
    if attempt.report_event is None:
        return f"The REPORT of attempt {attempt.number} lies outside what was looked at."
    if attempt.claim.silent and attempt.dropped:
        return f"Records of attempt {attempt.number} were dropped before they reached the log."
    hides = settings.log_format == "JSON" and settings.application_log_level in _HIDING_LEVELS
    if hides and all(each.claim.silent for each in request.attempts):
        return (
            f"The application log level {settings.application_log_level} "
            "keeps printed lines out of the log."
        )
    return ""


def _unknown_branch(attempt: Attempt, branches: Branches) -> str:
    return (
        f"Attempt {attempt.number} ran {attempt.claim.branch}, which is none of the branches "
        f"{', '.join(branches.numbers)}; name yours under branches in the settings."
    )


def is_behind(attempt: Attempt, branches: Branches) -> bool:
    """Whether it claims fewer earlier attempts than were seen."""
    number = claimed(attempt, branches)
    return (
        number is not None
        and number < attempt.retries
        and not branches.same_branch(number, attempt.retries)
    )


def is_ahead(attempt: Attempt, branches: Branches) -> bool:
    """Whether it claims more earlier attempts than were seen."""
    number = claimed(attempt, branches)
    return (
        number is not None
        and number > attempt.retries
        and not branches.same_branch(number, attempt.retries)
    )


def _is_wrong(attempt: Attempt, branches: Branches) -> bool:
    """Wrong whatever was not seen."""
    unknown_branch = not attempt.claim.silent and claimed(attempt, branches) is None
    return is_behind(attempt, branches) or contradicts(attempt, branches) or unknown_branch


def hidden_before(
    request: Request, attempt: Attempt, around: JudgingContext, *, ahead: bool
) -> str:
    """Why attempts before this one may be missing; empty where none can be.

    A saved log read whole counts as complete, except where a counter that is ahead shows that
    it was cut: then an attempt may lie before the file's first event.
    """
    first, age_ms = request.attempts[0].placed_ms, around.settings.event_age_ms
    for gap in around.coverage.gaps:
        if gap.hides_attempts and may_hide(gap, request, first - age_ms, attempt.placed_ms):
            return gap.message
    file_start = around.coverage.first_event_ms
    if ahead and file_start is not None and first - file_start <= age_ms:
        return (
            f"Attempt {attempt.number} counted more attempts than this log shows: "
            "it may begin after the first of them."
        )
    return ""


def hidden_after(request: Request, around: JudgingContext) -> tuple[str, ...]:
    """Why attempts after those that were seen may be missing, as of the horizon.

    None of these changes the check of an attempt that was seen; the request may have one more.
    """
    if not request.attempts:
        return ()
    first, last = request.attempts[0].placed_ms, request.attempts[-1].placed_ms
    until_ms = first + around.settings.event_age_ms
    if around.coverage.horizon_ms is not None:
        until_ms = min(until_ms, around.coverage.horizon_ms)
    return tuple(
        gap.message
        for gap in around.coverage.gaps
        if gap.hides_attempts and may_hide(gap, request, last, until_ms)
    )


def may_hide(gap: Gap, request: Request, since_ms: int, until_ms: int) -> bool:
    """Whether an attempt of ``request`` in that span could lie in the gap."""
    return (
        gap.log_group in (None, request.log_group)
        and (gap.since_ms is None or gap.since_ms < until_ms)
        and (gap.until_ms is None or gap.until_ms > since_ms)
    )
