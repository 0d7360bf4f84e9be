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
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from retryctl.core.brackets import CLOSING, Line
from retryctl.core.claims import Markers, read_claim
from retryctl.core.grammar import read
from retryctl.core.records import AppLine, FunctionError, LogEvent, Start
from retryctl.sources.saved_lines import KEY

# A saved line with which a pair can begin: an integer, an error of Node.js or of .NET.
_BEGINS = re.compile(
    rb'"message":"(?:[\d\s]|\\[bfnrt]|\\u00[01].)*"|stackTrace|\\tfail\\t', re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two lines of a stream; without a ``second`` nothing may come after ``first``."""

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
        self._outputs: dict[str | None, Line] = {}
        self._errors: dict[str | None, LogEvent] = {}
        self._heaps: dict[str, list[tuple[float, int, Pair]]] = {"counter": [], "error": []}
        self._ties = count()
        self.found = 0

    def awaits(self, stream: str | None) -> bool:
        """Whether the next line of ``stream`` can complete a pair."""
        return stream in self._outputs or stream in self._errors

    def take(self, event: LogEvent) -> None:
        """Take the next line of the log group."""
        stream, record = event.log_stream, read(event)
        ends = isinstance(record, (Start, *CLOSING))
        if ends or isinstance(record, (AppLine, FunctionError)):
            error = self._errors.pop(stream, None)
            if error and ends:
                self._keep("error", Pair(first=error, second=event))
        if ends or isinstance(record, AppLine):
            output = self._outputs.pop(stream, None)
            if output and read_claim([output, (event, record)], self._markers).counter is not None:
                self._keep("counter", Pair(first=output[0], second=event))
        if isinstance(record, FunctionError) and not record.certain:
            self._errors[stream] = event
        elif isinstance(record, AppLine) and record.text.strip().isdigit():
            self._outputs[stream] = (event, record)

    def finish(self) -> None:
        """No more lines come."""
        for error in self._errors.values():
            self._keep("error", Pair(first=error, second=None))
        self._errors.clear()

    def farthest(self, most: int) -> list[Pair]:
        """Of each kind at most so many, those with the most time between first."""
        ordered = (sorted(heap, reverse=True)[:most] for heap in self._heaps.values())
        return [pair for heap in ordered for _, _, pair in heap]

    def _keep(self, kind: str, pair: Pair) -> None:
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


def is_parted(pair: Pair, lines: Iterable[LogEvent]) -> bool:
    """Whether a line of the function parts the two, by all ``lines`` of that time, in order."""
    lines = iter(lines)
    if not any(_are_same(line, pair.first) for line in lines):
        return True
    for line in lines:
        if pair.second and _are_same(line, pair.second):
            return False
        if isinstance(read(line), AppLine):
            return True
    return pair.second is not None


def _are_same(one: LogEvent, other: LogEvent) -> bool:
    """Insights gives no IDs."""
    if one.event_id and other.event_id:
        return one.event_id == other.event_id
    return (one.timestamp_ms, one.message) == (other.timestamp_ms, other.message)
