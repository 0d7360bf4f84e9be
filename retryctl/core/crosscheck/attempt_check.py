"""The check of each attempt: its claim compared with the attempts before it.

Hidden attempts can only add to the retries, so a counter that is behind stays wrong whatever is
missing, and one that is ahead may turn out right.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from retryctl.core.crosscheck.claimed_retries import claimed, is_ahead, is_behind
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.crosscheck.context import JudgingContext
from retryctl.core.crosscheck.cross_check_input import CrossCheckInput
from retryctl.core.crosscheck.hidden_attempts import hidden_before, unproved
from retryctl.core.crosscheck.hidden_parts import is_masked, may_hide
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import UNTIMED_FILE_MS, is_timed
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import Request
from retryctl.core.value_classes import value_class

_HIDING_LEVELS = frozenset({"WARN", "ERROR", "FATAL"})


class AttemptVerdict(StrEnum):
    """The check of one attempt."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    SILENT = "silent"
    UNDETERMINED = "undetermined"


class Verdict(StrEnum):
    """The verdict on a request."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNDETERMINED = "undetermined"
    NOT_COUNTED = "not-counted"


@value_class
class AttemptCheck:
    """The expected counter and branch of one attempt, and the result of the comparison.

    ``branch_expected`` is ``None`` unless the attempt failed with an error: no other attempt has
    to log a branch. One that does is compared with ``branch_for_retries`` whatever its outcome.
    ``counter_in_environment`` is what a counter in /tmp could see. ``counter_agrees`` is ``None``
    where no counter was logged, or it cannot be judged; ``branch_agrees`` likewise. ``because`` is
    a sentence that explains why no judgement is possible; empty where one is. With ``at_least``
    attempts before this one may be missing from the log: what is expected is then the counter and
    the branch for the attempts in the log, and later ones may be right.
    """

    counter_expected: int | None
    counter_in_environment: int | None
    branch_expected: str | None
    branch_for_retries: str | None = None
    verdict: AttemptVerdict
    counter_agrees: bool | None = None
    branch_agrees: bool | None = None
    because: str = ""
    at_least: bool = False


def uncountable_because(request: Request, around: JudgingContext) -> tuple[str, ...]:
    """Explain why the attempts of a request cannot be counted at all; empty where they can."""
    attempts, settings = request.attempts, around.settings
    reasons = []
    arn = request.execution_arn
    if settings.durable or arn:
        reasons.append(
            f"The function is durable{f' (execution {arn})' if arn else ''}: it is invoked again "
            "within one execution, and such a replay is not a retry."
        )
    if settings.managed_instances or any(attempt.managed for attempt in attempts):
        reasons.append(
            "The function runs on Lambda Managed Instances, where requests share an environment "
            "and its /tmp, and printed lines cannot be assigned to a request."
        )
    if request.mentions or any(attempt.starts_unseen for attempt in attempts):
        reasons.append(
            "The system log level drops the START of every attempt and the REPORT of good ones, "
            "so attempts cannot be counted; set it to INFO."
        )
    if _lie_in_files_without_times(attempts):
        reasons.append(
            "Its attempts are in several files without times, so their order is not known; "
            "save them with times, or join the files in their order."
        )
    return tuple(reasons)


def _lie_in_files_without_times(attempts: Sequence[Attempt]) -> bool:
    places = [one.placed_ms for one in attempts if not is_timed(one.placed_ms)]
    return len({place // UNTIMED_FILE_MS for place in places}) > 1


def check_attempts(given: CrossCheckInput) -> tuple[AttemptCheck, ...]:
    """Check each attempt of a request."""
    return tuple(_check(given, attempt) for attempt in given.request.attempts)


def verdict_of(checks: Sequence[AttemptCheck], reasons: Sequence[str]) -> Verdict:
    """Return the verdict on a request: the worst result of its attempts.

    ``reasons`` explain why attempts cannot be counted, or may be missing.
    """
    results = {check.verdict for check in checks}
    if AttemptVerdict.DISAGREES in results:
        return Verdict.DISAGREES
    if AttemptVerdict.UNDETERMINED in results or reasons:
        return Verdict.UNDETERMINED
    return Verdict.AGREES if AttemptVerdict.AGREES in results else Verdict.NOT_COUNTED


# --------------------------------------------------------------------------- one attempt


def contradicts(attempt: Attempt, branches: Branches) -> bool:
    """Whether the branch that ran is not the branch for the counter of the same attempt."""
    counter, branch = attempt.claim.counter, attempt.claim.branch
    if counter is None or branch is None:
        return False
    if branches.are_strange_to(branch):
        return False
    return branches.numbers.get(branch) != branches.numbers[branches.due(counter)]


def _check(given: CrossCheckInput, attempt: Attempt) -> AttemptCheck:
    branches, marks = given.around.branches, given.marks
    verdict, because = _judge(given, attempt)
    known = verdict is not AttemptVerdict.UNDETERMINED
    strange = branches.are_strange_to(attempt.claim.branch)
    at_least = known and bool(hidden_before(given, attempt, ahead=False))
    due = branches.due(attempt.retries) if known and not strange else None
    least, most = marks.in_environment(attempt)
    proved = least == most and marks.knows_environment(attempt)
    counter = attempt.claim.counter if known else None
    return AttemptCheck(
        counter_expected=attempt.retries if known else None,
        counter_in_environment=least if proved else None,
        branch_expected=due if attempt.outcome is AttemptOutcome.ERROR else None,
        branch_for_retries=due,
        verdict=verdict,
        counter_agrees=None if counter is None else branches.same_branch(counter, attempt.retries),
        branch_agrees=_branch_agrees(attempt.claim.branch, due, branches, at_least=at_least),
        because=because,
        at_least=at_least,
    )


def _branch_agrees(
    ran: str | None, due: str | None, branches: Branches, *, at_least: bool
) -> bool | None:
    """Whether the branch is the one due; ``None`` where a hidden attempt could change that."""
    if ran is None or due is None:
        return None
    least = branches.numbers[due]
    if at_least and least < branches.last and branches.numbers.get(ran, -1) >= least:
        return None
    return ran == due


def _judge(given: CrossCheckInput, attempt: Attempt) -> tuple[AttemptVerdict, str]:
    branches = given.around.branches
    if given.uncountable:
        return AttemptVerdict.UNDETERMINED, given.uncountable[0]
    if unread := _unread_because(given, attempt):
        return AttemptVerdict.UNDETERMINED, unread
    strange = branches.are_strange_to(attempt.claim.branch)
    if strange and attempt.claim.counter is None:
        return AttemptVerdict.UNDETERMINED, _unknown_branch(attempt, branches)
    if given.contested_from is not None and attempt.number >= given.contested_from:
        return AttemptVerdict.UNDETERMINED, _contested(attempt)
    if _is_wrong(given, attempt):
        return AttemptVerdict.DISAGREES, ""
    if attempt.outcome is AttemptOutcome.UNKNOWN and attempt.shares_claims:
        return AttemptVerdict.UNDETERMINED, _contested(attempt)
    ahead = is_ahead(attempt, branches)
    if hidden := hidden_before(given, attempt, ahead=ahead):
        return AttemptVerdict.UNDETERMINED, hidden
    if attempt.claim.silent:
        return AttemptVerdict.SILENT, ""
    return (AttemptVerdict.DISAGREES if ahead else AttemptVerdict.AGREES), ""


def _unread_because(given: CrossCheckInput, attempt: Attempt) -> str:
    """Explain why lines that the attempt printed may be missing; empty where none can be."""
    settings: FunctionConfig = given.around.settings
    if gap := gap_of_claim(given, attempt):
        return gap.message
    if attempt.masked_claim and is_masked(given.request, given.around):
        return (
            f"A line of attempt {attempt.number} that may be its counter or its branch is masked; "
            "read it with --unmask."
        )
    if attempt.claim.counter is not None or attempt.outcome is AttemptOutcome.RUNNING:
        return ""
    if attempt.start_event is None:
        return f"The START of attempt {attempt.number} is not in the log."
    if attempt.report_event is None:
        return f"The REPORT of attempt {attempt.number} is not in the log."
    if attempt.claim.silent and attempt.dropped:
        return f"Records of attempt {attempt.number} were dropped before they reached the log."
    if attempt.claim.silent and attempt.shares_claims and attempt.log_stream is not None:
        return (
            f"A counter or a branch stands long before the START of attempt {attempt.number}: it "
            "may be that of an attempt of which the log lacks the other lines."
        )
    if attempt.claim.silent and attempt.shares_claims:
        return (
            f"The log names no streams, and another attempt ran beside attempt {attempt.number}: "
            "which of them counted is not known; save it with the streams "
            "(aws logs tail --format detailed)."
        )
    hides = settings.log_format == "JSON" and settings.application_log_level in _HIDING_LEVELS
    if hides and not given.marks.claims:
        return (
            f"The application log level {settings.application_log_level} "
            "keeps printed lines out of the log."
        )
    return ""


def _contested(attempt: Attempt) -> str:
    return (
        f"The records of attempt {attempt.number} do not fit together: its counter may be that of "
        "another attempt whose START, END or REPORT was lost."
    )


def gap_of_claim(given: CrossCheckInput, attempt: Attempt) -> Gap | None:
    """Return a gap that hides lines of the claim, or their order; ``None`` if there is not one.

    Also one between the lines of the counter and the branch: the START of a further attempt may
    be in it, so that the two belong to different attempts. A gap that spans the whole attempt is
    not one: its lines were read.
    """
    if given.hidden.lines:
        return given.hidden.lines[0]
    times = [event.timestamp_ms for event in attempt.claim.evidence]

    def is_within(gap: Gap) -> bool:
        if not times or gap.since_ms is None or gap.until_ms is None:
            return False
        return gap.since_ms > attempt.placed_ms or gap.until_ms <= times[-1]

    return next(
        (
            gap
            for gap in given.hidden.anywhere
            if is_within(gap)
            and gap.log_stream in (None, attempt.log_stream)
            and may_hide(gap, given.request, times[0], times[-1])
        ),
        None,
    )


def _unknown_branch(attempt: Attempt, branches: Branches) -> str:
    return (
        f"Attempt {attempt.number} ran {attempt.claim.branch}, which is none of the branches "
        f"{', '.join(branches.numbers)}; name yours under branches in the settings."
    )


def _is_wrong(given: CrossCheckInput, attempt: Attempt) -> bool:
    """Whether its claim is wrong whatever is hidden."""
    branches = given.around.branches
    unknown_branch = not attempt.claim.silent and claimed(attempt, branches) is None
    return (
        (is_behind(attempt, branches) and not unproved(given, attempt))
        or contradicts(attempt, branches)
        or unknown_branch
    )
