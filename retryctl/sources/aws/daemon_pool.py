"""A thread pool that does not keep the program from ending while a call hangs.

``ThreadPoolExecutor`` joins its threads at the end of a ``with`` block and of the program: with a
service that does not answer, Ctrl-C would wait for the read timeout. And where memory is short, a
thread can end at any moment, or leave a lock of a library taken for ever. So each wait is bounded:
it ends when the thread of a task is gone, or when any thread has met a lack of memory. Threads note
both in memory that is there already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from retryctl.daemon_thread import start_daemon_thread

T = TypeVar("T")
U = TypeVar("U")
# Enough to stop a query of Logs Insights, which is paid for.
_FAREWELL_S = 1.0
_CHECK_S = 1.0
_LONGEST_START_S = 10.0


class _ThreadLife:
    """Whether a thread still runs."""

    __slots__ = ("began", "ended", "started_s")

    def __init__(self) -> None:
        self.began = self.ended = False
        self.started_s = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the thread has ended, or had no memory to begin."""
        late = time.monotonic() - self.started_s > _LONGEST_START_S
        return self.ended or (late and not self.began)


class _PoolState:
    """What the threads of a pool share. Each task that is done rings the bell."""

    __slots__ = ("bell", "is_out_of_memory", "lives", "open", "waiting")

    def __init__(self) -> None:
        self.is_out_of_memory = False
        self.lives: list[_ThreadLife] = []
        self.open: set[PoolTask[Any]] = set()
        self.waiting: SimpleQueue[PoolTask[Any] | None] = SimpleQueue()
        self.bell: SimpleQueue[None] = SimpleQueue()


class PoolTask(Generic[T]):
    """A task of a pool, and its result."""

    __slots__ = ("_error", "_result", "_run", "_state", "is_cancelled", "is_done", "life")

    def __init__(self, run: Callable[[], T], state: _PoolState) -> None:
        self.is_done = self.is_cancelled = False
        self.life: _ThreadLife | None = None
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
        self._state.open.discard(self)
        self._state.bell.put(None)

    def cancel(self) -> bool:
        """Cancel the task if no thread has taken it; return whether none has."""
        self.is_cancelled = self.life is None and not self.is_done
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

    def wait_for_bell(self, wait_s: float) -> None:
        """Wait until a task of the pool is done, if not longer.

        Raises MemoryError if no thread is left for this task, or one had no memory.
        """
        with suppress(Empty):
            self._state.bell.get(timeout=wait_s)
            return
        lives = [self.life] if self.life else self._state.lives
        lost = not self.is_done and all(life.is_over for life in lives)
        if lost or self._state.is_out_of_memory:
            raise MemoryError("a thread had no memory left")


def wait_for(
    tasks: Collection[PoolTask[T]], timeout_s: float | None = None, *, first: bool = False
) -> set[PoolTask[T]]:
    """Wait for the tasks of one pool; return those that are done.

    ``first``: only until one is. Raises MemoryError if a task may never be done.
    """
    ends_s = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        done = {task for task in tasks if task.is_done}
        left_s = _CHECK_S if ends_s is None else ends_s - time.monotonic()
        if len(done) == len(tasks) or left_s <= 0 or (first and done):
            return done
        next(task for task in tasks if task not in done).wait_for_bell(min(left_s, _CHECK_S))


class DaemonPool:
    """At most ``size`` threads. Leaving the ``with`` block by an error abandons what runs."""

    def __init__(self, size: int) -> None:
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
                wait_for(running, _FAREWELL_S)
        for _ in self._state.lives:
            self._state.waiting.put(None)

    def submit(self, function: Callable[..., T], *arguments: object) -> PoolTask[T]:
        """Run ``function(*arguments)`` in one of the threads."""
        task = PoolTask(lambda: function(*arguments), self._state)
        self._state.open.add(task)
        self._state.waiting.put(task)
        if len(self._state.lives) < self._size:
            self._add_thread()
        return task

    def abandon(self) -> list[PoolTask[Any]]:
        """Cancel the tasks that wait; return those that run."""
        return [task for task in list(self._state.open) if not task.cancel()]

    def _add_thread(self) -> None:
        """Start a thread. Where the machine allows none at all, do the work here."""
        life, state = _ThreadLife(), self._state
        if start_daemon_thread(_work, state.waiting, life):
            state.lives.append(life)
            return
        if not state.lives:
            state.waiting.put(None)
            _work(state.waiting, life)
        self._size = len(state.lives) or self._size

    def map(self, function: Callable[[U], T], items: Iterable[U]) -> Iterator[T]:
        """Yield ``function`` of each item, in order."""
        tasks = [self.submit(function, item) for item in items]
        return (task.result() for task in tasks)


def _work(waiting: SimpleQueue[PoolTask[Any] | None], life: _ThreadLife) -> None:
    life.began = True
    try:
        while (task := waiting.get()) is not None:
            task.life = life
            task.perform()
            task = None  # or its result would be kept while this thread waits
    finally:
        life.ended = True
