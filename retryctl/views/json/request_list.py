"""``list`` as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from retryctl.core.summary.request_row import RequestRow
from retryctl.views.json.encoding import document_pieces, dumps
from retryctl.views.times import iso


def listed_object(listed: RequestRow) -> dict[str, Any]:
    """Return the JSON object of a request."""
    return {
        "request_id": listed.request_id,
        "function": listed.function,
        "started_at": iso(listed.started_ms),
        "attempts": listed.attempts,
        "outcome": listed.outcome.value,
        "verdict": listed.verdict.value,
        "findings": list(listed.findings),
        "branches": list(listed.branches),
        "wrong_branches": list(listed.wrong_branches),
        "environments": listed.environments,
        "error": listed.error,
        "execution_arn": listed.execution_arn,
    }


def listed_line(listed: RequestRow) -> str:
    """Return a line of JSON."""
    return dumps(listed_object(listed)) + "\n"


def listed_document(listed: Iterable[RequestRow], coverage: dict[str, Any]) -> Iterator[str]:
    """Yield one document with all requests."""
    document = {
        "schema": "retryctl/list/1",
        "requests": (listed_object(each) for each in listed),
        "coverage": coverage,
    }
    return document_pieces(document)
