"""A handler that counts files in /tmp, under the real runtime client: what a search by ID loses.

The same log is read from a file and from moto's server, over HTTP.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retryctl.core.model.events import LogEvent
from retryctl.lab.lab import json_lines
from retryctl.lab.plugin import HandlerLab
from tests.lab.test_tmp_counts import HANDLERS
from tests.support.counters_world import Aws
from tests.support.lab.lab_handlers import ORDER
from tests.support.program import run

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")

GROUP = "/aws/lambda/counts-files"
CLAIMS = [(0, "A"), (1, "B"), (0, "A")]


def trace(request_id: str, *where: str, **environment: str) -> list[dict[str, Any]]:
    """The attempts that the program tells."""
    done = run("trace", request_id, "--lines", "-o", "json", *where, env=environment)
    assert done.returncode == 0, done.stderr
    (request,) = json.loads(done.stdout)["requests"]
    attempts: list[dict[str, Any]] = request["attempts"]
    return attempts


def hold(attempts: list[dict[str, Any]]) -> None:
    """The prints and the traceback stand under the attempt that wrote them."""
    assert [(a["counter"]["logged"], a["branch"]["logged"]) for a in attempts] == CLAIMS
    for attempt, (counter, branch) in zip(attempts, CLAIMS, strict=True):
        said = [event["message"].rstrip("\n") for event in attempt["events"]]
        assert said.index(str(counter)) + 1 == said.index(f"process {branch}")
        assert sum(line.startswith("[ERROR] ") and "Traceback" in line for line in said) == 1
        assert attempt["outcome"] == "error"


@pytest.mark.parametrize("handler", HANDLERS)
def test_what_carries_no_id_is_told_under_its_attempt(
    handler: str, tmp_path: Path, moto: Aws
) -> None:
    lab = HandlerLab.open(handler, Path())
    request_id = lab.run("same,fresh", ORDER).request_id
    events = [one.event for one in lab.events]
    lost = [event.message for event in events if request_id not in event.message]
    assert {"0\n", "1\n", "process A\n", "process B\n"} <= set(lost)
    assert sum("Traceback" in message for message in lost) == 3

    saved = tmp_path / "log.jsonl"
    saved.write_text(json_lines(lab.events), encoding="utf-8")
    hold(trace(request_id, "--from", str(saved)))

    moto.reset()
    put(moto.client("logs"), events)
    hold(trace(request_id, "-g", GROUP, **moto.environ()))


def put(logs: Any, events: list[LogEvent]) -> None:
    """The events in a log group, the last of them a minute ago."""
    late_ms = time.time_ns() // 1_000_000 - 60_000 - max(event.timestamp_ms for event in events)
    logs.create_log_group(logGroupName=GROUP)
    for stream in sorted({str(event.log_stream) for event in events}):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        mine = [replace(e, timestamp_ms=e.timestamp_ms + late_ms) for e in events]
        logs.put_log_events(
            logGroupName=GROUP,
            logStreamName=stream,
            logEvents=[
                {"timestamp": event.timestamp_ms, "message": event.message}
                for event in mine
                if event.log_stream == stream
            ],
        )
