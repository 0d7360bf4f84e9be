"""Lookups of the lines beside selected lines, in the log group that was selected from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotLook
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.adjacent_pairs import AdjacentPair, Pairs, are_same, is_parted
from retryctl.sources.cloudwatch.bare_starts import BareStarts, saved_event
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange, matching_pages, newest_first
from retryctl.sources.saved.canonical_lines import KEY

# A saved line with which a pair can begin: an integer, an error of Node.js or of .NET.
_BEGINS_PAIR = re.compile(
    rb'"message":"(?:[\d\s]|\\[bfnrt]|\\u00[01].)*"|stackTrace|\\tfail\\t', re.IGNORECASE
)
MOST_PAIRS = 1_000
_AT_ONCE = 4
# One lookup of a pair for this many pages, and at least this many.
_PAGES_FOR_A_PAIR, _LEAST_PAIRS = 10, 5
_MOST_ERRORS = 50  # each decides an outcome
# More lookups than that cost more than reading all lines, of which about a quarter are selected.
_MOST_SURE_PAIRS, _LINES_FOR_A_SELECTED = 200, 3


def pairs_in(folder: Path, pairs: Pairs) -> Pairs:
    """Give the selected lines of ``folder`` to ``pairs``; most of them need not be parsed."""
    for stream, line in _saved_lines(folder):
        if pairs.awaits(stream.decode()) or _BEGINS_PAIR.search(line):
            pairs.take(saved_event(line))
    pairs.finish()
    return pairs


def bare_starts_in(folder: Path) -> list[StreamStretch]:
    """Return where the lines of attempts lie of which a START alone was selected."""
    starts = BareStarts()
    for stream, line in _saved_lines(folder):
        starts.take(stream, line)
    starts.finish()
    return starts.of_retried(line for _, line in _saved_lines(folder))


def _saved_lines(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield each selected line with its stream, in the order of time."""
    for path in sorted(folder.glob("[0-9]*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                if key := KEY.match(line):
                    yield key[2], line


@value_class
class PairLookup:
    """How many pairs were ``verified``, and whether a line ``parted`` some pair."""

    verified: int
    parted: bool


class LineLookup:
    """Reads what was not selected in ``window`` of a group; ``selecting`` is the expression."""

    def __init__(self, aws: AwsClient, group: LogGroup, window: TimeRange, selecting: str) -> None:
        self._aws = aws
        self._group = group
        self._window = window
        self._is_selected = re.compile(selecting).search
        self._parted: dict[AdjacentPair, bool | None] = {}

    def some(self, pairs: Pairs, *, pages: int) -> PairLookup:
        """Look up pairs behind an error, and of all the pairs with the most time between.

        The more ``pages``, the more pairs.
        """
        return self._look_up(pairs.farthest(_some(pages), errors=_MOST_ERRORS))

    def every(self, pairs: Pairs, *, pages: int) -> PairLookup:
        """Look up all pairs; none of them where reading all lines costs less."""
        most = min(MOST_PAIRS, max(_MOST_SURE_PAIRS, pages * _LINES_FOR_A_SELECTED))
        return self._look_up(pairs.farthest(most if pairs.found <= most else 0))

    def _look_up(self, chosen: Sequence[AdjacentPair]) -> PairLookup:
        new = [pair for pair in chosen if pair not in self._parted]
        with DaemonPool(_AT_ONCE) as pool:
            self._parted |= zip(new, pool.map(self._is_parted, new), strict=True)
        results = [self._parted[pair] for pair in chosen]
        return PairLookup(verified=results.count(False), parted=True in results)

    def _is_parted(self, pair: AdjacentPair) -> bool | None:
        """``None`` where the lines between cannot be read."""
        since_ms = pair.first.timestamp_ms
        until_ms = pair.second.timestamp_ms + 1 if pair.second else since_ms + LONGEST_ATTEMPT_MS
        window = TimeRange(since_ms=since_ms, until_ms=until_ms)
        for lines in (self._backwards, self._forwards):
            try:
                return is_parted(pair, lines(pair, window), self._is_selected)
            except CouldNotLook:
                continue
        return None

    def _backwards(self, pair: AdjacentPair, window: TimeRange) -> Iterable[LogEvent]:
        """Read by GetLogEvents, whose quota is not that of the search, as a rule in one call."""
        stream = pair.first.log_stream
        if pair.second is None or stream is None:
            return self._forwards(pair, window)
        return newest_first(
            self._aws,
            self._group,
            stream,
            window,
            lambda page: any(are_same(line, pair.first) for line in page),
        )

    def _forwards(self, pair: AdjacentPair, window: TimeRange) -> Iterable[LogEvent]:
        return self._lines(pair.first.log_stream, window)

    def unselected(
        self, stretches: Sequence[StreamStretch], save: Callable[[list[LogEvent]], None]
    ) -> None:
        """Save the lines of the stretches that were not selected. Raises CouldNotLook."""

        def lines(stretch: StreamStretch) -> list[LogEvent]:
            found = self._all_lines(stretch)
            return [event for event in found if not self._is_selected(event.message)]

        with DaemonPool(_AT_ONCE) as pool:
            for events in pool.map(lines, stretches):
                save(events)

    def _all_lines(self, stretch: StreamStretch) -> list[LogEvent]:
        """Read by FilterLogEvents; by GetLogEvents where the log group's class refuses that."""
        try:
            return list(self._lines(stretch.log_stream, stretch.window))
        except Refused as refused:
            if not refused.is_log_class or stretch.log_stream is None:
                raise
            window = self._within(stretch.window)
            return newest_first(
                self._aws, self._group, stretch.log_stream, window, lambda page: False
            )

    def _lines(self, stream: str | None, window: TimeRange) -> Iterator[LogEvent]:
        window, streams = self._within(window), [stream] if stream else ()
        pages = matching_pages(self._aws, self._group, window, streams=streams)
        return chain.from_iterable(page.events for page in pages)

    def _within(self, window: TimeRange) -> TimeRange:
        return replace(window, until_ms=min(window.until_ms, self._window.until_ms))


def _some(pages: int) -> int:
    return max(_LEAST_PAIRS, pages // _PAGES_FOR_A_PAIR)
