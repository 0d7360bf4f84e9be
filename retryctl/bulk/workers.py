"""Work dealt out to several processes, its results in order."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

A = TypeVar("A")
R = TypeVar("R")

_AHEAD = 2  # results wait in memory: no more for each process than are soon taken
_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


def run_in_workers(
    work: Callable[[A], R],
    items: Iterable[A],
    processes: int,
    *,
    begin: Callable[..., None],
    known: tuple[Any, ...],
) -> Iterator[R]:
    """Yield what ``work`` makes of each item; ``begin(*known)`` tells each process once.

    Whoever leaves early waits for the items under way alone.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children

    pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(begin, known))
    rest = iter(items)

    def submit(item: A) -> Future[R]:
        with _unheard():  # this may begin a process
            return pool.submit(work, item)

    try:
        waiting = deque(map(submit, islice(rest, _AHEAD * processes)))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(map(submit, islice(rest, 1)))
            yield result
    except BrokenProcessPool:  # one was killed, for want of memory perhaps
        for process in active_children():
            process.kill()  # the pool would ask them to end
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _unheard() -> Iterator[None]:
    """Let signals wait. In a process that begins meanwhile they wait for ever."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(begin: Callable[..., None], known: tuple[Any, ...]) -> None:
    # Who ends a program often signals all its processes. Only the first one obeys, and ends the
    # others: one that dies while it hands over a result leaves the first waiting for the rest.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    begin(*known)
