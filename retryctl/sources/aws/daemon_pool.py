"""A thread pool that does not keep the program from ending while a call hangs.

``ThreadPoolExecutor`` joins its threads at the end of a ``with`` block and of the program: with a
service that does not answer, Ctrl-C would wait for the read timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")
# Enough to stop a query of Logs Insights, which is paid for.
_FAREWELL_S = 1.0
_Task = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool:
    """At most ``size`` threads. Leaving the ``with`` block by an error abandons what runs."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads = 0
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._open: set[Future[Any]] = set()

    def __enter__(self) -> DaemonPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        running = {future for future in list(self._open) if not future.cancel()}
        wait(running, timeout=None if kind is None else _FAREWELL_S)
        for _ in range(self._threads):
            self._tasks.put(None)

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Run ``function(*arguments)`` in one of the threads."""
        future: Future[T] = Future()
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        self._tasks.put((future, lambda: function(*arguments)))
        if self._threads < self._size:
            self._add_thread()
        return future

    def _add_thread(self) -> None:
        """Start a thread. Where the machine allows none at all, do the work here."""
        thread = threading.Thread(target=_work, args=(self._tasks,), daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            if self._threads == 0:
                self._tasks.put(None)
                _work(self._tasks)
            self._size = self._threads or self._size
        else:
            self._threads += 1

    def map(self, function: Callable[[U], T], items: Iterable[U]) -> Iterator[T]:
        """Yield ``function`` of each item, in order."""
        futures = [self.submit(function, item) for item in items]
        return (future.result() for future in futures)


def _work(tasks: SimpleQueue[_Task | None]) -> None:
    while (task := tasks.get()) is not None:
        future, run = task
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(run())
        except BaseException as error:  # given to whoever waits for the result
            future.set_exception(error)
