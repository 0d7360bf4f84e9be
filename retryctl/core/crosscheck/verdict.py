"""The cross-check: what a function claimed, held against what its log shows.

``check_request`` gives each attempt its check, the request its verdict, and says what it
found: one small function for each rule, in
``counter_rules``, ``store_rules`` and ``delivery_rules``.
"""

from __future__ import annotations

from dataclasses import dataclass

from retryctl.core.crosscheck.attempt_check import (
    AttemptCheck,
    JudgingContext,
    Verdict,
    check_attempts,
    hidden_after,
    uncountable_because,
    verdict_of,
)
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.counter_rules import COUNTER_RULES
from retryctl.core.crosscheck.delivery_rules import DELIVERY_RULES
from retryctl.core.crosscheck.findings import Finding, Rule, RuleInput
from retryctl.core.crosscheck.store_rules import STORE_RULES
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.core.model.request import Request

RULES: tuple[Rule, ...] = (*COUNTER_RULES, *STORE_RULES, *DELIVERY_RULES)


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


def check_request(
    request: Request,
    coverage: Coverage,
    *,
    settings: FunctionConfig | None = None,
    markers: Markers | None = None,
    stored: StoreCount | None = None,
) -> CheckedRequest:
    """The verdict on one request and what was found, in the order of the rules.

    ``stored`` is what a durable store holds of the request, where one was asked.
    """
    markers = markers or Markers()
    around = JudgingContext(
        coverage=coverage,
        settings=settings or FunctionConfig(),
        branches=markers.branches,
        reads_branches=markers.read_branches,
        stored=stored,
    )
    uncountable = uncountable_because(request, around)
    checks = check_attempts(request, around, uncountable)
    case = RuleInput(request=request, checks=checks, around=around, countable=not uncountable)
    unsure = [*uncountable, *hidden_after(request, around)]
    reasons = [*unsure, *(check.because for check in checks if check.because)]
    return CheckedRequest(
        request=request,
        checks=checks,
        verdict=verdict_of(checks, unsure),
        findings=tuple(finding for rule in RULES for finding in rule.find(case)),
        undetermined_because=tuple(dict.fromkeys(reasons)),
    )
