"""The scan: canonical lines of many streams, classified by their first bytes.

Most attempts are alike: START, lines without consequence, END, REPORT. Lines without consequence
are kept until their attempt is closed; all others go to the ``AttemptBuilder``.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection
from io import BytesIO

from retryctl.bulk.attempt_builder import AttemptBuilder
from retryctl.bulk.attempt_templates import TemplateCache
from retryctl.bulk.compact import Shown
from retryctl.bulk.id_survey import fold_search
from retryctl.bulk.line_layout import (
    ENDS,
    FIRST_BYTES,
    HEAD_BYTES,
    HEADS,
    LOOK,
    PLAIN,
    REPORTS,
    STARTS,
    TEXT,
    NoEvent,
    lead_with_groups,
)
from retryctl.bulk.stream_state import ScannedChunk, StreamFragment
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.function_config import FunctionConfig
from retryctl.sources.saved.canonical import HEADER, KEY, canonical_line
from retryctl.sources.saved.formats.json_event import line_event
from retryctl.sources.saved.log_format import RawEvent
from retryctl.sources.saved.stream_filter import Place, StreamFilter

MOST_FRAGMENTS = 64
"""A stream that is out of order more often is not worth cutting."""
MOST_KINDS = 50_000
MOST_HELD = 100_000
"""As many lines of one stream may wait for the end of an attempt."""


class LineScanner:
    """Scans the canonical lines of one chunk; ``found`` is the result."""

    def __init__(
        self,
        selected: StreamFilter,
        markers: Markers,
        settings: FunctionConfig,
        cache: TemplateCache,
        *,
        parts: int,
        until_ms: int | None,
        shown: Shown = Shown(),  # noqa: B008 - frozen
        places: Collection[Place] | None = None,
    ) -> None:
        self._only = places
        self._filter, self._markers = selected, markers
        self._until = b":" if until_ms is None else b"%013d" % until_ms
        self._width = 0
        self._kinds_from = 0
        self._fragments: dict[bytes, StreamFragment] = {}
        self._places: dict[bytes, tuple[str | None, str] | None] = {}
        self._latest: dict[tuple[str | None, str], StreamFragment] = {}
        self._of_place: dict[Place, list[StreamFragment]] = {}
        self._headers: dict[Place, list[bytes]] = {}
        self._lines_until_relief = MOST_HELD
        self._kinds: dict[bytes, int] = {}
        self._before_ms = 0
        self.found = ScannedChunk(
            plain=[bytearray() for _ in range(parts)], others=[[] for _ in range(parts)]
        )
        self._attempts = AttemptBuilder(selected, markers, settings, cache, self.found, shown)

    # ----------------------------------------------------------------- lines

    def read(self, block: bytes) -> None:
        """Read the next block, which has whole lines."""
        # four times as fast as the lines of a file
        lines = BytesIO(lead_with_groups(block)).readlines()
        if self.found.id_search.open:
            fold_search(self.found.id_search, lines)
        self.read_lines(lines)

    def read_lines(self, lines: list[bytes]) -> None:
        """Read the next lines."""
        fragments, kinds, until = self._fragments, self._kinds, self._until
        width = self._width
        stamp, head = width + 13, self._kinds_from
        self.found.events += len(lines)
        for line in lines:
            fragment = fragments.get(line[:width])
            kind = kinds.get(line[stamp:head])
            if fragment is not None and kind is not None and line[-2:] == b"}\n":
                moment = line[width:stamp]
                if fragment.last <= moment < until:
                    if kind == PLAIN or (kind == TEXT and b"\\tat " not in line):
                        fragment.hold_plain(line, moment)
                        continue
                    fragment.advance(moment)
                    if (
                        kind == ENDS
                        and line[head + 9 : head + 48] == fragment.own_end
                        and fragment.report is None
                        and not fragment.end
                    ):
                        fragment.end_with(fragment.open_id, int(moment), line)
                    else:
                        try:
                            self._attempts.read_line(
                                fragment, line, moment, kind, head - HEAD_BYTES
                            )
                        except NoEvent:
                            self._give_up(fragment)
                    continue
            if self._unusual(line):
                width, head = self._width, self._kinds_from
                stamp = width + 13
        self._relieve(len(lines))

    def _unusual(self, line: bytes) -> bool:
        """Read a line of a new stream, layout or place; return whether its layout was learned."""
        found = HEADER.match(line) if line.endswith((b"}\n", b"}\r\n")) else None
        if not found:
            self._unlike(line)
            return False
        learned = not self._width
        key, moment, message = found[1], found[2], found.end()
        if learned:
            self._width, self._kinds_from = found.end(1), message + HEAD_BYTES
        place = self._place(key)
        fragment = self._fragment(place, moment) if place and moment < self._until else None
        if fragment is None:
            self._see(int(moment))
            return learned
        kind = self._kind(line[message : message + HEAD_BYTES])
        if message == self._kinds_from - HEAD_BYTES and line.endswith(b"}\n"):
            if key not in self._fragments:
                self._headers.setdefault(fragment.key, []).append(key)
            self._fragments[key] = fragment
            if len(self._kinds) > MOST_KINDS:
                self._kinds.clear()
            self._kinds[line[found.end(2) : self._kinds_from]] = kind
        fragment.advance(moment)
        if kind == PLAIN or (kind == TEXT and b"\\tat " not in line):
            fragment.hold(line)
        else:
            try:
                self._attempts.read_line(fragment, line, moment, kind, message)
            except NoEvent:
                self._give_up(fragment)
        return learned

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
        line = canonical_line(event)
        if event.log_stream is not None and HEADER.match(line):
            self._unusual(line)
            return
        # a log without streams, a name that JSON has to escape, a time of another century
        self._see(event.timestamp_ms)
        if self._wants(*key):
            if group := self._filter.group_of(event.log_group):
                self.found.log_groups.add(group)
            if event.timestamp_ms < self._until_ms:
                self._give_up_order(key)

    @property
    def _until_ms(self) -> float:
        return float("inf") if self._until == b":" else int(self._until)

    def _kind(self, head: bytes) -> int:
        if head.startswith(b"START "):
            return STARTS
        if head == b"END Re":
            return ENDS
        if head == b"REPORT":
            return REPORTS
        if not head or head[0] in FIRST_BYTES or any(map(head.startswith, HEADS)):
            return LOOK
        if not self._markers.are_default:
            return LOOK
        return PLAIN if head.startswith(b"[") else TEXT

    def _place(self, key: bytes) -> tuple[str | None, str] | None:
        """Return the group and the stream of a header; ``None`` where they are not selected."""
        if key not in self._places:
            m = KEY.match(key)
            assert m is not None  # a header has it
            group = m[1].decode(errors="replace") if m[1] else None
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
            len(self.found.fragments), place, moment, self._filter.group_of(place[0])
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
            self._see(int(fragment.first))
            self._see(int(fragment.last))
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

    def _see(self, moment_ms: int) -> None:
        found = self.found
        found.first_ms = moment_ms if found.first_ms is None else min(found.first_ms, moment_ms)
        found.last_ms = moment_ms if found.last_ms is None else max(found.last_ms, moment_ms)

    def finish(self) -> ScannedChunk:
        """Return what was found, once all lines are read."""
        for fragment in self.found.fragments:
            self._see(int(fragment.first))
            self._see(int(fragment.last))
            fragment.finish()
        self.found.pickled = [pickle.dumps(each, protocol=5) for each in self.found.others]
        self.found.others.clear()
        return self.found
