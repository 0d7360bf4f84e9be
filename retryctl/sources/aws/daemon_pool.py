"""A thread pool that does not keep the program from ending while a call hangs.

``ThreadPoolExecutor`` joins its threads at the end of a ``with`` block and of the program: with a
service that does not answer, Ctrl-C would wait for the read timeout. And where memory is short, a
thread can end at any moment, or keep a lock of a library for ever, also one of
``concurrent.futures``. So each wait is bounded: it ends when the thread of a task has ended, or
when any thread had no memory left. Threads note both in memory that exists already.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from math import inf
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from retryctl.daemon_thread import start_daemon_thread

T = TypeVar("T")
U = TypeVar("U")
# Enough to stop a query of Logs Insights, which costs money.
_WAIT_AFTER_ERROR_S = 1.0
_CHECK_S = 1.0
AT_ONCE = 4
"""Calls at the same time, as a rule: an account has quotas, and others use them too."""
_MOST_CHECKS_BEFORE_BEGIN = 10


class _PoolThread:
    """A thread of a pool: whether it runs."""

    __slots__ = ("began", "checks", "ended")

    def __init__(self) -> None:
        self.began = self.ended = False
        self.checks = 0.0

    def count_wait(self, wait_s: float) -> None:
        """Count a wait by its length: a busy machine may begin the thread after many short ones."""
        self.checks += wait_s / _CHECK_S

    @property
    def is_lost(self) -> bool:
        """Whether the thread has ended, or has not begun after many checks."""
        return self.ended or (not self.began and self.checks > _MOST_CHECKS_BEFORE_BEGIN)


class _PoolState:
    """What the threads of a pool share. ``done`` gets an item for each task that is done."""

    __slots__ = ("done", "is_out_of_memory", "threads", "unfinished", "waiting")

    def __init__(self) -> None:
        self.is_out_of_memory = False
        self.threads: list[_PoolThread] = []
        self.unfinished: set[PoolTask[Any]] = set()
        self.waiting: SimpleQueue[PoolTask[Any] | None] = SimpleQueue()
        self.done: SimpleQueue[None] = SimpleQueue()


class PoolTask(Generic[T]):
    """A task of a pool, and its result."""

    __slots__ = ("_error", "_result", "_run", "_state", "is_cancelled", "is_done", "thread")

    def __init__(self, run: Callable[[], T], state: _PoolState) -> None:
        self.is_done = self.is_cancelled = False
        self.thread: _PoolThread | None = None
        self._run = run
        self._state = state
        self._result: T | None = None
        self._error: BaseException | None = None

    def perform(self) -> None:
        """Run the task in this thread, unless it was cancelled."""
        if self.is_cancelled:
            return
        try:
            self._result = self._run()
        except BaseException as error:  # raised where the result is taken
            self._error = error
            if isinstance(error, MemoryError):
                self._state.is_out_of_memory = True
        self.is_done = True
        self._state.unfinished.discard(self)
        self._state.done.put(None)

    def cancel(self) -> bool:
        """Cancel the task if no thread has taken it; return whether none has."""
        self.is_cancelled = self.thread is None and not self.is_done
        return self.is_cancelled

    def result(self) -> T:
        """Wait for the result, and return it. Raises MemoryError if it may never come."""
        wait_for([self])
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def exception(self) -> BaseException | None:
        """Return the error of a task that is done."""
        return self._error

    def wait_for_any(self, wait_s: float) -> None:
        """Wait at most ``wait_s`` until any task of the pool is done.

        Raises MemoryError if no thread is left for this task, or one had no memory.
        """
        with suppress(Empty):
            self._state.done.get(timeout=wait_s)
            return
        threads = [self.thread] if self.thread else self._state.threads
        for thread in threads:
            thread.count_wait(wait_s)
        lost = all(thread.is_lost for thread in threads) and not self.is_done
        if lost or self._state.is_out_of_memory:
            raise MemoryError("a thread had no memory left")


def wait_for(
    tasks: Collection[PoolTask[T]], timeout_s: float | None = None, *, first: bool = False
) -> set[PoolTask[T]]:
    """Wait for the tasks of one pool; return those that are done.

    ``first``: only until one is. Raises MemoryError if a task may never be done.
    """
    ends_s = inf if timeout_s is None else time.monotonic() + timeout_s
    unfinished = deque(tasks)
    while True:
        while unfinished and unfinished[0].is_done:
            unfinished.popleft()
        left_s = ends_s - time.monotonic()
        enough = not unfinished or (first and any(task.is_done for task in tasks))
        if enough or left_s <= 0:
            return {task for task in tasks if task.is_done}
        unfinished[0].wait_for_any(min(left_s, _CHECK_S))


class DaemonPool:
    """At most ``size`` threads. Leaving the ``with`` block by an error abandons what runs."""

    def __init__(self, size: int = AT_ONCE) -> None:
        self._size = size
        self._state = _PoolState()

    def __enter__(self) -> DaemonPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        running = self.abandon()
        if kind is None:
            wait_for(running)
        else:
            with suppress(MemoryError):
                wait_for(running, _WAIT_AFTER_ERROR_S)
        for _ in self._state.threads:
            self._state.waiting.put(None)

    def submit(self, function: Callable[..., T], *arguments: object) -> PoolTask[T]:
        """Run ``function(*arguments)`` in one of the threads."""
        task = PoolTask(lambda: function(*arguments), self._state)
        self._state.unfinished.add(task)
        self._state.waiting.put(task)
        if len(self._state.threads) < self._size:
            self._add_thread()
        return task

    def abandon(self) -> list[PoolTask[Any]]:
        """Cancel the tasks that wait; return those that run."""
        return [task for task in list(self._state.unfinished) if not task.cancel()]

    def _add_thread(self) -> None:
        """Start a thread. Where the machine allows none at all, do the work here."""
        thread, state = _PoolThread(), self._state
        if start_daemon_thread(_work, state.waiting, thread):
            state.threads.append(thread)
            return
        if not state.threads:
            state.waiting.put(None)
            _work(state.waiting, thread)
        self._size = len(state.threads) or self._size

    def map(self, function: Callable[[U], T], items: Iterable[U]) -> Iterator[T]:
        """Yield ``function`` of each item, in order."""
        tasks = [self.submit(function, item) for item in items]
        return (task.result() for task in tasks)


def _work(waiting: SimpleQueue[PoolTask[Any] | None], thread: _PoolThread) -> None:
    thread.began = True
    try:
        while (task := waiting.get()) is not None:
            task.thread = thread
            task.perform()
            task = None  # or its result would be kept while this thread waits
    finally:
        thread.ended = True
