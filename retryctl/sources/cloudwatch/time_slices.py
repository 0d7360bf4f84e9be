"""Slices of time in which a log group is searched, newest first.

The whole window is tried first: in a quiet group one call reads it. Where that call does not
reach the end, the group is busy. Then three slices, an eighth of the window each, measure how busy
it is. The rest is cut into slices of some pages each: few, since the last page of each is not full.
Once attempts are found, the aim narrows to the time in which others can lie, and widens beyond
the window where that does.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median_low

from retryctl.core.value_classes import value_class
from retryctl.sources.cloudwatch.pages import TimeRange

_SHARE_OF_FIRST_SLICE = 8
_SHORTEST_SLICE_MS = 60_000
# Short slices cost calls: half a page each. Long ones read what an attempt in them would spare.
_LEAST_PAGES, _MOST_PAGES, _SHARE_OF_THE_READ = 8, 16, 3
_UNUSED_PAGE = 0.5  # of the last page of a slice, on average
# A slice is at most this many times longer than the one before: the rest can be busier.
_MOST_GROWTH = 3
_PAGES_OF_A_BUSY_SLICE = 8
# Fewer pages are read in one slice; less than a page is read with its neighbour.
_FEW_PAGES, _REMNANT_PAGES = 4, 1.0
# A fair sample of a window: this many slices, with this many pages together.
_FAIR_SLICES, _FAIR_PAGES = 4, 8
_FIRST_AT_ONCE = 3


@value_class
class TimeSlice:
    """``trial`` is one that is given up after its first page, unless that is its last."""

    window: TimeRange
    trial: bool


class SlicePlanner:
    """The aim, the parts of it that are taken, and the length of the next slice.

    ``done`` are the windows that were searched to their ends, now or before. Where the group is
    known to be busy, the whole window is not tried. A slice that ends more than ``reach_ms``
    before the newest that is read waits: a hit in the newer ones would spare it.
    """

    def __init__(
        self,
        aim: TimeRange,
        done: Iterable[TimeRange] = (),
        *,
        is_busy: bool = False,
        reach_ms: int | None = None,
    ) -> None:
        self.aim: tuple[TimeRange, ...] = (aim,)
        self.done = merged(done)
        self._reach_ms = reach_ms
        self._taken: list[TimeRange] = []
        self._longest_ms: int | None = _first_length(aim) if is_busy else None
        self._rate = 0.0  # pages a millisecond by the latest slice; 0 before the first
        self._rates: list[float] = []
        self._reached: dict[TimeRange, int] = {}  # pages of slices that are read
        self._least_rates: list[float] = []  # of slices that were given back
        self._pages = 0

    def take(self) -> TimeSlice | None:
        """Return the newest part of the aim that is not taken; ``None`` where nothing is left.

        Also ``None`` while the first three are read, which measure the length of the others, and
        while others are read of which an attempt can spare this one.
        """
        rest = self.rest()
        if not rest or (self._taken and self._waits(rest)):
            return None
        part, trial = rest[-1], self._longest_ms is None
        if self._longest_ms is not None:
            part = self._cut(part, self._length(self._longest_ms, _length_of(rest)))
        self._taken.append(part)
        return TimeSlice(window=part, trial=trial)

    def _waits(self, rest: list[TimeRange]) -> bool:
        if self._longest_ms is None:
            return False
        if not self._rate:
            return len(self._taken) >= _FIRST_AT_ONCE
        if _length_of(rest) * self._rate <= _FEW_PAGES:
            return True
        if self._reach_ms is None or len(self._taken) < _FIRST_AT_ONCE or not self._rates:
            return False  # before a slice was read to its end, others show how busy the group is
        newest_ms = max(window.until_ms for window in self._taken)
        return rest[-1].until_ms < newest_ms - self._reach_ms

    def _length(self, longest_ms: int, rest_ms: int) -> int:
        """At most half of the rest, so that its end is read side by side too."""
        if not self._rate:
            return longest_ms
        pages = min(_MOST_PAGES, max(_LEAST_PAGES, self._pages / _SHARE_OF_THE_READ))
        pages = min(pages, max(_FEW_PAGES, rest_ms * self._rate / 2))
        length_ms = min(longest_ms, round((pages - _UNUSED_PAGE) / self._rate))
        return max(_SHORTEST_SLICE_MS, length_ms)

    def _cut(self, window: TimeRange, length_ms: int) -> TimeRange:
        since_ms = max(window.since_ms, window.until_ms - length_ms)
        if self._rate and (since_ms - window.since_ms) * self._rate < _REMNANT_PAGES:
            return window
        return TimeRange(since_ms=since_ms, until_ms=window.until_ms)

    def reached(self, part: TimeSlice, pages: int) -> None:
        """Note that a slice goes on after ``pages``; more are then read beside the first three."""
        if part.trial:
            return
        self._reached[part.window] = pages
        if not self._rate and pages >= _PAGES_OF_A_BUSY_SLICE:
            length_ms = max(1, _length_of([part.window]))
            self._rate, self._longest_ms = 2 * pages / length_ms, length_ms // 2

    def finished(self, done: TimeSlice, pages: int) -> None:
        """Note that a slice was read to its end, and learn from its pages."""
        self._taken.remove(done.window)
        self._reached.pop(done.window, None)
        self.done = merged([*self.done, done.window])
        length_ms = max(1, _length_of([done.window]))
        self._pages += pages
        self._rates.append((pages - _UNUSED_PAGE) / length_ms)
        if self._longest_ms is not None:
            self._rate, self._longest_ms = self._rates[-1], _MOST_GROWTH * length_ms

    def give_back(self, slice_: TimeSlice) -> None:
        """Note that a slice was not read to its end."""
        self._taken.remove(slice_.window)
        if pages := self._reached.pop(slice_.window, 0):
            self._least_rates.append(pages / max(1, _length_of([slice_.window])))
        if slice_.trial:
            self._longest_ms = _first_length(slice_.window)

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
        with the pages that it has by now, and one given back with those that it had: more may
        remain.
        """
        reached = list(self._reached.items())
        rates = self._rates + self._least_rates
        rates += [n / max(1, _length_of([w])) for w, n in reached]
        return median_low(rates) * _length_of(self.rest()) if rates else 0.0


def _length_of(windows: Iterable[TimeRange]) -> int:
    return sum(window.until_ms - window.since_ms for window in windows)


def _first_length(window: TimeRange) -> int:
    return max(_SHORTEST_SLICE_MS, _length_of([window]) // _SHARE_OF_FIRST_SLICE)


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
