"""Members of gzip: unpacked by the chunk, and once more from a checkpoint on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from zlib_ng import zlib_ng as zlib

from retryctl.core.value_classes import value_class
from retryctl.sources.saved.read_stats import FileDiagnostics

READ_BYTES = 1 << 16
UNPACKED_BYTES = 1 << 17  # of twice as many, the C library maps and unmaps memory each time
CHECKPOINT_BYTES = 16 << 20  # unpacked between two; each has the last 32 KB

GZIP_MAGIC = b"\x1f\x8b\x08"
BREAK = b""
"""The data behind it does not continue the data before it."""
ZLIB_WITH_GZIP_HEADER = 31


def raw_chunks(file: IO[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the bytes of a file, and report how many there were."""
    while chunk := file.read(READ_BYTES):
        progress(len(chunk))
        yield chunk


@value_class
class Checkpoint:
    """A place in a gzip member from which it can be unpacked once more.

    ``at`` is the number of bytes unpacked before it, ``read`` that of the packed bytes read.
    """

    at: int = 0
    read: int = 0
    pending: bytes = b""
    member: Any = None


_START = Checkpoint()


def gunzipped(
    chunks: Iterator[bytes], diagnostics: FileDiagnostics, start: Checkpoint = _START
) -> Iterator[bytes]:
    """Unpack members of gzip; after a corrupt one, go on with the next member found."""
    member = start.member and start.member.copy()
    pending = start.pending
    at, unpacked_bytes, next_checkpoint = start.read, start.at, start.at + CHECKPOINT_BYTES
    for chunk in chunks:
        pending += chunk
        at += len(chunk)
        while pending:
            if member is None:
                pending = _from_member(pending)
                if len(pending) < len(GZIP_MAGIC):
                    break
                member = zlib.decompressobj(ZLIB_WITH_GZIP_HEADER)
            elif unpacked_bytes >= next_checkpoint:
                place = Checkpoint(
                    at=unpacked_bytes, read=at, pending=pending, member=member.copy()
                )
                diagnostics.checkpoints.append(place)
                next_checkpoint = unpacked_bytes + CHECKPOINT_BYTES
            try:
                unpacked = member.decompress(pending, UNPACKED_BYTES)
            except zlib.error as error:  # type: ignore[misc]  # declared as an instance
                diagnostics.is_decoded = True
                diagnostics.damaged(f"corrupt gzip data before byte {at} ({error})")
                yield BREAK
                member, pending = None, pending[1:]
                continue
            if unpacked:
                unpacked_bytes += len(unpacked)
                yield unpacked
            pending = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    if member is not None:
        rest = member.flush()
        if rest:
            diagnostics.is_decoded = True
            yield rest
        diagnostics.breaks_off(f"its gzip data breaks off at byte {at}")


class UnpackedFile:
    """The unpacked data of a gzip file, read from checkpoint to checkpoint, forwards."""

    def __init__(self, file: IO[bytes], origin: int, checkpoints: Sequence[Checkpoint]) -> None:
        self._file, self._origin = file, origin
        self._checkpoints = (Checkpoint(), *checkpoints)
        self._chunks: Iterator[bytes] = iter(())
        self._at, self._unpacked = -1, b""

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes ``[start, stop)``; ``start`` never falls."""
        nearest = [place for place in self._checkpoints if place.at <= start][-1]
        if nearest.at > self._at:
            self._file.seek(self._origin + nearest.read)
            raw = raw_chunks(self._file, lambda _: None)
            self._chunks = gunzipped(raw, FileDiagnostics(""), nearest)
            self._at, self._unpacked = nearest.at, b""
        while (end := self._at + len(self._unpacked)) < stop:
            known = min(start, end) - self._at
            self._at, self._unpacked = self._at + known, self._unpacked[known:]
            chunk = next(self._chunks, None)
            if chunk is None:  # the file was changed meanwhile
                break
            self._unpacked += chunk
        return self._unpacked[start - self._at : stop - self._at]


def _from_member(data: bytes) -> bytes:
    """Return ``data`` from the start of a gzip member, or its end that may start one."""
    start = data.find(GZIP_MAGIC)
    if start >= 0:
        return data[start:]
    kept = next((n for n in (2, 1) if data.endswith(GZIP_MAGIC[:n])), 0)
    return data[len(data) - kept :]
