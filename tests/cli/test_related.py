"""``retryctl trace --related``: one event under several request IDs, in a saved log."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from tests.core.test_related import Log
from tests.support.program import run


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, list[str]]:
    """Three client retries of one order, and another request."""
    made = Log(Random(7))
    ids = [made.runs(61.5 * n, 95, "order 42") for n in range(3)]
    ids.append(made.runs(900, 1, "order 43"))
    path = tmp_path / "log.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for event in made.events:
            found = {
                "logGroupName": event.log_group,
                "logStreamName": event.log_stream,
                "timestamp": event.timestamp_ms,
                "message": event.message,
            }
            print(json.dumps(found), file=file)
    return path, ids


def test_the_requests_of_one_event(log: tuple[Path, list[str]]) -> None:
    path, ids = log
    done = run("trace", "--related", ids[1], "--from", str(path), env={"COLUMNS": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "one event · client retry · 3 request IDs"
    assert [line.split()[1] for line in lines[2:5]] == ids[:3]
    assert "This is one event under 3 request IDs" in done.stdout
    assert "Set the caller's read timeout" in done.stdout
    assert ids[3] not in done.stdout


def test_the_document(log: tuple[Path, list[str]]) -> None:
    path, ids = log
    done = run("trace", "--related", "--key", r"order (\d+)", "--from", str(path), "-o", "json")
    document = json.loads(done.stdout)
    assert document["schema"] == "retryctl/related/1"
    (event,) = document["events"]
    assert event["key"] == {"name": "key", "value": "42"}
    assert [request["request_id"] for request in event["requests"]] == ids[:3]
    assert [request["delivery"] for request in event["requests"]] == [1, 2, 3]
    assert event["finding"] is None


def test_a_request_that_is_alone(log: tuple[Path, list[str]]) -> None:
    path, ids = log
    done = run("trace", "--related", ids[3], "--from", str(path))
    assert (done.returncode, done.stdout) == (4, "")
    assert "no request shares an event with another" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--key", "order"], "--key names the event of --related"),
        (["--related", "--key", "order"], "it has no group"),
        (["--related", "-o", "svg"], "--related has no output 'svg'"),
    ],
)
def test_usage(log: tuple[Path, list[str]], arguments: list[str], what: str) -> None:
    done = run("trace", log[1][0], *arguments, "--from", str(log[0]))
    assert (done.returncode, done.stdout) == (2, "")
    assert what in done.stderr


def test_cloudwatch_is_refused_before_any_call() -> None:
    done = run("trace", "--related", "-f", "orders-worker")
    assert done.returncode == 2
    assert "in a saved log only" in done.stderr
