"""Reading the slices of a plan, several at once, and fewer where the service is pressed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from retryctl.errors import CouldNotLook, RetryctlError, Throttled, Unreachable
from retryctl.sources.aws import Aws
from retryctl.sources.log_pages import Window
from retryctl.sources.slices import Slice, SlicePlan

_MOST_AT_ONCE = 4
_LEAST_AT_ONCE = 2
_SECOND_CHANCES = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRead(Generic[T]):
    """What was found in a slice; where it was given up, ``to_the_end`` is false."""

    found: T
    pages: int
    to_the_end: bool


class SliceReading(Generic[T]):
    """Reads the slices of ``plan`` with ``read``, which runs in threads.

    No slice is begun once ``over`` or ``halted`` is set, and ``read`` should then end early.
    ``unread`` are slices that could not be read, each with its error; ``fatal`` is the error that
    all the rest would have.
    """

    def __init__(
        self,
        aws: Aws,
        plan: SlicePlan,
        read: Callable[[Slice], SliceRead[T]],
        *,
        halted: threading.Event,
    ) -> None:
        self._aws = aws
        self._plan = plan
        self._read = read
        self._halted = halted
        self._at_once = _MOST_AT_ONCE
        self._chances = _SECOND_CHANCES
        self._repeated = aws.repeated
        self._something_read = False
        self.unread: list[tuple[Window, RetryctlError]] = []
        self.fatal: RetryctlError | None = None
        self.over = False

    @property
    def ended(self) -> bool:
        """Whether no more is wanted."""
        return self.over or self._halted.is_set()

    def run(self) -> Iterator[T]:
        """Yield what each slice gave, as they are read; the aim of the plan may change meanwhile.

        Raises the error of the first call where nothing can be read.
        """
        running: dict[Future[SliceRead[T]], Slice] = {}
        with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
            try:
                while True:
                    while len(running) < self._at_once and (part := self._next()):
                        running[pool.submit(self._read, part)] = part
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        yield from self._settle(running.pop(future), future)
            finally:
                self.over = True

    def _next(self) -> Slice | None:
        return None if self.ended else self._plan.take()

    def _settle(self, part: Slice, future: Future[SliceRead[T]]) -> Iterator[T]:
        error = future.exception()
        if isinstance(error, RetryctlError):
            self._failed(part, error)
            return
        result = future.result()
        self._something_read = True
        self._adapt()
        if result.to_the_end:
            self._plan.finished(part, result.pages)
        else:
            self._plan.give_back(part)
        yield result.found

    def _adapt(self) -> None:
        """More at once while every call is answered at its first try."""
        repeated, self._repeated = self._repeated, self._aws.repeated
        calm = repeated == self._repeated
        self._at_once = min(_MOST_AT_ONCE, self._at_once + 1) if calm else _LEAST_AT_ONCE

    def _failed(self, part: Slice, error: RetryctlError) -> None:
        passing = isinstance(error, (Throttled, Unreachable))
        if not self._something_read or not isinstance(error, CouldNotLook):
            raise error
        self._at_once = _LEAST_AT_ONCE
        if passing and self._chances > 0:
            self._chances -= 1
            self._plan.give_back(part)
            return
        self.unread.append((part.window, error))
        if not passing:  # it will be the same for all that remains
            self.fatal = error
            self.over = True
