"""The scan: canonical lines of many streams, classified by their first bytes.

Most attempts are alike: START, lines without consequence, END, REPORT. Lines without consequence
are kept until their attempt is closed; all others go to the ``AttemptBuilder``.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Sequence
from io import BytesIO
from sys import intern

from retryctl.bulk.attempt_builder import AttemptBuilder
from retryctl.bulk.attempt_templates import TemplateCache
from retryctl.bulk.compact_attempts import Shown
from retryctl.bulk.id_survey import fold_search
from retryctl.bulk.line_kinds import PLAIN, LineKinds, consequence
from retryctl.bulk.line_layout import (
    NamelessLines,
    NoEvent,
    has_torn_line,
    lead_with_groups,
    nameless_lines,
)
from retryctl.bulk.stream_batch import ConvertedBatch, StreamBatch, by_header
from retryctl.bulk.stream_state import ScannedChunk, StreamFragment, share_of
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.function_config import FunctionConfig
from retryctl.sources.saved.canonical_lines import (
    HEAD_BYTES,
    HEADER,
    KEY,
    EventColumns,
    canonical_line,
    joined_columns,
)
from retryctl.sources.saved.formats.json_event import line_event
from retryctl.sources.saved.raw_blocks import RawBlock, has_one_event_a_line
from retryctl.sources.saved.saved_format import RawEvent
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace

MOST_FRAGMENTS = 64
"""A stream that is out of order more often is not worth cutting."""
LINES_AT_ONCE = 1_500
"""At least as many lines are dealt out to their streams at once."""
MOST_RECORDS = 50_000
"""As many packed attempts are dealt out to their partitions at once, which halves their size."""
MOST_HELD = 100_000
"""As many lines of one stream may wait for the end of an attempt."""


class LineScanner:
    """Scans the canonical lines of one chunk; ``found`` is the result."""

    keeps_ties = True
    """Whether lines of one millisecond stand in the order of their stream."""

    def __init__(
        self,
        selected: StreamFilter,
        markers: Markers,
        settings: FunctionConfig,
        cache: TemplateCache,
        *,
        parts: int,
        shares: int,
        until_ms: int | None,
        shown: Shown = Shown(),  # noqa: B008 - frozen
        places: Collection[StreamPlace] | None = None,
    ) -> None:
        self._only, self._shown, self._shares = places, shown, shares
        self._filter = selected
        self._until = b":" if until_ms is None else b"%013d" % until_ms
        self._width = self._message_at = 0
        self._fragments: dict[bytes, StreamFragment] = {}
        self._places: dict[bytes, tuple[str | None, str] | None] = {}
        self._latest: dict[tuple[str | None, str], StreamFragment] = {}
        self._of_place: dict[StreamPlace, list[StreamFragment]] = {}
        self._headers: dict[StreamPlace, list[bytes]] = {}
        self._lines_until_relief = MOST_HELD
        self._kinds = LineKinds(default_markers=markers.are_default)
        self._before_ms = 0
        self._waiting: list[bytes] = []
        self._columns: list[EventColumns] = []
        self._is_regular = False
        self.found = ScannedChunk(others=[[] for _ in range(parts)])
        self._attempts = AttemptBuilder(selected, markers, settings, cache, self.found, shown)

    # ----------------------------------------------------------------- lines

    def read(self, raw: RawBlock) -> None:
        """Read the next block, which has whole lines; some blocks are read together."""
        if columns := raw.columns():
            self._read_columns(columns)
            return
        lines = BytesIO(raw.raw).readlines()  # four times as fast as the lines of a file
        is_regular = raw.convert is None and has_one_event_a_line(raw.raw, len(lines))
        block = raw.raw if is_regular else raw.canonical()
        led = lead_with_groups(block)
        if led is not raw.raw:
            lines = BytesIO(led).readlines()
        self.found.malformed |= not is_regular and has_torn_line(led, lines)
        if self.found.id_search.open:
            fold_search(self.found.id_search, lines)
        nameless = nameless_lines(led, len(lines))
        if nameless or is_regular is not self._is_regular or self._columns:
            self._read_waiting()
        if nameless:
            self._read_nameless(nameless, len(lines))
            return
        self._is_regular = is_regular
        self._waiting += lines
        if len(self._waiting) >= LINES_AT_ONCE:
            self._read_waiting()

    def _read_columns(self, columns: EventColumns) -> None:
        """Read the next block, whose events are in columns."""
        if self.found.id_search.open:
            fold_search(self.found.id_search, columns.lines())
        if self._waiting or not all(columns.suits(other) for other in self._columns[-1:]):
            self._read_waiting()
        self._columns.append(columns)
        if sum(len(each.rows) for each in self._columns) >= LINES_AT_ONCE:
            self._read_waiting()

    def _read_waiting(self) -> None:
        lines, self._waiting = self._waiting, []
        blocks, self._columns = self._columns, []
        if lines:
            self.read_lines(lines, is_regular=self._is_regular)
        if blocks:
            self._read_joined(joined_columns(blocks))

    def _read_joined(self, columns: EventColumns) -> None:
        self._count(len(columns.rows))
        batches = list(map(ConvertedBatch, columns.by_start()))
        if not self._read_batches(batches, is_regular=True):
            self._read_each(columns.lines())

    def _read_nameless(self, lines: NamelessLines, count: int) -> None:
        """Read lines that name no stream: they are only counted, and are read as a whole later."""
        self.found.events += count
        self._before_ms = lines.last_ms
        for group in lines.groups:
            self._read_later((group, ""), lines.first_ms)
        self._extend_period(lines.last_ms)

    def read_lines(self, lines: list[bytes], *, is_regular: bool = False) -> None:
        """Read the next lines: those of each stream together, where the layout of all is usual.

        ``is_regular``: each of them is known to begin and end as an event.
        """
        self._count(len(lines))
        if not self._width:  # the first line shows the layout of the others
            self._read_each(lines[:1])
            lines = lines[1:]
        batches = by_header(lines, self._width, self._message_at) if self._width else []
        if not self._read_batches(batches, is_regular=is_regular):
            self._read_each(lines)

    def _count(self, lines: int) -> None:
        self.found.events += lines
        if len(self.found.records) > MOST_RECORDS:
            self.found.deal_out(len(self.found.others))
        self._relieve(lines)

    def _read_batches(self, batches: Sequence[StreamBatch], *, is_regular: bool) -> bool:
        """Read lines that are dealt out; return false where one could concern another stream."""
        places: set[StreamPlace] = set()
        for batch in batches:
            if not batch.classify(self._kinds, is_regular=is_regular):
                return False
            known = batch.header in self._fragments and batch.is_sorted
            if not known and not batch.begins_usual():
                return False
            place = self._place(batch.header)
            if place in places:
                return False
            if place:
                places.add(place)
        for batch in batches:
            self._read_batch(batch)
        return bool(batches)

    def _read_batch(self, batch: StreamBatch) -> None:
        """Read lines of one stream."""
        self._width, self._message_at = len(batch.header), batch.message_at
        first, last = batch.limits
        place = self._place(batch.header)
        if place is None or place in self.found.out_of_order:
            self._extend_period(int(first))
            self._extend_period(int(last))
            return
        fragment = self._fragments.get(batch.header)
        if fragment is None or not (
            batch.is_sorted and fragment.last <= first and last < self._until
        ):
            self._read_each(batch.lines())
            return
        fragment.advance(last)
        try:
            self._attempts.read_batch(fragment, batch)
        except NoEvent:
            self._give_up(fragment)
            self._extend_period(int(last))

    def _read_each(self, lines: list[bytes]) -> None:
        """Read lines one by one."""
        for line in lines:
            stamp = self._width + 13
            fragment = self._fragments.get(line[: self._width])
            kind = self._kinds.of_stamp.get(line[stamp : self._message_at + HEAD_BYTES])
            moment = line[self._width : stamp]
            if (
                fragment is None
                or kind is None
                or line[-2:] != b"}\n"
                or not (moment.isdigit() and fragment.last <= moment < self._until)
            ):
                self._unusual(line)
            else:
                self._read_line(fragment, line, moment, kind, self._message_at)

    def _read_line(
        self, fragment: StreamFragment, line: bytes, moment: bytes, kind: int, message: int
    ) -> None:
        fragment.advance(moment)
        if consequence(kind, line, message) == PLAIN:
            fragment.hold(line)
            return
        try:
            self._attempts.read_line(fragment, line, moment, kind, message)
        except NoEvent:
            self._give_up(fragment)

    def _unusual(self, line: bytes) -> None:
        """Read a line of a new stream, layout or place."""
        found = HEADER.match(line) if line.endswith((b"}\n", b"}\r\n")) else None
        if not found:
            self._unlike(line)
            return
        key, moment, message = found[1], found[2], found.end()
        if not self._width:
            self._width, self._message_at = found.end(1), message
        place = self._place(key)
        fragment = self._fragment(place, moment) if place and moment < self._until else None
        if fragment is None:
            self._extend_period(int(moment))
            return
        head = message + HEAD_BYTES
        if message == self._message_at and line.endswith(b"}\n"):
            if key not in self._fragments:
                self._headers.setdefault(fragment.key, []).append(key)
            self._fragments[key] = fragment
            stamp_at = found.end(2)
            kind = self._kinds.learn(line[stamp_at:head], message - stamp_at)
        else:
            kind = self._kinds.kind(line[message:head])
        self._read_line(fragment, line, moment, kind, message)

    def _unlike(self, line: bytes) -> None:
        """Read a line in another order of keys, of another kind, or none at all."""
        event = line_event(line, self._before_ms)
        if event is None:
            self.found.malformed |= bool(line.strip())
            self.found.events -= 1
            return
        self.found.events -= 1
        self.take(event)

    def take(self, event: RawEvent) -> None:
        """Read an event that lies in no line of the usual layout."""
        self.found.events += 1
        self._before_ms = event.timestamp_ms
        key = (event.log_group, event.log_stream or "")
        if event.log_stream is not None and HEADER.match(line := canonical_line(event)):
            self._unusual(line)
            return
        # a log without streams, a name that JSON has to escape, a time of another century
        self._read_later(key, event.timestamp_ms)

    def _read_later(self, place: StreamPlace, moment_ms: int) -> None:
        """Note an event of a stream that cannot be read line by line."""
        self._extend_period(moment_ms)
        if self._wants(*place):
            if group := self._filter.group_of(place[0]):
                self.found.log_groups.add(group)
            if moment_ms < self._until_ms:
                self._give_up_order(place)

    @property
    def _until_ms(self) -> float:
        return float("inf") if self._until == b":" else int(self._until)

    def _place(self, key: bytes) -> tuple[str | None, str] | None:
        """Return the group and the stream of a header; ``None`` where they are not selected."""
        if key not in self._places:
            m = KEY.match(key)
            assert m is not None  # a header has it
            # one text for all streams of the group, also once they are pickled
            group = intern(m[1].decode(errors="replace")) if m[1] else None
            stream = m[2].decode(errors="replace")
            wanted = self._wants(group, stream)
            self._places[key] = (group, stream) if wanted else None
            if wanted and (named := self._filter.group_of(group)):
                self.found.log_groups.add(named)
        return self._places[key]

    def _wants(self, group: str | None, stream: str) -> bool:
        """Whether a stream is read: it is selected, and not left out by a survey."""
        if self._only is not None and (group, stream) not in self._only:
            return False
        return self._filter.wants_stream(group, stream or None)

    def _fragment(self, place: tuple[str | None, str], moment: bytes) -> StreamFragment | None:
        """Return the fragment that a line of this time continues; a new one if out of order."""
        if place in self.found.out_of_order:
            return None
        fragment = self._latest.get(place)
        if fragment is not None and fragment.last <= moment:
            return fragment
        fragments = self._of_place.setdefault(place, [])
        if len(fragments) >= MOST_FRAGMENTS:
            self._give_up_order(place)
            return None
        fragment = self._latest[place] = StreamFragment(
            len(self.found.fragments),
            place,
            moment,
            self._filter.group_of(place[0]),
            keeps_ties=self.keeps_ties,
        )
        self.found.fragments.append(fragment)
        fragments.append(fragment)
        return fragment

    def _give_up_order(self, place: tuple[str | None, str]) -> None:
        """Give a stream up: it is read whole, in another way."""
        if place in self.found.out_of_order:
            return
        self.found.out_of_order.add(place)
        for fragment in self._of_place.get(place, ()):
            self._extend_period(int(fragment.first))
            self._extend_period(int(fragment.last))
            fragment.clear()
        for header in self._headers.pop(place, ()):
            del self._fragments[header]

    def _give_up(self, fragment: StreamFragment) -> None:
        """Handle a line that is not an event: the file is read again, to name the line."""
        self.found.malformed = True
        self._give_up_order(fragment.key)

    def _relieve(self, lines: int) -> None:
        """Give up streams that keep too many lines; none can before as many were read."""
        self._lines_until_relief -= lines
        if self._lines_until_relief > 0:
            return
        self._lines_until_relief = MOST_HELD
        for fragment in list(self._fragments.values()):
            if len(fragment.lines) > MOST_HELD:
                self._give_up_order(fragment.key)

    def _extend_period(self, moment_ms: int) -> None:
        found = self.found
        found.first_ms = moment_ms if found.first_ms is None else min(found.first_ms, moment_ms)
        found.last_ms = moment_ms if found.last_ms is None else max(found.last_ms, moment_ms)

    def finish(self) -> ScannedChunk:
        """Return what was found, once all lines are read."""
        self._read_waiting()
        self._finish_fragments()
        self.found.deal_out(len(self.found.others))
        self.found.kept = list(map(self._shown.packed, self.found.others))
        self.found.others.clear()
        return self.found

    def _finish_fragments(self) -> None:
        """Deal the fragments out to the shares of streams."""
        dealt: list[list[StreamFragment]] = [[] for _ in range(self._shares)]
        for fragment in self.found.fragments:
            self._extend_period(int(fragment.first))
            self._extend_period(int(fragment.last))
            fragment.finish()
            dealt[share_of(fragment.key, self._shares)].append(fragment)
        self.found.fragment_count = len(self.found.fragments)
        self.found.fragments.clear()
        self.found.shares = [pickle.dumps(each, protocol=5) if each else b"" for each in dealt]
