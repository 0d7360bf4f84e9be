"""The result of a check, before it is written in one of the formats that CI systems read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timezone, tzinfo

from retryctl.core.check.evaluate import REQUEST, CheckOutcome, JudgedFinding
from retryctl.core.check.expectations import CheckResult
from retryctl.core.model.coverage import Coverage
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The result of a check, and what was looked at.

    ``version`` is retryctl's own, ``tz`` the time zone of times in text, ``reports`` the files
    that are written beside what is printed.
    """

    judgement: CheckOutcome
    coverage: Coverage
    version: str
    tz: tzinfo = timezone.utc
    reports: tuple[str, ...] = ()

    @property
    def status(self) -> ExitStatus:
        """The exit status: a failure outranks what is undetermined."""
        passed = self.judgement.passed
        if passed is False:
            return ExitStatus.DID_NOT_HOLD
        if self.judgement.empty:
            return ExitStatus.NOTHING_FOUND
        return ExitStatus.UNDETERMINED if passed is None else ExitStatus.OK

    @property
    def subject(self) -> str:
        """The function, or how many there are."""
        names = self.judgement.functions
        return f"{len(names):,} functions" if len(names) > 1 else "".join(names)

    @property
    def place(self) -> str:
        """A path that stays the same from run to run, for tools that ask in which file it is."""
        return (self.coverage.log_groups or (self.subject or "log",))[0].lstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line of what did not pass: a finding that fails, or a check.

    ``rule`` names the rule or the expectation. ``passed`` is ``False``, or ``None`` where the
    result is undetermined.
    """

    rule: str
    passed: bool | None
    message: str
    request_id: str | None
    function: str | None
    judged: JudgedFinding | None = None


def problems(judgement: CheckOutcome) -> list[Problem]:
    """What did not pass, failures before what is undetermined."""
    failed: dict[tuple[str, str | None], list[JudgedFinding]] = defaultdict(list)
    for judged in judgement.findings:
        if judged.failed:
            failed[judged.request_id, judged.function].append(judged)
    found = [
        problem
        for check in judgement.checks
        if not check.passed
        for problem in _problems(check, failed.get((check.request_id or "", check.function), []))
    ]
    return sorted(found, key=lambda problem: problem.passed is None)


def harmless_findings(judgement: CheckOutcome) -> list[str]:
    """Sentences that count the findings that do not fail, by kind and by rule."""
    kinds = {
        "known, in the baseline": [f for f in judgement.findings if f.known and not f.allowed],
        "allowed": [f for f in judgement.findings if f.allowed],
        "also found, does not fail": [
            f for f in judgement.findings if not (f.failed or f.known or f.allowed)
        ],
    }
    return [f"{kind}: {_numbers(some)}" for kind, some in kinds.items() if some]


def grouped(found: Sequence[Problem]) -> list[tuple[Problem, ...]]:
    """Group the problems of one request and one rule, in the order of their first."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for problem in found:
        key = (problem.passed, problem.request_id, problem.function, problem.rule)
        groups.setdefault(key, []).append(problem)
    return [tuple(group) for group in groups.values()]


def headline(judgement: CheckOutcome, subject: str) -> str:
    """How much was checked: ``57 requests, 9 retried · orders-worker``."""
    about = f" · {subject}" if subject else ""
    return f"{number_of(judgement.requests, 'request')}, {judgement.retried:,} retried{about}"


def result_sentence(result: CheckReport) -> str:
    """How it came out, in a sentence that ends in the exit status."""
    checks = result.judgement.checks
    requests = sum(check.name == REQUEST for check in checks)
    expectations = len(checks) - requests
    failed = sum(check.passed is False for check in checks)
    unsure = sum(check.passed is None for check in checks)
    made_of = number_of(requests, "request")
    if expectations:
        made_of += f" and {number_of(expectations, 'expectation')}"
    status = f"(exit {result.status.value})"
    if result.status is ExitStatus.NOTHING_FOUND:
        return f"there was nothing to check {status}"
    if not (failed or unsure):
        every = "all " if len(checks) > 1 else ""
        return f"{every}{number_of(len(checks), 'check')} passed: {made_of} {status}"
    parts = [f"{failed:,} failed"] if failed else []
    parts += [f"{unsure:,} undetermined"] if unsure else []
    return f"{' and '.join(parts)} of {number_of(len(checks), 'check')}: {made_of} {status}"


def _problems(check: CheckResult, failed: list[JudgedFinding]) -> Iterator[Problem]:
    if check.name == REQUEST and check.passed is False and failed:
        for judged in failed:
            yield _problem(check, judged.finding.rule, judged.finding.message, judged)
    else:
        yield _problem(check, check.name, check.message, None)


def _problem(check: CheckResult, rule: str, message: str, judged: JudgedFinding | None) -> Problem:
    return Problem(
        rule=rule,
        passed=check.passed,
        message=message,
        request_id=check.request_id,
        function=check.function,
        judged=judged,
    )


def _numbers(findings: list[JudgedFinding]) -> str:
    numbers = Counter(judged.finding.rule for judged in findings)
    return ", ".join(f"{rule} {number:,}" for rule, number in sorted(numbers.items()))
