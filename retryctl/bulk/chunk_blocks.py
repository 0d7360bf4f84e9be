"""The canonical lines of a chunk, by the block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import IO

from retryctl.bulk.chunks import ByteRange, Chunk, Stretches
from retryctl.core.history.search_detection import IdSearch
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.decoding import segments
from retryctl.sources.saved.files import cannot_open
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.formats.json_lines import json_lines_block
from retryctl.sources.saved.gzip_members import UnpackedFile
from retryctl.sources.saved.log_file import read_file
from retryctl.sources.saved.raw_blocks import (
    RawBlock,
    ties_in_order,
)
from retryctl.sources.saved.read_stats import FileDiagnostics

Advance = Callable[[int], None]
"""Takes the number of bytes that were read since the last call."""


class ChunkBlocks:
    """The events of a chunk, in blocks.

    ``notes`` and ``format`` are filled while it is read.
    """

    def __init__(self, chunk: Chunk, advance: Advance) -> None:
        self.notes = FileDiagnostics(chunk.file.name, chunk.file.number)
        self.format = chunk.format
        self._chunk = chunk
        self._advance = advance
        self._last = b"\n"

    def __iter__(self) -> Iterator[RawBlock]:
        """Yield the blocks. Raises UnreadableInput where the file cannot be read."""
        try:
            with self._chunk.file.open() as opened:
                for block in self._read(opened):
                    self._last = block.raw
                    yield block
        except OSError as error:
            raise cannot_open(self._chunk.file.name, error) from error

    @property
    def ends_within_member(self) -> bool:
        """Whether the cut behind the chunk was none: gzip data or a line goes on there."""
        if not self._chunk.members or self._chunk.stop is None:
            return False
        return bool(self.notes.gaps) or not self._last.endswith(b"\n")

    @property
    def keeps_ties(self) -> bool:
        """Whether the events of one millisecond stand in the order of their stream."""
        return self.format.keeps_ties if self.format else self._chunk.keeps_ties

    def finish_search(self, search: IdSearch) -> bool:
        """Whether the bare records of one attempt are a search's; end it where none can be."""
        if self.format and not self.format.answers_search:
            search.add("")
            return False
        return self.format is not None and not self.format.bare_attempt_is_whole

    @property
    def has_remarks(self) -> bool:
        """Whether some of the chunk could not be read as events."""
        return self.notes.has_remarks

    def _read(self, opened: IO[bytes]) -> Iterator[RawBlock]:
        chunk, file = self._chunk, self._chunk.file
        if chunk.stretches:
            yield from _stretches(opened, chunk.start, chunk.stretches)
            return
        if chunk.format and chunk.format.verbatim and not chunk.members:
            yield from ties_in_order(_blocks(opened, chunk.start, chunk.size))
            return
        stretch = BufferedReader(ByteRange(opened, chunk))
        for segment in segments(stretch, self.notes, self._advance):
            self.format = self.format or detect_format(segment.peek(), file.folder)
            if self.format:
                yield from self.format.raw_blocks(segment, self.notes)
        if not self.format:  # reading it by itself gives the reason
            for _ in read_file(file, FileDiagnostics(file.name)):
                pass


def _blocks(opened: IO[bytes], start: int, size: int) -> Iterator[RawBlock]:
    """Yield the lines that begin in a stretch of a file."""
    at = 0
    if start:
        opened.seek(start - 1)
        at = len(opened.readline()) - 1
    opened.seek(start + at)
    while at < size:
        # up to the last byte but one: the line that this byte is of may be long
        block = opened.read(min(raw_blocks.BLOCK_BYTES, size - at) - 1) + opened.readline()
        if not block:
            return
        yield json_lines_block(block, at)
        at += len(block)


def _stretches(opened: IO[bytes], origin: int, stretches: Stretches) -> Iterator[RawBlock]:
    """Yield the blocks that a survey selected."""
    unpacked = UnpackedFile(opened, origin, stretches.checkpoints)
    for start, stop in stretches.bounds:
        if stretches.is_packed:
            raw = unpacked.read(start, stop)
        else:
            opened.seek(origin + start)
            raw = opened.read(stop - start)
        yield RawBlock(raw=raw, convert=stretches.convert, names_streams=stretches.names_streams)
