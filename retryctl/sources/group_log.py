"""A log group's window, saved as lines of JSON that ``saved_whole`` reads like any saved log.

Of a busy group only the lines that tell of attempts are asked for (``telling_lines``): by
FilterLogEvents, slice by slice, newest first, or by Logs Insights. What those lines cannot prove,
that a printed integer stands directly before its branch, is then looked up in full where the most
time lies between the two, which is where something could stand between them. Where something
does, the window is read again with all of its lines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from retryctl.core.claims import Markers
from retryctl.core.coverage import Gap
from retryctl.core.records import LogEvent
from retryctl.errors import CouldNotLook, RetryctlError
from retryctl.sources.aws import Aws
from retryctl.sources.aws_errors import Refused
from retryctl.sources.cloudwatch_gaps import (
    not_searched,
    parted,
    taken_as_alike,
    too_fresh,
    too_many,
    unordered,
)
from retryctl.sources.cloudwatch_looked import Looked
from retryctl.sources.finding import Means
from retryctl.sources.insights import FRESH_MS
from retryctl.sources.insights_lines import InsightsLines
from retryctl.sources.log_groups import LogGroup
from retryctl.sources.log_pages import Page, Window, matching_pages
from retryctl.sources.saved_lines import usual_line
from retryctl.sources.slice_reading import SliceRead, SliceReading
from retryctl.sources.slices import Slice, SlicePlan
from retryctl.sources.telling_lines import Pair, Pairs, is_parted, telling_lines

_AT_ONCE = 4
_MOST_PAIRS = 1_000
# Of every so many pages one more is read to look between the lines.
_PAGES_FOR_A_PAIR, _LEAST_PAIRS = 10, 5


@dataclass(slots=True, kw_only=True)
class _Saved:
    """What went into a file."""

    looked: Looked
    pairs: Pairs


class GroupLog:
    """One window of one group; ``looked`` tells what was seen of it once ``save`` is done.

    ``assumed`` is a gap that hides no attempt: what was taken for granted of lines that were not
    looked up. ``on_page`` is called after every page, from any thread.
    """

    def __init__(
        self,
        aws: Aws,
        group: LogGroup,
        means: Means,
        *,
        window: Window,
        now_ms: int,
        markers: Markers,
        on_page: Callable[[Page], None],
    ) -> None:
        self._aws = aws
        self._group = group
        self._means = means
        self._window = window
        self._now_ms = now_ms
        self._markers = markers
        self._on_page = on_page
        self._halted = threading.Event()
        self._telling = telling_lines(markers)
        self.looked = self._nothing()
        self.assumed: Gap | None = None

    def save(self, folder: Path) -> None:
        """Write the window's lines into ``folder``, which is empty.

        Raises the errors of ``retryctl.errors`` where nothing can be read; a part of the window
        that cannot be is a gap.
        """
        if self._means.engine == "insights":
            self._query(folder)
            return
        try:
            if not self._filter(folder):
                self._telling = None
                for file in folder.iterdir():
                    file.unlink()
                self._filter(folder)
        except Refused as refused:
            if self._means.engine == "filter" or not refused.is_log_class:
                raise
            self._query(folder)

    def _nothing(self) -> Looked:
        window = self._window
        return Looked(
            since_ms=window.since_ms,
            until_ms=window.until_ms,
            horizon_ms=min(self._now_ms, window.until_ms),
        )

    def _write(self, file: BinaryIO, events: Sequence[LogEvent], into: _Saved) -> None:
        file.write(b"".join(map(usual_line, events)))
        for event in events:
            into.looked.event(event)
            into.pairs.take(event)

    # ----------------------------------------------------------------------- FilterLogEvents

    def _filter(self, folder: Path) -> bool:
        """Save the lines; false where those that tell do not suffice."""
        plan = SlicePlan(self._window)
        reading = SliceReading(
            self._aws, plan, lambda part: self._slice(folder, part, reading), halted=self._halted
        )
        self.looked, pairs = self._nothing(), self._pairs()
        for saved in reading.run():
            self.looked.merge(saved.looked)
            pairs.merge(saved.pairs)
        if self._telling and _is_bad_pattern(reading.fatal):
            return False
        unread = [*reading.unread, *((w, reading.fatal) for w in plan.rest() if reading.fatal)]
        self.looked.gaps += [not_searched(self._group, *each, None) for each in unread]
        return self._is_proved(pairs)

    def _slice(self, folder: Path, part: Slice, reading: SliceReading[_Saved]) -> SliceRead[_Saved]:
        """Save one slice; the first, which may be all there is, with every line."""
        path = folder / f"{part.window.since_ms:013d}.jsonl"
        saved = _Saved(looked=self._nothing(), pairs=self._pairs())
        pattern = f"%{self._telling}%" if self._telling and not part.trial else ""
        more = True
        try:
            with path.open("wb") as file:
                for page in matching_pages(self._aws, self._group, part.window, pattern):
                    saved.looked.pages += 1
                    self._on_page(page)
                    more = page.more
                    if more and (part.trial or reading.ended):
                        break
                    self._write(file, page.events, saved)
        finally:
            if more:
                path.unlink()
                saved = _Saved(looked=self._nothing(), pairs=self._pairs())
        if not pattern:
            saved.pairs = self._pairs()
        return SliceRead(found=saved, pages=max(1, saved.looked.pages), to_the_end=not more)

    def _pairs(self) -> Pairs:
        return Pairs(self._markers, _MOST_PAIRS)

    # ----------------------------------------------------------------------- Logs Insights

    def _query(self, folder: Path) -> None:
        if self._telling is None:
            raise CouldNotLook(
                "Logs Insights cannot search for the lines that the settings' patterns describe",
                "Use --engine filter, or simpler patterns: text and one group for the value.",
            )
        lines = InsightsLines(
            self._aws,
            self._group,
            self._means.terms,
            describe=self._means.describe,
            now_ms=self._now_ms,
            halted=self._halted,
        )
        fresh_ms = max(self._window.since_ms, self._now_ms - FRESH_MS)
        seen = Window(since_ms=self._window.since_ms, until_ms=min(self._window.until_ms, fresh_ms))
        saved = _Saved(looked=self._nothing(), pairs=self._pairs())
        with (folder / "queried.jsonl").open("wb") as file:
            if seen.since_ms < seen.until_ms:
                self._add_queried(file, seen, lines.read(seen, (), (self._telling,)), saved)
            if seen.until_ms < self._window.until_ms:
                self._add_fresh(
                    file, Window(since_ms=fresh_ms, until_ms=self._window.until_ms), saved
                )
        lines.tell_what_was_scanned()
        self.looked = saved.looked
        self.looked.bytes_scanned = lines.bytes_scanned
        self.looked.gaps += [too_many(self._group, second) for second in lines.unread]
        if lines.ambiguous:
            self.looked.gaps.append(unordered(self._group, lines.ambiguous))
        if not self._is_proved(saved.pairs):
            self.looked.gaps.append(parted(self._group))

    def _add_queried(
        self, file: BinaryIO, window: Window, queried: Iterator[list[LogEvent]], saved: _Saved
    ) -> None:
        """What Insights gives; where it gives up, the rest is a gap."""
        since_ms = window.since_ms
        try:
            for events in queried:
                self._on_page(Page(events=events, more=True))
                self._write(file, events, saved)
                since_ms = events[-1].timestamp_ms + 1
        except CouldNotLook as error:
            if since_ms == window.since_ms:
                raise
            rest = Window(since_ms=since_ms, until_ms=window.until_ms)
            saved.looked.gaps.append(not_searched(self._group, rest, error, None))

    def _add_fresh(self, file: BinaryIO, fresh: Window, saved: _Saved) -> None:
        """What Insights may not see yet is asked of FilterLogEvents."""
        try:
            for page in matching_pages(self._aws, self._group, fresh, f"%{self._telling}%"):
                saved.looked.pages += 1
                self._on_page(page)
                self._write(file, page.events, saved)
        except CouldNotLook:
            saved.looked.horizon_ms = min(saved.looked.horizon_ms, fresh.since_ms)
            saved.looked.gaps.append(too_fresh(self._group, fresh, None))

    # ----------------------------------------------------------------------- between the lines

    def _is_proved(self, pairs: Pairs) -> bool:
        """Whether no line parts a pair, by those with the most time between."""
        most = max(_LEAST_PAIRS, self.looked.pages // _PAGES_FOR_A_PAIR)
        chosen = pairs.farthest(most)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            parted = list(pool.map(self._is_parted, chosen))
        if True in parted:
            return False
        seen = parted.count(False)
        if seen < pairs.found:
            self.assumed = taken_as_alike(self._group, pairs.found, seen)
        return True

    def _is_parted(self, pair: Pair) -> bool | None:
        """``None`` where that cannot be looked up."""
        window = Window(since_ms=pair.first.timestamp_ms, until_ms=pair.second.timestamp_ms + 1)
        try:
            pages = list(
                matching_pages(self._aws, self._group, window, stream=pair.first.log_stream)
            )
        except CouldNotLook:
            return None
        return is_parted(pair, [event for page in pages for event in page.events])


def _is_bad_pattern(error: RetryctlError | None) -> bool:
    return isinstance(error, Refused) and error.code == "InvalidParameterException"
