"""Work dealt out to several processes, its results in order."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

A = TypeVar("A")
R = TypeVar("R")

_AHEAD = 2  # results wait in memory: no more for each process than are soon taken


def in_processes(
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

    pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(begin, known))
    rest = iter(items)
    try:
        waiting = deque(pool.submit(work, item) for item in islice(rest, _AHEAD * processes))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(rest, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(begin: Callable[..., None], known: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of the terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    begin(*known)
