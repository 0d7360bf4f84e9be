"""The rules about counter and branch: each explains one cause of a wrong count."""

from __future__ import annotations

from collections.abc import Iterator

from retryctl.core.crosscheck.attempt_check import (
    AttemptCheck,
    AttemptVerdict,
    contradicts,
    gap_of_claim,
)
from retryctl.core.crosscheck.claimed_retries import claimed, is_ahead, is_behind
from retryctl.core.crosscheck.earlier_marks import Some, counts_in_tmp
from retryctl.core.crosscheck.findings import Match, Rule, RuleInput, Severity, attempts_named
from retryctl.core.crosscheck.hidden_attempts import hidden_before
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import LogEvent
from retryctl.core.wording import number_of


def _behind(case: RuleInput) -> Iterator[tuple[Attempt, int]]:
    """Yield the attempts whose counter is behind, each with its counter."""
    branches = case.around.branches
    for attempt, check in case.checked:
        number = claimed(attempt, branches)
        if (
            number is None
            or check.verdict is not AttemptVerdict.DISAGREES
            or _store_failed(attempt)
        ):
            continue
        if is_behind(attempt, branches):
            yield attempt, number


def _store_failed(attempt: Attempt) -> bool:
    """Whether its store failed, so that it ran the fallback branch without a counter."""
    return attempt.claim.counter is None and attempt.claim.store_error is not None


def _sees_only_its_own(case: RuleInput, attempt: Attempt, number: int) -> bool:
    """Whether the counter equals the marks that it could see."""
    return case.marks.in_reach(attempt) == (number, number)


def _counted(case: RuleInput, attempt: Attempt, number: int) -> str:
    """``Attempt 3 counted 0 where 2 came before it``; ``after at least 2`` if more may be."""
    verb = "counted" if attempt.claim.counter is not None else "ran the branch for"
    if case.checks[attempt.number - 1].at_least:
        earlier = number_of(attempt.retries, "earlier attempt")
        return f"Attempt {attempt.number} {verb} {number} after at least {earlier}"
    came = number_of(attempt.retries, "attempt")
    return f"Attempt {attempt.number} {verb} {number}, but {came} came before it"


def _proof(attempt: Attempt, others: Some) -> tuple[LogEvent, ...]:
    """Return the claim, and the claims or the start and end of the attempts that it overlooks."""
    shown = [
        event
        for other in others.first
        for event in (
            other.claim.evidence or (other.start_event or other.last_event, other.last_event)
        )
    ]
    return (*attempt.claim.evidence, *shown)


def _environment_switch(case: RuleInput) -> Iterator[Match]:
    for attempt, number in _behind(case):
        others = case.marks.elsewhere(attempt)
        if others and counts_in_tmp(attempt) and _sees_only_its_own(case, attempt, number):
            cold = case.marks.began_environment(attempt)
            it_ran = f"it {'was a cold start after an error, so it ' if cold else ''}ran"
            yield Match(
                attempt.number,
                f"{_counted(case, attempt, number)}: {it_ran} in another execution environment "
                f"than {attempts_named(others)}, and environments share no /tmp.",
                _proof(attempt, others),
            )


def _uncounted_attempt(case: RuleInput) -> Iterator[Match]:
    for attempt, number in _behind(case):
        others = case.marks.unmarked(attempt)
        if others and _sees_only_its_own(case, attempt, number):
            ends = ", ".join(f"attempt {each.number} {_ending(each)}" for each in others.first)
            if others.count > len(others.first):
                ends += f", and {others.count - len(others.first):,} more,"
            where = "in its own environment " if counts_in_tmp(attempt) else ""
            yield Match(
                attempt.number,
                f"{_counted(case, attempt, number)}: {where}{ends} and did not record itself.",
                _proof(attempt, others),
            )


def _ending(attempt: Attempt) -> str:
    if attempt.claim.recorded is False and attempt.claim.store_error:
        return "could not be recorded"
    return _ENDED[attempt.outcome]


_ENDED = {
    AttemptOutcome.OK: "succeeded",
    AttemptOutcome.ERROR: "failed before it counted",
    AttemptOutcome.TIMEOUT: "timed out",
    AttemptOutcome.OUT_OF_MEMORY: "ran out of memory",
    AttemptOutcome.CRASH: "crashed",
    AttemptOutcome.INIT_ERROR: "failed in init",
    AttemptOutcome.RUNNING: "is still running",
    AttemptOutcome.UNKNOWN: "ended in a way that the log does not show",
}


_CUT_SHORT = frozenset({AttemptOutcome.TIMEOUT, AttemptOutcome.OUT_OF_MEMORY, AttemptOutcome.CRASH})


def _counter_lost(case: RuleInput) -> Iterator[Match]:
    for attempt, number in _behind(case):
        marks = case.marks.in_reach(attempt)
        if marks and number < marks[0]:
            reached = case.marks.reached(attempt)
            early = _may_explain(reached, missing=marks[0] - number)
            yield Match(
                attempt.number,
                f"{_counted(case, attempt, number)}: it should have found "
                f"{number_of(marks[0], 'mark')}, so marks were lost{early}.",
                _proof(attempt, reached),
                _LOST_OR_CUT_SHORT if early else "",
            )


def _may_explain(reached: Some, *, missing: int) -> str:
    """Name the attempts that may have been cut short after their branch, before their mark."""
    cut_short = [
        each for each in reached.first if each.claim.recorded is None and each.outcome in _CUT_SHORT
    ]
    unnamed = reached.count - len(reached.first)
    if not cut_short or len(cut_short) + unnamed < missing:
        return ""
    ends = ", ".join(f"attempt {each.number} {_ENDED[each.outcome]}" for each in cut_short)
    return f", or were never written: {ends}"


def _counter_ahead(case: RuleInput) -> Iterator[Match]:
    for attempt, check in case.checked:
        number = claimed(attempt, case.around.branches)
        if check.verdict is not AttemptVerdict.DISAGREES or _store_failed(attempt):
            continue
        if is_ahead(attempt, case.around.branches):
            yield Match(
                attempt.number,
                f"{_counted(case, attempt, number or 0)}, and the log is complete.",
                _proof(attempt, case.marks.earlier(attempt)),
            )


def _counter_unexplained(case: RuleInput) -> Iterator[Match]:
    for attempt, number in _behind(case):
        marks = case.marks.in_reach(attempt)
        if marks and (number < marks[0] or marks == (number, number)):
            continue  # explained above
        if marks and _start_unseen(case, attempt):
            continue  # the log begins within this request: its beginning may explain it
        if marks:
            why = f"it could find at most {number_of(marks[1], 'earlier attempt')}"
        else:
            proof = (
                " (a cold start proves a new one only after an attempt that failed with an error)"
            )
            why = (
                "the log names no streams, so it is not known which earlier attempts ran in its "
                f"environment{proof if attempt.cold_start else ''}: "
                "save it with them (aws logs tail --format detailed)"
            )
        yield Match(
            attempt.number,
            f"{_counted(case, attempt, number)}; {why}.",
            _proof(attempt, case.marks.earlier(attempt)),
        )


def _start_unseen(case: RuleInput, attempt: Attempt) -> bool:
    """Whether an attempt whose START is not in the log may have left a mark."""
    hidden = hidden_before(case.given, attempt, ahead=True)
    return case.marks.start_unseen(attempt) or bool(hidden)


def _branch_contradicts_counter(case: RuleInput) -> Iterator[Match]:
    if not case.countable:
        return
    for attempt in case.request.attempts:
        claim = attempt.claim
        if gap_of_claim(case.given, attempt):
            continue
        if contradicts(attempt, case.around.branches) and claim.counter is not None:
            yield Match(
                attempt.number,
                f"Attempt {attempt.number} counted {claim.counter} and ran {claim.branch}, where "
                f"{case.around.branches.due(claim.counter)} is the branch for that count.",
                claim.evidence,
            )


def _branch_missing(case: RuleInput) -> Iterator[Match]:
    for attempt, check in case.checked:
        if _owes_branch(attempt, check) and _others_logged(case, attempt):
            yield Match(
                attempt.number,
                f"Attempt {attempt.number} failed with an error and logged no branch, where "
                "another attempt of the request logged a counter or a branch.",
                (attempt.last_event,),
            )


def _owes_branch(attempt: Attempt, check: AttemptCheck) -> bool:
    return (
        attempt.outcome is AttemptOutcome.ERROR
        and attempt.claim.branch is None
        and check.verdict is not AttemptVerdict.UNDETERMINED
    )


def _others_logged(case: RuleInput, attempt: Attempt) -> bool:
    """Whether another attempt of the request logged a counter or a branch."""
    marks = case.marks
    if case.around.reads_branches:
        return marks.claims > (not attempt.claim.silent)
    return marks.branch_claims > 0


_COUNT_ELSEWHERE = (
    "Count where every environment can read it, in DynamoDB or S3: "
    "retryctl counters vendor DIR --store dynamodb"
)
_COUNT_AT_START = (
    "Record each attempt when it starts, not when it fails, and where every environment can read "
    "it: retryctl counters vendor DIR --store dynamodb"
)

_LOST_OR_CUT_SHORT = (
    "Record each attempt when it starts, not when it fails. If it does so already, find what "
    "removes the files from /tmp between attempts."
)

COUNTER_RULES = (
    Rule(
        id="environment-switch",
        severity=Severity.ERROR,
        remedy=_COUNT_ELSEWHERE,
        matches=_environment_switch,
    ),
    Rule(
        id="uncounted-attempt",
        severity=Severity.ERROR,
        remedy=_COUNT_AT_START,
        matches=_uncounted_attempt,
    ),
    Rule(
        id="counter-lost",
        severity=Severity.ERROR,
        remedy="Find what removes the files from /tmp between attempts, or count elsewhere.",
        matches=_counter_lost,
    ),
    Rule(
        id="counter-ahead",
        severity=Severity.ERROR,
        remedy=(
            "Search for marks of other requests: "
            "a mark written twice, or an ID matched by its prefix."
        ),
        matches=_counter_ahead,
    ),
    Rule(
        id="counter-unexplained",
        severity=Severity.ERROR,
        remedy="Read the attempt's lines (retryctl trace --lines) and the code that counts.",
        matches=_counter_unexplained,
    ),
    Rule(
        id="branch-contradicts-counter",
        severity=Severity.ERROR,
        remedy="Correct the condition that turns the count into a branch.",
        matches=_branch_contradicts_counter,
    ),
    Rule(
        id="branch-missing",
        severity=Severity.WARNING,
        remedy="Check whether the error was raised before the branch was chosen or logged.",
        matches=_branch_missing,
    ),
)
