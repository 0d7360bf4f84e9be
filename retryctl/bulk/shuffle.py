"""What the readings of a saved log found, kept on disk, and joined when all is read."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from retryctl.bulk.compact import Mention, Stream, part_of, without_lines
from retryctl.bulk.line_layout import NoEvent
from retryctl.bulk.partition import Partition, StreamReading
from retryctl.bulk.stitch import StitchedStream, stitch
from retryctl.bulk.stream_state import ScannedChunk, StreamFragment
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.build import mentions_in
from retryctl.core.history.safe_cut import last_piece
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.records import Unrecognised
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.diagnostics import FileDiagnostics, ReadStats
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.log_file import read_file
from retryctl.sources.saved.log_format import RawEvent
from retryctl.sources.saved.stream_filter import StreamFilter

_IN_MEMORY = 8 << 20
_EVENTS_AT_ONCE = 50_000

Place = tuple["str | None", str]
"""Log group and log stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What each reading has to know."""

    selection: LogQuery
    markers: Markers
    settings: FunctionConfig
    parts: int


class _Spill:
    """A temporary file of pickled findings."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115

    def put(self, data: bytes) -> tuple[int, int]:
        at = self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        return at, len(data)

    def get(self, place: tuple[int, int]) -> bytes:
        self._file.seek(place[0])
        return self._file.read(place[1])


@dataclass(frozen=True, slots=True)
class _Pickled:
    """Attempts that are made of their bytes each time they are gone through."""

    data: bytes

    def __iter__(self) -> Iterator[tuple[int, Attempt]]:
        yield from pickle.loads(self.data)


@dataclass(frozen=True, slots=True)
class _RunPlace:
    """Where a run was put, and its place among the runs of its stream."""

    first: bytes
    reading: int
    number: int
    place: tuple[int, int]


class ShuffleStore:
    """What all readings found: take a ``part`` of the requests at a time."""

    def __init__(self, asking: Asking, source: str) -> None:
        selection = asking.selection
        self.looked = ReadStats(source, since_ms=selection.since_ms, until_ms=selection.until_ms)
        self.readings: dict[int, StreamReading] = {}
        self.no_event_seen = False
        self._asking = asking
        self._shown = frozenset(asking.selection.request_ids)
        self._spill = _Spill()
        self._runs: dict[Place, list[_RunPlace]] = defaultdict(list)
        self._plain: list[list[tuple[int, tuple[int, int]]]] = [[] for _ in range(asking.parts)]
        self._others: list[list[tuple[int, tuple[int, int]]]] = [[] for _ in range(asking.parts)]
        self._mentions: list[list[tuple[str | None, str, LogEvent]]] = [
            [] for _ in range(asking.parts)
        ]
        self._tangled: set[Place] = set()
        self._shapes: list[list[Attempt]] = []
        self._counts: list[int] = []
        self._unrecognised: list[dict[int, set[str | int]]] = []

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return self._asking.parts

    def part(self, number: int) -> Partition:
        """A part of the requests, whole."""
        return Partition(
            plain=[(reading, self._spill.get(place)) for reading, place in self._plain[number]],
            others=[
                (reading, _Pickled(self._spill.get(place)))
                for reading, place in self._others[number]
            ],
            mentions=self._mentions[number],
        )

    def take(self, scanned: ScannedChunk) -> None:
        """Take over what a reading found."""
        reading = len(self._counts)
        self._counts.append(len(scanned.runs))
        self._shapes.append(scanned.shapes)
        self._unrecognised.append(scanned.unrecognised)
        self._tangled.update(scanned.tangled)
        for run in scanned.runs:
            place = self._spill.put(pickle.dumps(run, protocol=5))
            self._runs[run.key].append(_RunPlace(run.first, reading, run.number, place))
        for number, packed in enumerate(scanned.plain):
            if packed:
                self._plain[number].append((reading, self._spill.put(bytes(packed))))
        self._put_others(reading, scanned.pickled)
        looked = self.looked
        looked.log_groups |= scanned.log_groups
        looked.events += scanned.events
        for moment_ms in (scanned.first_ms, scanned.last_ms):
            if moment_ms is not None:
                looked.see(moment_ms)
                looked.events -= 1

    def _put_others(self, reading: int, pickled: Sequence[bytes]) -> None:
        for number, attempts in enumerate(pickled):
            self._others[number].append((reading, self._spill.put(attempts)))

    # ----------------------------------------------------------------- at the end

    def join(self, files: Sequence[SavedFile]) -> None:
        """Join the runs of each stream, and read those streams again where that cannot be."""
        streams: dict[Place, Stream] = {}
        more: list[tuple[Stream, Sequence[Attempt], Sequence[Mention]]] = []
        for place, places in self._runs.items():
            places.sort(key=lambda run: (run.first, run.reading, run.number))
            runs = [self._run(each) for each in places]
            whole = None if place in self._tangled else self._joined(runs)
            if whole:
                streams[place] = whole.stream
                more.append((whole.stream, whole.attempts, whole.mentions))
            else:
                self._tangled.add(place)
        self._describe(streams)
        if self._tangled:
            more += self._untangled(files)
        self._add(more)
        self._runs.clear()

    def _joined(self, runs: Sequence[StreamFragment]) -> StitchedStream | None:
        asking = self._asking
        try:
            return stitch(
                runs, StreamFilter(asking.selection), asking.markers, asking.settings, self._shown
            )
        except NoEvent:
            self.no_event_seen = True
            return None

    def _is_asked(self, request_id: str) -> bool:
        return not self._shown or request_id in self._shown

    def _run(self, place: _RunPlace) -> StreamFragment:
        run = pickle.loads(self._spill.get(place.place))
        assert isinstance(run, StreamFragment)
        return run

    def _describe(self, streams: dict[Place, Stream]) -> None:
        rows: list[list[Stream | None]] = [[None] * count for count in self._counts]
        for place, stream in streams.items():
            unread: set[object] = set()
            for run in self._runs[place]:
                rows[run.reading][run.number] = stream
                for found in self._unrecognised[run.reading].get(run.number, ()):
                    # an event of no ID is told apart by where it was read
                    unread.add(found if isinstance(found, str) else (run, found))
            self.looked.unrecognised += len(unread)
        for number, row in enumerate(rows):
            self.readings[number] = StreamReading(shapes=self._shapes[number], streams=row)

    def _add(self, more: Sequence[tuple[Stream, Sequence[Attempt], Sequence[Mention]]]) -> None:
        """Add what was read at the ends of the runs, as one more reading."""
        reading = len(self._counts)
        others: list[list[tuple[int, Attempt]]] = [[] for _ in range(self.parts)]
        for number, (stream, attempts, mentions) in enumerate(more):
            for attempt in attempts:
                if self._is_asked(attempt.request_id):
                    others[part_of(attempt.request_id, self.parts)].append((number, attempt))
            for request_id, event in mentions:
                if self._is_asked(request_id):
                    mention = (stream.log_group, request_id, event)
                    self._mentions[part_of(request_id, self.parts)].append(mention)
        self._put_others(reading, [pickle.dumps(each, protocol=5) for each in others])
        self.readings[reading] = StreamReading(shapes=(), streams=[stream for stream, *_ in more])

    # ----------------------------------------------------------------- tangled streams

    def _untangled(
        self, files: Sequence[SavedFile]
    ) -> Iterator[tuple[Stream, Sequence[Attempt], Sequence[Mention]]]:
        """The tangled streams, each read as a whole, in the order of their own events."""
        spill, places = _Spill(), defaultdict[Place, list[tuple[int, int]]](list)
        waiting: dict[Place, list[LogEvent]] = defaultdict(list)
        held = 0
        for place, event in self._tangled_events(files):
            waiting[place].append(event)
            held += 1
            if held == _EVENTS_AT_ONCE:
                _put_events(spill, places, waiting)
                held = 0
        _put_events(spill, places, waiting)
        for place in sorted(places, key=lambda place: (place[0] or "", place[1])):
            events = [event for at in places[place] for event in pickle.loads(spill.get(at))]
            yield self._whole_stream(events)

    def _tangled_events(self, files: Sequence[SavedFile]) -> Iterator[tuple[Place, LogEvent]]:
        selection = self._asking.selection
        asked, until_ms = StreamFilter(selection), selection.until_ms
        position = 0
        for file in files:
            try:
                for event in read_file(file, FileDiagnostics(file.name), None, lambda _: None):
                    position += 1
                    if not isinstance(event, RawEvent):
                        continue
                    place = (event.log_group, event.log_stream or "")
                    if place not in self._tangled or not asked.wants(event):
                        continue
                    if until_ms is None or event.timestamp_ms < until_ms:
                        yield place, asked.event(event, position)
            except UnreadableInput:
                continue  # it is noted already

    def _whole_stream(
        self, events: Sequence[LogEvent]
    ) -> tuple[Stream, Sequence[Attempt], Sequence[Mention]]:
        piece = last_piece((), events)
        unread = sum(isinstance(record, Unrecognised) for _, record in piece.lines)
        self.looked.unrecognised += unread
        first = piece.brackets[0] if piece.brackets else None
        stream = Stream(
            log_group=events[0].log_group,
            log_stream=events[0].log_stream,
            runtime_version=first.runtime_version if first else None,
            function=first.function_name if first else None,
        )
        asking = self._asking
        attempts = tuple(
            without_lines(piece.brackets, asking.markers, asking.settings, shown=self._shown)
        )
        return stream, attempts, tuple(mentions_in(piece.lines, piece.brackets))


def _put_events(
    spill: _Spill,
    places: dict[Place, list[tuple[int, int]]],
    waiting: dict[Place, list[LogEvent]],
) -> None:
    for place, events in waiting.items():
        places[place].append(spill.put(pickle.dumps(events, protocol=5)))
    waiting.clear()
