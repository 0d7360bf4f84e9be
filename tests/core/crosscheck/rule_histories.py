"""Histories that break a rule or nearly do, and what is found in them."""

from __future__ import annotations

import json
from typing import Any

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding, Severity
from retryctl.core.model.coverage import Gap
from tests.support.lambda_log import ID, Environment, checked

A, B, C = ("0", "process A"), ("1", "process B"), ("2", "process C")
STARTS_S = (0, 61, 184, 306)
# one attempt: the letter of its environment, how it ends, what it prints
Planned = tuple[str, str, tuple[str, ...]]


def logs_of(*plan: Planned, request_id: str = ID, **how: Any) -> list[Environment]:
    environments: dict[str, Environment] = {}
    for at_s, (letter, ends, lines) in zip(STARTS_S, plan, strict=False):
        log = environments.setdefault(letter, Environment(letter, **how))
        log.at(at_s).runs(request_id, *lines, ends=ends)
    return list(environments.values())


def told(*plan: Planned, request_id: str = ID, **how: Any) -> CheckedRequest:
    return checked(*logs_of(*plan, request_id=request_id), request_id=request_id, **how)


def found(of: CheckedRequest, rule: str) -> list[Finding]:
    return [each for each in of.findings if each.rule == rule]


def errors(of: CheckedRequest) -> list[tuple[str, int | None]]:
    return [(each.rule, each.attempt) for each in of.findings if each.severity is Severity.ERROR]


def checks(of: CheckedRequest) -> list[str]:
    return [each.verdict.value for each in of.checks]


def marker(counter: int | None, branch: str | None, **more: Any) -> str:
    fields = {"retryctl": 1, "request_id": ID, "counter": counter, "branch": branch}
    return json.dumps({**fields, "store": "tmp", "recorded": True, **more})


IN_ORDER = (("a", "error", A), ("a", "error", B), ("a", "error", C))
GAP = Gap(kind="refused", message="A part of the log could not be read.", hides_attempts=True)
