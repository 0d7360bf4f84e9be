"""A program that is told to stop takes its processes with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from retryctl.errors import ExitStatus
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.program import environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes run")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(wait_s: float) -> Iterator[None]:
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        yield
        time.sleep(0.001)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So large that several processes read it for some seconds."""
    lines = "".join(map(line_of, Environment("a").runs(ID).events))
    path = tmp_path_factory.mktemp("large") / "log.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(1 + 80_000_000 // len(lines)):
            file.write(lines)
    return path


@contextmanager
def reading(
    command: str, log: Path, wait_s: float = 0
) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """The program in a group of its own, so long after it has its processes, and these."""
    arguments = [sys.executable, "-m", "retryctl", command, "--from", str(log), "-q"]
    with subprocess.Popen(
        arguments,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as running:
        for _ in until(120):
            if len(children(running.pid)) >= 2 or running.poll() is not None:
                break
        time.sleep(wait_s)
        workers = children(running.pid)
        try:
            assert len(workers) >= 2
            yield running, workers
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def ends(running: subprocess.Popen[bytes], workers: list[int], status: int) -> str:
    """What it says when it ends, soon, with all its processes."""
    _, said = running.communicate(timeout=120)
    assert running.returncode == status
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert b"Traceback" not in said
    return said.decode()


def test_a_terminal_ends_all_its_processes(log: Path) -> None:
    """It sends Ctrl-C to every process of the group."""
    with reading("check", log, 0.1) as (running, workers):
        os.killpg(running.pid, signal.SIGINT)
        assert ends(running, workers, 128 + signal.SIGINT) == ""


# Ctrl-C reaches a process before its first line.
INTERRUPTED_AT_BIRTH = """
import os, runpy, signal
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGINT))
runpy.run_module("retryctl", run_name="__main__")
"""


def test_a_process_that_has_just_begun_hears_no_signal(log: Path) -> None:
    arguments = ["trace", "--from", str(log), OTHER_ID]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_BIRTH, *arguments],
        env=environment(),
        capture_output=True,
        timeout=170,
    )
    assert done.returncode == ExitStatus.NOTHING_FOUND
    assert b"Traceback" not in done.stderr


def test_a_process_that_is_killed_ends_the_program(log: Path) -> None:
    with reading("check", log) as (running, workers):
        os.kill(workers[0], signal.SIGKILL)
        assert "a worker process was killed by signal 9" in ends(running, workers, 3)
