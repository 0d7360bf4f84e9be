"""Temporary folders end with their process, or with the next run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from retryctl import temporary
from retryctl.errors import CouldNotRead
from retryctl.temporary import temporary_folder
from tests.support.program import environment

KILLED = """
import os, signal
from retryctl.temporary import temporary_folder
with temporary_folder("download") as folder:
    (folder / "log.jsonl").write_text("x")
    print(folder, flush=True)
    if SIGNAL: os.kill(os.getpid(), SIGNAL)
    input()
"""


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def start(tmp_path: Path, number: int) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", f"SIGNAL = {number}\n{KILLED}"],
        env=environment({"TMPDIR": str(tmp_path)}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_a_folder_lives_as_long_as_its_block(tmp_path: Path) -> None:
    with temporary_folder("lab") as folder:
        closed = folder / "closed"
        closed.mkdir()
        (closed / "file").touch()
        closed.chmod(0)
    assert os.listdir(tmp_path) == []


def test_only_folders_of_killed_runs_are_removed(tmp_path: Path) -> None:
    """Neither one in use, nor one that only has such a name."""
    other = tmp_path / "retryctl-download-notes"
    other.mkdir()
    running, in_use = start(tmp_path, 0)
    killed, stale = start(tmp_path, 9)
    with running, killed:
        killed.wait()
        assert (stale / "log.jsonl").exists()
        with temporary_folder("lab") as own:
            assert sorted(tmp_path.iterdir()) == sorted((other, in_use, own))
        running.communicate("\n")
    assert list(tmp_path.iterdir()) == [other]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "retryctl.lock").touch()
    (tmp_path / "retryctl-lab-link").symlink_to(target)
    with temporary_folder("lab"):
        assert (target / "retryctl.lock").exists()


def test_without_a_place_for_it_the_error_names_tmpdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(CouldNotRead, match="No such file") as raised, temporary_folder("lab"):
        pass
    assert "TMPDIR" in raised.value.next_step


def test_a_signal_while_the_folder_is_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        assert len(os.listdir(tmp_path)) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(temporary.fcntl, "flock", interrupted)  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt), temporary_folder("lab"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_folder_that_vanishes_while_it_is_removed_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ran in the folder may still remove files of its own."""
    change = os.chmod

    def after_its_end(path: str, mode: int) -> None:
        os.rmdir(path)
        change(path, mode)

    with temporary_folder("lab") as folder:
        (folder / "inner").mkdir()
        monkeypatch.setattr(os, "chmod", after_its_end)
    assert os.listdir(tmp_path) == []


IN_THE_TRIAL = """
import os, signal
from retryctl.temporary import temporary_file
open_ = os.open
def stopped(*given):
    file = open_(*given)
    os.kill(os.getpid(), signal.SIGINT)
    return file
os.open = stopped
temporary_file()
"""


def test_a_signal_while_the_folder_is_found_leaves_nothing(tmp_path: Path) -> None:
    """Python writes a trial file, and removes it."""
    env = environment({"TMPDIR": str(tmp_path)})
    done = subprocess.run([sys.executable, "-c", IN_THE_TRIAL], env=env, capture_output=True)
    assert b"KeyboardInterrupt" in done.stderr
    assert list(tmp_path.iterdir()) == []
