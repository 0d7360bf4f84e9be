"""A log that comes through a pipe: what is known is shown as it comes, and at the end."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from tests.support.program import PATIENT_PROGRAM, environment, run

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
STREAM = "2026/11/23/[$LATEST]" + "0123456789abcdef" * 2


def tail(second: int, message: str) -> str:
    """A line of ``aws logs tail``."""
    return f"2026-11-23T03:00:{second:02d}.000000+00:00 {STREAM} {message}\n"


FIRST = tail(1, f"START RequestId: {ID} Version: $LATEST") + tail(2, "0") + tail(2, "process A")
REST = (
    tail(3, f"END RequestId: {ID}")
    + tail(3, f"REPORT RequestId: {ID}\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\t"
              "Memory Size: 128 MB\tMax Memory Used: 30 MB")
)  # fmt: skip


class Running:
    """The program while its pipe is open, with the lines of its output."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: Queue[str] = Queue()
        self.err: Queue[str] = Queue()
        for stream, lines in ((process.stdout, self.out), (process.stderr, self.err)):
            threading.Thread(target=self._take, args=(stream, lines), daemon=True).start()

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self) -> str:
        """Wait for the end; return the rest of the output."""
        self.process.wait(60)
        return "".join(iter(lambda: self.out.get(timeout=60), ""))

    @staticmethod
    def _take(stream: Iterator[str], lines: Queue[str]) -> None:
        for line in stream:
            lines.put(line)
        lines.put("")


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*PATIENT_PROGRAM, *arguments],
        env=environment({"COLUMNS": "100"}),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        encoding="utf-8",
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.wait()


def test_an_interrupt_prints_what_has_come() -> None:
    with running("trace", ID, "--from", "-") as program:
        program.write(FIRST)
        assert f"waiting: {ID}" in program.err.get(timeout=60)
        program.process.send_signal(signal.SIGINT)
        story = program.end()
    assert program.process.returncode == 130
    assert f"request {ID}" in story
    assert "running" in story


def test_an_interrupt_without_an_id_shows_the_newest_request_so_far() -> None:
    with running("trace", "--from", "-", "--output", "json") as program:
        program.write(FIRST)
        assert "reading standard input" in program.err.get(timeout=60)
        program.process.send_signal(signal.SIGINT)
        story = program.end()
    assert program.process.returncode == 130
    assert f'"request_id": "{ID}"' in story


def test_what_comes_after_the_last_reading_is_in_the_story() -> None:
    with running("trace", ID, "--from", "-", "--output", "json") as program:
        program.write(FIRST)
        program.err.get(timeout=60)
        program.write(REST)
        time.sleep(0.3)
        program.process.send_signal(signal.SIGINT)
        story = program.end()
    assert program.process.returncode == 130
    assert '"succeeded"' in story


def test_each_change_is_a_line_of_json() -> None:
    with running("trace", ID, "--from", "-", "--output", "jsonl") as program:
        program.write(FIRST)
        assert '"running"' in program.out.get(timeout=60)
        program.write(REST)
        assert '"succeeded"' in program.out.get(timeout=60)
        program.write(tail(9, "half a line")[:40])
        assert program.process.stdin is not None
        program.process.stdin.close()
        program.end()
    assert program.process.returncode == 0


def test_a_pipe_that_ends_gives_the_answer_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(FIRST + REST)
    with running("trace", ID, "--from", "-", "--output", "json") as program:
        program.write(FIRST + REST)
        assert program.process.stdin is not None
        program.process.stdin.close()
        piped = program.end()
    saved = run("trace", ID, "--from", str(path), "--output", "json")
    assert program.process.returncode == saved.returncode == 0
    assert piped.replace("standard input", str(path)) == saved.stdout
