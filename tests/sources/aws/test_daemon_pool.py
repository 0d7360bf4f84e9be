"""The thread pool that lets the program end while a call hangs."""

from __future__ import annotations

import sys
import threading
from queue import SimpleQueue
from types import FrameType
from typing import Any

import pytest

from retryctl.sources.aws import daemon_pool
from retryctl.sources.aws.daemon_pool import DaemonPool, PoolTask, wait_for


def test_results_come_in_order_and_errors_to_whoever_takes_them() -> None:
    with DaemonPool(3) as pool:
        assert list(pool.map(lambda n: n * n, range(20))) == [n * n for n in range(20)]
        with pytest.raises(ZeroDivisionError):
            list(pool.map(lambda n: 1 // n, [1, 0]))


def test_what_hangs_is_abandoned_when_the_block_is_left_by_an_error() -> None:
    never, started = threading.Event(), threading.Event()

    def hang() -> None:
        started.set()
        never.wait()

    with pytest.raises(KeyboardInterrupt), DaemonPool(1) as pool:  # noqa: PT012
        pool.submit(hang)
        waiting = pool.submit(hang)
        started.wait()
        raise KeyboardInterrupt
    assert waiting.is_cancelled
    never.set()


def test_nobody_waits_for_a_task_whose_thread_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_pool, "_CHECK_S", 0.01)

    def perform_without_memory(task: PoolTask[object]) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(PoolTask, "perform", perform_without_memory)
        patch.setattr(sys, "unraisablehook", lambda _: None)
        with pytest.raises(MemoryError), DaemonPool(2) as pool:
            list(pool.map(str, range(5)))


def test_nobody_waits_for_a_thread_that_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_pool, "_CHECK_S", 0.01)
    monkeypatch.setattr(daemon_pool, "start_daemon_thread", lambda *_: True)
    with pytest.raises(MemoryError), DaemonPool(2) as pool:
        pool.submit(str).result()


def test_a_thread_that_begins_late_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_pool, "start_daemon_thread", lambda *_: True)
    task = DaemonPool(1).submit(str)
    for _ in range(50):
        assert wait_for([task], 0.001) == set()


def test_a_wait_counts_for_each_thread_that_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_pool, "_CHECK_S", 0.001)
    monkeypatch.setattr(daemon_pool, "start_daemon_thread", lambda *_: True)
    pool = DaemonPool(3)
    task, *_ = [pool.submit(str) for _ in range(3)]
    for _ in range(10):
        task.wait_for_any(0.001)
    with pytest.raises(MemoryError):
        task.wait_for_any(0.001)


def test_waiting_for_many_tasks_costs_no_more_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = SimpleQueue[None]()
    wait_for_any = PoolTask.wait_for_any

    def let_one_end(task: PoolTask[None], wait_s: float) -> None:
        turns.put(None)
        wait_for_any(task, wait_s)

    monkeypatch.setattr(PoolTask, "wait_for_any", let_one_end)
    few, many = (_lines_of_waiting(count, turns) for count in (100, 400))
    assert many < 5 * few


def _lines_of_waiting(count: int, turns: SimpleQueue[None]) -> int:
    """Count the lines of the pool that this thread runs while tasks end one by one."""
    lines = 0

    def step(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines += frame.f_code.co_filename == daemon_pool.__file__
        return step

    with DaemonPool(1) as pool:
        tasks = [pool.submit(turns.get) for _ in range(count)]
        before = sys.gettrace()
        sys.settrace(step)
        try:
            assert len(wait_for(tasks)) == count
        finally:
            sys.settrace(before)
    return lines


def test_without_any_thread_the_work_is_done_by_whoever_submits_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(daemon_pool, "start_daemon_thread", lambda *_: False)
    with DaemonPool(3) as pool:
        assert list(pool.map(lambda n: n * n, range(4))) == [0, 1, 4, 9]


def test_a_wait_that_ends_returns_what_is_done() -> None:
    never = threading.Event()
    with pytest.raises(KeyboardInterrupt), DaemonPool(2) as pool:  # noqa: PT012
        quick, slow = pool.submit(str, 1), pool.submit(never.wait)
        tasks: list[PoolTask[Any]] = [quick, slow]
        quick.result()
        assert wait_for(tasks, 0.01) == {quick}
        raise KeyboardInterrupt
    never.set()


def test_a_lack_of_memory_in_one_thread_ends_the_wait_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(daemon_pool, "_CHECK_S", 0.01)
    monkeypatch.setattr(daemon_pool, "_WAIT_AFTER_ERROR_S", 0.01)
    never = threading.Event()

    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError), DaemonPool(2) as pool:  # noqa: PT012
        stuck = pool.submit(never.wait)
        pool.submit(fail)
        stuck.result()
    never.set()
