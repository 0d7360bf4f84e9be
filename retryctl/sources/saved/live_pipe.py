"""A pipe that grows: what it gave so far can be read while it goes on."""

from __future__ import annotations

import io
import os
import stat
import threading
import time
from functools import partial
from typing import IO

from retryctl.daemon_thread import start_daemon_thread
from retryctl.sources.saved.files import STDIN_NAME, SavedFile, cannot_copy
from retryctl.temporary import temporary_file

_READ_BYTES = 1 << 16


def is_pipe(stream: IO[bytes] | None) -> bool:
    """Whether another program writes to the stream, so that it may grow for a long time."""
    try:
        mode = os.fstat(stream.fileno()).st_mode if stream else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class LivePipe:
    """Copies a pipe to a temporary file, in a thread, from ``start`` on.

    ``size`` is the number of bytes that were copied.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self.size = 0
        self._pipe = pipe
        self._whole_lines = 0
        self._grew_at = 0.0
        self._ended = threading.Event()
        self._copy: IO[bytes] | None = None
        self._error: OSError | MemoryError | None = None

    def start(self) -> bool:
        """Begin to copy; return false where no temporary file or no thread can be made."""
        try:
            self._copy = temporary_file(buffering=0)  # read until the end
            self._grew_at = time.monotonic()
        except OSError:
            return False
        return start_daemon_thread(self._read)

    @property
    def has_ended(self) -> bool:
        """Whether the pipe is closed, and all of it is copied."""
        return self._ended.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the pipe is closed, or this long; return whether it is closed."""
        return self._ended.wait(seconds)

    def quiet_s(self) -> float:
        """Return for how many seconds nothing has come."""
        return time.monotonic() - self._grew_at

    def so_far(self) -> SavedFile:
        """Return what has come, up to the end of its last line while more may come.

        Raises UnreadableInput where it could not be copied.
        """
        ended = self.has_ended
        if isinstance(self._error, MemoryError):
            raise self._error
        if self._error:
            raise cannot_copy(STDIN_NAME, self._error)
        size = self.size if ended else self._whole_lines
        return SavedFile(name=STDIN_NAME, size=size, open=partial(self._open, size))

    def _open(self, size: int) -> IO[bytes]:
        assert self._copy is not None  # it was started
        return io.BufferedReader(_FirstBytes(self._copy.fileno(), size))

    def _read(self) -> None:
        assert self._copy is not None
        try:
            while data := os.read(self._pipe.fileno(), _READ_BYTES):
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._copy.fileno(), rest) :]
                if newline := data.rfind(b"\n") + 1:
                    self._whole_lines = self.size + newline
                self.size += len(data)
                self._grew_at = time.monotonic()
        except (OSError, MemoryError) as error:
            self._error = error
        finally:
            self._ended.set()


class _FirstBytes(io.RawIOBase):
    """The first bytes of a file that another thread appends to."""

    def __init__(self, file: int, size: int) -> None:
        self._file, self._size, self._at = file, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._file, min(len(buffer), max(self._size - self._at, 0)), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
