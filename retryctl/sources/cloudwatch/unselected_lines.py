"""The lines that were not selected in a log group, looked up beside those that were."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.attempt_lines import CLOSING
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import InitReport, InitStart, RestoreReport, RestoreStart, Start
from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.adjacent_pairs import AdjacentPair, Pairs, are_same, is_parted
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange, matching_pages, newest_first
from retryctl.sources.saved.canonical_lines import KEY

# What a pair can begin with: an integer, an error of Node.js, of .NET or of older runtimes.
_BEGINS_PAIR = re.compile(
    rb'"message":"(?:[\d\s]|\\[bfnrt]|\\u00[01].)*"|stackTrace|\\t(?:fail\\t|\{\\"error)'
    rb'|"message":"(?:Unable to |Syntax error |Bad handler|Handler |module init|Error loading )',
    re.IGNORECASE,
)
MOST_PAIRS = 1_000
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


def _has(event: LogEvent, page: list[LogEvent]) -> bool:
    return any(are_same(line, event) for line in page)


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
        most = max(_LEAST_PAIRS, pages // _PAGES_FOR_A_PAIR)
        return self._look_up(pairs.farthest(most, errors=_MOST_ERRORS))

    def every(self, pairs: Pairs, *, pages: int) -> PairLookup:
        """Look up all pairs; none of them where reading all lines costs less."""
        most = min(MOST_PAIRS, max(_MOST_SURE_PAIRS, pages * _LINES_FOR_A_SELECTED))
        return self._look_up(pairs.farthest(most if pairs.found <= most else 0))

    def _look_up(self, chosen: Sequence[AdjacentPair]) -> PairLookup:
        new = [pair for pair in chosen if pair not in self._parted]
        with DaemonPool() as pool:
            self._parted |= zip(new, pool.map(self._is_parted, new), strict=True)
        results = [self._parted[pair] for pair in chosen]
        return PairLookup(verified=results.count(False), parted=True in results)

    def _is_parted(self, pair: AdjacentPair) -> bool | None:
        """``None`` where the lines between cannot be read."""
        since_ms = pair.first.timestamp_ms
        until_ms = pair.second.timestamp_ms + 1 if pair.second else since_ms + LONGEST_ATTEMPT_MS
        window = TimeRange(since_ms=since_ms, until_ms=until_ms)
        stream = pair.first.log_stream
        readings: list[Callable[[], Iterable[LogEvent]]] = [partial(self._lines, stream, window)]
        if pair.second and stream:
            # GetLogEvents has a quota of its own, and as a rule reads them in one call.
            call = self._aws, self._group, stream, window
            readings.insert(0, partial(newest_first, *call, partial(_has, pair.first)))
        for read in readings:
            with suppress(CouldNotRead):
                return is_parted(pair, read(), self._is_selected)
        return None

    def unselected(
        self, stretches: Sequence[StreamStretch], save: Callable[[list[LogEvent]], None]
    ) -> None:
        """Save the lines of the stretches that were not selected. Raises CouldNotRead."""

        def lines(stretch: StreamStretch) -> list[LogEvent]:
            found = self._all_lines(stretch)
            return [event for event in found if not self._is_selected(event.message)]

        with DaemonPool() as pool:
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
            return newest_first(self._aws, self._group, stretch.log_stream, window)

    def _lines(self, stream: str | None, window: TimeRange) -> Iterator[LogEvent]:
        window, streams = self._within(window), [stream] if stream else ()
        pages = matching_pages(self._aws, self._group, window, streams=streams)
        return chain.from_iterable(page.events for page in pages)

    def _within(self, window: TimeRange) -> TimeRange:
        return replace(window, until_ms=min(window.until_ms, self._window.until_ms))


_ID = rb"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
# "message":"START RequestId: 8f507cfc-…    "message":"{\"type\":\"platform.start\",…
_START = re.compile(
    rb"START RequestId: " + _ID + rb"|platform\.start\\\".*?requestId\\\": ?\\\"" + _ID,
    re.IGNORECASE,
)
_ANY_ID = re.compile(_ID)
_OF_INIT = (InitStart, InitReport, RestoreStart, RestoreReport)


class BareStarts:
    """Finds STARTs without any other line of their attempt among the selected lines.

    Such a START is a cut attempt, a running one, or printed text. The lines beside it show which,
    and most of those are not selected: that stretch of the stream is read in full. For a request
    without any other attempt this changes nothing. Canonical lines are taken in the order of time.
    """

    def __init__(self) -> None:
        self._last: dict[bytes, tuple[bytes, bytes]] = {}  # by stream: request ID, line
        self._found: list[tuple[bytes, StreamStretch]] = []

    def take(self, stream: bytes, line: bytes) -> None:
        """Take the next line of the log group, which is one of ``stream``."""
        start = _START.search(line)
        last = self._last.get(stream)
        if last and (start or last[0] not in line):
            record = parse_record(saved_event(line))
            if isinstance(record, _OF_INIT):
                return
            if isinstance(record, (Start, *CLOSING)):  # of another attempt
                self._keep(*last, until=line)
        if start:
            self._last[stream] = start[1] or start[2], line
        elif last:
            del self._last[stream]

    def finish(self) -> None:
        """Take the STARTs at the end of their streams: no more lines come."""
        for last in self._last.values():
            self._keep(*last)
        self._last.clear()

    def of_retried(self, lines: Iterable[bytes]) -> list[StreamStretch]:
        """Return where the attempts lie whose request has other records in ``lines``."""
        if not self._found:
            return []
        known = {request_id for request_id, _ in self._found}
        count = Counter(one for line in lines for one in {*_ANY_ID.findall(line)} & known)
        return [stretch for request_id, stretch in self._found if count[request_id] > 1]

    def _keep(self, request_id: bytes, line: bytes, until: bytes | None = None) -> None:
        event = saved_event(line)
        since_ms = event.timestamp_ms
        until_ms = since_ms + LONGEST_ATTEMPT_MS
        if until:
            until_ms = min(until_ms, saved_event(until).timestamp_ms + 1)
        window = TimeRange(since_ms=since_ms, until_ms=until_ms)
        stretch = StreamStretch(log_stream=event.log_stream, window=window)
        self._found.append((request_id, stretch))


def saved_event(line: bytes) -> LogEvent:
    """Return the event of a canonical line of CloudWatch."""
    fields = json.loads(line)
    return LogEvent(
        timestamp_ms=fields["timestamp"],
        message=fields["message"],
        log_stream=fields["logStreamName"],
        log_group=fields["logGroupName"],
        event_id=fields.get("eventId"),
    )
