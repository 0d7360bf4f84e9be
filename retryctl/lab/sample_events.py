"""Sample events: what AWS services send to a function, with made-up values."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def sample_events() -> dict[str, Any]:
    """Return the events by the names of their samples."""
    file = resources.files("retryctl").joinpath("lab", "sample_events.json")
    events: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return events
