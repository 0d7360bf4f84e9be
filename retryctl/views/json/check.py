"""The result of a check for programs: ``retryctl/check/1``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from retryctl.core.check.check_evaluator import JudgedFinding
from retryctl.views.ci.report import CheckReport
from retryctl.views.json.encoding import document_pieces, fields_of
from retryctl.views.json.trace import coverage_object, finding_object

SCHEMA = "retryctl/check/1"


def report(result: CheckReport) -> Iterator[str]:
    """Yield one document with every check, not only those that failed."""
    judgement, counts = result.judgement, Counter[str]()
    for (_, rule), number in judgement.counts.items():
        counts[rule] += number
    document = {
        "schema": SCHEMA,
        "passed": judgement.passed,
        "exit_status": result.status.value,
        "requests": judgement.requests,
        "retried_requests": judgement.retried,
        "checks": (
            fields_of(check, "name request_id function passed message")
            for check in judgement.checks
        ),
        "findings": (_finding(judged) for judged in judgement.findings),
        "finding_counts": dict(sorted(counts.items())),
        "not_found": list(judgement.not_found),
        "cross_checked": judgement.cross_checked,
        "coverage": coverage_object(result.coverage),
    }
    return ci_document(document)


def ci_document(value: Any) -> Iterator[str]:
    """Yield a document without ``##[command]``, which a CI runner would obey."""
    return (piece.replace("##[", r"##\u005b") for piece in document_pieces(value))


def _finding(judged: JudgedFinding) -> dict[str, Any]:
    return {
        **fields_of(judged, "request_id function"),
        **finding_object(judged.finding),
        **fields_of(judged, "branch branch_expected failed"),
        "baseline": judged.known,
        "allowed": judged.allowed,
        "fingerprint": judged.identity.fingerprint,
    }
