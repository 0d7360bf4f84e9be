"""The thread pool that lets the program end while a call hangs."""

from __future__ import annotations

import threading

import pytest

from retryctl.sources.aws.daemon_pool import DaemonPool


def test_results_come_in_order_and_errors_to_whoever_takes_them() -> None:
    with DaemonPool(3) as pool:
        assert list(pool.map(lambda n: n * n, range(20))) == [n * n for n in range(20)]
        with pytest.raises(ZeroDivisionError):
            list(pool.map(lambda n: 1 // n, [1, 0]))


def test_what_hangs_is_abandoned_when_the_block_is_left_by_an_error() -> None:
    before = set(threading.enumerate())
    never, started = threading.Event(), threading.Event()

    def hang() -> None:
        started.set()
        never.wait()

    with pytest.raises(KeyboardInterrupt), DaemonPool(1) as pool:  # noqa: PT012
        pool.submit(hang)
        waiting = pool.submit(hang)
        started.wait()
        raise KeyboardInterrupt
    assert waiting.cancelled()
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
    never.set()
