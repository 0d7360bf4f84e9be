"""The download of a log group's window, as JSON lines that are read like any saved log.

In a busy group only the lines that describe attempts are read (``attempt_line_pattern``): by
FilterLogEvents, slice by slice, newest first, or by Logs Insights. Some things these lines prove
only with the lines beside them, which are looked up (``unselected_lines``):

- adjacent pairs (``adjacent_pairs``): first those behind a wrong counter, all of them, then those
  with the most time between; with ``verify_all``, every pair;
- STARTs without any other line (``BareStarts``).

Where a line parts a pair, or where the service did not select what it should have, the window is
read again with all of its lines.
"""

from __future__ import annotations

import re
import shutil
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path

from retryctl.core.grammar.masked_lines import MASK
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import state_class
from retryctl.errors import CouldNotRead, RetryctlError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch import gaps
from retryctl.sources.cloudwatch.adjacent_pairs import Pairs
from retryctl.sources.cloudwatch.attempt_line_pattern import attempt_line_pattern
from retryctl.sources.cloudwatch.insights import FRESH_MS
from retryctl.sources.cloudwatch.insights_export import InsightsLines
from retryctl.sources.cloudwatch.insights_features import is_rewritten, may_query
from retryctl.sources.cloudwatch.pages import Page, StreamStretch, TimeRange, matching_pages
from retryctl.sources.cloudwatch.search_options import SearchOptions
from retryctl.sources.cloudwatch.slice_runner import SliceRead, SliceRunner
from retryctl.sources.cloudwatch.stats import SearchStats
from retryctl.sources.cloudwatch.time_slices import SlicePlanner, TimeSlice
from retryctl.sources.cloudwatch.unselected_lines import (
    MOST_PAIRS,
    LineLookup,
    bare_starts_in,
    pairs_in,
)
from retryctl.sources.saved.canonical_lines import canonical_line

# The first pages of a window can be empty, though more follow.
_MOST_FIRST_PAGES = 5
# More of them cost more than reading all lines.
_MOST_BARE_STARTS = 200

WrongCounters = Callable[[Coverage], Sequence[StreamStretch]]
"""Returns the attempts with a wrong counter in what is saved, which has this coverage."""


class NotSaved(RetryctlError):
    """The folder cannot take what is read, whichever group it is of."""

    def __init__(self, folder: Path | str, error: OSError) -> None:
        super().__init__(
            f"cannot save what is read in {folder}: {error.strerror}",
            "Set TMPDIR to a folder with room, or shorten the window with --since.",
        )


@state_class
class WindowDownload:
    """One window of one group. ``stats`` has what was read of it once ``save`` is done.

    ``assumed`` is a gap that hides nothing: pairs that were not looked up. ``wrong_counters``
    reads what is saved. ``on_page`` is called after every page, from any thread. With
    ``every_line`` no lines are selected.
    """

    aws: AwsClient
    group: LogGroup
    options: SearchOptions
    window: TimeRange
    now_ms: int
    folder: Path
    on_page: Callable[[Page], None]
    verify_all: bool = False
    every_line: bool = False
    wrong_counters: WrongCounters = lambda coverage: ()
    stats: SearchStats = field(default_factory=SearchStats)
    assumed: Gap | None = None
    _selecting: str | None = None
    _selected: bool = False
    _awaited: dict[str | None, int] = field(default_factory=dict)
    _rewritten: bool | None = False

    def save(self) -> None:
        """Write the lines of the window into ``folder``, which is created for them.

        Raises the errors of ``retryctl.errors`` where nothing can be read; a part of the window
        that cannot be is a gap. Raises NotSaved where the folder cannot take the lines.
        """
        if not self.every_line:
            self._selecting = attempt_line_pattern(self.options.markers)
        self.stats = self._nothing()
        try:
            self.folder.mkdir()
        except OSError as error:
            raise NotSaved(self.folder, error) from error
        auto, known = self.options.engine == "auto", self.options.describe
        needs_insights = auto and known(self.group).needs_insights
        wants_insights = self.options.engine == "insights" or needs_insights
        if wants_insights and self._may_query():
            self._query()
            return
        try:
            if not self._filter():
                self._read_all_lines()
        except Refused as refused:
            if self.options.engine == "filter" or wants_insights or not refused.is_log_class:
                raise
            self._query()

    def _may_query(self) -> bool:
        self._rewritten = is_rewritten(self.aws, self.group, self.options)
        return may_query(self._rewritten, self.options.engine)

    def _read_all_lines(self) -> None:
        """Read the window again without selecting lines; what was read stays where that fails."""
        self._selecting = None
        try:
            self._read_instead(self._filter)
        except CouldNotRead as error:
            if not self.stats.events:
                raise
            self.stats.gaps.append(gaps.not_searched(self.group, self.window, error, None))

    def _read_instead(self, read: Callable[[], object]) -> None:
        """Replace what was read by what ``read`` saves; keep it where that raises."""
        before, stats_before = self.folder, self.stats
        self.folder = before.with_name(f"{before.name}-all")
        self.folder.mkdir()
        try:
            read()
        except CouldNotRead:
            shutil.rmtree(self.folder)
            self.folder, self.stats = before, stats_before
            raise
        shutil.rmtree(before)
        self.folder = self.folder.rename(before)

    def _nothing(self) -> SearchStats:
        return SearchStats.of(self.window, self.now_ms)

    def _path(self, window: TimeRange) -> Path:
        """Return the file of a part of the window; by name they are in the order of time."""
        return self.folder / f"{window.since_ms:013d}.jsonl"

    def _write(self, path: Path, page: Page, stats: SearchStats) -> None:
        self.on_page(page)
        try:
            with path.open("ab") as file:
                file.write(b"".join(map(canonical_line, page.events)))
        except OSError as error:
            raise NotSaved(self.folder, error) from error
        for event in page.events:
            stats.event(event)

    # ----------------------------------------------------------------------- FilterLogEvents

    def _filter(self) -> bool:
        """Save the lines; false where the selected lines do not prove enough."""
        plan = SlicePlanner(self.window)
        reading = SliceRunner(
            aws=self.aws, plan=plan, read=lambda part: self._slice(part, plan, reading)
        )
        self.stats, self._selected, self._awaited = self._nothing(), False, {}
        for stats in reading.run():
            self.stats.merge(stats)
        fatal = reading.fatal
        if self._selected and isinstance(fatal, Refused) and fatal.is_bad_pattern:
            return False
        unread = reading.unread
        if unread and not plan.done:
            raise unread[0][1]
        self.stats.gaps += [gaps.not_searched(self.group, *each, None) for each in unread]
        if any(window.has(at_ms) for at_ms in self._awaited.values() for window in plan.done):
            return False
        return not (self._selected and self._unproved())

    def _slice(
        self, part: TimeSlice, plan: SlicePlanner, reading: SliceRunner[SearchStats]
    ) -> SliceRead[SearchStats]:
        """Save one slice. The first one, which may be the whole window, is read with every line.

        Where it goes on after its first page, that page shows what the service should select.
        """
        path, stats = self._path(part.window), self._nothing()
        pattern = f"%{self._selecting}%" if self._selecting and not part.trial else ""
        self._selected |= bool(pattern)
        whole = False
        try:
            for page in matching_pages(self.aws, self.group, part.window, pattern):
                stats.pages += 1
                plan.reached(part, stats.pages)
                if page.more and part.trial:
                    self._await(page.events)
                    noted_enough = bool(self._awaited) or not self._selecting
                    given_up = noted_enough or stats.pages == _MOST_FIRST_PAGES
                else:
                    given_up = page.more and reading.ended
                if given_up:
                    self.on_page(page)
                    break
                self._write(path, page, stats)
                for event in page.events:
                    self._awaited.pop(event.event_id, None)
                whole = not page.more
        finally:
            if not whole:
                path.unlink(missing_ok=True)
        return SliceRead(
            found=stats if whole else self._nothing(), pages=stats.pages, to_the_end=whole
        )

    def _await(self, events: Sequence[LogEvent]) -> None:
        """Note which of these the service has to select: that it reads ``|`` as ``re`` does."""
        if self._selecting:
            decides = re.compile(self._selecting).search
            plain = (event for event in events if MASK not in event.message)  # may be compared so
            self._awaited |= {e.event_id: e.timestamp_ms for e in plain if decides(e.message)}

    # ----------------------------------------------------------------------- Logs Insights

    def _query(self) -> None:
        """Save the lines that Insights selects; all lines where those do not suffice."""
        if self.every_line:
            self._save_by_insights(None)
            return
        if self._selecting is None:
            raise CouldNotRead(
                "Logs Insights cannot search for the lines that the patterns of the settings match",
                "Use --engine filter, or simpler patterns: text and one group for the value.",
            )
        self._save_by_insights(self._selecting)
        unproved = self._unproved()
        if not unproved:
            return
        try:
            self._read_instead(partial(self._save_by_insights, None))
        except CouldNotRead:
            self.stats.gaps += unproved

    def _save_by_insights(self, expression: str | None) -> None:
        """Raise ``TooManyLines`` without an expression where the window has too many lines."""
        lines = InsightsLines(
            aws=self.aws,
            group=self.group,
            options=self.options,
            now_ms=self.now_ms,
            halted=threading.Event(),
        )
        since_ms, until_ms = self.window.since_ms, self.window.until_ms
        fresh_ms = min(until_ms, max(since_ms, self.now_ms - FRESH_MS))
        self.stats = self._nothing()
        if since_ms < fresh_ms:
            settled = TimeRange(since_ms=since_ms, until_ms=fresh_ms)
            self._save_queried(settled, lines.read(settled, expression))
        if fresh_ms < until_ms:
            self._save_fresh(TimeRange(since_ms=fresh_ms, until_ms=until_ms), expression)
        lines.report_scanned()
        self.stats.bytes_scanned = lines.bytes_scanned
        self.stats.gaps += [gaps.not_searched(self.group, *each, None) for each in lines.incomplete]
        self.stats.gaps += [gaps.too_many(self.group, second) for second in lines.unread]
        self.stats.gaps += gaps.unordered(
            self.group, lines.doubts, lookups_ended=lines.lookups_ended
        )
        if self._rewritten is None:
            self.stats.gaps.append(gaps.may_be_rewritten(self.group))
        if lines.clamped:
            known = self.options.describe(self.group)
            self.stats.gaps += gaps.created_later(self.group, known, self.window.since_ms)

    def _save_queried(self, window: TimeRange, queried: Iterator[list[LogEvent]]) -> None:
        """Save the rows of Insights; where a query fails, the rest is a gap."""
        since_ms = window.since_ms
        try:
            for events in queried:
                self._write(self._path(window), Page(events=events, more=True), self.stats)
                since_ms = events[-1].timestamp_ms + 1
        except CouldNotRead as error:
            if since_ms == window.since_ms:
                raise
            rest = TimeRange(since_ms=since_ms, until_ms=window.until_ms)
            self.stats.gaps.append(gaps.not_searched(self.group, rest, error, None))

    def _save_fresh(self, window: TimeRange, expression: str | None) -> None:
        """Save by FilterLogEvents what Insights may not find yet, all of it or nothing."""
        path, stats = self._path(window), self._nothing()
        pattern = f"%{expression}%" if expression else ""
        try:
            for page in matching_pages(self.aws, self.group, window, pattern):
                stats.pages += 1
                self._write(path, page, stats)
        except CouldNotRead:
            path.unlink(missing_ok=True)
            self.stats.horizon_ms = min(self.stats.horizon_ms, window.since_ms)
            self.stats.gaps.append(gaps.too_fresh(self.group, window))
        else:
            self.stats.merge(stats)

    # ----------------------------------------------------------------------- beside the lines

    def _unproved(self) -> list[Gap]:
        """Return the gaps that the selected lines leave; none where all lines were read."""
        if self._selecting is None:
            return []
        look_up = LineLookup(self.aws, self.group, self.window, self._selecting)
        left = self._add_lines(look_up, bare_starts_in(self.folder))
        pairs = pairs_in(self.folder, Pairs(markers=self.options.markers, most=MOST_PAIRS))
        pages = self.stats.pages
        if self.verify_all:
            found = look_up.every(pairs, pages=pages)
            return left if found.verified == pairs.found else [gaps.lines_between(self.group)]
        found = look_up.some(pairs, pages=pages)
        if found.parted:
            return [gaps.lines_between(self.group)]
        if found.verified < pairs.found:
            left += self._undecided(look_up)
            self.assumed = gaps.pairs_not_verified(self.group, pairs.found, found.verified)
        return left

    def _undecided(self, look_up: LineLookup) -> list[Gap]:
        """Look up the pairs behind wrong counters; return a gap for each that stays unknown."""
        wrong = self.wrong_counters(self.stats.coverage(0))
        pairs = Pairs(markers=self.options.markers, most=MOST_PAIRS, wanted=EventsWithin(wrong).has)
        pairs_in(self.folder, pairs)
        found = look_up.every(pairs, pages=self.stats.pages)
        if found.verified == pairs.found:
            return []
        if found.parted:
            return [gaps.lines_between(self.group)]
        return [gaps.counter_not_verified(self.group, stretch) for stretch in wrong]

    def _add_lines(self, look_up: LineLookup, stretches: Sequence[StreamStretch]) -> list[Gap]:
        """Save the other lines of attempts of which a START alone was selected."""
        path = self.folder / "beside-starts.jsonl"

        def save(events: list[LogEvent]) -> None:
            self._write(path, Page(events=events, more=True), self.stats)

        try:
            if len(stretches) <= _MOST_BARE_STARTS:
                look_up.unselected(stretches, save)
                return []
        except CouldNotRead:
            pass
        return [gaps.attempts_unproved(self.group, stretch) for stretch in stretches]


class EventsWithin:
    """Whether events stand in one of many stretches, in little time for each event."""

    def __init__(self, stretches: Iterable[StreamStretch]) -> None:
        self._begins = defaultdict[str | None, list[int]](list)
        self._ends = defaultdict[str | None, list[int]](list)  # the latest of those begun
        for one in sorted(stretches, key=lambda stretch: stretch.window.since_ms):
            ends = self._ends[one.log_stream]
            self._begins[one.log_stream].append(one.window.since_ms)
            ends.append(max(one.window.until_ms, ends[-1] if ends else 0))

    def has(self, event: LogEvent) -> bool:
        """Whether the event stands in one of the stretches."""
        begun = bisect_right(self._begins[event.log_stream], event.timestamp_ms)
        return bool(begun) and self._ends[event.log_stream][begun - 1] > event.timestamp_ms
