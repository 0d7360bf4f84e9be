"""Adjacent pairs: two selected lines that prove something only if no line stands between them.

A printed integer is the counter only directly before its branch, and some errors count only as
the last line of their attempt.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import field

from retryctl.core.crosscheck.claims import Markers, bare_integer, read_claim
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.attempt_lines import Line, request_named
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import AppLine, FunctionError, Report, Start
from retryctl.core.value_classes import state_class, value_class


@value_class
class AdjacentPair:
    """Two lines of a stream. Without ``second``, ``first`` is the last line of its attempt."""

    first: LogEvent
    second: LogEvent | None

    @property
    def apart_ms(self) -> float:
        """The farther apart, the more can lie between."""
        return self.second.timestamp_ms - self.first.timestamp_ms if self.second else math.inf


@state_class
class Pairs:
    """Finds the pairs among selected lines, taken in the order of time; ``found`` counts them.

    Of each kind at most ``most`` are kept: those with the most time between. ``wanted`` selects by
    the first event.
    """

    markers: Markers
    most: int
    wanted: Callable[[LogEvent], bool] = lambda first: True
    found: int = 0
    _integers: dict[str | None, Line] = field(default_factory=dict)
    _errors: dict[str | None, dict[str | None, LogEvent]] = field(default_factory=dict)
    _heaps: dict[str, list[tuple[float, int, AdjacentPair]]] = field(
        default_factory=lambda: {"counter": [], "error": []}
    )

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
        if integer and len(read_claim([integer, (event, line)], self.markers).evidence) == 2:
            self._keep("counter", AdjacentPair(first=integer[0], second=event))
        if self.markers.are_default and bare_integer(line.text) is not None:
            self._integers[stream] = (event, line)

    def finish(self) -> None:
        """Keep the errors without a REPORT: no more lines come."""
        for waiting in self._errors.values():
            for error in waiting.values():
                self._keep("error", AdjacentPair(first=error, second=None))
        self._errors.clear()

    def farthest(self, most: int, *, errors: int = 0) -> list[AdjacentPair]:
        """Return at most ``most`` of each kind, those with the most time between.

        Pairs behind an error come first, and ``errors`` of them where that is more.
        """
        limits = {"error": max(most, errors), "counter": most}
        ordered = (sorted(self._heaps[kind], reverse=True)[:n] for kind, n in limits.items())
        return [pair for heap in ordered for _, _, pair in heap]

    def _keep(self, kind: str, pair: AdjacentPair) -> None:
        if not self.wanted(pair.first):
            return
        self.found += 1
        heap, item = self._heaps[kind], (pair.apart_ms, self.found, pair)
        if len(heap) < self.most:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)


def is_parted(
    pair: AdjacentPair, lines: Iterable[LogEvent], is_selected: Callable[[str], object]
) -> bool:
    """Whether a printed line that was not selected stands between the two.

    ``lines`` are all of that time, in order. Where the pair has no end, it is that of the attempt:
    the next START or REPORT. Lines that name another request are not of this attempt.
    """
    lines = iter(lines)
    if not any(are_same(line, pair.first) for line in lines):
        return True
    own = request_named(parse_record(pair.first))
    for line in lines:
        if pair.second and are_same(line, pair.second):
            return False
        record = parse_record(line)
        if not pair.second and isinstance(record, (Start, Report)):
            return False
        if not isinstance(record, AppLine) or is_selected(line.message):
            continue
        if own is None or record.request_id in (None, own):
            return True
    return pair.second is not None


def are_same(one: LogEvent, other: LogEvent) -> bool:
    """Whether two readings are of one event. Not every call returns event IDs."""
    if one.event_id and other.event_id:
        return one.event_id == other.event_id
    return (one.timestamp_ms, one.message) == (other.timestamp_ms, other.message)
