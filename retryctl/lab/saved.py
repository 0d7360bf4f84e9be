"""What the lab logged, as a saved log that every command reads."""

from __future__ import annotations

import json
from collections.abc import Iterable

from retryctl.lab.lab import LabEvent


def json_lines(events: Iterable[LabEvent]) -> str:
    """Return an event a line, as ``aws logs filter-log-events`` shapes it.

    Beside CloudWatch's keys each has ``source``: ``function`` for what the function and its
    runtime client wrote, ``platform`` for what the lab wrote in Lambda's stead.
    """
    return "".join(json.dumps(e.as_json(), ensure_ascii=False) + "\n" for e in events)
