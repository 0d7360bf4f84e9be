"""What is read at once: a file, or a stretch of a large one.

A file is cut only where it is sure that what lies behind the cut reads the same without what lies
before it: lines of JSON anywhere, text where an event begins, gzip between two members. What
looks like a member's beginning can lie within compressed data. So a cut between members is a
guess; whether the data before it ends there is told by its reading (``Scanning``).
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from retryctl.sources.saved.decode import CHUNK_BYTES
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.log_format import LogFormat

_ZLIB_WITH_GZIP_HEADER = 31
_GZIP_MAGIC = b"\x1f\x8b\x08"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# Its flags (a name at most), its time, its level, its system; RFC 1952.
_MEMBER = re.compile(rb"\x1f\x8b\x08[\x00\x08].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.S)
_HEAD_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A stretch ``[start, stop)`` of a file, in bytes; up to its end where ``stop`` is ``None``.

    ``shape`` is that of a file that was cut. Of ``members`` of gzip it is what is packed.
    """

    file: SavedFile
    start: int = 0
    stop: int | None = None
    shape: LogFormat | None = None
    members: bool = False

    @property
    def size(self) -> int:
        """Its bytes on the disk."""
        return (self.file.size if self.stop is None else self.stop) - self.start

    @property
    def rest(self) -> Chunk:
        """The same up to the end of the file."""
        return Chunk(file=self.file, start=self.start, shape=self.shape, members=self.members)


def units_of(file: SavedFile, size: int) -> Iterator[Chunk]:
    """A file in units of about ``size`` bytes; in one where it is small or cannot be cut."""
    if file.size <= size:
        yield Chunk(file=file)
        return
    try:
        with file.open() as opened:
            yield from _cut(file, opened, size)
    except OSError:
        yield Chunk(file=file)  # its reading will say why


def _cut(file: SavedFile, opened: IO[bytes], size: int) -> Iterator[Chunk]:
    head = opened.read(CHUNK_BYTES)
    members = head.startswith(_GZIP_MAGIC)
    text = _beginning(head) if members else head
    text = text[: text.rfind(b"\n") + 1]
    shape = None if text.startswith(_BOMS) else detect_format(text, file.folder)
    next_cut: Callable[[IO[bytes], int], int | None]
    if shape and shape.verbatim:
        next_cut = _next_member if members else _next_line
    elif shape and shape.splittable and not members:
        next_cut = partial(_next_event, shape.begins_event)
    else:
        yield Chunk(file=file)
        return
    start = 0
    while (cut := next_cut(opened, start + size)) is not None:
        yield Chunk(file=file, start=start, stop=cut, shape=shape, members=members)
        start = cut
    yield Chunk(file=file, start=start, shape=shape, members=members)


def _next_line(opened: IO[bytes], position: int) -> int | None:
    """Where the first line begins that does so at a position or behind it."""
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
    """Where something begins that looks like a member with lines of JSON."""
    opened.seek(position)
    before = b""
    while chunk := opened.read(CHUNK_BYTES):
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
    return _beginning(opened.read(CHUNK_BYTES)).startswith(b'{"')


def _beginning(packed: bytes) -> bytes:
    """What a member of gzip begins with; nothing where it is none."""
    try:
        return zlib.decompressobj(_ZLIB_WITH_GZIP_HEADER).decompress(packed, CHUNK_BYTES)
    except zlib.error:
        return b""


class ByteRange(io.RawIOBase):
    """A unit's stretch of its file, as a file."""

    def __init__(self, opened: IO[bytes], unit: Chunk) -> None:
        self._opened = opened
        self._left = unit.size
        opened.seek(unit.start)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read on, up to the end of the stretch."""
        part = self._opened.read(min(len(buffer), self._left))
        buffer[: len(part)] = part
        self._left -= len(part)
        return len(part)
