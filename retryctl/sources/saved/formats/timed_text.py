"""Text in which each event begins at a line with a time; the lines up to the next belong to it.

The text is converted by the block: one pattern splits it into times, streams and messages, and
each of these lists is converted as a whole (``canonical``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader
from itertools import repeat
from typing import ClassVar

from retryctl.core.timestamps import iso_ms
from retryctl.sources.saved.canonical import canonical_block, escaped, line_start
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.formats.json_lines import BLOCK_BYTES, LineFormat

_MOST_CACHED = 1 << 16

DAY = rb"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
TIME = rb"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
FRACTION = rb"((?:[.,]\d{1,9})?)"
OFFSET = rb"((?:Z|[+-]\d\d:?\d\d)?)"


@dataclass(frozen=True)
class TimedText(LineFormat):
    """Text whose events begin with ``header``.

    ``header`` has the groups second, fraction and offset, then those that ``columns`` names.
    A ``log_stream`` that is not in the text may be known from elsewhere.
    """

    header: ClassVar[re.Pattern[bytes]]
    columns: ClassVar[tuple[str, ...]] = ()
    splittable = True

    newline: bytes = b"\n"
    log_stream: bytes | None = None

    def blocks(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """The events of a segment as canonical lines, those of one part of the text at a time."""
        first = True
        for text in self._parts(segment):
            before, *fields = self.header.split(text)
            if first and before.strip():
                _note_lines(before, diagnostics)
            first = False
            if fields:
                yield self._block(fields)

    def begins_event(self, line: bytes) -> bool:
        """Whether the line begins with a header."""
        return self.header.match(line) is not None

    def messages(self, joined: bytes) -> bytes:
        """The messages, each behind a NUL, as the format gives them back."""
        return joined

    def _parts(self, segment: BufferedReader) -> Iterator[bytes]:
        """The text in parts, each of which ends before an event."""
        pending, size = b"", BLOCK_BYTES
        while chunk := segment.read(size):
            text = pending + chunk
            cut = self._last_event(text)
            if cut:
                yield text[:cut].replace(self.newline, b"\n")
                size = BLOCK_BYTES
            else:
                size *= 2
            pending = text[cut:]
        yield pending.replace(self.newline, b"\n")

    def _last_event(self, text: bytes) -> int:
        """Where the last event of ``text`` begins, whose line is whole; 0 where only one does."""
        line = text.rfind(b"\n", 0, text.rfind(b"\n")) + 1
        while line and not self.header.match(text, line):
            line = text.rfind(b"\n", 0, line - 1) + 1
        return line

    def _block(self, fields: list[bytes]) -> bytes:
        width = self.header.groups + 1
        seconds = epoch_seconds(fields[0::width], fields[2::width])
        millis = map(_MILLIS.__getitem__, fields[1::width])
        return canonical_block(
            self._starts(fields, width), seconds, millis, escaped(self._messages(fields, width))
        )

    def _starts(self, fields: list[bytes], width: int) -> Iterator[bytes]:
        columns = [fields[3 + at :: width] for at in range(len(self.columns))]
        if not columns:
            return repeat(line_start(None, self.log_stream), len(fields) // width)
        if self.columns == ("stream",):
            return map(_STREAM_STARTS.__getitem__, columns[0])
        return map(_GROUP_STARTS.__getitem__, zip(*columns, strict=True))

    def _messages(self, fields: list[bytes], width: int) -> list[bytes]:
        messages = fields[width - 1 :: width]
        joined = b"\0%b\0" % b"\0".join(messages)
        while b"\n\0" in joined:
            joined = joined.replace(b"\n\0", b"\0")
        stripped = self.messages(joined)[1:-1].split(b"\0")
        return stripped if len(stripped) == len(messages) else [m.rstrip(b"\n") for m in messages]


def epoch_seconds(seconds: list[bytes], offsets: list[bytes]) -> Iterator[bytes]:
    """The times in whole seconds since the epoch, in digits."""
    if len(set(offsets)) == 1:
        return map(_seconds_at(offsets[0]).__getitem__, seconds)
    return (_seconds_at(offset)[second] for second, offset in zip(seconds, offsets, strict=True))


class _Cache(dict[bytes, bytes]):
    """What a function gives for each of the few values that many events share."""

    def __init__(self, convert: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, key: bytes) -> bytes:
        if len(self) > _MOST_CACHED:
            self.clear()
        value = self[key] = self._convert(key)
        return value


class _GroupStarts(dict[tuple[bytes, ...], bytes]):
    """The starts of lines by group and stream."""

    def __missing__(self, names: tuple[bytes, ...]) -> bytes:
        if len(self) > _MOST_CACHED:
            self.clear()
        value = self[names] = line_start(names[0], names[1])
        return value


@lru_cache(maxsize=64)
def _seconds_at(offset: bytes) -> _Cache:
    """The conversion of times with one offset. A 30 February is 2 March."""
    zone = offset.decode()

    def convert(second: bytes) -> bytes:
        text, days = second.decode(), int(second[8:10]) - 1
        month_ms = iso_ms(f"{text[:8]}01{text[10:]}{zone}") or 0
        return b"%d" % (month_ms // 1000 + days * 86_400)

    return _Cache(convert)


_MILLIS = _Cache(lambda fraction: fraction[1:4].ljust(3, b"0"))
_STREAM_STARTS = _Cache(lambda stream: line_start(None, stream))
_GROUP_STARTS = _GroupStarts()


def _note_lines(text: bytes, diagnostics: FileDiagnostics) -> None:
    """Note the lines before the first event."""
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            diagnostics.unread_event(number, line.decode())
