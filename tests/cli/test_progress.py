"""How far the reading is stands on stderr where that is a terminal, and nowhere else."""

from __future__ import annotations

import gzip
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import pytest

from retryctl.cli.output.terminal import Progress, TerminalFeedback
from tests.support.saved_logs import EVENTS, lines

# reads a log within four seconds by its clock, and calls its bytes MB
PROGRAM = """
import sys
from functools import partial
from itertools import chain, repeat
from retryctl.app.options import bytes_progress
from retryctl.cli.output.terminal import Progress
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.function_config import FunctionConfig
from tests.support.saved_events import SavedLog
from retryctl.bulk.reader import BulkReader

path, way = sys.argv[1:]
with Progress(quiet=way == "quiet", clock=partial(next, chain([0], repeat(4)))) as progress:
    tell = lambda done, total: bytes_progress(progress, 10**6 * done, 10**6 * total)
    if way == "whole":
        BulkReader(path).read(LogQuery(), Markers(), FunctionConfig(), progress=tell)
    else:
        list(SavedLog(path).read(LogQuery(), tell))
"""


def told(path: Path, way: str) -> str:
    """What a terminal shows while a log is read."""
    above, below = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-c", PROGRAM, str(path), way]
    with subprocess.Popen(command, stderr=below, env=environment) as process:
        os.close(below)
        shown = b""
        while chunk := _read(above):
            shown += chunk
    os.close(above)
    assert process.returncode == 0, shown
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize(
    ("typed", "quiet", "answered"),
    [
        ("y\n", False, True),
        ("Yes\n", False, True),
        ("\n", False, False),
        ("n\n", False, False),
        ("y\n", True, False),
        (None, False, False),
    ],
)
def test_a_question_is_put_on_a_terminal_only(
    typed: str | None,
    quiet: bool,
    answered: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    above, below = pty.openpty()
    with os.fdopen(below, "w") as written, os.fdopen(os.dup(below)) as read:
        monkeypatch.setattr(sys, "stderr", written)
        if typed is not None:
            monkeypatch.setattr(sys, "stdin", read)
            os.write(above, typed.encode())
        feedback = TerminalFeedback(quiet=quiet)
        with feedback.progress():
            assert feedback.confirm("Pay $2?") is answered
        print("the end", file=written, flush=True)
        shown = ""
        while "the end" not in shown:
            shown += os.read(above, 4096).decode()
    os.close(above)
    assert ("retryctl: Pay $2? [y/N]" in shown) is (typed is not None and not quiet)


@pytest.mark.parametrize("way", ["whole", "events"])
@pytest.mark.parametrize("packed", [False, True])
def test_bytes_and_rate_are_told(way: str, packed: bool, tmp_path: Path) -> None:
    content = lines(EVENTS).encode()
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(content) if packed else content)
    size = path.stat().st_size
    found = re.search(r"reading: ([\d,]+) of ([\d,]+) MB, ([\d,]+) MB/s", told(path, way))
    assert found
    done, total, rate = (int(number.replace(",", "")) for number in found.groups())
    assert (done, total) == (size, size)
    assert rate == round(size / 4)


def test_nothing_is_told_where_nobody_asked(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(lines(EVENTS))
    assert told(path, "quiet") == ""


def test_progress_returns_after_a_question_that_was_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown: list[str] = []
    monkeypatch.setattr(Progress, "_show", lambda _, line: shown.append(line))
    with Progress(quiet=False, clock=partial(next, chain([0], repeat(4)))) as progress:
        with suppress(KeyboardInterrupt), progress.hidden():
            progress(lambda _: "hidden")
            raise KeyboardInterrupt
        progress(lambda _: "shown")
        with progress.hidden():
            progress.__exit__(None, None, None)
        progress(lambda _: "after its end")
    assert shown == ["shown"]
