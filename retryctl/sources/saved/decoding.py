"""Decode a file to clean UTF-8: gzip in one or two layers, UTF-16, byte order marks.

Three steps, each an iterator of byte chunks that feeds the next::

    raw chunks -> gunzip (none, one or two layers) -> UTF-8 without a BOM -> segments

The first bytes show gzip and UTF-16, the name does not: Firehose compresses data that is
compressed already, exports lose their ``.gz``, PowerShell writes UTF-16.

An empty chunk is a *break*: the data behind it does not continue the data before it, as after a
corrupt gzip member. A *segment* is the data between two breaks.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO

from retryctl.sources.saved.gzip_members import BREAK, GZIP_MAGIC, gunzipped, raw_chunks
from retryctl.sources.saved.read_stats import FileDiagnostics

SEGMENT_BUFFER_BYTES = 1 << 20

_GZIP_LAYERS = 2
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def segments(
    file: IO[bytes], diagnostics: FileDiagnostics, progress: Callable[[int], None]
) -> Iterator[io.BufferedReader]:
    """Yield the segments of ``file``; read each before the next.

    ``progress`` gets the number of bytes of each chunk that is read from the disk.
    """
    chunks = _utf8(_unpacked(raw_chunks(file, progress), diagnostics), diagnostics)
    while True:
        segment = _Segment(chunks)
        yield io.BufferedReader(segment, SEGMENT_BUFFER_BYTES)
        segment.skip_rest()
        if not segment.more_follow:
            return


def _unpacked(
    chunks: Iterator[bytes], diagnostics: FileDiagnostics, layers: int = _GZIP_LAYERS
) -> Iterator[bytes]:
    first = next(chunks, BREAK)
    whole = chain([first], chunks) if first else chunks
    if layers and first.startswith(GZIP_MAGIC):
        diagnostics.gzip_layers += 1
        return _unpacked(gunzipped(whole, diagnostics), diagnostics, layers - 1)
    return whole


def _utf8(chunks: Iterator[bytes], diagnostics: FileDiagnostics) -> Iterator[bytes]:
    """Convert text to UTF-8 without a BOM; bytes that are not text become U+FFFD."""
    first = next(chunks, BREAK)
    encoding, bom_bytes = encoding_of(first)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    diagnostics.is_decoded |= bool(bom_bytes) or encoding != "utf-8"
    for chunk in chain(filter(None, [first[bom_bytes:]]), chunks):
        if encoding == "utf-8" and chunk.isascii() and not decoder.getstate()[0] and chunk:
            yield chunk
        elif text := decoder.decode(chunk, final=not chunk):
            diagnostics.is_decoded |= "\ufffd" in text
            yield text.encode()
        if not chunk:
            yield BREAK
    if rest := decoder.decode(b"", final=True):
        diagnostics.is_decoded = True
        yield rest.encode()


def encoding_of(first: bytes) -> tuple[str, int]:
    """Return the encoding that the first bytes show, and the length of the BOM."""
    for bom, encoding in _BOMS:
        if first.startswith(bom):
            return encoding, len(bom)
    if first[1:64:2] and not any(first[1:64:2]) and all(first[0:64:2]):
        return "utf-16-le", 0
    return "utf-8", 0


class _Segment(io.RawIOBase):
    """The chunks up to the next break, as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._ended = False
        self.more_follow = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` as far as the segment goes, so that a peek gets as much as possible."""
        filled = 0
        while filled < len(buffer) and self._fetch():
            size = min(len(buffer) - filled, len(self._rest))
            buffer[filled : filled + size] = self._rest[:size]
            self._rest = self._rest[size:]
            filled += size
        return filled

    def skip_rest(self) -> None:
        """Go to the end of the segment, if its reader stopped before it."""
        while self._fetch():
            self._rest = self._rest[:0]

    def _fetch(self) -> bool:
        if not self._rest and not self._ended:
            chunk = next(self._chunks, None)
            self._ended = not chunk
            self.more_follow = chunk is not None and not chunk
            self._rest = memoryview(chunk or b"")
        return bool(self._rest)
