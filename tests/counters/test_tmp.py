"""The /tmp counter: files that are counted, files that are not, and disks that refuse."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from retryctl.counters import TmpCounter
from tests.support.counters_world import ATTEMPTS, BAD_IDS, REQUEST_ID, ROOT, python

OTHER_ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c96"
NOON_S = 1_795_435_200.25  # 2026-11-23 12:00:00.25 UTC


def counter_in(directory: Path, now_s: float = NOON_S) -> TmpCounter:
    return TmpCounter(str(directory), clock=lambda: now_s)


def test_each_attempt_that_is_recorded_counts_once(tmp_path: Path) -> None:
    counter = counter_in(tmp_path)
    counts = []
    for _ in range(3):
        counts.append(counter.count(REQUEST_ID))
        counter.record(REQUEST_ID)
    assert counts == [0, 1, 2]
    assert counter.count(OTHER_ID) == 0


def test_a_file_is_named_as_a_handler_that_counts_by_hand_names_it(tmp_path: Path) -> None:
    counter_in(tmp_path).record(REQUEST_ID)
    (file,) = tmp_path.iterdir()
    assert file.name == f"{REQUEST_ID}_20261123120000250000"
    assert file.stat().st_size == 0


def test_files_left_by_hand_count(tmp_path: Path) -> None:
    for stamp in ("20261123030000123456", "20261123030102000001"):
        (tmp_path / f"{REQUEST_ID}_{stamp}").touch()
    assert counter_in(tmp_path).count(REQUEST_ID) == 2


@pytest.mark.parametrize(
    "name",
    [
        f"{REQUEST_ID}_report.csv",
        f"{REQUEST_ID}_2026112303000012345x",
        f"{REQUEST_ID}_20261123030000123456.gz",
        f"{REQUEST_ID}",
        f"x{REQUEST_ID}_20261123030000123456",
        f"{OTHER_ID}_20261123030000123456",
    ],
)
def test_other_files_do_not_count(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert counter_in(tmp_path).count(REQUEST_ID) == 0


def test_fifty_threads_in_one_microsecond_leave_fifty_files(tmp_path: Path) -> None:
    counter = counter_in(tmp_path)
    with ThreadPoolExecutor(50) as threads:
        list(threads.map(lambda _: counter.record(REQUEST_ID), range(50)))
    assert counter.count(REQUEST_ID) == len(list(tmp_path.iterdir())) == 50


def test_processes_at_once_lose_no_file(tmp_path: Path) -> None:
    script = (
        "import sys; from retryctl.counters import TmpCounter\n"
        "counter = TmpCounter(sys.argv[1], clock=lambda: 1795435200.0)\n"
        "for _ in range(25): counter.record(sys.argv[2])"
    )
    command = [sys.executable, "-c", script, str(tmp_path), REQUEST_ID]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    assert counter_in(tmp_path).count(REQUEST_ID) == 100


def test_old_files_of_attempts_are_removed_and_nothing_else(tmp_path: Path) -> None:
    old, young = "20261122115959999999", "20261122120001000000"
    keep = {f"{OTHER_ID}_{young}", f"notes_{old}", f"{OTHER_ID}_notes", f"{REQUEST_ID}_{old}x"}
    for name in (*keep, f"{OTHER_ID}_{old}"):
        (tmp_path / name).touch()
    (tmp_path / f"{REQUEST_ID}_{old}").write_text("somebody's data")
    (tmp_path / f"{REQUEST_ID[:-1]}a_{old}").mkdir()
    (tmp_path / f"{REQUEST_ID[:-1]}b_{old}").symlink_to(tmp_path / f"notes_{old}")
    counter_in(tmp_path).record(REQUEST_ID)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == keep | {
        f"{REQUEST_ID}_{old}",
        f"{REQUEST_ID[:-1]}a_{old}",
        f"{REQUEST_ID[:-1]}b_{old}",
        f"{REQUEST_ID}_20261123120000250000",
    }


@pytest.mark.parametrize("request_id", BAD_IDS)
def test_a_bad_request_id_is_refused_and_nothing_is_written(
    tmp_path: Path, request_id: Any
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    with pytest.raises(ValueError, match="not a request ID"):
        counter_in(below).count(request_id)
    with pytest.raises(ValueError, match="not a request ID"):
        counter_in(below).record(request_id)
    assert list(tmp_path.rglob("*")) == [below]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        counter_in(tmp_path / "gone").count(REQUEST_ID)
    with pytest.raises(FileNotFoundError):
        counter_in(tmp_path / "gone").record(REQUEST_ID)


PROGRAM = ATTEMPTS.format(
    module="retryctl.counters", name="TmpCounter", argument="sys.argv[1]", alone=False
)


# A mount of its own needs root, or a user namespace that makes one.
OWN_MOUNTS = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]


@cache
def can_mount() -> bool:
    trial = [*OWN_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"]
    return not subprocess.run(trial, capture_output=True).returncode


def in_a_mount(tmp_path: Path, prepare: str) -> str:
    """What a handler prints whose /tmp is a mount that ``prepare`` makes unusable."""
    if not can_mount():
        pytest.skip("this machine refuses mounts")
    shell = f'{prepare} && exec "$0" -c "$1" "$2" "$3" "$4"'
    command = [
        *OWN_MOUNTS,
        "sh",
        "-c",
        shell,
        sys.executable,
        PROGRAM,
        str(tmp_path),
        REQUEST_ID,
        "1",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_disk_full_of_data_still_counts(tmp_path: Path) -> None:
    full = f"mount -t tmpfs -o size=64k none {tmp_path} && ! head -c 1M /dev/zero 2>/dev/null"
    output = in_a_mount(tmp_path, f"{full} > {tmp_path}/data")
    assert '"counter": 0, "branch": "A", "store": "tmp", "recorded": true' in output
    assert output.endswith("process A\nraised fails on purpose\n")


def test_a_disk_without_an_inode_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    output = in_a_mount(tmp_path, f"mount -t tmpfs -o nr_inodes=1 none {tmp_path}")
    assert '"counter": 0, "branch": "A", "store": "tmp", "recorded": false' in output
    assert "No space left on device" in output
    assert output.endswith("process A\nraised fails on purpose\n")


def test_a_read_only_directory_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    output = in_a_mount(tmp_path, f"mount -t tmpfs -o ro none {tmp_path}")
    assert '"counter": 0, "branch": "A", "store": "tmp", "recorded": false' in output
    assert "Read-only file system" in output
    assert output.endswith("process A\nraised fails on purpose\n")


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_real_interpreters_run_a_b_c(tmp_path: Path, version: str) -> None:
    command = [python(version), "-c", PROGRAM, str(tmp_path), REQUEST_ID, "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    ran = [line for line in done.stdout.splitlines() if line.startswith("process")]
    assert ran == [f"process {name}" for name in "ABCC"]
    assert len(list(tmp_path.iterdir())) == 4
