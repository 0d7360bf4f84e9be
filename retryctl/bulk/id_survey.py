"""The prefilter: which log streams mention some request IDs, found in the bytes of a log.

A survey parses only lines that have one of the IDs, and lines of an unusual layout. Of all others
it counts the events and keeps the first and the last time. Whole blocks are searched at once, as
they stand in the file (``raw_blocks``): a block is converted to canonical lines only where it has
one of the IDs, or where its bytes do not show how many events it has. An index of the streams of
each block then shows which blocks have to be read once more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import field, replace
from io import BytesIO
from itertools import chain

from retryctl.bulk.chunks import Chunk, Stretches
from retryctl.bulk.line_layout import (
    NamelessLines,
    is_usual_line,
    lead_with_group,
    nameless_lines,
)
from retryctl.core.history.search_detection import IdSearch
from retryctl.core.late_regex import late_regex
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import REQUEST_ID
from retryctl.core.model.group_names import function_from_names
from retryctl.core.value_classes import state_class
from retryctl.sources.saved.canonical_lines import HEADER, KEY
from retryctl.sources.saved.formats.json_event import line_event
from retryctl.sources.saved.gzip_members import Checkpoint
from retryctl.sources.saved.near_ids import near_ids_in
from retryctl.sources.saved.raw_blocks import (
    GROUP_KEY,
    BlockSpan,
    Convert,
    RawBlock,
    contains_key,
    separated,
)
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import RawEvent
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace

FEW_IDS = 16
FEW_STREAMS = 8
_ANY_ID = late_regex(REQUEST_ID.encode())
_PLAIN_NAME = re.compile(r"[!#-\[\]-~ ]+")
# {"logGroupName":"/aws/lambda/orders","logStreamName":"2026/11/23/[7]0123…
_STREAM_FIRST = rb'\{(?:"logGroupName": ?"[^"\\]*", ?)?"logStreamName": ?"'


@state_class
class BlockIndex:
    """Where the blocks of a chunk stand, and which of them have events of a stream.

    ``naming`` has the numbers of the blocks as bits, ``unknown`` those whose streams are not known.
    """

    bounds: list[tuple[int, int]] = field(default_factory=list)
    names_streams: bool = True
    is_packed: bool = False
    checkpoints: tuple[Checkpoint, ...] = ()
    convert: Convert | None = None
    is_complete: bool = True
    naming: dict[bytes, int] = field(default_factory=dict)
    unknown: int = 0

    def add(self, block: RawBlock, span: BlockSpan | None) -> None:
        """Add the next block."""
        if not self.is_complete:
            return
        if block.start is None or (self.bounds and block.convert != self.convert):
            self.is_complete = False
            return
        bit = 1 << len(self.bounds)
        self.bounds.append((block.start, block.start + len(block.raw)))
        self.convert = block.convert
        self.names_streams &= block.names_streams
        if span is None or span.streams is None:
            self.unknown |= bit
        else:
            for name in span.streams:
                self.naming[name] = self.naming.get(name, 0) | bit

    def finish(self, notes: FileDiagnostics) -> None:
        """Note how the bytes of the chunk were decoded."""
        self.is_packed, self.checkpoints = notes.gzip_layers == 1, tuple(notes.checkpoints)
        self.is_complete &= notes.gzip_layers < 2 and not notes.is_decoded

    def stretches(self, streams: Iterable[bytes]) -> Stretches | None:
        """Return the blocks that may have events of the streams."""
        if not self.is_complete:
            return None
        wanted = self.unknown
        for name in streams:
            wanted |= self.naming.get(name, 0)
        found = tuple(each for number, each in enumerate(self.bounds) if wanted >> number & 1)
        return Stretches(
            bounds=found,
            convert=self.convert or (separated if self.unknown else _as_it_is),
            names_streams=self.names_streams,
            is_packed=self.is_packed,
            checkpoints=self.checkpoints,
        )


@state_class
class SurveyedChunk:
    """What a survey found in one chunk. Times are epoch milliseconds.

    ``text_bytes`` is the size of its decoded text.
    ``mentioned`` has the request IDs in each stream; ``elsewhere`` those in streams that the
    query leaves out, each with the function or the group there. ``near`` are IDs that resemble a
    searched one. ``is_irregular``: it has lines of an unusual layout. ``keeps_ties`` is that of its
    format.
    """

    events: int = 0
    text_bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    malformed: bool = False
    mentioned: dict[StreamPlace, set[str]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    near: set[str] = field(default_factory=set)
    is_irregular: bool = False
    index: BlockIndex = field(default_factory=BlockIndex)
    id_search: IdSearch = field(default_factory=IdSearch)
    answers_search: bool = False
    keeps_ties: bool = True
    web_function: bool = False

    def add_times(self, count: int, first_ms: int, last_ms: int) -> None:
        """Count events between these times."""
        self.events += count
        self.first_ms = first_ms if self.first_ms is None else min(first_ms, self.first_ms)
        self.last_ms = last_ms if self.last_ms is None else max(last_ms, self.last_ms)


@state_class
class SurveyedLog(SurveyedChunk):
    """What the surveys of all chunks of a log found."""

    malformed_files: set[str] = field(default_factory=set)
    surveyed: list[tuple[Chunk, SurveyedChunk]] = field(default_factory=list)

    @property
    def mentions_any(self) -> bool:
        """Whether one of the IDs was found."""
        return bool(self.mentioned or self.elsewhere)

    @property
    def mentioned_ids(self) -> frozenset[str]:
        """The IDs that any event contains, in whatever stream."""
        return frozenset(chain(self.elsewhere, *self.mentioned.values()))

    def add(self, chunk: Chunk, found: SurveyedChunk) -> None:
        """Add what the survey of a chunk found."""
        if found.first_ms is not None and found.last_ms is not None:
            self.add_times(found.events, found.first_ms, found.last_ms)
        self.text_bytes += found.text_bytes
        if found.malformed:
            self.malformed_files.add(chunk.file.name)
        self.surveyed.append((chunk, found))
        for place, ids in found.mentioned.items():
            self.mentioned.setdefault(place, set()).update(ids)
        self.elsewhere.update(found.elsewhere)
        self.near |= found.near
        self.id_search.merge(found.id_search)
        self.answers_search |= found.answers_search
        self.web_function |= found.web_function

    def chunks_of(self, streams: Collection[str]) -> Iterator[Chunk]:
        """Yield the chunks for the scan of some streams, with the stretches that matter."""
        names = [stream.encode() for stream in streams]
        plain = all(map(_PLAIN_NAME.fullmatch, streams))
        for chunk, found in self.surveyed:
            stretches = None
            if plain and not found.is_irregular:
                stretches = found.index.stretches(names)
            yield replace(
                chunk,
                stretches=stretches,
                is_irregular=found.is_irregular,
                keeps_ties=found.keeps_ties,
            )


class Survey:
    """A survey of one chunk, block by block."""

    def __init__(self, query: LogQuery, *, upper: bool = False) -> None:
        self.found = SurveyedChunk()
        self._filter = StreamFilter(query)
        self._ids = {request_id.encode() for request_id in query.request_ids}
        self._needles = [each.upper() if upper else each for each in self._ids]
        self._upper = upper
        self._before_ms = 0

    def read(self, block: RawBlock) -> None:
        """Read the next block."""
        search = self.found.id_search
        self.found.text_bytes += len(block.raw)
        if self._upper:  # the ID is not there: the log may be of a web function
            self.found.web_function |= b"platform.invoke" in block.raw
            self._read_near(block)
        span = block.span()
        self.found.index.add(block, span)
        if span:
            self._before_ms = span.last_ms
            self.found.add_times(span.events, span.first_ms, span.last_ms)
        if span is None or search.open or self._may_mention(block.raw):
            content = block.canonical()
            if span is None or search.open:
                lines = BytesIO(content).readlines()
                if span is None and (nameless := nameless_lines(content, len(lines))):
                    self._read_nameless(nameless, len(lines))
                elif span is None:
                    self._read_lines(lines)
                fold_search(search, lines)
            for line in self._lines_with_ids(content):
                self._mention(line)

    def _read_near(self, block: RawBlock) -> None:
        for near in near_ids_in(block.raw, self._ids):
            places = map(_place_of, _lines_with(block.canonical(), [near]))
            if any(place and self._filter.wants_stream(*place) for place in places):
                self.found.near.add(near.decode())

    def _may_mention(self, raw: bytes) -> bool:
        if len(self._ids) > FEW_IDS:
            return any(found[0].lower() in self._ids for found in _ANY_ID.finditer(raw))
        return any(needle in raw for needle in self._needles)

    def _read_nameless(self, lines: NamelessLines, count: int) -> None:
        self.found.is_irregular = True
        self._before_ms = lines.last_ms
        self.found.add_times(count, lines.first_ms, lines.last_ms)

    def _read_lines(self, lines: list[bytes]) -> None:
        """Read the lines of a block one by one."""
        for line in lines:
            header = HEADER.match(line) if is_usual_line(line) else None
            if header:
                self._before_ms = int(header[2])
            else:
                self.found.is_irregular = True
                event = line_event(line, self._before_ms)
                if event is None:
                    self.found.malformed |= bool(line.strip())
                    continue
                self._before_ms = event.timestamp_ms
            self.found.add_times(1, self._before_ms, self._before_ms)

    def _lines_with_ids(self, block: bytes) -> Iterator[bytes]:
        if len(self._ids) > FEW_IDS:
            found = (m.start() for m in _ANY_ID.finditer(block) if m[0].lower() in self._ids)
            yield from _lines_at(block, found)
        else:
            yield from _lines_with(block, self._needles)

    def _mention(self, line: bytes) -> None:
        place = _place_of(line)
        if place is None:
            return
        group, stream = place
        lowered = line.lower()
        if len(self._ids) > FEW_IDS:
            found = self._ids.intersection(_ANY_ID.findall(lowered))
        else:
            found = {each for each in self._ids if each in lowered}
        ids = {each.decode() for each in found}
        if self._filter.wants_stream(group, stream):
            self.found.mentioned.setdefault((group, stream or ""), set()).update(ids)
        else:
            name = function_from_names(group, stream) or group or "another log"
            self.found.elsewhere.update(dict.fromkeys(ids, name))


def _place_of(line: bytes) -> tuple[str | None, str | None] | None:
    """Return the log group and the log stream of a canonical line; ``None`` for a damaged one."""
    header = KEY.match(lead_with_group(line))
    if header and b"\\" not in header[0]:
        group, stream = (
            part.decode(errors="replace") if part else None for part in header.groups()
        )
        return group, stream
    event = line_event(line, 0)
    return (event.log_group, event.log_stream) if event else None


def _lines_with(block: bytes, needles: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines that have one of the needles, in order."""
    starts: list[int] = []
    for needle in needles:
        at = block.find(needle)
        while at >= 0:
            starts.append(at)
            stop = block.find(b"\n", at) + 1 or len(block)
            at = block.find(needle, stop)
    yield from _lines_at(block, sorted(starts))


def _lines_at(block: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """Yield the lines at these places, which are in order, each once."""
    stop = 0
    for at in places:
        if at >= stop:
            stop = block.find(b"\n", at) + 1 or len(block)
            yield block[block.rfind(b"\n", 0, at) + 1 : stop]


class LineSelector:
    """Picks the lines of some streams from the blocks of a log, without parsing the others."""

    def __init__(self, places: Collection[StreamPlace]) -> None:
        self._names = {stream.encode() for _, stream in places}
        self._few = len(self._names) <= FEW_STREAMS
        self._all = not all(_PLAIN_NAME.fullmatch(stream) for _, stream in places)
        names = b"|".join(map(re.escape, self._names)) if self._few else b""
        self._begins = re.compile(_STREAM_FIRST + b"(?:" + names + b')"').match
        self._starts = tuple(
            b'{"logStreamName":%b"%b"' % (space, name)
            for space in (b"", b" ")
            for name in self._names
        )

    def lines_of(self, block: RawBlock, *, irregular: bool) -> list[bytes]:
        """Return the lines of a block that may belong to one of the streams, in order.

        In an ``irregular`` chunk a stream's name may be written otherwise.
        """
        if self._all or irregular or not self._few:
            return self.lines(block.canonical())
        if block.names_streams and not any(name in block.raw for name in self._names):
            return []
        content = block.canonical(self._names)
        lines = BytesIO(content).readlines()
        if contains_key(content, *GROUP_KEY):
            return list(filter(self._begins, lines))
        return [line for line in lines if line.startswith(self._starts)]

    def lines(self, block: bytes) -> list[bytes]:
        """Return the canonical lines that may belong to one of the streams, in order."""
        lines = BytesIO(block).readlines()
        return lines if self._all else list(filter(self._may_belong, lines))

    def _may_belong(self, line: bytes) -> bool:
        header = KEY.match(line)
        return not header or b"\\" in header[0] or header[2] in self._names


def _as_it_is(block: bytes, _: Collection[bytes]) -> bytes:
    return block


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
