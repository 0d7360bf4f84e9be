"""How far the reading is stands on stderr where that is a terminal, and nowhere else."""

from __future__ import annotations

import gzip
import os
import pty
import re
import sys
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import pytest

from retryctl.app.options import bytes_progress
from retryctl.bulk.reader import BulkReader
from retryctl.cli.output.progress import Progress, TerminalFeedback
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.function_config import FunctionConfig
from tests.support.reference_reader import SavedLog
from tests.support.saved_logs import EVENTS, lines


def told(path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal shows while a log is read, within four seconds by its clock.

    Its bytes are called MB.
    """
    above, below = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with os.fdopen(below, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with Progress(quiet=way == "quiet", clock=partial(next, chain([0], repeat(4)))) as progress:

            def tell(done: int, total: int | None) -> None:
                bytes_progress(progress, 10**6 * done, 10**6 * (total or 0))

            if way == "whole":
                BulkReader(str(path)).read(LogQuery(), Markers(), FunctionConfig(), progress=tell)
            else:
                list(SavedLog(str(path)).read(LogQuery(), tell))
        monkeypatch.undo()
        shown = b"" if way == "quiet" else os.read(above, 65_536)
        print("the end", file=terminal, flush=True)
        shown += os.read(above, 4096)
    os.close(above)
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()).removesuffix("the end\r\n")


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
def test_bytes_and_rate_are_told(
    way: str, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = lines(EVENTS).encode()
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(content) if packed else content)
    size = path.stat().st_size
    shown = told(path, way, monkeypatch)
    found = re.search(r"reading: ([\d,]+) of ([\d,]+) MB, ([\d,]+) MB/s", shown)
    assert found
    done, total, rate = (int(number.replace(",", "")) for number in found.groups())
    assert (done, total) == (size, size)
    assert rate == round(size / 4)


def test_nothing_is_told_where_nobody_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(lines(EVENTS))
    assert told(path, "quiet", monkeypatch) == ""


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
