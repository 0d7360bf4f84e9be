"""The lab's own part of the JSON of ``trace``: the response of each attempt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def add_responses(request: dict[str, Any], bodies: Sequence[bytes | None]) -> None:
    """Add ``response`` to each attempt of a request, null where the attempt gave none."""
    for attempt, body in zip(request["attempts"], bodies, strict=False):
        attempt["response"] = _document(body)


def _document(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return json.loads(body, parse_constant=str)  # NaN is not JSON
    except ValueError:
        return body.decode("utf-8", "replace")
