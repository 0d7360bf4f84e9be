"""Slices of time, read side by side in threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Generic, TypeVar

from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import CouldNotRead, RetryctlError, Throttled, Unreachable
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool, PoolTask, wait_for
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.time_slices import SlicePlanner, TimeSlice

_LEAST_AT_ONCE, _MOST_AT_ONCE = 2, 4
# After this many failed slices in a row the others would fail too.
_MOST_FAILURES_IN_A_ROW = 4
_MOST_TRIES = 3
# A slice that is read can show that others should be, too.
_POLL_S = 0.02
T = TypeVar("T")


@value_class
class SliceRead(Generic[T]):
    """What was found in a slice; ``to_the_end`` is false where the reading stopped early."""

    found: T
    pages: int
    to_the_end: bool


@state_class
class SliceRunner(Generic[T]):
    """Reads the slices of ``plan`` side by side with ``read``, which runs in threads.

    No slice is begun once ``over`` or ``is_halted()``, and ``read`` should then end early.
    Neither is one after ``fatal``, an error that all the rest would have; slices that are being
    read go on, as the service may answer for them.
    """

    aws: AwsClient
    plan: SlicePlanner
    read: Callable[[TimeSlice], SliceRead[T]]
    is_halted: Callable[[], bool] = lambda: False
    fatal: RetryctlError | None = None
    over: bool = False
    _at_once: int = _MOST_AT_ONCE
    _failures: int = 0
    _repeated: int = 0
    _something_read: bool = False
    _tries: Counter[TimeRange] = field(default_factory=Counter)
    _unread: list[tuple[TimeRange, RetryctlError]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether no more is wanted."""
        return self.over or self.is_halted()

    @property
    def unread(self) -> list[tuple[TimeRange, RetryctlError]]:
        """The parts of the aim that could not be read, each with its error."""
        rest = self.plan.rest() if self.fatal else ()
        return [*self._unread, *((window, self.fatal) for window in rest if self.fatal)]

    def run(self) -> Iterator[T]:
        """Yield what each slice gave, as they are read; the aim of the plan may change meanwhile.

        Raises the error of the first call where nothing can be read.
        """
        running: dict[PoolTask[SliceRead[T]], TimeSlice] = {}
        self._repeated = self.aws.repeated
        with DaemonPool(_MOST_AT_ONCE) as pool:
            try:
                while True:
                    while len(running) < self._at_once and (part := self._next()):
                        running[pool.submit(self.read, part)] = part
                    if not running:
                        return
                    pause_s = _POLL_S if len(running) < self._at_once else None
                    for future in wait_for(running, pause_s, first=True):
                        yield from self._settle(running.pop(future), future)
            finally:
                self.over = True

    def _next(self) -> TimeSlice | None:
        return None if self.ended or self.fatal else self.plan.take()

    def _settle(self, part: TimeSlice, future: PoolTask[SliceRead[T]]) -> Iterator[T]:
        error = future.exception()
        if isinstance(error, RetryctlError):
            self._failed(part, error)
            return
        result = future.result()
        self._something_read = True
        self._failures = 0
        self._adapt()
        if result.to_the_end:
            self.plan.finished(part, result.pages)
        else:
            self.plan.give_back(part)
        yield result.found

    def _adapt(self) -> None:
        """More at once while every call is answered at its first try."""
        repeated, self._repeated = self._repeated, self.aws.repeated
        calm = repeated == self._repeated
        self._at_once = min(_MOST_AT_ONCE, self._at_once + 1) if calm else _LEAST_AT_ONCE

    def _failed(self, part: TimeSlice, error: RetryctlError) -> None:
        passing = isinstance(error, (Throttled, Unreachable))
        if not self._something_read or not isinstance(error, CouldNotRead):
            raise error
        self._at_once = _LEAST_AT_ONCE
        self._failures += 1
        self._tries[part.window] += 1
        hopeless = not passing or self._failures >= _MOST_FAILURES_IN_A_ROW
        if not hopeless and self._tries[part.window] < _MOST_TRIES:
            self.plan.give_back(part)
            return
        self._unread.append((part.window, error))
        if hopeless:  # all that remains would fail too
            self.fatal = error
