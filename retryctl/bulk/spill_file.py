"""Spill bytes to a temporary file, or keep them in memory where no file can be written."""

from __future__ import annotations

import os
from typing import IO

_IN_MEMORY_BYTES = 8 << 20

SpillPlace = tuple[int, int]
"""Where a piece of bytes is kept, and its length."""


class SpillFile:
    """Pieces of bytes, each with a place to get it back from.

    The first few megabytes stay in memory, and so does everything that cannot be written: no
    folder for temporary files, a full disk.
    """

    def __init__(self, in_memory_bytes: int = _IN_MEMORY_BYTES) -> None:
        self._pieces: list[bytes] = []
        self._room = in_memory_bytes
        self._file: IO[bytes] | None = None
        self._end = 0
        self._writable = True

    def put(self, data: bytes | bytearray) -> SpillPlace:
        """Keep the bytes, and return their place."""
        self._room -= len(data)
        if self._room < 0 and self._writable and (at := self._written(data)) is not None:
            return at, len(data)
        self._pieces.append(bytes(data))
        return -len(self._pieces), len(data)

    def get(self, place: SpillPlace) -> bytes:
        """Return the bytes at a place."""
        at, length = place
        if at < 0:
            return self._pieces[-at - 1]
        assert self._file is not None  # something was written there
        self._file.seek(at)
        return self._file.read(length)

    def _written(self, data: bytes | bytearray) -> int | None:
        from retryctl.temporary import temporary_file  # a small log has no use for it

        try:
            # It must outlive this function, and ends with the last reference to it. Without a
            # buffer a full disk shows itself here and not when the file is closed.
            self._file = self._file or temporary_file(buffering=0)
            at = self._file.seek(self._end)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file.fileno(), rest) :]
        except OSError:
            self._writable = False
            return None
        self._end = at + len(data)
        return at
