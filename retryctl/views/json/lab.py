"""The lab's own JSON: the document of ``trace`` with the response of each attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from retryctl.views.json.trace import dumps


def with_responses(request: dict[str, Any], bodies: Sequence[bytes | None]) -> dict[str, Any]:
    """Return a request of the document; each attempt has ``response``, null where it gave none."""
    for attempt, body in zip(request["attempts"], bodies, strict=False):
        attempt["response"] = _document(body)
    return request


def document_with_responses(text: str, bodies: Mapping[str, Sequence[bytes | None]]) -> str:
    """Return the document of ``trace`` with responses, by request ID."""
    document = json.loads(text)
    for request in document["requests"]:
        with_responses(request, bodies[request["request_id"]])
    return dumps(document, indent=2) + "\n"


def lines_with_responses(text: str, bodies: Mapping[str, Sequence[bytes | None]]) -> str:
    """Return the lines of ``trace`` with responses, by request ID."""
    requests = [json.loads(line) for line in text.splitlines()]
    return "".join(
        dumps(with_responses(request, bodies[request["request_id"]])) + "\n" for request in requests
    )


def _document(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return json.loads(body, parse_constant=str)  # NaN is no JSON
    except ValueError:
        return body.decode("utf-8", "replace")
