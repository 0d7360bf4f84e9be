"""A machine that lacks something: it works with less, or says what it needs, and never hangs."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from retryctl.bulk import spill_file, workers
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.spill_file import SpillFile
from retryctl.bulk.workers import run_in_workers
from retryctl.core.model.coverage import LogQuery
from retryctl.errors import CouldNotRead
from tests.support.saved_logs import EVENTS, ID, lines

OF_ID = LogQuery(request_ids=(ID,))
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc shows the processes that run")


def double(number: int) -> int:
    return 2 * number


def killed_at_3(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def out_of_memory(number: int) -> int:
    raise MemoryError(number)


def wrong(number: int) -> int:
    raise ValueError(number)


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(run_in_workers(double, range(50), 3)) == list(range(0, 100, 2))


def test_more_workers_than_items() -> None:
    assert list(run_in_workers(double, [4], 3)) == [8]
    assert list(run_in_workers(double, [], 3)) == []


def test_a_worker_that_is_killed_is_an_error_with_a_next_step() -> None:
    with pytest.raises(CouldNotRead, match="killed by signal 9") as caught:
        list(run_in_workers(killed_at_3, range(50), 2))
    assert "taskset" in caught.value.next_step


def test_a_worker_without_memory_is_an_error() -> None:
    with pytest.raises(CouldNotRead, match="no memory left"):
        list(run_in_workers(out_of_memory, range(5), 2))


def test_an_error_in_a_worker_is_raised_here() -> None:
    with pytest.raises(ValueError, match=r"[0-4]"):
        list(run_in_workers(wrong, range(5), 2))


def test_without_a_process_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(workers, "_start_one", refuse)
    assert list(run_in_workers(double, range(5), 3)) == [0, 2, 4, 6, 8]


def test_whoever_leaves_early_leaves_no_worker() -> None:
    import multiprocessing

    results = run_in_workers(double, range(1000), 2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


ENDLESS = """
import sys, time
from retryctl.bulk.workers import run_in_workers
def work(number):
    time.sleep(0.05 if number < 2 else 60)
    return number
print("started", flush=True)
for _ in run_in_workers(work, range(10**6), 2):
    print("result", flush=True)
"""


@linux
def test_workers_end_where_the_program_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE) as program:
        assert program.stdout
        assert program.stdout.readline() == b"started\n"
        assert program.stdout.readline() == b"result\n"
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        assert len(children) == 2
        program.kill()
        ends = time.monotonic() + 10
        while any(Path(f"/proc/{pid}/fd").exists() and _runs(pid) for pid in children):
            assert time.monotonic() < ends
            time.sleep(0.02)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


# --------------------------------------------------------------------------- temporary files


def full(*_: object, **__: object) -> int:
    raise OSError(28, "No space left on device")


def test_pieces_come_back_from_memory_and_from_the_file() -> None:
    store = SpillFile(in_memory_bytes=10)
    places = [store.put(piece) for piece in (b"first", b"second", b"third" * 100, b"")]
    assert [store.get(place) for place in places] == [b"first", b"second", b"third" * 100, b""]


def test_a_full_disk_leaves_the_rest_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SpillFile(in_memory_bytes=0)
    first = store.put(b"on the disk")
    monkeypatch.setattr(spill_file.os, "write", full)  # type: ignore[attr-defined]
    second = store.put(b"in memory")
    assert (store.get(first), store.get(second)) == (b"on the disk", b"in memory")


def test_without_a_folder_for_temporary_files_all_is_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    store = SpillFile(in_memory_bytes=0)
    assert store.get(store.put(b"in memory")) == b"in memory"
    found = BulkReader("-", stdin=io.BytesIO(lines(EVENTS).encode())).trace(OF_ID)
    assert len(found.requests) == 1


def test_a_full_disk_for_standard_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from retryctl.sources.saved import files

    monkeypatch.setattr(files.shutil, "copyfileobj", full)  # type: ignore[attr-defined]
    with pytest.raises(CouldNotRead, match="No space left") as caught:
        BulkReader("-", stdin=io.BytesIO(b"x")).trace(OF_ID)
    assert "TMPDIR" in caught.value.next_step
