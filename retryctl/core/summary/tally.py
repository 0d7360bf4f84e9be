"""A tally of requests: it counts checked requests one by one and keeps none of them.

Everything in it is a whole number in a counter, so that tallies of parts of a log, added in any
order, give what one tally of all of it gives. Waits are counted by the millisecond, so that
their percentiles are exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import pairwise

from retryctl.core.crosscheck.attempt_check import AttemptCheck, AttemptVerdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import Attempt, AttemptOutcome, wait_ms
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.alike_requests import AlikeRequests
from retryctl.core.summary.silent_successes import CompactAttempt, id_of
from retryctl.core.value_classes import state_class, value_class

MOST_ERRORS = 5_000
"""The most kinds of errors that are counted apart; a log can have any number."""
OTHER_ERRORS = "(others)"
MOST_EXECUTIONS = 1_000
"""As many durable executions are counted apart."""
OTHER_EXECUTIONS = "(others)"
MINUTE_MS = 60_000

ErrorKind = tuple[str, "str | None"]
"""The type of an error, or what stands for it, and the first frame in the function's own code."""


@value_class
class Waits:
    """The waits of the retries of one number, from the end of the attempt before, in ms.

    Percentiles are nearest ranks: each is one of the waits.
    """

    retry: int
    count: int
    p50_ms: int
    p95_ms: int
    max_ms: int


@value_class
class ErrorGroup:
    """Failed attempts of one kind. ``example`` is the ID of the first request that has one."""

    type: str
    frame: str | None
    count: int
    example: str


@value_class
class Cost:
    """The billed time of attempts: milliseconds, and GB-seconds where the memory is known."""

    billed_ms: float = 0
    billed_ms_on_retries: float = 0
    gb_s: float = 0.0
    gb_s_on_retries: float = 0.0


@state_class
class SummaryTally:
    """The count of one function's requests. ``add`` takes them one by one, ``merge`` a tally."""

    requests: int = 0
    attempts: int = 0
    retried: int = 0
    cross_checked: int = 0
    by_attempts: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[RequestOutcome] = field(default_factory=Counter)
    attempt_outcomes: Counter[AttemptOutcome] = field(default_factory=Counter)
    branches: Counter[tuple[int, str | None]] = field(default_factory=Counter)
    checks: Counter[AttemptVerdict] = field(default_factory=Counter)
    retries_judged: Counter[AttemptVerdict] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    executions: Counter[str] = field(default_factory=Counter)
    wrong_retries: Counter[str] = field(default_factory=Counter)
    same_environment: int = 0
    other_environment: int = 0
    right_counts_in_wrong_branch: int = 0
    waits: dict[int, Counter[int]] = field(default_factory=dict)
    errors: Counter[ErrorKind] = field(default_factory=Counter)
    examples: dict[ErrorKind, tuple[int, str]] = field(default_factory=dict)
    billed_us: Counter[tuple[bool, float | None]] = field(default_factory=Counter)
    failed_by_minute: Counter[int] = field(default_factory=Counter)
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, checked: CheckedRequest) -> None:
        """Count a request, its attempts and its findings."""
        attempts = checked.request.attempts
        self._add_checked(checked, 1)
        for attempt in attempts:
            number, placed_ms = attempt.number, attempt.placed_ms
            if attempt.billed_duration_ms is not None:
                billed_us = round(attempt.billed_duration_ms * 1000)
                self.billed_us[number > 1, attempt.memory_size_mb] += billed_us
            if attempt.outcome.failed:
                self.failed_by_minute[placed_ms // MINUTE_MS] += 1
                self._add_error(_kind_of(attempt), 1, (placed_ms, attempt.request_id))
            self._extend_period(placed_ms)
        for before, attempt in pairwise(attempts):
            wait = wait_ms(before, attempt)
            if wait is not None:
                self.waits.setdefault(attempt.retries, Counter())[wait] += 1

    def add_alike(self, alike: AlikeRequests) -> None:
        """Count requests that are alike."""
        attempts = alike.checked.request.attempts
        self._add_checked(alike.checked, len(alike.attempts))
        of_number = list(zip(*alike.attempts, strict=True))
        for attempt, those in zip(attempts, of_number, strict=True):
            for _, _, _, billed_ms, memory_mb, _, _ in those:
                self.billed_us[attempt.number > 1, memory_mb] += billed_ms * 1000
            starts_ms = [start_ms for _, start_ms, *_ in those]
            if attempt.outcome.failed:
                self.failed_by_minute.update(start_ms // MINUTE_MS for start_ms in starts_ms)
                packed, first_ms, *_ = min(those, key=lambda each: (each[1], each[0]))
                self._add_error(_kind_of(attempt), len(those), (first_ms, id_of(packed)))
            self._extend_period(min(starts_ms))
            self._extend_period(max(starts_ms))
        for retries, (before, those) in enumerate(pairwise(of_number), 1):
            self.waits.setdefault(retries, Counter()).update(
                after[1] - one[1] - one[2] for one, after in zip(before, those, strict=True)
            )

    def _add_checked(self, checked: CheckedRequest, times: int) -> None:
        """Count this number of equal requests with all but the figures of their attempts."""
        request = checked.request
        count = len(request.attempts)
        self.requests += times
        self.attempts += count * times
        self.retried += (count > 1) * times
        self.by_attempts[count] += times
        self.outcomes[request.outcome] += times
        for attempt, check in zip(request.attempts, checked.checks, strict=True):
            self._add_attempt(attempt, check, times)
        for before, attempt in pairwise(request.attempts):
            self._add_environments(before, attempt, times)
        for finding in checked.every_finding:
            self.findings[finding.rule] += times
        if request.execution_arn:
            self._add_execution(request.execution_arn, times)
        self._add_reasons(checked, times)

    def add_quiet(self, attempts: Sequence[CompactAttempt]) -> None:
        """Count requests whose one attempt succeeded and logged nothing."""
        count = len(attempts)
        self.requests += count
        self.attempts += count
        self.by_attempts[1] += count
        self.outcomes[RequestOutcome.SUCCEEDED] += count
        self.attempt_outcomes[AttemptOutcome.OK] += count
        self.branches[1, None] += count
        self.checks[AttemptVerdict.SILENT] += count
        billed_ms: Counter[int] = Counter()
        for _, _, _, billed, memory_mb, _, _ in attempts:
            billed_ms[memory_mb] += billed
        for memory_mb, billed in billed_ms.items():
            self.billed_us[False, memory_mb] += billed * 1000
        starts = [attempt[1] for attempt in attempts]
        self._extend_period(min(starts))
        self._extend_period(max(starts))

    def merge(self, other: SummaryTally) -> None:
        """Add the counts of another tally."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for retry, waits in other.waits.items():
            self.waits.setdefault(retry, Counter()).update(waits)
        for kind, count in other.errors.items():
            self._add_error(kind, count, other.examples[kind])
        for arn, count in other.executions.items():
            self._add_execution(arn, count)
        for moment_ms in (other.first_ms, other.last_ms):
            if moment_ms is not None:
                self._extend_period(moment_ms)

    def _extend_period(self, placed_ms: int) -> None:
        if self.first_ms is None or placed_ms < self.first_ms:
            self.first_ms = placed_ms
        if self.last_ms is None or placed_ms > self.last_ms:
            self.last_ms = placed_ms

    def _add_attempt(self, attempt: Attempt, check: AttemptCheck, times: int) -> None:
        claim, number = attempt.claim, attempt.number
        self.attempt_outcomes[attempt.outcome] += times
        self.branches[number, claim.branch] += times
        self.checks[check.verdict] += times
        self.cross_checked += (not claim.silent) * times
        if number > 1 and claim.counter is not None:
            self.retries_judged[check.verdict] += times
            wrong = check.verdict is AttemptVerdict.DISAGREES
            self.right_counts_in_wrong_branch += (wrong and check.counter_agrees is True) * times

    def _add_error(self, kind: ErrorKind, count: int, example: tuple[int, str]) -> None:
        if kind not in self.errors and len(self.errors) >= MOST_ERRORS:
            kind = (OTHER_ERRORS, None)
        self.errors[kind] += count
        self.examples[kind] = min(example, self.examples.get(kind, example))

    def _add_execution(self, arn: str, count: int) -> None:
        if arn not in self.executions and len(self.executions) >= MOST_EXECUTIONS:
            arn = OTHER_EXECUTIONS
        self.executions[arn] += count

    def _add_environments(self, before: Attempt, attempt: Attempt, times: int) -> None:
        if before.log_stream is None or attempt.log_stream is None:
            return
        if before.log_stream == attempt.log_stream:
            self.same_environment += times
        else:
            self.other_environment += times

    def _add_reasons(self, checked: CheckedRequest, times: int) -> None:
        """Of each wrong count on a retry, the findings that explain it."""
        for finding in checked.every_finding:
            number = finding.attempt
            if number is None or number < 2:
                continue
            attempt, check = checked.request.attempts[number - 1], checked.checks[number - 1]
            if check.verdict is AttemptVerdict.DISAGREES and attempt.claim.counter is not None:
                self.wrong_retries[finding.rule] += times

    # ----------------------------------------------------------------- what it comes to

    def accuracy_on_retries(self) -> float | None:
        """Of the retries that logged a counter and could be judged, the share that agrees."""
        right, wrong = (
            self.retries_judged[AttemptVerdict.AGREES],
            self.retries_judged[AttemptVerdict.DISAGREES],
        )
        return right / (right + wrong) if right + wrong else None

    def wait_figures(self) -> list[Waits]:
        """Return the waits by number of the retry."""
        return [_figures(retry, self.waits[retry]) for retry in sorted(self.waits)]

    def error_groups(self) -> list[ErrorGroup]:
        """Return the kinds of errors, the most frequent first."""
        ordered = sorted(
            self.errors.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "")
        )
        return [
            ErrorGroup(type=kind[0], frame=kind[1], count=count, example=self.examples[kind][1])
            for kind, count in ordered
        ]

    def cost(self) -> Cost:
        """Return what the attempts were billed, and the retries among them."""
        return Cost(
            billed_ms=_billed_ms(self.billed_us),
            billed_ms_on_retries=_billed_ms(_on_retries(self.billed_us)),
            gb_s=_gb_s(self.billed_us),
            gb_s_on_retries=_gb_s(_on_retries(self.billed_us)),
        )


_SUMS = (
    *("requests", "attempts", "retried", "cross_checked"),
    *("same_environment", "other_environment", "right_counts_in_wrong_branch"),
)
_COUNTERS = (
    *("by_attempts", "outcomes", "attempt_outcomes", "branches", "checks", "retries_judged"),
    *("findings", "wrong_retries", "billed_us", "failed_by_minute"),
)

_Billed = Mapping[tuple[bool, "float | None"], int]


def _kind_of(attempt: Attempt) -> ErrorKind:
    """Lambda's or the runtime's name of the error; a timeout by its message, else the outcome."""
    error = attempt.error
    if error is None:
        return (attempt.outcome.value, None)
    return (error.type or error.message or attempt.outcome.value, error.frame)


def _figures(retry: int, waits: Counter[int]) -> Waits:
    count = waits.total()
    return Waits(
        retry=retry,
        count=count,
        p50_ms=_at_rank(waits, -(-count * 50 // 100)),
        p95_ms=_at_rank(waits, -(-count * 95 // 100)),
        max_ms=max(waits),
    )


def _at_rank(waits: Counter[int], rank: int) -> int:
    for wait in sorted(waits):
        rank -= waits[wait]
        if rank <= 0:
            break
    return wait


def _on_retries(billed_us: _Billed) -> _Billed:
    return {key: us for key, us in billed_us.items() if key[0]}


def _billed_ms(billed_us: _Billed) -> float:
    us = sum(billed_us.values())
    return us / 1000 if us % 1000 else us // 1000


def _gb_s(billed_us: _Billed) -> float:
    mb_us = sum(us * memory_mb for (_, memory_mb), us in billed_us.items() if memory_mb)
    return round(mb_us / 1024 / 1_000_000, 6)
