"""Findings, the rules that find them, and the request that a rule reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.crosscheck.context import JudgingContext
from retryctl.core.crosscheck.cross_check_input import CrossCheckInput
from retryctl.core.crosscheck.earlier_marks import EarlierMarks, Some
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.request import Request
from retryctl.core.value_classes import value_class
from retryctl.core.wording import in_a_row

MOST_LISTED = 100
"""A request lists this many findings of one rule; its other findings of the rule are counted."""
MOST_EVIDENCE = 20
"""A finding has at most this many log events as evidence."""


class Severity(StrEnum):
    """The severity of a finding."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@value_class
class Finding:
    """A result of a rule, with the log events that are its evidence.

    ``attempt`` is the number of the one where the harm shows, ``None`` for the whole request.
    ``evidence`` is bounded: where more events prove it, ``message`` has their number.
    """

    rule: str
    severity: Severity
    attempt: int | None
    message: str
    remedy: str
    evidence: tuple[LogEvent, ...]

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"a finding of {self.rule} needs evidence")


class UnlistedFinding(NamedTuple):
    """A finding beyond those that its request lists: counted, without message and evidence."""

    rule: str
    severity: Severity
    attempt: int | None


@value_class
class RuleInput:
    """One request and the checks of its attempts: the input of the rules."""

    given: CrossCheckInput
    checks: tuple[AttemptCheck, ...]

    @property
    def request(self) -> Request:
        """The request."""
        return self.given.request

    @property
    def around(self) -> JudgingContext:
        """The coverage, the settings and the branches that it is checked with."""
        return self.given.around

    @property
    def marks(self) -> EarlierMarks:
        """The marks before each of its attempts."""
        return self.given.marks

    @property
    def countable(self) -> bool:
        """Whether its attempts can be counted."""
        return not self.given.uncountable

    @property
    def checked(self) -> Iterator[tuple[Attempt, AttemptCheck]]:
        """Each attempt with its check."""
        return zip(self.request.attempts, self.checks, strict=True)


class Match(NamedTuple):
    """A match of a rule; ``remedy`` is empty where it is the rule's own."""

    attempt: int | None
    message: str
    evidence: tuple[LogEvent, ...]
    remedy: str = ""


Case = TypeVar("Case")


@value_class
class Rule(Generic[Case]):
    """One rule: ``matches`` yields its matches in a case, each of which becomes a finding."""

    id: str
    severity: Severity
    remedy: str
    matches: Callable[[Case], Iterator[Match]]

    def find(self, case: Case) -> Iterator[Finding]:
        """Yield the findings of this rule in ``case``."""
        return map(self.finding, self.matches(case))

    def finding(self, match: Match) -> Finding:
        """Return the finding of a match."""
        return Finding(
            rule=self.id,
            severity=self.severity,
            attempt=match.attempt,
            message=match.message,
            remedy=match.remedy or self.remedy,
            evidence=tuple(islice(dict.fromkeys(match.evidence), MOST_EVIDENCE)),
        )


def listed(
    rules: Iterable[Rule[Case]], case: Case
) -> tuple[tuple[Finding, ...], tuple[UnlistedFinding, ...]]:
    """Return the findings of rules in ``case``: those that are listed, and the others."""
    first, rest = list[Finding](), list[UnlistedFinding]()
    for rule in rules:
        for count, match in enumerate(rule.matches(case)):
            if count < MOST_LISTED:
                first.append(rule.finding(match))
            else:
                rest.append(UnlistedFinding(rule.id, rule.severity, match.attempt))
    return tuple(first), tuple(rest)


def attempts_named(some: Some) -> str:
    """``attempt 1``, ``attempts 1 and 2``, ``attempts 1, 2, 3, 4, 5 and 95 more``."""
    names = [str(attempt.number) for attempt in some.first]
    if some.count > len(names):
        names.append(f"{some.count - len(names):,} more")
    return f"attempt{'s' if len(names) > 1 else ''} {in_a_row(names)}"


_SEVERITIES = tuple(Severity)


def grouped_findings(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Group the findings of one rule: errors first, then in the order of the rules."""
    groups: dict[tuple[str, Severity, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.rule, finding.severity, finding.remedy)
        groups.setdefault(key, []).append(finding)
    ordered = sorted(groups.values(), key=lambda group: _SEVERITIES.index(group[0].severity))
    return [tuple(group) for group in ordered]
