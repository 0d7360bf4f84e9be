"""The expectations of a check beyond the rules: sequences, outcomes, numbers and rates.

Expectations of one request are judged where it is seen; those of all requests on a ``CheckTally``
that is kept meanwhile. What is not known yet is ``None``, and ``awaits`` says what would
have to happen first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, fields
from fractions import Fraction

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, unmatched_patterns
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Gap
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.value_classes import state_class, value_class
from retryctl.core.wording import number_of

OPEN = (RequestOutcome.PENDING, RequestOutcome.RUNNING)
"""The outcomes that are not final."""

_MAY_BE_RETRIED = (RequestOutcome.PENDING, RequestOutcome.UNKNOWN)
_FEW = 20
_MOST_NAMED = 3


@value_class
class Limit:
    """``text`` as it was given: a number (``3``), or a share of all (``0.5%`` is 1/200)."""

    text: str
    value: Fraction
    is_share: bool


@value_class
class Expectations:
    """The requirements of a check. ``fail_on`` and ``allow`` are names of rules.

    ``given`` are the IDs that the user named. ``awaited`` are those that must have
    closed; ``None`` means every request that is found. ``ends`` names what is over (a saved log,
    or its window), so that nothing more will come of a request that is still open.
    """

    fail_on: frozenset[str]
    allow: frozenset[str] = frozenset()
    branches: tuple[str, ...] = ()
    outcomes: frozenset[RequestOutcome] = frozenset()
    min_requests: int | None = None
    min_retried: int | None = None
    max_exhausted: Limit | None = None
    max_wrong_branch: Limit | None = None
    min_accuracy: Limit | None = None
    allow_empty: bool = False
    given: frozenset[str] = frozenset()
    awaited: frozenset[str] | None = frozenset()
    ends: str = ""

    def awaits(self, request_id: str) -> bool:
        """Whether the request must have closed."""
        return self.awaited is None or request_id in self.awaited


@value_class
class CheckResult:
    """One request, or one expectation. ``passed`` is ``None`` where it is not known.

    ``awaits`` names what a later reading could change; empty where it would change nothing.
    ``remedy`` is the remedy of a configuration check, ``""`` where it passed; ``None`` for a
    request and an expectation. ``is_option``: ``name`` is that of a command-line option.
    """

    name: str
    passed: bool | None
    message: str
    request_id: str | None = None
    function: str | None = None
    awaits: str = ""
    remedy: str | None = None
    is_option: bool = True

    @property
    def shown_name(self) -> str:
        """``--max-exhausted`` for an option; else the name alone."""
        return f"--{self.name}" if self.is_option else self.name


@state_class
class CheckTally:
    """Counts over the requests that were evaluated.

    ``first_wrong`` has the time, the request ID and a description of the first wrong branches.
    """

    requests: int = 0
    retried: int = 0
    exhausted: int = 0
    open: int = 0
    unknown: int = 0
    sequences: int = 0
    outcomes: int = 0
    branches: int = 0
    wrong_branches: int = 0
    counters_on_retries: int = 0
    right_on_retries: int = 0
    failed_attempts: int = 0
    cross_checked: int = 0
    first_wrong: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, checked: CheckedRequest) -> None:
        """Count one request."""
        request = checked.request
        self.requests += 1
        self.retried += len(request.attempts) > 1
        self.exhausted += request.outcome is RequestOutcome.EXHAUSTED
        self.open += request.outcome in OPEN
        self.unknown += outcome_unknown(request)
        for attempt, check in zip(request.attempts, checked.checks, strict=True):
            self.failed_attempts += attempt.outcome.failed
            self.cross_checked += not attempt.claim.silent
            self.branches += check.branch_agrees is not None
            if check.branch_agrees is False:
                self.wrong_branches += 1
                ran, due = attempt.claim.branch, check.branch_for_retries
                which = (
                    f"attempt {attempt.number} of {request.request_id} ran {ran}, expected {due}"
                )
                self._keep([(attempt.placed_ms, request.request_id, which)])
            judged = check.verdict in (AttemptVerdict.AGREES, AttemptVerdict.DISAGREES)
            if attempt.retries and attempt.claim.counter is not None and judged:
                self.counters_on_retries += 1
                self.right_on_retries += check.verdict is AttemptVerdict.AGREES

    def merge(self, other: CheckTally) -> None:
        """Add what another tally counted."""
        for each in fields(self):
            if each.name != "first_wrong":
                setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        self._keep(other.first_wrong)

    def _keep(self, wrong: list[tuple[int, str, str]]) -> None:
        self.first_wrong = sorted([*self.first_wrong, *wrong])[:_MOST_NAMED]


# --------------------------------------------------------------------------- of one request


def outcome_unknown(request: Request) -> bool:
    """Whether the request may be exhausted, and the log does not show it."""
    return not request.from_event_source and request.outcome is RequestOutcome.UNKNOWN


def of_request(
    checked: CheckedRequest, expected: Expectations, tally: CheckTally
) -> Iterator[CheckResult]:
    """Yield the expectations of one request, counted in ``tally``."""
    request = checked.request
    if expected.branches and _owes_branches(request, expected):
        tally.sequences += 1
        yield _sequence(checked, expected)
    if expected.outcomes and _owes_outcome(request, expected):
        tally.outcomes += 1
        yield _outcome(checked, expected)


def _owes_branches(request: Request, expected: Expectations) -> bool:
    """Whether it must run the branches: it was named, it was retried, or may have been."""
    attempts, outcome = request.attempts, request.outcome
    failed = bool(attempts) and attempts[-1].outcome.failed
    retried = len(attempts) > 1 or (failed and outcome in _MAY_BE_RETRIED)
    return request.request_id in expected.given or retried


def _owes_outcome(request: Request, expected: Expectations) -> bool:
    """Return whether the outcome is judged: one success at once is not, by default."""
    at_once = request.outcome is RequestOutcome.SUCCEEDED
    return (
        request.request_id in expected.given
        or not at_once
        or RequestOutcome.SUCCEEDED in expected.outcomes
    )


def _sequence(checked: CheckedRequest, expected: Expectations) -> CheckResult:
    request = checked.request
    ran = tuple(a.claim.branch for a in request.attempts if a.claim.branch is not None)
    message = f"ran {', '.join(ran) or 'no branch'}; expected {', '.join(expected.branches)}"
    still_fits = expected.branches[: len(ran)] == ran
    if checked.verdict is Verdict.UNDETERMINED:
        return _of("expect-branches", request, None, f"{message}; the log may lack attempts")
    if request.outcome in OPEN and still_fits and ran != expected.branches:
        return _still_open("expect-branches", request, message)
    return _of("expect-branches", request, ran == expected.branches, message)


def _outcome(checked: CheckedRequest, expected: Expectations) -> CheckResult:
    request = checked.request
    due = " or ".join(sorted(outcome.value for outcome in expected.outcomes))
    message = f"{request.outcome.value}; expected {due}"
    if request.outcome in expected.outcomes:
        return _of("expect-outcome", request, True, message)
    if request.outcome in OPEN:
        return _still_open("expect-outcome", request, message)
    known = request.outcome is not RequestOutcome.UNKNOWN
    return _of("expect-outcome", request, False if known else None, message)


def _still_open(name: str, request: Request, message: str) -> CheckResult:
    awaits = f"{request.request_id} is still {request.outcome.value}"
    return _of(name, request, None, f"{message}; it is still {request.outcome.value}", awaits)


def _of(
    name: str, request: Request, passed: bool | None, message: str, awaits: str = ""
) -> CheckResult:
    return CheckResult(
        name=name,
        passed=passed,
        message=message,
        request_id=request.request_id,
        function=request.function,
        awaits=awaits,
    )


# --------------------------------------------------------------------------- of all requests


def of_all(
    tally: CheckTally, expected: Expectations, gaps: Sequence[Gap] = ()
) -> Iterator[CheckResult]:
    """Evaluate the expectations of all requests together, in the order of the options.

    Requests that lie in ``gaps`` could still reach a minimum.
    """
    yield from _nothing_to_judge(tally, expected)
    hidden = any(gap.hides_attempts for gap in gaps)
    if expected.min_requests is not None:
        number, least = tally.requests, expected.min_requests
        yield _at_least("min-requests", number, least, "found", hidden=hidden)
    if expected.min_retried is not None:
        number, least = tally.retried, expected.min_retried
        yield _at_least("min-retried", number, least, "retried", hidden=hidden)
    if expected.max_exhausted:
        more = f"; {number_of(tally.open, 'is', 'are')} still open" if tally.open else ""
        more += f"; {number_of(tally.unknown, 'is', 'are')} unknown" if tally.unknown else ""
        yield _at_most(
            "max-exhausted",
            expected.max_exhausted,
            tally.exhausted,
            tally.requests,
            lambda n: number_of(n, "request") + " exhausted" + more,
            tally.unknown,
        )
    if expected.max_wrong_branch:
        yield _wrong_branches(tally, expected.max_wrong_branch, expected)
    if expected.min_accuracy:
        yield _accuracy(tally, expected)


def _nothing_to_judge(tally: CheckTally, expected: Expectations) -> Iterator[CheckResult]:
    """Report that an expectation without any request neither passes nor fails."""
    passed = True if expected.allow_empty else None
    if expected.branches and not tally.sequences:
        message = "no request was retried"
        yield CheckResult(name="expect-branches", passed=passed, message=message, awaits=message)
    if expected.outcomes and not tally.outcomes:
        message = "no request was checked"
        if tally.requests:
            message = "every request succeeded on attempt 1"
        yield CheckResult(name="expect-outcome", passed=passed, message=message, awaits=message)


def _at_least(name: str, number: int, least: int, what: str, *, hidden: bool) -> CheckResult:
    message = f"{number_of(number, 'request')} {what}, at least {least:,} expected"
    if number >= least:
        return CheckResult(name=name, passed=True, message=message)
    if hidden:
        message += "; others may lie in what could not be read"
    passed = None if hidden else False
    return CheckResult(name=name, passed=passed, message=message, awaits=message)


def coverage_check(gaps: Sequence[Gap]) -> CheckResult | None:
    """Check the coverage: undetermined where a gap could hide requests, else ``None``."""
    hiding = [gap.message for gap in gaps if gap.hides_attempts or gap.hides_lines]
    if not hiding:
        return None
    more = f" (and {len(hiding) - 1:,} more)" if len(hiding) > 1 else ""
    message = f"part of the log is missing: {hiding[0]}{more}"
    again = any(gap.may_close for gap in gaps)
    awaits = message if again else ""
    return CheckResult(name=COVERAGE, passed=None, message=message, awaits=awaits, is_option=False)


def cross_check_of_all(tally: CheckTally, markers: Markers) -> CheckResult | None:
    """Undetermined where attempts failed and the configured ``markers`` matched no line."""
    message = unmatched_patterns(tally.failed_attempts, tally.cross_checked, markers)
    if not message:
        return None
    return CheckResult(name=CROSS_CHECK, passed=None, message=message, is_option=False)


COVERAGE = "coverage"
CROSS_CHECK = "cross-check"


def _at_most(
    name: str, limit: Limit, number: int, of: int, message: Callable[[int], str], unknown: int = 0
) -> CheckResult:
    """Return undetermined where the ``unknown`` requests could exceed the limit."""
    share = f"{_percent(number, of)} of {of:,}: " if limit.is_share and of else ""
    most = limit.value * of if limit.is_share else limit.value
    return CheckResult(
        name=name,
        passed=False if number > most else True if number + unknown <= most else None,
        message=f"{share}{message(number)}, at most {limit.text} allowed{_few(limit, of)}",
    )


def _wrong_branches(tally: CheckTally, limit: Limit, expected: Expectations) -> CheckResult:
    name, of = "max-wrong-branch", tally.branches
    if tally.failed_attempts and not of:
        message = (
            f"no branch was compared, and {number_of(tally.failed_attempts, 'attempt')} failed"
        )
        passed = True if expected.allow_empty else None
        return CheckResult(name=name, passed=passed, message=message, awaits=message)
    named = [which for _, _, which in tally.first_wrong]
    more = tally.wrong_branches - len(named)
    named += [f"{more:,} more"] if more else []
    which = f" ({'; '.join(named)})" if named else ""
    return _at_most(
        name,
        limit,
        tally.wrong_branches,
        of,
        lambda n: number_of(n, "branch", "branches") + f" wrong{which}",
    )


def _accuracy(tally: CheckTally, expected: Expectations) -> CheckResult:
    limit, right, of = expected.min_accuracy, tally.right_on_retries, tally.counters_on_retries
    assert limit is not None
    if not of:
        message = "no retry that logged a counter has a verdict"
        passed = True if expected.allow_empty else None
        return CheckResult(name="min-accuracy", passed=passed, message=message, awaits=message)
    return CheckResult(
        name="min-accuracy",
        passed=right >= limit.value * of,
        message=(
            f"the counter agrees on {_percent(right, of)} of the retries that logged one "
            f"({right:,} of {of:,}), at least {limit.text} expected{_few(limit, of)}"
        ),
    )


def _few(limit: Limit, of: int) -> str:
    """Return a remark where one request more or less would change the result of a rate."""
    allowed = min(limit.value, 1 - limit.value) * of
    if not limit.is_share or not of or (of >= _FEW and not 0 < allowed < 1):
        return ""
    return f"; {of:,} {'is' if of == 1 else 'are'} few for a rate"


def _percent(part: int, of: int) -> str:
    return f"{100 * part / of:.1f}%"
