"""What lines tell only as neighbours, where those between them were not selected.

The printed integer is the counter only directly before its branch, and some errors count only as
the last line of their attempt. Such a *pair* among selected lines is proof only where no other
line of the function stands between the two.
"""

from __future__ import annotations

import heapq
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from retryctl.core.crosscheck.claims import Markers, bare_integer, read_claim
from retryctl.core.grammar.parse import parse_record
from retryctl.core.history.attempt_lines import Line, request_named
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import AppLine, FunctionError, Report, Start
from retryctl.errors import CouldNotLook
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.pages import TimeRange, matching_pages
from retryctl.sources.saved.canonical import KEY

# A saved line with which a pair can begin: an integer, an error of Node.js or of .NET.
_BEGINS = re.compile(
    rb'"message":"(?:[\d\s]|\\[bfnrt]|\\u00[01].)*"|stackTrace|\\tfail\\t', re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjacentPair:
    """Two lines of a stream; without a ``second`` the first is to be the last of its attempt."""

    first: LogEvent
    second: LogEvent | None

    @property
    def apart_ms(self) -> float:
        """The farther apart, the more can lie between."""
        return self.second.timestamp_ms - self.first.timestamp_ms if self.second else math.inf


class Pairs:
    """Finds the pairs among selected lines, taken in the order of time; ``found`` counts them.

    Of each kind at most ``most`` are held: those with the most time between.
    """

    def __init__(self, markers: Markers, most: int) -> None:
        self._markers = markers
        self._most = most
        self._integers: dict[str | None, Line] = {}
        self._errors: dict[str | None, dict[str | None, LogEvent]] = {}
        self._heaps: dict[str, list[tuple[float, int, AdjacentPair]]] = {"counter": [], "error": []}
        self._ties = count()
        self.found = 0

    def awaits(self, stream: str | None) -> bool:
        """Whether the next line of ``stream`` can complete a pair."""
        return stream in self._integers or stream in self._errors

    def take(self, event: LogEvent) -> None:
        """Take the next line of the log group.

        Only another printed line parts an integer from its branch, no record does. An error may
        be the last line of its attempt until the REPORT of that, whatever else is selected.
        """
        stream, record = event.log_stream, parse_record(event)
        if isinstance(record, AppLine):
            self._printed(stream, event, record)
        elif isinstance(record, FunctionError) and not record.certain:
            self._errors.setdefault(stream, {})[record.request_id] = event
        elif isinstance(record, Report) and (waiting := self._errors.get(stream)):
            for request_id in (record.request_id, None):
                if error := waiting.pop(request_id, None):
                    self._keep("error", AdjacentPair(first=error, second=event))
            if not waiting:
                del self._errors[stream]

    def _printed(self, stream: str | None, event: LogEvent, line: AppLine) -> None:
        integer = self._integers.pop(stream, None)
        if integer and len(read_claim([integer, (event, line)], self._markers).evidence) == 2:
            self._keep("counter", AdjacentPair(first=integer[0], second=event))
        if self._markers.are_default and bare_integer(line.text) is not None:
            self._integers[stream] = (event, line)

    def finish(self) -> None:
        """No more lines come."""
        for waiting in self._errors.values():
            for error in waiting.values():
                self._keep("error", AdjacentPair(first=error, second=None))
        self._errors.clear()

    def farthest(self, most: int) -> list[AdjacentPair]:
        """Of each kind at most so many, those with the most time between first."""
        ordered = (sorted(heap, reverse=True)[:most] for heap in self._heaps.values())
        return [pair for heap in ordered for _, _, pair in heap]

    def _keep(self, kind: str, pair: AdjacentPair) -> None:
        self.found += 1
        heap, item = self._heaps[kind], (pair.apart_ms, next(self._ties), pair)
        if len(heap) < self._most:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)


def pairs_in(folder: Path, markers: Markers, most: int) -> Pairs:
    """The pairs among the lines that ``folder`` holds, its files in the order of time.

    They are lines as ``usual_line`` writes them, most of which need not be parsed.
    """
    pairs = Pairs(markers, most)
    for path in sorted(folder.iterdir()):
        with path.open("rb") as lines:
            for line in lines:
                key = KEY.match(line)
                if key and not pairs.awaits(key[2].decode()) and not _BEGINS.search(line):
                    continue
                pairs.take(_event(line))
    pairs.finish()
    return pairs


def _event(line: bytes) -> LogEvent:
    fields = json.loads(line)
    return LogEvent(
        timestamp_ms=fields["timestamp"],
        message=fields["message"],
        log_stream=fields["logStreamName"],
        log_group=fields["logGroupName"],
        event_id=fields.get("eventId"),
    )


def is_parted(
    pair: AdjacentPair, lines: Iterable[LogEvent], is_selected: Callable[[str], object]
) -> bool:
    """Whether a printed line that was not selected stands between the two.

    ``lines`` are all of that time, in order. Where the pair has no end, it is that of the attempt:
    the next START or REPORT. Lines that name another request are not of this attempt.
    """
    lines = iter(lines)
    if not any(_are_same(line, pair.first) for line in lines):
        return True
    own = request_named(parse_record(pair.first))
    for line in lines:
        if pair.second and _are_same(line, pair.second):
            return False
        record = parse_record(line)
        if not pair.second and isinstance(record, (Start, Report)):
            return False
        if not isinstance(record, AppLine) or is_selected(line.message):
            continue
        if own is None or record.request_id in (None, own):
            return True
    return pair.second is not None


def _are_same(one: LogEvent, other: LogEvent) -> bool:
    """Insights gives no IDs."""
    if one.event_id and other.event_id:
        return one.event_id == other.event_id
    return (one.timestamp_ms, one.message) == (other.timestamp_ms, other.message)


MOST_PAIRS = 1_000
_AT_ONCE = 4
# Of every so many pages one more is read to look between the lines.
_PAGES_FOR_A_PAIR, _LEAST_PAIRS = 10, 5
# To look up more pairs than that costs more than all the lines, of which about a quarter tell.
_MOST_SURE_PAIRS, _LINES_FOR_A_TELLING = 100, 3


class AdjacencyLookup:
    """Looks into ``window`` of a group, of which the lines that match ``telling`` are known."""

    def __init__(self, aws: AwsClient, group: LogGroup, window: TimeRange, telling: str) -> None:
        self._aws = aws
        self._group = group
        self._window = window
        self._is_selected = re.compile(telling).search

    def held(self, pairs: Pairs, *, pages: int, sure: bool) -> int | None:
        """How many pairs were looked up and held; ``None`` where one did not, or stays unknown.

        Those with the most time between are looked up, by how many ``pages`` the lines took; all
        of them for whoever has to be ``sure``, unless all the lines are less work.
        """
        most = max(_LEAST_PAIRS, pages // _PAGES_FOR_A_PAIR)
        if sure:
            most = max(_MOST_SURE_PAIRS, pages * _LINES_FOR_A_TELLING)
            if pairs.found > min(most, MOST_PAIRS):
                return None
        with DaemonPool(_AT_ONCE) as pool:
            results = list(pool.map(self._is_parted, pairs.farthest(most)))
        held = results.count(False)
        return None if True in results or (sure and held < pairs.found) else held

    def _is_parted(self, pair: AdjacentPair) -> bool | None:
        """``None`` where that cannot be looked up."""
        since_ms = pair.first.timestamp_ms
        until_ms = pair.second.timestamp_ms + 1 if pair.second else since_ms + LONGEST_ATTEMPT_MS
        window = TimeRange(since_ms=since_ms, until_ms=min(until_ms, self._window.until_ms))
        pages = matching_pages(self._aws, self._group, window, stream=pair.first.log_stream)
        lines = (event for page in pages for event in page.events)
        try:
            return is_parted(pair, lines, self._is_selected)
        except CouldNotLook:
            return None
