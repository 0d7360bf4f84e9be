"""``list`` as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from retryctl.core.summary.request_row import RequestRow
from retryctl.views.json.encoding import document_pieces, dumps
from retryctl.views.times import iso

KEYS = (
    *("request_id", "function", "started_at", "attempts", "outcome", "verdict", "findings"),
    *("branches", "wrong_branches", "environments", "error", "execution_arn"),
)
"""The keys of a request, in the order of the columns of CSV."""


def listed_object(listed: RequestRow) -> dict[str, Any]:
    """Return the JSON object of a request."""
    made = {
        "started_at": iso(listed.started_ms),
        "outcome": listed.outcome.value,
        "verdict": listed.verdict.value,
    }
    return {key: made[key] if key in made else getattr(listed, key) for key in KEYS}


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
