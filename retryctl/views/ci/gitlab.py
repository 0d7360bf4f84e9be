"""The report of code quality that GitLab reads.

GitLab compares the report of a branch with that of its target by the fingerprints, so they must
survive the new request IDs of every run. Problems with one identity are numbered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from retryctl.core.crosscheck.findings import Severity
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.inert_text import inert
from retryctl.views.json.documents import ci_document

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def gitlab_report(result: CheckReport) -> Iterator[str]:
    """Yield the array, one object for each problem."""
    return ci_document(_issues(result))


def _issues(result: CheckReport) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for problem in result.problems:
        identity = _identity(problem)
        yield _issue(problem, f"{identity}:{seen[identity]}", result.place)
        seen[identity] += 1


def _identity(problem: Problem) -> str:
    if problem.findings:
        return problem.findings[0].identity.fingerprint
    return f"{problem.rule}:{problem.function or ''}"


def _issue(problem: Problem, unique: str, place: str) -> dict[str, Any]:
    who = f"{problem.request_id}: " if problem.request_id else ""
    return {
        "description": inert(f"{who}{problem.message}"),
        "check_name": problem.rule,
        "fingerprint": sha256(unique.encode()).hexdigest()[:32],
        "severity": _severity(problem),
        "location": {"path": inert(place), "lines": {"begin": 1}},
    }


def _severity(problem: Problem) -> str:
    if problem.findings:
        return _SEVERITIES[problem.findings[0].finding.severity]
    return "info" if problem.passed is None else "major"
