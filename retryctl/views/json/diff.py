"""Two attempts compared, for programs: ``retryctl/diff/1``."""

from __future__ import annotations

from typing import Any

from retryctl.core.attempt_diff import AttemptDiff
from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.views.json.encoding import document_text, fields_of
from retryctl.views.json.schemas import DIFF
from retryctl.views.json.trace import claim_fields, coverage_object, event_object


def diff_document(
    found: AttemptDiff, checks: tuple[AttemptCheck, AttemptCheck], coverage: Coverage
) -> str:
    """Return one document with the lines of both attempts, stretch by stretch."""
    document = {
        "schema": DIFF,
        "left": _side(found.left, checks[0]),
        "right": _side(found.right, checks[1]),
        **fields_of(found, "same parts_after"),
        "lines": [
            {
                "same": stretch.same,
                "left": [event_object(event) for event in stretch.left],
                "right": [event_object(event) for event in stretch.right],
            }
            for stretch in found.stretches
        ],
        "coverage": coverage_object(coverage),
    }
    return document_text(document)


def _side(attempt: Attempt, check: AttemptCheck) -> dict[str, Any]:
    return {
        **fields_of(attempt, "request_id execution_arn"),
        "attempt": attempt.number,
        "outcome": attempt.outcome.value,
        **claim_fields(attempt, check),
    }
