"""The log lines of many streams, cut into attempts while they are read, at the speed of bytes.

Most attempts are alike: START, lines of no consequence, END, REPORT. So each line is told by its
first bytes, and only what could matter is parsed. The lines of an open attempt are held until its
REPORT; what its lines say is its *shape*: the records without IDs, times and figures. The core
reads the first attempt of every shape, and the others are the same but for their ID, times and
figures. An attempt of no known shape goes to the core line by line, and no other rule is used.

A *run* is what one reading saw of one stream, in order. Where it began or ended within an attempt
it keeps these lines, its head and its tail, for ``saved_runs`` to join.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection
from io import BytesIO

from retryctl.bulk.attempt_builder import AttemptBuilder
from retryctl.bulk.compact import Shown
from retryctl.bulk.line_layout import (
    ENDS,
    FIRST_BYTES,
    HEAD_BYTES,
    HEADER,
    HEADS,
    KEY,
    LOOK,
    PLAIN,
    REPORTS,
    STARTS,
    TEXT,
    NoEvent,
    lead_with_groups,
)
from retryctl.bulk.stream_state import ScannedChunk, StreamFragment
from retryctl.bulk.survey import fold_search
from retryctl.bulk.templates import TemplateCache
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.function_config import FunctionConfig
from retryctl.sources.saved.canonical import canonical_line
from retryctl.sources.saved.formats.json_event import line_event
from retryctl.sources.saved.log_format import RawEvent
from retryctl.sources.saved.stream_filter import Place, StreamFilter

MOST_RUNS = 64
"""A stream that is out of order more often is not worth cutting."""
MOST_KINDS = 50_000
MOST_HELD = 100_000
"""As many lines of one stream may wait for the end of an attempt."""


class LineScanner:
    """Reads lines of JSON, each an event; ``found`` is what came of them."""

    def __init__(
        self,
        asked: StreamFilter,
        markers: Markers,
        settings: FunctionConfig,
        learned: TemplateCache,
        *,
        parts: int,
        until_ms: int | None,
        shown: Shown = Shown(),  # noqa: B008 - frozen
        places: Collection[Place] | None = None,
    ) -> None:
        self._only = places
        self._asked, self._markers = asked, markers
        self._until = b":" if until_ms is None else b"%013d" % until_ms
        self._width = 0
        self._kinds_from = 0
        self._runs: dict[bytes, StreamFragment] = {}
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
        self._attempts = AttemptBuilder(asked, markers, settings, learned, self.found, shown)

    # ----------------------------------------------------------------- lines

    def read(self, block: bytes) -> None:
        """Read the next block, which has whole lines."""
        lines = BytesIO(
            lead_with_groups(block)
        ).readlines()  # four times as fast as the lines of a file
        if self.found.id_search.open:
            fold_search(self.found.id_search, lines)
        self.read_lines(lines)

    def read_lines(self, lines: list[bytes]) -> None:
        """Read some lines, which follow those before."""
        runs, kinds, until = self._runs, self._kinds, self._until
        width = self._width
        stamp, head = width + 13, self._kinds_from
        self.found.events += len(lines)
        for line in lines:
            run = runs.get(line[:width])
            kind = kinds.get(line[stamp:head])
            if run is not None and kind is not None and line[-2:] == b"}\n":
                moment = line[width:stamp]
                if run.last <= moment < until:
                    run.last = moment
                    if kind == PLAIN or (kind == TEXT and b"\\tat " not in line):
                        run.held.append(line)
                    elif (
                        kind == ENDS
                        and line[head + 9 : head + 48] == run.own_end
                        and run.report is None
                        and not run.end
                    ):
                        run.end = int(moment)
                        run.held.append(line)
                    else:
                        try:
                            self._attempts.tell(run, line, moment, kind, head - HEAD_BYTES)
                        except NoEvent:
                            self._give_up(run)
                    continue
            if self._unusual(line):
                width, head = self._width, self._kinds_from
                stamp = width + 13
        self._relieve(len(lines))

    def _unusual(self, line: bytes) -> bool:
        """A line whose stream, layout or place is new; returns whether the layout was learned."""
        found = HEADER.match(line) if line.endswith((b"}\n", b"}\r\n")) else None
        if not found:
            self._unlike(line)
            return False
        learned = not self._width
        key, moment, message = found[1], found[2], found.end()
        if learned:
            self._width, self._kinds_from = found.end(1), message + HEAD_BYTES
        place = self._place(key)
        run = self._run(place, moment) if place and moment < self._until else None
        if run is None:
            self._see(int(moment))
            return learned
        kind = self._kind(line[message : message + HEAD_BYTES])
        if message == self._kinds_from - HEAD_BYTES and line.endswith(b"}\n"):
            if key not in self._runs:
                self._headers.setdefault(run.key, []).append(key)
            self._runs[key] = run
            if len(self._kinds) > MOST_KINDS:
                self._kinds.clear()
            self._kinds[line[found.end(2) : self._kinds_from]] = kind
        run.last = moment
        if kind == PLAIN or (kind == TEXT and b"\\tat " not in line):
            run.held.append(line)
        else:
            try:
                self._attempts.tell(run, line, moment, kind, message)
            except NoEvent:
                self._give_up(run)
        return learned

    def _unlike(self, line: bytes) -> None:
        """A line in another order of keys, of another kind, or none at all."""
        event = line_event(line, self._before_ms)
        if event is None:
            self.found.odd |= bool(line.strip())
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
            if group := self._asked.group_of(event.log_group):
                self.found.log_groups.add(group)
            if event.timestamp_ms < self._until_ms:
                self._tangle(key)

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
        """The group and the stream that a header names; ``None`` where they are not asked for."""
        if key not in self._places:
            m = KEY.match(key)
            assert m is not None  # a header has it
            group = m[1].decode(errors="replace") if m[1] else None
            stream = m[2].decode(errors="replace")
            wanted = self._wants(group, stream)
            self._places[key] = (group, stream) if wanted else None
            if wanted and (named := self._asked.group_of(group)):
                self.found.log_groups.add(named)
        return self._places[key]

    def _wants(self, group: str | None, stream: str) -> bool:
        """Whether a stream is read: it is selected, and not left out by a survey."""
        if self._only is not None and (group, stream) not in self._only:
            return False
        return self._asked.wants_stream(group, stream or None)

    def _run(self, place: tuple[str | None, str], moment: bytes) -> StreamFragment | None:
        """The run that a line of this time goes on; a new one where it is out of order."""
        if place in self.found.tangled:
            return None
        run = self._latest.get(place)
        if run is not None and run.last <= moment:
            return run
        fragments = self._of_place.setdefault(place, [])
        if len(fragments) >= MOST_RUNS:
            self._tangle(place)
            return None
        run = self._latest[place] = StreamFragment(len(self.found.runs), place, moment)
        run.group = self._asked.group_of(place[0])
        self.found.runs.append(run)
        fragments.append(run)
        return run

    def _tangle(self, place: tuple[str | None, str]) -> None:
        """Give a stream up: it is read whole, in another way."""
        if place in self.found.tangled:
            return
        self.found.tangled.add(place)
        for run in self._of_place.get(place, ()):
            self._see(int(run.first))
            self._see(int(run.last))
            run.held, run.head, run.context = [], None, []
        for header in self._headers.pop(place, ()):
            del self._runs[header]

    def _give_up(self, run: StreamFragment) -> None:
        """A line of the run is no event: its file is read once more, which names it."""
        self.found.odd = True
        self._tangle(run.key)

    def _relieve(self, lines: int) -> None:
        """Give up streams that hold too many lines; none can before as many were read."""
        self._lines_until_relief -= lines
        if self._lines_until_relief > 0:
            return
        self._lines_until_relief = MOST_HELD
        for run in list(self._runs.values()):
            if len(run.held) > MOST_HELD:
                self._tangle(run.key)

    def _see(self, moment_ms: int) -> None:
        found = self.found
        found.first_ms = moment_ms if found.first_ms is None else min(found.first_ms, moment_ms)
        found.last_ms = moment_ms if found.last_ms is None else max(found.last_ms, moment_ms)

    def finish(self) -> ScannedChunk:
        """What was found, once all lines are read."""
        for run in self.found.runs:
            self._see(int(run.first))
            self._see(int(run.last))
            run.shape = ()
        self.found.pickled = [pickle.dumps(each, protocol=5) for each in self.found.others]
        self.found.others.clear()
        return self.found
