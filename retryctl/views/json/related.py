"""The requests of one event under several request IDs: ``retryctl/related/1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import Coverage
from retryctl.core.related.groups import RelatedRequests, counts_by_key
from retryctl.views.json.encoding import document_text, fields_of
from retryctl.views.json.trace import coverage_object, finding_object
from retryctl.views.times import iso

SCHEMA = "retryctl/related/1"


def related_document(groups: Sequence[RelatedRequests], coverage: Coverage) -> str:
    """One document with every event that has several request IDs."""
    document = {
        "schema": SCHEMA,
        "counts": {
            name: {"events": events, "requests": requests}
            for name, (events, requests) in counts_by_key(groups).items()
        },
        "events": [_event(group) for group in groups],
        "coverage": coverage_object(coverage),
    }
    return document_text(document)


def _event(group: RelatedRequests) -> dict[str, Any]:
    return {
        "key": fields_of(group.key, "name value") if group.key else None,
        "finding": finding_object(group.finding) if group.finding else None,
        "requests": [_request(number, one) for number, one in enumerate(group.requests, start=1)],
    }


def _request(number: int, checked: CheckedRequest) -> dict[str, Any]:
    request = checked.request
    return {
        "delivery": number,
        **fields_of(request, "request_id function log_group"),
        "outcome": request.outcome.value,
        "attempts": [
            {
                "number": attempt.number,
                "started_at": iso(attempt.started_ms),
                "ended_at": iso(attempt.ended_ms),
                "outcome": attempt.outcome.value,
            }
            for attempt in request.attempts
        ],
    }
