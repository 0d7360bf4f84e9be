"""A program that is told to stop takes its processes with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lambda_log import ID, Environment
from tests.made_up_logs import line_of
from tests.test_cli import environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes run")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(wait_s: float) -> Iterator[None]:
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        yield
        time.sleep(0.02)


@pytest.mark.parametrize("command", ["summary", "list", "check"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_no_process_is_left_behind(command: str, number: int, tmp_path: Path) -> None:
    lines = "".join(map(line_of, Environment("a").runs(ID).events))
    log = tmp_path / "log.jsonl"
    with log.open("w") as file:
        for _ in range(1 + 80_000_000 // len(lines)):
            file.write(lines)
    arguments = [sys.executable, "-m", "retryctl", command, "--from", str(log), "-q"]
    with subprocess.Popen(
        arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as running:
        workers: list[int] = []
        for _ in until(20):
            workers = children(running.pid)
            if len(workers) >= 2 or running.poll() is not None:
                break
        assert workers
        running.send_signal(number)
        assert running.wait(timeout=20) == {signal.SIGINT: 130}.get(number, 128 + number)
        assert b"Traceback" not in (running.stderr.read() if running.stderr else b"")
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
