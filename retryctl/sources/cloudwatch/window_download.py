"""A log group's window, saved as lines of JSON that ``saved_whole`` reads like any saved log.

Of a busy group only the lines that tell of attempts are asked for (``attempt_line_pattern``): by
FilterLogEvents, slice by slice, newest first, or by Logs Insights. What those lines cannot prove,
that two of them are neighbours, is then looked up in full where the most time lies between the
two, which is where something could stand between them (``adjacency``); of whoever has to be
``sure``, all are. Where something does, or where the service did not select what it should have,
the window is read again with all its lines.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import LogEvent
from retryctl.errors import CouldNotLook, RetryctlError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.adjacency import MOST_PAIRS, AdjacencyLookup, pairs_in
from retryctl.sources.cloudwatch.filter_pattern import attempt_line_pattern
from retryctl.sources.cloudwatch.gaps import (
    lines_between,
    not_kept,
    not_searched,
    pairs_not_verified,
    too_fresh,
    too_many,
    unordered,
)
from retryctl.sources.cloudwatch.insights import FRESH_MS
from retryctl.sources.cloudwatch.insights_export import InsightsLines
from retryctl.sources.cloudwatch.pages import Page, TimeRange, matching_pages
from retryctl.sources.cloudwatch.search import SearchOptions
from retryctl.sources.cloudwatch.stats import SearchStats
from retryctl.sources.cloudwatch.time_slices import SlicePlanner, SliceRead, SliceRunner, TimeSlice
from retryctl.sources.saved.canonical import canonical_line

# The first pages of a window can be empty, though more follow.
_MOST_FIRST_PAGES = 5


class NotSaved(RetryctlError):
    """There is no room for what is read in ``folder``: nothing can be told of any group."""

    def __init__(self, folder: Path | str, error: OSError) -> None:
        super().__init__(
            f"cannot save what is read in {folder}: {error.strerror}",
            "Set TMPDIR to a folder with room, or shorten the window with --since.",
        )


class WindowDownload:
    """One window of one group; ``looked`` tells what was seen of it once ``save`` is done.

    ``assumed`` is a gap that hides no attempt: what was taken for granted of lines that were not
    looked up. ``on_page`` is called after every page, from any thread.
    """

    def __init__(
        self,
        aws: AwsClient,
        group: LogGroup,
        options: SearchOptions,
        *,
        window: TimeRange,
        now_ms: int,
        markers: Markers,
        folder: Path,
        on_page: Callable[[Page], None],
        sure: bool = False,
    ) -> None:
        self._aws = aws
        self._group = group
        self._options = options
        self._window = window
        self._now_ms = now_ms
        self._markers = markers
        self._folder = folder
        self._on_page = on_page
        self._sure = sure
        self._telling = attempt_line_pattern(markers)
        self._selected = False
        self._awaited: dict[str | None, int] = {}
        self.looked = self._nothing()
        self.assumed: Gap | None = None

    def save(self) -> None:
        """Write the window's lines into ``folder``, which is made for them.

        Raises the errors of ``retryctl.errors`` where nothing can be read; a part of the window
        that cannot be is a gap. Raises NotSaved where the folder cannot take the lines.
        """
        try:
            self._folder.mkdir()
        except OSError as error:
            raise NotSaved(self._folder, error) from error
        if self._options.engine == "insights":
            self._query()
            return
        try:
            if not self._filter():
                self._read_all_lines()
        except Refused as refused:
            if self._options.engine == "filter" or not refused.is_log_class:
                raise
            self._query()

    def _read_all_lines(self) -> None:
        """Read the window again without selecting lines; what was read stays where that fails."""
        selected, stats, self._telling = self._folder, self.looked, None
        self._folder = selected.with_name(f"{selected.name}-all")
        self._folder.mkdir()
        try:
            self._filter()
        except CouldNotLook as error:
            shutil.rmtree(self._folder)
            self._folder, self.looked = selected, stats
            if not stats.events:
                raise
            self.looked.gaps.append(not_searched(self._group, self._window, error, None))
        else:
            shutil.rmtree(selected)
            self._folder = self._folder.rename(selected)

    def _nothing(self) -> SearchStats:
        return SearchStats.of(self._window, self._now_ms)

    def _path(self, window: TimeRange) -> Path:
        """The file of a part of the window; by name they are in the order of time."""
        return self._folder / f"{window.since_ms:013d}.jsonl"

    def _write(self, path: Path, page: Page, looked: SearchStats) -> None:
        self._on_page(page)
        try:
            with path.open("ab") as file:
                file.write(b"".join(map(canonical_line, page.events)))
        except OSError as error:
            raise NotSaved(self._folder, error) from error
        for event in page.events:
            looked.event(event)

    # ----------------------------------------------------------------------- FilterLogEvents

    def _filter(self) -> bool:
        """Save the lines; false where those that tell do not suffice."""
        plan = SlicePlanner(self._window)
        reading = SliceRunner(
            self._aws, plan, lambda part: self._slice(part, reading), halted=threading.Event()
        )
        self.looked, self._selected, self._awaited = self._nothing(), False, {}
        for looked in reading.run():
            self.looked.merge(looked)
        if self._selected and _is_bad_pattern(reading.fatal):
            return False
        unread = [*reading.unread, *((w, reading.fatal) for w in plan.rest() if reading.fatal)]
        if unread and not plan.done:
            raise unread[0][1]
        self.looked.gaps += [not_searched(self._group, *each, None) for each in unread]
        if any(w.since_ms <= at < w.until_ms for at in self._awaited.values() for w in plan.done):
            return False
        return not self._selected or self._is_proved()

    def _slice(self, part: TimeSlice, reading: SliceRunner[SearchStats]) -> SliceRead[SearchStats]:
        """Save one slice; the first, which may be all there is, with every line.

        Where that is not all, its first page tells what the service should then select.
        """
        path, looked = self._path(part.window), self._nothing()
        pattern = f"%{self._telling}%" if self._telling and not part.trial else ""
        self._selected |= bool(pattern)
        whole = False
        try:
            for page in matching_pages(self._aws, self._group, part.window, pattern):
                looked.pages += 1
                if page.more and part.trial:
                    self._await(page.events)
                    told_enough = bool(self._awaited) or not self._telling
                    given_up = told_enough or looked.pages == _MOST_FIRST_PAGES
                else:
                    given_up = page.more and reading.ended
                if given_up:
                    self._on_page(page)
                    break
                self._write(path, page, looked)
                for event in page.events:
                    self._awaited.pop(event.event_id, None)
                whole = not page.more
        finally:
            if not whole:
                path.unlink(missing_ok=True)
        return SliceRead(
            found=looked if whole else self._nothing(), pages=looked.pages, to_the_end=whole
        )

    def _await(self, events: Sequence[LogEvent]) -> None:
        """Note which of these the service has to select: that it reads ``|`` as ``re`` does."""
        if self._telling:
            tells = re.compile(self._telling).search
            self._awaited |= {e.event_id: e.timestamp_ms for e in events if tells(e.message)}

    # ----------------------------------------------------------------------- Logs Insights

    def _query(self) -> None:
        if self._telling is None:
            raise CouldNotLook(
                "Logs Insights cannot search for the lines that the settings' patterns describe",
                "Use --engine filter, or simpler patterns: text and one group for the value.",
            )
        lines = InsightsLines(
            self._aws,
            self._group,
            self._options.terms,
            describe=self._options.describe,
            now_ms=self._now_ms,
            halted=threading.Event(),
            markers=self._markers,
        )
        since_ms, until_ms = self._window.since_ms, self._window.until_ms
        fresh_ms = min(until_ms, max(since_ms, self._now_ms - FRESH_MS))
        self.looked = self._nothing()
        if since_ms < fresh_ms:
            seen = TimeRange(since_ms=since_ms, until_ms=fresh_ms)
            self._save_queried(seen, lines.read(seen, self._telling))
        if fresh_ms < until_ms:
            self._save_fresh(TimeRange(since_ms=fresh_ms, until_ms=until_ms))
        lines.report_scanned()
        self.looked.bytes_scanned = lines.bytes_scanned
        self.looked.gaps += [too_many(self._group, second) for second in lines.unread]
        self.looked.gaps += unordered(self._group, lines.doubts)
        if lines.clamped:
            known = self._options.describe(self._group)
            self.looked.gaps += not_kept(self._group, known, self._window.since_ms, self._now_ms)
        if self._is_proved():
            return
        self.looked.gaps.append(lines_between(self._group))

    def _save_queried(self, window: TimeRange, queried: Iterator[list[LogEvent]]) -> None:
        """What Insights gives; where it gives up, the rest is a gap."""
        since_ms = window.since_ms
        try:
            for events in queried:
                self._write(self._path(window), Page(events=events, more=True), self.looked)
                since_ms = events[-1].timestamp_ms + 1
        except CouldNotLook as error:
            if since_ms == window.since_ms:
                raise
            rest = TimeRange(since_ms=since_ms, until_ms=window.until_ms)
            self.looked.gaps.append(not_searched(self._group, rest, error, None))

    def _save_fresh(self, window: TimeRange) -> None:
        """What Insights may not see yet is asked of FilterLogEvents, all of it or nothing."""
        path, looked = self._path(window), self._nothing()
        try:
            for page in matching_pages(self._aws, self._group, window, f"%{self._telling}%"):
                looked.pages += 1
                self._write(path, page, looked)
        except CouldNotLook:
            path.unlink(missing_ok=True)
            self.looked.horizon_ms = min(self.looked.horizon_ms, window.since_ms)
            self.looked.gaps.append(too_fresh(self._group, window, None))
        else:
            self.looked.merge(looked)

    # ----------------------------------------------------------------------- between the lines

    def _is_proved(self) -> bool:
        """Whether no line parts two that count as neighbours, as far as that has to be known."""
        if self._telling is None:
            return True
        look_up = AdjacencyLookup(self._aws, self._group, self._window, self._telling)
        pairs = pairs_in(self._folder, self._markers, MOST_PAIRS)
        held = look_up.held(pairs, pages=self.looked.pages, sure=self._sure)
        if held is not None and held < pairs.found:
            self.assumed = pairs_not_verified(self._group, pairs.found, held)
        return held is not None


def _is_bad_pattern(error: RetryctlError | None) -> bool:
    if not isinstance(error, Refused) or error.is_bad_token:
        return False
    return error.code == "InvalidParameterException"
