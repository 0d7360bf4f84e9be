"""The lines of a whole window that matter, selected and counted by Logs Insights.

An answer has 10,000 rows, and no token for the next ones. So the service
first counts the lines in bins of time, and these are joined to windows that fit an answer. Both
steps scan the window: twice its bytes are paid for.

Of ``bin(…)``: AWS's guide to the query language has a cap for each unit (60 seconds, 60 minutes,
24 hours) and takes a larger number for it without a word, so that ``bin(300s)`` is ``bin(60s)``.
The bins here divide their next unit, and a day, without rest. Not verified against the real
service: that a backslash escapes a slash in a regular expression; and that ``stats`` returns 10,000
groups, of which half are used.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from retryctl.core.history.event_order import EventOrder
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import state_class
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.daemon_pool import DaemonPool, PoolTask
from retryctl.sources.cloudwatch.insights import InsightsClient, cells, utc_ms
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.stream_order import MOST_LOOKUPS, StreamOrder

_BINS = tuple(
    (f"bin({number}{unit})", number * unit_ms)
    for unit, unit_ms, numbers in (
        ("s", 1_000, (1, 2, 5, 10, 20, 30)),
        ("m", 60_000, (1, 2, 5, 10, 20, 30)),
        ("h", 3_600_000, (1, 2, 4, 8, 24)),
    )
    for number in numbers
)
_MOST_BINS = 5_000
# Below the limit of an answer, since lines may arrive between counting and reading.
_MOST_LINES = 9_000
# A query returns about 10,000 lines, and takes seconds.
MOST_UNSELECTED = 100_000
# Within a busy bin the lines are not spread evenly.
_LINES_OF_A_PART = 6_000
# An account may run 100 queries at once, and others want some of them.
_AT_ONCE = 4


class TooManyLines(CouldNotRead):
    """All lines of a window take too many queries."""


@state_class
class InsightsLines(InsightsClient):
    """The lines of one log group; see ``InsightsClient`` for its attributes.

    ``lookups_ended``: the order of more milliseconds was needed than GetLogEvents is used for.
    """

    lookups_ended: bool = False

    def read(self, window: TimeRange, expression: str | None) -> Iterator[list[LogEvent]]:
        """Yield the events that match a regular expression, or all of them, oldest first.

        Those of one millisecond stand in the order that ``event_order`` gives them, and where
        that leaves a doubt GetLogEvents (``stream_order``); they have no IDs. No chunk is empty,
        each is at most some 10,000 events, and no second is in two. The expression is on one
        line. The window ends before what is too young for Insights (``FRESH_MS``). Raises
        CouldNotRead before any query where both scans would cost more than the terms allow,
        ``TooManyLines`` without an expression where all events are too many, and Throttled where
        a query fails. Leaving early sets ``halted`` and stops the queries under way.
        """
        command = f"filter {condition_for(expression)}" if expression else ""
        self._announce([window, window])
        windows, matched = self._windows(window, command)
        if expression is None and matched > MOST_UNSELECTED:
            raise TooManyLines(
                f"{self.group.name} has more than {MOST_UNSELECTED:,} lines in the window",
                "Shorten the window with --since.",
            )
        order = StreamOrder(
            aws=self.aws,
            group=self.group,
            order=EventOrder(markers=self.options.markers),
            most=MOST_LOOKUPS,
        )
        for events in self._in_turn(windows, command):
            if events:
                ordered = order.ordered(events)
                self.lookups_ended, self.doubts = order.ended, order.order.doubts
                yield ordered

    def _windows(self, window: TimeRange, command: str) -> tuple[list[TimeRange], int]:
        """Count the events of each bin; return windows with all of them, and their number.

        Where the counts are not those of all events, the window is returned whole: ``_rows``
        halves what is too long for one answer.
        """
        selection, (name, bin_ms) = [command] if command else [], bin_for(window)
        stats = f"stats count(*) as events by {name} as t"
        answer = self._query(window, *selection, stats)
        bins = [row for row in map(cells, answer["results"]) if {"t", "events"} <= row.keys()]
        counts = {utc_ms(row["t"]): int(row["events"]) for row in bins}
        counted = sum(counts.values())
        matched = int(answer["statistics"].get("recordsMatched", counted))
        if len(bins) < len(answer["results"]) or counted < matched:
            return [window], max(counted, matched)
        return windows_for(counts, bin_ms, window), counted

    def _in_turn(self, windows: Sequence[TimeRange], command: str) -> Iterator[list[LogEvent]]:
        """Several windows are read at once, and given in order."""
        waiting: deque[PoolTask[list[LogEvent]]] = deque()
        with DaemonPool(_AT_ONCE) as pool:
            try:
                for window in windows:
                    waiting.append(pool.submit(list, self._rows(window, command)))
                    if len(waiting) == _AT_ONCE:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BaseException:  # also Ctrl-C: or leaving this would wait for the queries
                self.halted.set()
                raise


def condition_for(expression: str) -> str:
    """Return the condition of ``filter`` for messages that match."""
    escaped = re.sub(r"(\\.)|/", lambda found: found[1] or r"\/", expression)
    return f"@message like /{escaped}/"


def bin_for(window: TimeRange) -> tuple[str, int]:
    """Return the shortest bin that cuts the window into no more bins than an answer has.

    As a query writes it, and in milliseconds.
    """
    length_ms = window.until_ms - window.since_ms
    return next((size for size in _BINS if length_ms <= size[1] * _MOST_BINS), _BINS[-1])


def windows_for(counts: Mapping[int, int], bin_ms: int, window: TimeRange) -> list[TimeRange]:
    """Windows with all that was counted, few enough events for one answer each, in order.

    They meet on whole seconds. Bins without events lie between two of them, or in one.
    """
    joined: list[TimeRange] = []
    lines = 0
    for since_ms in sorted(counts):
        of_bin = TimeRange(
            since_ms=max(since_ms, window.since_ms),
            until_ms=min(since_ms + bin_ms, window.until_ms),
        )
        parts = _parts(of_bin, counts[since_ms])
        share = -(-counts[since_ms] // len(parts))
        for part in parts:
            lines += share
            if joined and lines <= _MOST_LINES:
                joined[-1] = replace(joined[-1], until_ms=part.until_ms)
            else:
                joined.append(part)
                lines = share
    return joined


def _parts(window: TimeRange, lines: int) -> list[TimeRange]:
    """Return the window, cut on whole seconds if it has more lines than an answer."""
    if lines <= _MOST_LINES:
        return [window]
    first_s, end_s = window.since_ms // 1000, -(-window.until_ms // 1000)
    number = min(end_s - first_s, -(-lines // _LINES_OF_A_PART))
    cuts = [(first_s + (end_s - first_s) * i // number) * 1000 for i in range(1, number)]
    edges = pairwise([window.since_ms, *cuts, window.until_ms])
    return [TimeRange(since_ms=low, until_ms=high) for low, high in edges]
