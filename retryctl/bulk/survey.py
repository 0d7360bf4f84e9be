"""The prefilter: which log streams mention some request IDs, found in the bytes of a log.

A survey parses only lines that have one of the IDs, and lines of an unusual layout. Of all others
it counts the lines and keeps the first and the last time. Whole blocks are searched at once:
a block is *regular* where each line ends as an event, begins as the one before it, and has its
time at the same place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

from retryctl.bulk.line_layout import HEADER, is_usual_line, lead_with_group
from retryctl.core.history.id_search import IdSearch
from retryctl.core.model.attempt import function_from_names
from retryctl.core.model.coverage import LogQuery
from retryctl.sources.saved.canonical import KEY
from retryctl.sources.saved.formats.json_event import line_event
from retryctl.sources.saved.log_format import RawEvent
from retryctl.sources.saved.stream_filter import Place, StreamFilter

FEW_IDS = 16
FEW_STREAMS = 8
_TIME_BYTES = 13
_ANY_ID = re.compile(
    rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
)
_FIRST_KEY = re.compile(rb'\{"[A-Za-z]+": ?"')
_PLAIN_NAME = re.compile(r"[!#-\[\]-~ ]+")


ChunkKey = tuple[str, int]
"""The name of a file, and where the chunk starts in it."""


@dataclass(slots=True, kw_only=True)
class SurveyedChunk:
    """What a survey found in one chunk. Times are epoch milliseconds.

    ``mentioned`` has the request IDs in each stream; ``elsewhere`` those in streams that the
    query leaves out, each with the function or the group there. ``irregular`` has the numbers of
    the blocks with lines of an unusual layout, ``heads`` the different beginnings of the lines.
    """

    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    malformed: bool = False
    mentioned: dict[Place, set[str]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    irregular: set[int] = field(default_factory=set)
    heads: set[bytes] = field(default_factory=set)
    id_search: IdSearch = field(default_factory=IdSearch)
    answers_search: bool = False

    def add_times(self, count: int, first_ms: int, last_ms: int) -> None:
        """Count events between these times."""
        self.events += count
        self.first_ms = first_ms if self.first_ms is None else min(first_ms, self.first_ms)
        self.last_ms = last_ms if self.last_ms is None else max(last_ms, self.last_ms)


@dataclass(slots=True, kw_only=True)
class SurveyedLog(SurveyedChunk):
    """What the surveys of all chunks of a log found.

    ``irregular_blocks`` has the numbers of these blocks, ``heads_of`` the beginnings of lines of
    the chunks without such blocks.
    """

    malformed_files: set[str] = field(default_factory=set)
    irregular_blocks: dict[ChunkKey, set[int]] = field(default_factory=dict)
    heads_of: dict[ChunkKey, set[bytes]] = field(default_factory=dict)

    @property
    def mentions_any(self) -> bool:
        """Whether one of the IDs was found."""
        return bool(self.mentioned or self.elsewhere)

    def add(self, chunk: SurveyedChunk, file: str, start: int) -> None:
        """Add what the survey of a chunk found."""
        if chunk.first_ms is not None and chunk.last_ms is not None:
            self.add_times(chunk.events, chunk.first_ms, chunk.last_ms)
        if chunk.malformed:
            self.malformed_files.add(file)
        self.irregular_blocks[file, start] = chunk.irregular
        if chunk.heads and not chunk.irregular:
            self.heads_of[file, start] = chunk.heads
        for place, ids in chunk.mentioned.items():
            self.mentioned.setdefault(place, set()).update(ids)
        self.elsewhere.update(chunk.elsewhere)
        self.id_search.merge(chunk.id_search)
        self.answers_search |= chunk.answers_search


class Survey:
    """A survey of one chunk, block by block."""

    def __init__(self, query: LogQuery, *, upper: bool = False, heads: bool = False) -> None:
        self.found = SurveyedChunk()
        self._keeps_heads = heads
        self._filter = StreamFilter(query)
        self._ids = {request_id.encode() for request_id in query.request_ids}
        self._needles = [each.upper() if upper else each for each in self._ids]
        self._number = -1
        self._layout: _Layout | None = None
        self._before_ms = 0

    def read(self, block: bytes) -> None:
        """Read the next block, which has whole lines."""
        self._number += 1
        lines = BytesIO(block).readlines()
        if self._layout is None:
            self._layout = _layout_of(lines[0])
        times = self._layout.times(block, lines) if self._layout else None
        if self._layout and times:
            self.found.add_times(len(lines), *times)
            self._before_ms = times[1]
            if self._keeps_heads:
                width = self._layout.time_at
                self.found.heads.update([line[:width] for line in lines])
        else:
            self._read_lines(lines)
        if self.found.id_search.open:
            fold_search(self.found.id_search, lines)
        for line in self._lines_with_ids(block):
            self._mention(line)

    def _read_lines(self, lines: list[bytes]) -> None:
        """Read the lines of a block one by one."""
        for line in lines:
            header = HEADER.match(line) if is_usual_line(line) else None
            if header:
                self._before_ms = int(header[2])
                if self._keeps_heads:
                    self.found.heads.add(header[1])
            else:
                self.found.irregular.add(self._number)
                event = line_event(line, self._before_ms)
                if event is None:
                    self.found.malformed |= bool(line.strip())
                    continue
                self._before_ms = event.timestamp_ms
            self.found.add_times(1, self._before_ms, self._before_ms)
        self._layout = _layout_of(lines[-1]) or self._layout

    def _lines_with_ids(self, block: bytes) -> Iterator[bytes]:
        if len(self._ids) > FEW_IDS:
            starts = (m.start() for m in _ANY_ID.finditer(block) if m[0].lower() in self._ids)
        else:
            starts = (at for each in self._needles for at in _places(block, each))
        for at in starts:
            start = block.rfind(b"\n", 0, at) + 1
            stop = block.find(b"\n", at) + 1
            yield block[start : stop or len(block)]

    def _mention(self, line: bytes) -> None:
        header = KEY.match(lead_with_group(line))
        if header and b"\\" not in header[0]:
            names = (part.decode(errors="replace") if part else None for part in header.groups())
            group, stream = names
        elif event := line_event(line, 0):
            group, stream = event.log_group, event.log_stream
        else:
            return
        lowered = line.lower()
        if len(self._ids) > FEW_IDS:
            found = self._ids.intersection(_ANY_ID.findall(lowered))
        else:
            found = {each for each in self._ids if each in lowered}
        ids = {each.decode() for each in found}
        if self._filter.wants_stream(group, stream):
            self.found.mentioned.setdefault((group, stream or ""), set()).update(ids)
        else:
            place = function_from_names(group, stream) or group or "another log"
            self.found.elsewhere.update(dict.fromkeys(ids, place))


def _places(block: bytes, needle: bytes) -> Iterator[int]:
    """Where the needle stands, once for each line."""
    at = block.find(needle)
    while at >= 0:
        yield at
        stop = block.find(b"\n", at)
        at = block.find(needle, stop) if stop >= 0 else -1


@dataclass(frozen=True, slots=True)
class _Layout:
    """The bytes that all lines of one writer, with stream names of one length, have in common.

    ``label`` stands before the time, at ``time_at``.
    """

    start: bytes
    label: bytes
    time_at: int

    def times(self, block: bytes, lines: list[bytes]) -> tuple[int, int] | None:
        """Return the first and last time in a block; ``None`` where a line has another layout.

        Where the least and the greatest of some byte strings begin alike, all of them do.
        """
        joints = block.count(b"}\n" + self.start)
        if joints + 1 != len(lines) or not block.startswith(self.start):
            return None
        begin, end = self.time_at - len(self.label), self.time_at + _TIME_BYTES
        labelled = [line[begin:end] for line in lines]
        labelled.sort()  # one pass where they are in order
        least, greatest = labelled[0], labelled[-1]
        alike = least.startswith(self.label) and greatest.startswith(self.label)
        first, last = least[len(self.label) :], greatest[len(self.label) :]
        if not (alike and block.endswith(b"}\n") and first.isdigit() and last.isdigit()):
            return None
        return int(first), int(last)


def _layout_of(line: bytes) -> _Layout | None:
    header, first = HEADER.match(line), _FIRST_KEY.match(line)
    if not header or not first or not line.endswith(b"}\n"):
        return None
    label = header[1][header[1].rindex(b'"timestamp"') :]
    return _Layout(start=first[0], label=label, time_at=header.end(1))


class LineSelector:
    """Picks the lines of some streams from the blocks of a log, without parsing the others.

    ``irregular`` has the numbers of the blocks in which a stream's name may be written otherwise;
    ``None`` where that is not known.
    """

    def __init__(self, places: Collection[Place]) -> None:
        self._names = {stream.encode() for _, stream in places}
        self._few = len(self._names) <= FEW_STREAMS
        self._all = not all(_PLAIN_NAME.fullmatch(stream) for _, stream in places)

    def lines(self, block: bytes, *, irregular: bool = True) -> list[bytes]:
        """Return the lines of the block that may belong to one of the streams, in order."""
        if self._all:
            return BytesIO(block).readlines()
        if not irregular and self._few and not any(name in block for name in self._names):
            return []
        lines = BytesIO(block).readlines()
        if irregular or not self._few:
            return [line for line in lines if self._may_belong(line)]
        if len(self._names) == 1:
            (name,) = self._names
            return [line for line in lines if name in line]
        return [line for line in lines if any(name in line for name in self._names)]

    def are_in(self, heads: Iterable[bytes]) -> bool:
        """Whether lines that begin so may belong to one of the streams."""
        return self._all or any(map(self._may_belong, heads))

    def _may_belong(self, line: bytes) -> bool:
        header = KEY.match(line)
        return not header or b"\\" in header[0] or header[2] in self._names


def fold_search(search: IdSearch, lines: Iterable[bytes]) -> None:
    """Add the messages of lines to the fold that detects the result of a search by ID."""
    for line in lines:
        if not search.open:
            return
        if event := line_event(line, 0):
            search.add(event.message)


def events_in(lines: Iterable[bytes]) -> Iterator[RawEvent]:
    """Yield the events of lines; those that are malformed are left out."""
    before_ms = 0
    for line in lines:
        if event := line_event(line, before_ms):
            before_ms = event.timestamp_ms
            yield event
