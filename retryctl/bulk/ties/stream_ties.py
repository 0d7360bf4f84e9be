"""The order of lines of one millisecond, in a log that does not keep it.

Most of them stand in order already, or their first bytes give it: output before END, END before
REPORT. Others are parsed, and the core settles their order (``core.history.event_order``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from functools import partial
from itertools import islice
from operator import eq

from retryctl.bulk.line_layout import events_of
from retryctl.bulk.stream_batch import StreamBatch
from retryctl.bulk.stream_state import StreamFragment
from retryctl.bulk.ties.tie_letters import (
    INTEGERS,
    TIES,
    LineForms,
    has_loose_integer,
    is_handover,
    order_by_letters,
    runs_out_of_order,
)
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.event_order import Doubt, EventOrder
from retryctl.core.history.settled_lines import StreamState
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import AppLine, FunctionError, Start
from retryctl.sources.saved.canonical_lines import HEADER, EventColumns
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace

MOST_WAITING = 100_000
"""As many lines of one millisecond wait for the next one."""


class StreamTies:
    """Settles the order of the lines of batches; ``doubts`` are what remains of each stream.

    In some streams it depends on lines ``before`` the first one that was read.
    Lines from ``until`` on, a time in digits, count as not written.
    """

    def __init__(self, selected: StreamFilter, markers: Markers, until: bytes) -> None:
        self.doubts: list[tuple[StreamPlace, Doubt]] = []
        self.before: set[StreamPlace] = set()
        self.selected, self.markers = selected, markers
        self.forms = LineForms(markers)
        self._until_ms = int(until) if until.isdigit() else float("inf")
        self._waiting: dict[StreamPlace, EventOrder] = {}
        self._held: list[bytes] = []

    def whole_moments(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines up to the last millisecond, which may go on in the next lines.

        Where that has very many lines it is returned in parts, and its streams are read as a whole.
        """
        last = _time_of(lines[-1]) if lines else b""
        stop = len(lines)
        while stop and _time_of(lines[stop - 1]) == last:
            stop -= 1
        goes_on = not stop and self._held and _time_of(self._held[0]) == last
        if goes_on and len(self._held) <= MOST_WAITING:
            self._held += lines
            return []
        whole, self._held = self._held + lines[:stop], lines[stop:]
        return whole

    def whole_moments_of(self, columns: EventColumns) -> tuple[list[bytes], EventColumns]:
        """Return the lines of the first millisecond, with those that wait, and the events behind.

        Those of the last millisecond wait.
        """
        times = columns.times
        waiting = _time_of(self._held[0]) if self._held else b""
        start = 0
        if waiting and columns.digits(times[:1])[0] == waiting:
            start = next((at for at, time in enumerate(times) if time != times[0]), len(times))
        stop = len(times)
        while stop > start and times[stop - 1] == times[-1]:
            stop -= 1
        lines = self.whole_moments(columns.part(0, start).lines()) if start else []
        if start < len(times):
            lines += self.rest()
            self._held = columns.part(stop).lines()
        return lines, columns.part(start, stop)

    def rest(self) -> list[bytes]:
        """Return the lines that are left at the end."""
        held, self._held = self._held, []
        return held

    @property
    def behind(self) -> Collection[StreamPlace]:
        """The streams in which the order depends on lines behind the last one that was read."""
        return self._waiting.keys()

    def settle(
        self, batch: StreamBatch, place: StreamPlace, fragment: StreamFragment | None
    ) -> bool:
        """Put the lines of a batch in order; ``fragment`` has what stands before them.

        Return false where only the lines that follow can show their order.
        """
        classes = _classes(batch)
        runs = runs_out_of_order(classes)
        if not runs and place not in self._waiting:
            return True
        order = self._waiting.pop(place, None) or EventOrder(markers=self.markers)
        lines = _TiedLines(self, batch, classes, order, fragment, place[1])
        lines.settle(runs)
        if lines.depend_before:
            self.before.add(place)
        self.doubts += [
            (place, doubt) for doubt in order.doubts if doubt.until_ms <= self._until_ms
        ]
        order.doubts.clear()
        if order.waits:
            self._waiting[place] = order
        return not order.has_printed_start


def _time_of(line: bytes) -> bytes:
    found = HEADER.match(line)
    return found[2] if found else b""


def _classes(batch: StreamBatch) -> bytes:
    """Return the classes of the lines: each by its effect, its first bytes, and the next time."""
    ties = bytes(map(eq, batch.times, islice(batch.times, 1, None))) + b"\0"
    if 1 not in ties:
        return b""
    joined = 0
    for part in (batch.effects, batch.heads.translate(INTEGERS), ties.translate(TIES)):
        joined |= int.from_bytes(part)
    return joined.to_bytes(len(ties))


class _TiedLines:
    """The lines of one batch, while they are put in order: ``numbers`` are theirs in the batch."""

    def __init__(
        self,
        ties: StreamTies,
        batch: StreamBatch,
        classes: bytes,
        order: EventOrder,
        fragment: StreamFragment | None,
        stream: str,
    ) -> None:
        self._selected, self._order, self._fragment = ties.selected, order, fragment
        self._batch, self._classes = batch, classes or batch.effects
        self._numbers = list(range(len(batch.times)))
        self._forms, self._stream = ties.forms, stream
        self._json = fragment.json if fragment else ties.forms.format_of(batch)
        self._read = 0
        self.depend_before = False

    def settle(self, runs: list[tuple[int, int]]) -> None:
        """Settle the runs of lines of one millisecond, which are in order of time."""
        self._end_waiting(0)
        for start, stop in runs:
            places = self._by_letters(start, stop) or self._by_records(start, stop)
            self._numbers[start:stop] = [start + place for place in places]
            self._end_waiting(stop)
        if self._numbers != list(range(len(self._numbers))):
            self._batch.arrange(self._numbers)

    def _lines(self, start: int, stop: int) -> list[bytes]:
        """Return lines in the order that was found; no millisecond begins before ``start``."""
        lines = self._batch.lines(start, stop)
        return [lines[number - start] for number in self._numbers[start:stop]]

    def _line(self, place: int) -> bytes:
        number = self._numbers[place]
        return self._batch.lines(number, number + 1)[0]

    def _by_letters(self, start: int, stop: int) -> tuple[int, ...] | None:
        letters = "".join(map(self._letter, range(start, stop)))
        if sorted(letters) == ["e", "r", "s"] and is_handover(self._lines(start, stop)):
            return tuple(map(letters.index, "ers"))
        if not self._is_proven(start, stop, letters):
            return None
        return order_by_letters(letters, self._letter_before(start))

    def _is_proven(self, start: int, stop: int, letters: str) -> bool:
        """Whether an integer among lines of one millisecond leads to any branch it may be before.

        The branch is beside it, or is the next line behind the millisecond.
        """
        integer = letters.find("i")
        if integer < 0:
            return True
        if "b" in letters and not self._leads_to(start + integer, start + letters.index("b")):
            return False
        if not has_loose_integer(letters):
            return True
        behind = self._letter(stop) if stop < len(self._numbers) else "?"
        return behind not in "b?" or (behind == "b" and self._leads_to(start + integer, stop))

    def _leads_to(self, integer: int, branch: int) -> bool:
        at = self._batch.message_at
        return self._forms.leads_to(self._line(integer), self._line(branch), at)

    def _letter(self, place: int) -> str:
        of_class, at = self._classes[self._numbers[place]], self._batch.message_at
        return self._forms.letter(of_class, partial(self._line, place), at, json=self._json)

    def _letter_before(self, start: int) -> str:
        """Return the letter of the line before; ``u`` where it is not known."""
        letter = self._letter(start - 1) if start else "u"
        if letter not in "?u":
            return letter
        line = self._line(start - 1) if start else self._last_of_fragment
        is_integer = self._forms.is_integer(line, self._batch.message_at)
        return "i" if line.startswith(self._batch.header) and is_integer else letter

    @property
    def _last_of_fragment(self) -> bytes:
        last = self._fragment.lines[-1] if self._fragment else b""
        return last if isinstance(last, bytes) else b""

    def _by_records(self, start: int, stop: int) -> tuple[int, ...]:
        """Settle a run by its records and by those before it that show the state of the stream."""
        since = self._since(start)
        events = self._events(since, stop)
        places = {id(event): place for place, event in enumerate(events, since - start)}
        ordered = self._order.ordered(events)
        self._read = stop
        return tuple(places[id(event)] for event in ordered[start - since :])

    def _since(self, start: int) -> int:
        """Find the lines that show the state before a run: from a START behind a REPORT on.

        A START behind another one may be printed text.
        """
        first = None
        for place in range(start - 1, self._read - 1, -1):
            letter = self._letter(place)
            if letter == "s":
                first = place
            elif letter in "nr" and first is not None:
                self._order.resume(self._stream, StreamState(json=self._json, open_id=""))
                return max(bisect_left(self._batch.times, self._batch.times[first]), self._read)
        if not self._read:
            self.depend_before = not (self._fragment and self._fragment.has_start)
            self._order.resume(self._stream, self._state_before())
        return self._read

    def _state_before(self) -> StreamState:
        """Sum up the fragment before the batch."""
        fragment = self._fragment
        if fragment is None:
            return StreamState(json=self._json)
        idle = fragment.report is not None or (not fragment.open_id and fragment.init)
        return StreamState(
            started_ms=fragment.start if fragment.has_start else 0,
            open_id="" if idle else fragment.open_id.decode() or None,
            json=self._json,
            last=self._last_before(fragment),
        )

    def _last_before(self, fragment: StreamFragment) -> AppLine | FunctionError | None:
        """Return the last line since START that the function or its runtime wrote."""
        format_known = StreamState(json=self._json)
        for line in reversed(fragment.lines):
            ((event,),) = events_of(self._selected, [line])
            record = parse_record(event)
            if isinstance(record, (AppLine, FunctionError)):
                return record
            if isinstance(record, Start) and not format_known.is_foreign(record):
                break
        return None

    def _events(self, start: int, stop: int) -> list[LogEvent]:
        (events,) = events_of(self._selected, self._lines(start, stop))
        return events

    def _end_waiting(self, at: int) -> None:
        """Let the lines from here on decide whether integers before them matter."""
        times = self._batch.times
        while self._order.waits and at < len(times):
            stop = at + 1
            while stop < len(times) and times[stop] == times[at]:
                stop += 1
            self._order.end_waiting([(e, parse_record(e)) for e in self._events(at, stop)])
            at = stop
