"""Saved logs for ``retryctl check``, and the shortest histories that go one way or the other."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment, events_of

FIRST, SECOND, THIRD = 0.0, 63.0, 190.0
"""When the attempts of a request start, in seconds after midnight."""


def save(path: Path, *environments: Environment) -> Path:
    """The log as JSON lines, one event each."""
    with path.open("w", encoding="utf-8") as file:
        for event in events_of(*environments):
            found = {
                "eventId": event.event_id,
                "logGroupName": event.log_group,
                "logStreamName": event.log_stream,
                "timestamp": event.timestamp_ms,
                "message": event.message,
            }
            file.write(json.dumps({k: v for k, v in found.items() if v is not None}) + "\n")
    return path


def right(request_id: str = ID, letter: str = "a") -> Environment:
    """A, B, then success: three attempts in one environment, all counted."""
    environment = Environment(letter)
    environment.at(FIRST).runs(request_id, "0", "process A", ends="error")
    environment.at(SECOND).runs(request_id, "1", "process B", ends="error")
    return environment.at(THIRD).runs(request_id)


def exhausted(request_id: str = ID, letter: str = "a") -> Environment:
    """A, B, C, all failed."""
    environment = Environment(letter)
    for start, number, branch in ((FIRST, 0, "A"), (SECOND, 1, "B"), (THIRD, 2, "C")):
        environment.at(start).runs(request_id, str(number), f"process {branch}", ends="error")
    return environment


def switched(request_id: str = OTHER_ID) -> tuple[Environment, Environment]:
    """A twice: the second attempt in another environment, then success."""
    one, two = Environment("b"), Environment("c")
    one.at(FIRST).runs(request_id, "0", "process A", ends="error")
    two.at(SECOND).runs(request_id, "0", "process A", ends="error")
    two.at(THIRD).runs(request_id)
    return one, two


def pending(request_id: str = THIRD_ID) -> Environment:
    """One attempt, which failed, at the very end of the log."""
    return Environment("d").at(THIRD).runs(request_id, "0", "process A", ends="error")


def succeeded(request_id: str = THIRD_ID) -> Environment:
    """One attempt, all well."""
    return Environment("d").at(FIRST).runs(request_id)


def cut(request_id: str = OTHER_ID) -> Environment:
    """A log that begins after the first attempts: nobody can tell whether its count is right."""
    return Environment("e").at(THIRD).runs(request_id, "2", "process C", ends="error")
