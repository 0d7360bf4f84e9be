"""The cross-check: what the function claimed, held against what its log shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from retryctl.core.records import LogEvent
from retryctl.core.requests import Request


class Check(str, Enum):
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
class AttemptCheck:
    """One attempt's figures: what was expected, what its environment could see, and the result."""

    counter_expected: int | None
    counter_in_environment: int | None
    branch_expected: str | None
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRequest:
    """A request with its verdict. ``checks`` runs beside ``request.attempts``.

    ``undetermined_because`` are sentences, each a reason why no verdict can be given.
    """

    request: Request
    checks: tuple[AttemptCheck, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    undetermined_because: tuple[str, ...] = ()
