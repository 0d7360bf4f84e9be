"""Slices of time in which a log group is searched, newest first.

The whole window is tried first: in a quiet group one call reads it. Where that call does not
reach the end, the group is busy. Then an eighth of the window measures how busy it is, and the
rest is cut into slices of some pages each: few slices, since the last page of each is not full.
Once attempts are found, the aim narrows to the time in which others can lie, and widens beyond
the window where that does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from statistics import median_low
from typing import Generic, Protocol, TypeVar

from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotLook, RetryctlError, Throttled, Unreachable
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.cloudwatch.pages import TimeRange

_SHARE_OF_FIRST_SLICE = 8
_SHORTEST_SLICE_MS = 60_000
# Short slices cost calls; long ones leave nothing to read at the same time.
_LEAST_PAGES, _MOST_PAGES = 7, 16
_PAGES_OF_A_BUSY_SLICE = 4
_FEW_PAGES = 8
# A fair sample of a window: this many slices, with this many pages together.
_FAIR_SLICES, _FAIR_PAGES = 4, 8
_MOST_AT_ONCE = 4
_MOST_GROWTH, _LEAST_GROWTH = 3.0, 0.25


@value_class
class TimeSlice:
    """``trial`` is one that is given up after its first page, unless that is its last."""

    window: TimeRange
    trial: bool


class SlicePlanner:
    """The aim, the parts of it that are taken, and the length of the next slice.

    ``done`` are the windows that were searched to their ends, now or before. Where the group is
    known to be busy, the whole window is not tried.
    """

    def __init__(
        self, aim: TimeRange, done: Iterable[TimeRange] = (), *, is_busy: bool = False
    ) -> None:
        self.aim: tuple[TimeRange, ...] = (aim,)
        self.done = merged(done)
        self._taken: list[TimeRange] = []
        self._length_ms: int | None = _first_length(aim) if is_busy else None
        self._measured = False
        self._rates: list[float] = []  # full pages a millisecond, by slice
        self._reached: dict[TimeRange, int] = {}  # pages of slices that are read
        self._pages = self._pages_ms = 0

    def take(self) -> TimeSlice | None:
        """Return the newest part of the aim that is not taken; ``None`` where nothing is left.

        Also ``None`` while the first slice is read, which measures the length of the others, and
        while another is read and few pages remain: an attempt in it can spare them.
        """
        rest = self.rest()
        if not rest or (self._taken and self._length_ms is not None and self._awaits_other()):
            return None
        newest = rest[-1]
        trial = self._length_ms is None
        if self._length_ms is not None:
            since_ms = max(newest.since_ms, newest.until_ms - self._length_ms)
            newest = TimeRange(since_ms=since_ms, until_ms=newest.until_ms)
        self._taken.append(newest)
        return TimeSlice(window=newest, trial=trial)

    def _awaits_other(self) -> bool:
        rest_ms = sum(window.until_ms - window.since_ms for window in self.rest())
        few = self._pages * rest_ms <= _FEW_PAGES * self._pages_ms
        return not self._measured or (self._pages > 0 and few)

    def reached(self, part: TimeSlice, pages: int) -> None:
        """Note that a slice goes on after ``pages``; others are then read beside the first."""
        if not part.trial:
            self._reached[part.window] = pages
        if self._length_ms is not None and not self._measured and pages >= _PAGES_OF_A_BUSY_SLICE:
            self._length_ms = max(_SHORTEST_SLICE_MS, self._length_ms // 2)
            self._measured = True

    def finished(self, done: TimeSlice, pages: int) -> None:
        """Note that a slice was read to its end, and learn from its pages."""
        self._taken.remove(done.window)
        self._reached.pop(done.window, None)
        self.done = merged([*self.done, done.window])
        length_ms = done.window.until_ms - done.window.since_ms
        self._pages += pages
        self._pages_ms += length_ms
        # the last page of a slice is not full, whatever its length
        self._rates.append((pages - 1) / max(1, length_ms))
        if self._length_ms is not None:
            self._measured = True
            left = sum(rest.until_ms - rest.since_ms for rest in self.rest()) * pages / length_ms
            good = min(_MOST_PAGES, max(_LEAST_PAGES, left / (2 * _MOST_AT_ONCE)))
            growth = min(_MOST_GROWTH, max(_LEAST_GROWTH, good / pages))
            self._length_ms = max(_SHORTEST_SLICE_MS, round(length_ms * growth))

    def give_back(self, slice_: TimeSlice) -> None:
        """Note that a slice was not read to its end."""
        self._taken.remove(slice_.window)
        self._reached.pop(slice_.window, None)
        if slice_.trial:
            self._length_ms = _first_length(slice_.window)

    def wants(self, slice_: TimeSlice) -> bool:
        """Whether the aim still has a part of the slice."""
        return any(_overlap(slice_.window, window) for window in self.aim)

    def rest(self) -> list[TimeRange]:
        """Return the parts of the aim that are neither done nor taken, in order of time."""
        rest = merged(self.aim)
        for taken in (*self.done, *self._taken):
            rest = [piece for window in rest for piece in _without(window, taken)]
        return rest

    @property
    def is_fair_sample(self) -> bool:
        """Whether enough was read to know how busy the rest is: several slices with pages."""
        reached = list(self._reached.values())
        many = len(self._rates) + len(reached) >= _FAIR_SLICES
        return many and self._pages + sum(reached) >= _FAIR_PAGES

    def pages_left(self) -> float:
        """Return how many pages remain, at the median rate of the slices; 0 where none was read.

        The median, since one busy slice is not an estimate of a day. A slice that is read counts
        with the pages that it has by now.
        """
        reached = list(self._reached.items())
        rates = self._rates + [n / max(1, w.until_ms - w.since_ms) for w, n in reached]
        rest_ms = sum(window.until_ms - window.since_ms for window in self.rest())
        return median_low(rates) * rest_ms if rates else 0.0


def _first_length(window: TimeRange) -> int:
    length_ms = window.until_ms - window.since_ms
    return max(_SHORTEST_SLICE_MS, length_ms // _SHARE_OF_FIRST_SLICE)


def merged(windows: Iterable[TimeRange]) -> list[TimeRange]:
    """Merge windows that overlap or touch; return them in order."""
    joined: list[TimeRange] = []
    for window in sorted(windows, key=lambda w: w.since_ms):
        if joined and window.since_ms <= joined[-1].until_ms:
            until_ms = max(joined[-1].until_ms, window.until_ms)
            joined[-1] = TimeRange(since_ms=joined[-1].since_ms, until_ms=until_ms)
        elif window.since_ms < window.until_ms:
            joined.append(window)
    return joined


def _overlap(one: TimeRange, other: TimeRange) -> bool:
    return one.since_ms < other.until_ms and other.since_ms < one.until_ms


def _without(window: TimeRange, taken: TimeRange) -> list[TimeRange]:
    if not _overlap(window, taken):
        return [window]
    before = TimeRange(since_ms=window.since_ms, until_ms=taken.since_ms)
    after = TimeRange(since_ms=taken.until_ms, until_ms=window.until_ms)
    return [piece for piece in (before, after) if piece.since_ms < piece.until_ms]


_LEAST_AT_ONCE = 2
# After this many failed slices in a row the others would fail too.
_MOST_FAILURES_IN_A_ROW = 4
_MOST_TRIES = 3
# A slice that is read can show that others should be, too.
_POLL_S = 0.02

T = TypeVar("T")


class Halted(Protocol):
    """A signal to stop, such as ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether to stop."""


@value_class
class SliceRead(Generic[T]):
    """What was found in a slice; ``to_the_end`` is false where the reading stopped early."""

    found: T
    pages: int
    to_the_end: bool


class SliceRunner(Generic[T]):
    """Reads the slices of ``plan`` with ``read``, which runs in threads.

    No slice is begun once ``over`` or ``halted`` is set, and ``read`` should then end early.
    ``unread`` are slices that could not be read, each with its error; ``fatal`` is the error that
    all the rest would have.
    """

    def __init__(
        self,
        aws: AwsClient,
        plan: SlicePlanner,
        read: Callable[[TimeSlice], SliceRead[T]],
        *,
        halted: Halted,
    ) -> None:
        self._aws = aws
        self._plan = plan
        self._read = read
        self._halted = halted
        self._at_once = _MOST_AT_ONCE
        self._failures = 0
        self._tries: Counter[TimeRange] = Counter()
        self._repeated = aws.repeated
        self._something_read = False
        self.unread: list[tuple[TimeRange, RetryctlError]] = []
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
        running: dict[Future[SliceRead[T]], TimeSlice] = {}
        with DaemonPool(_MOST_AT_ONCE) as pool:
            try:
                while True:
                    while len(running) < self._at_once and (part := self._next()):
                        running[pool.submit(self._read, part)] = part
                    if not running:
                        return
                    pause_s = _POLL_S if len(running) < self._at_once else None
                    for future in wait(running, pause_s, FIRST_COMPLETED).done:
                        yield from self._settle(running.pop(future), future)
            finally:
                self.over = True

    def _next(self) -> TimeSlice | None:
        return None if self.ended else self._plan.take()

    def _settle(self, part: TimeSlice, future: Future[SliceRead[T]]) -> Iterator[T]:
        error = future.exception()
        if isinstance(error, RetryctlError):
            self._failed(part, error)
            return
        result = future.result()
        self._something_read = True
        self._failures = 0
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

    def _failed(self, part: TimeSlice, error: RetryctlError) -> None:
        passing = isinstance(error, (Throttled, Unreachable))
        if not self._something_read or not isinstance(error, CouldNotLook):
            raise error
        self._at_once = _LEAST_AT_ONCE
        self._failures += 1
        self._tries[part.window] += 1
        hopeless = not passing or self._failures >= _MOST_FAILURES_IN_A_ROW
        if not hopeless and self._tries[part.window] < _MOST_TRIES:
            self._plan.give_back(part)
            return
        self.unread.append((part.window, error))
        if hopeless:  # all that remains would fail too
            self.fatal = error
            self.over = True
