"""A thread pool that does not keep the program from ending while a call hangs.

``ThreadPoolExecutor`` joins its threads at the end of a ``with`` block and of the program: with a
service that does not answer, Ctrl-C would wait for the read timeout. And where memory is short a
thread can end without any word: nobody waits for a task whose thread is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from retryctl.daemon_thread import start_daemon_thread

T = TypeVar("T")
U = TypeVar("U")
# Enough to stop a query of Logs Insights, which is paid for.
_FAREWELL_S = 1.0
_CHECK_S = 1.0
_LONGEST_START_S = 10.0


class _ThreadLife:
    """Whether a thread still runs. The thread notes it in memory that is there already."""

    __slots__ = ("began", "ended", "started_s")

    def __init__(self) -> None:
        self.began = self.ended = False
        self.started_s = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the thread has ended, or had no memory to begin."""
        late = time.monotonic() - self.started_s > _LONGEST_START_S
        return self.ended or (late and not self.began)


class PoolTask(Future[T]):
    """A task of a pool, and its result."""

    def __init__(self, run: Callable[[], T], lives: Sequence[_ThreadLife]) -> None:
        super().__init__()
        self.life: _ThreadLife | None = None
        self._run = run
        self._lives = lives

    def perform(self) -> None:
        """Run the task in this thread, unless it was cancelled."""
        if self.done() or not self.set_running_or_notify_cancel():
            return
        try:
            self.set_result(self._run())
        except BaseException as error:  # given to whoever waits for the result
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> T:
        """Return the result. Raises MemoryError if the thread of the task is gone."""
        wait_for([self], timeout)
        return super().result(0)

    def fail_if_lost(self) -> None:
        """Fail if the thread of the task, or every thread that could take it, is gone."""
        lives = [self.life] if self.life else self._lives
        if not self.done() and all(life.is_over for life in lives):
            with suppress(InvalidStateError):
                self.set_exception(MemoryError("a thread had no memory left"))


def wait_for(
    tasks: Collection[PoolTask[T]], timeout_s: float | None = None, until: str = ALL_COMPLETED
) -> set[PoolTask[T]]:
    """Wait for tasks as ``concurrent.futures.wait`` does; return those that are done."""
    ends_s = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left_s = _CHECK_S if ends_s is None else max(ends_s - time.monotonic(), 0)
        found = wait(tasks, min(left_s, _CHECK_S), until)
        done = {task for task in tasks if task in found.done}
        if not found.not_done or left_s < _CHECK_S or (done and until == FIRST_COMPLETED):
            return done
        for task in tasks:
            task.fail_if_lost()


class DaemonPool:
    """At most ``size`` threads. Leaving the ``with`` block by an error abandons what runs."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lives: list[_ThreadLife] = []
        self._waiting: SimpleQueue[PoolTask[Any] | None] = SimpleQueue()
        self._open: set[PoolTask[Any]] = set()

    def __enter__(self) -> DaemonPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        wait_for(self.abandon(), None if kind is None else _FAREWELL_S)
        for _ in self._lives:
            self._waiting.put(None)

    def submit(self, function: Callable[..., T], *arguments: object) -> PoolTask[T]:
        """Run ``function(*arguments)`` in one of the threads."""
        task = PoolTask(lambda: function(*arguments), self._lives)
        self._open.add(task)
        task.add_done_callback(lambda _: self._open.discard(task))
        self._waiting.put(task)
        if len(self._lives) < self._size:
            self._add_thread()
        return task

    def abandon(self) -> list[PoolTask[Any]]:
        """Cancel the tasks that wait; return those that run."""
        return [task for task in list(self._open) if not task.cancel()]

    def _add_thread(self) -> None:
        """Start a thread. Where the machine allows none at all, do the work here."""
        life = _ThreadLife()
        if start_daemon_thread(_work, self._waiting, life):
            self._lives.append(life)
            return
        if not self._lives:
            self._waiting.put(None)
            _work(self._waiting, life)
        self._size = len(self._lives) or self._size

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
    finally:
        life.ended = True
