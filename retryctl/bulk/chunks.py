"""Chunks: the files of a saved log, the large ones cut into stretches.

A file is cut only where the bytes behind the cut read the same without those before it: JSON
lines anywhere, text where an event begins, gzip between two members. Compressed data can contain
what looks like the start of a member. So a cut between members is a guess, which the reading of
the chunk before it confirms (``ChunkBlocks.ends_within_member``).
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

from retryctl.core.late_regex import late_regex
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.gzip_members import (
    GZIP_MAGIC,
    READ_BYTES,
    ZLIB_WITH_GZIP_HEADER,
    Checkpoint,
)
from retryctl.sources.saved.raw_blocks import Convert
from retryctl.sources.saved.saved_format import SavedFormat

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# Its flags (a name at most), its time, its level, its system; RFC 1952.
_MEMBER = late_regex(rb"\x1f\x8b\x08[\x00\x08].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.S)
_HEAD_BYTES = 10


@value_class
class Stretches:
    """Parts of a chunk, counted from its start, and what makes canonical lines of each.

    ``names_streams``: their bytes have the names of all streams of their events.
    In a file of gzip they are parts of the unpacked data, which ``checkpoints`` lead to.
    """

    bounds: tuple[tuple[int, int], ...]
    convert: Convert
    names_streams: bool = True
    is_packed: bool = False
    checkpoints: tuple[Checkpoint, ...] = ()


@value_class
class Chunk:
    """The bytes ``[start, stop)`` of a file; to its end where ``stop`` is ``None``.

    ``format`` is known of a file that was cut. With ``members`` the bytes are gzip members, and
    the format is that of their content. After a survey, only the ``stretches`` are read, and
    ``is_irregular`` marks a chunk with lines of an unusual layout; ``keeps_ties`` is its format's.
    """

    file: SavedFile
    start: int = 0
    stop: int | None = None
    format: SavedFormat | None = None
    members: bool = False
    stretches: Stretches | None = None
    is_irregular: bool = False
    keeps_ties: bool = True

    @property
    def size(self) -> int:
        """Its bytes on the disk."""
        return (self.file.size if self.stop is None else self.stop) - self.start

    @property
    def rest(self) -> Chunk:
        """The chunk extended to the end of the file."""
        return Chunk(file=self.file, start=self.start, format=self.format, members=self.members)


def split_file(file: SavedFile, size: int, *, of_members: bool = True) -> Iterator[Chunk]:
    """Cut a file into chunks of about ``size`` bytes; one, if it is small or cannot be cut.

    Unless ``of_members``, gzip is not cut: a search for its members reads the whole file.
    """
    if file.size <= size:
        yield Chunk(file=file)
        return
    try:
        with file.open() as opened:
            yield from _cut(file, opened, size, of_members)
    except OSError:
        yield Chunk(file=file)  # reading it gives the reason


def _cut(file: SavedFile, opened: IO[bytes], size: int, of_members: bool) -> Iterator[Chunk]:
    head = opened.read(READ_BYTES)
    members = head.startswith(GZIP_MAGIC)
    text = _beginning(head) if members else head
    text = text[: text.rfind(b"\n") + 1]
    found = None if text.startswith(_BOMS) else detect_format(text, file.folder)
    next_cut: Callable[[IO[bytes], int], int | None]
    if found and found.verbatim and (of_members or not members):
        next_cut = _next_member if members else _next_line
    elif found and found.splittable and not members:
        next_cut = partial(_next_event, found.begins_event)
    else:
        yield Chunk(file=file)
        return
    start = 0
    while (cut := next_cut(opened, start + size)) is not None:
        yield Chunk(file=file, start=start, stop=cut, format=found, members=members)
        start = cut
    yield Chunk(file=file, start=start, format=found, members=members)


def _next_line(opened: IO[bytes], position: int) -> int | None:
    """Where the first line begins at or behind a position."""
    opened.seek(position - 1)
    opened.readline()
    return opened.tell() if opened.peek(1) else None  # type: ignore[attr-defined]


def _next_event(begins: Callable[[bytes], bool], opened: IO[bytes], position: int) -> int | None:
    at = _next_line(opened, position)
    while at is not None and (line := opened.readline()):
        if begins(line):
            return at
        at += len(line)
    return None


def _next_member(opened: IO[bytes], position: int) -> int | None:
    """Where a member with JSON lines may begin."""
    opened.seek(position)
    before = b""
    while chunk := opened.read(READ_BYTES):
        data = before + chunk
        for found in _MEMBER.finditer(data):
            at = position - len(before) + found.start()
            if _holds_lines(opened, at):
                return at
        position += len(chunk)
        opened.seek(position)
        before = data[-(_HEAD_BYTES - 1) :]
    return None


def _holds_lines(opened: IO[bytes], at: int) -> bool:
    opened.seek(at)
    return _beginning(opened.read(READ_BYTES)).startswith(b'{"')


def _beginning(packed: bytes) -> bytes:
    """Return the first bytes of the content of a gzip member; empty where it is not one."""
    try:
        return zlib.decompressobj(ZLIB_WITH_GZIP_HEADER).decompress(packed, READ_BYTES)
    except zlib.error:
        return b""


class ByteRange(io.RawIOBase):
    """The bytes of a chunk, as a file."""

    def __init__(self, opened: IO[bytes], chunk: Chunk) -> None:
        self._opened = opened
        self._left = chunk.size
        opened.seek(chunk.start)

    def readable(self) -> bool:
        """Return true, as ``io.RawIOBase`` demands of what can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read on, to the end of the chunk."""
        count: int = self._opened.readinto(buffer[: self._left])  # type: ignore[attr-defined]
        self._left -= count
        return count
