"""``trace --wait`` in a terminal over a virtual hour, with faults: no attempt missed or twice."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest

from tests.cli.trace.wait_of_an_hour import IDS
from tests.support.aws_program import CREDENTIALS
from tests.support.program import environment, run_process
from tests.support.random_cases import LONG

pytestmark = [
    pytest.mark.skipif(not LONG, reason="RETRYCTL_LONG_TESTS is not set"),
    pytest.mark.timeout(900),
]

MODULE = (sys.executable, "-m", "tests.cli.trace.wait_of_an_hour")
_SEQUENCE = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|\x1b.")


class Screen:
    """The lines of a terminal: what is drawn, moved up to and erased."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines = [""]
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        place = 0
        while place < len(text):
            if match := _SEQUENCE.match(text, place):
                self._obey(match[2] or "", match[1] or "")
                place = match.end()
                continue
            self._put(text[place])
            place += 1

    def resize(self, columns: int) -> None:
        """Break the lines anew, as terminals do. The cursor is at the end of the last one."""
        self.columns = columns
        self.lines = [
            line[at : at + columns]
            for line in self.lines
            for at in range(0, max(len(line), 1), columns)
        ]
        self.row = len(self.lines) - 1
        self.column = len(self.lines[-1])

    def _obey(self, command: str, value: str) -> None:
        if command == "A":
            self.row = max(0, self.row - int(value or 1))
        elif command in "KJ":
            kept = self.lines[self.row][: self.column] if value in ("", "0") else ""
            self.lines[self.row] = kept
            if command == "J":
                del self.lines[self.row + 1 :]

    def _put(self, sign: str) -> None:
        if sign == "\r":
            self.column = 0
        elif sign == "\n" or self.column >= self.columns:
            self.row, self.column = self.row + 1, 0 if sign != "\n" else self.column
            if self.row == len(self.lines):
                self.lines.append("")
        if sign not in "\r\n":
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + sign + line[self.column + 1 :]
            self.column += 1


def follow_in_terminal(
    columns: int,
    *,
    resized: int | None = None,
    seed: int = 1,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str, list[str], list[str]]:
    """Return the status, all output, the last lines of each drawing, and the final screen."""
    above, below = pty.openpty()
    _resize(above, columns)
    screen, output = Screen(columns), ""
    drawings: list[str] = []
    ours = {**environment(CREDENTIALS), "TERM": "xterm", **(env or {})}
    with subprocess.Popen(
        [*MODULE, str(seed)], stdin=below, stdout=below, stderr=below, env=ours
    ) as running:
        os.close(below)
        try:
            for text in _chunks(above):
                output += text
                screen.feed(text)
                drawings.append("\n".join(screen.lines))
                if resized and "pending" in text:
                    _resize(above, resized)
                    screen.resize(resized)
                    resized = None
        except BaseException:
            running.kill()  # it may wait until somebody reads what it writes
            raise
        finally:
            os.close(above)
    return running.returncode, output, drawings, screen.lines


def _chunks(descriptor: int) -> Iterator[str]:
    with suppress(OSError):  # the other end is closed
        while chunk := os.read(descriptor, 65536):
            yield chunk.decode(errors="replace")


def _resize(descriptor: int, columns: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))


def attempts_of_answer(lines: list[str]) -> dict[str, int]:
    """The number of rows with an outcome below each request of the answer."""
    counts: dict[str, int] = {}
    request = ""
    for line in lines:
        if match := re.match(r"request ([0-9a-f-]{36})", line):
            request = match[1]
            counts[request] = 0
        elif request and re.match(r" ?[123] .*NameError", line):
            counts[request] += 1
    return counts


def assert_answer(status: int, output: str, lines: list[str]) -> None:
    assert status == 0, output[-2000:]
    assert "Traceback" not in output
    minutes = re.search(r"minutes (\d+)", output)
    assert minutes
    assert 50 <= int(minutes[1]) <= 70
    assert attempts_of_answer(lines) == dict.fromkeys(IDS, 3)


def test_a_terminal_that_becomes_narrow() -> None:
    status, output, drawings, lines = follow_in_terminal(120, resized=90)
    assert_answer(status, output, lines)
    assert not any("next reading" in line for line in lines)
    assert max(drawing.count("next reading in") for drawing in drawings) == 1
    assert sum("next reading" in drawing for drawing in drawings) > 20


@pytest.mark.parametrize(
    ("columns", "env"),
    [(60, {}), (120, {"NO_COLOR": "1"}), (120, {"TERM": "dumb"})],
    ids=["narrow", "no colour", "dumb"],
)
def test_other_terminals(columns: int, env: dict[str, str]) -> None:
    status, output, _, lines = follow_in_terminal(columns, env=env)
    if columns > 80:
        assert_answer(status, output, lines)
    assert status == 0
    if env.get("TERM") == "dumb":
        assert "\x1b[" not in output
        assert "retryctl: waiting:" in output
    if "NO_COLOR" in env:
        assert not re.search(r"\x1b\[[\d;]*3[0-7]m", output)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_change_is_one_line(seed: int) -> None:
    env = {**CREDENTIALS}
    done = run_process(str(seed), "-o", "jsonl", env=env, program=MODULE)
    assert done.returncode == 0, done.stderr
    counts: dict[str, list[int]] = {request_id: [] for request_id in IDS}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            request = json.loads(line)
            numbers = [attempt["number"] for attempt in request["attempts"]]
            assert numbers == list(range(1, len(numbers) + 1))
            counts[request["request_id"]].append(len(numbers))
    assert all(each == sorted(each) and set(each) == {1, 2, 3} for each in counts.values())
