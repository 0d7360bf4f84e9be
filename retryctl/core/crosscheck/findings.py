"""A finding, the rule that finds it, and the case that the rule looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from retryctl.core.crosscheck.attempt_check import AttemptCheck, JudgingContext
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.request import Request


class Severity(str, Enum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something worth saying, with the log events that prove it.

    ``attempt`` is the number of the one where the harm shows, ``None`` for the whole request.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInput:
    """One request as the rules see it. ``countable`` is false where attempts cannot be counted."""

    request: Request
    checks: tuple[AttemptCheck, ...]
    around: JudgingContext
    countable: bool

    @property
    def checked(self) -> Iterator[tuple[Attempt, AttemptCheck]]:
        """Each attempt with its check."""
        return zip(self.request.attempts, self.checks, strict=True)


# What a rule has to say of one case: an attempt's number or None, a sentence, the evidence.
Match = tuple[int | None, str, tuple[LogEvent, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``look`` finds; the rule lends its name, its severity and its remedy."""

    id: str
    severity: Severity
    remedy: str
    look: Callable[[RuleInput], Iterator[Match]]

    def find(self, case: RuleInput) -> Iterator[Finding]:
        """The findings of this rule in ``case``."""
        for attempt, message, evidence in self.look(case):
            yield Finding(
                rule=self.id,
                severity=self.severity,
                attempt=attempt,
                message=message,
                remedy=self.remedy,
                evidence=tuple(dict.fromkeys(evidence)),
            )


def attempts_named(attempts: list[Attempt]) -> str:
    """``attempt 1``, ``attempts 1 and 2``, ``attempts 1, 2 and 3``."""
    numbers = [str(attempt.number) for attempt in attempts]
    if len(numbers) < 2:
        return f"attempt {numbers[0]}"
    return f"attempts {', '.join(numbers[:-1])} and {numbers[-1]}"
