"""The lab's clock: it runs with the host's, and skips the waits."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable
from typing import IO

from retryctl.lab.inside.virtual_time import FAULTS, PAGE
from retryctl.temporary import temporary_file


class VirtualClock:
    """Epoch seconds from ``start_s`` on; they pass as ``host`` does, with jumps forward."""

    def __init__(self, start_s: float, host: Callable[[], float] = time.time) -> None:
        self._host = host
        self.offset_s = start_s - host()

    def now_s(self) -> float:
        """Return the virtual now, in epoch seconds."""
        return self._host() + self.offset_s

    def now_ms(self) -> int:
        """Return the virtual now, in epoch milliseconds."""
        return int(self.now_s() * 1000)

    def advance_to(self, moment_s: float) -> None:
        """Jump to ``moment_s``, unless it has passed."""
        self.offset_s += max(0.0, moment_s - self.now_s())


class ClockPage:
    """The shared page from which a function's process reads the virtual time and its fault."""

    def __init__(self, file: IO[bytes], page: mmap.mmap) -> None:
        self._file, self._page = file, page  # the file lives as long as the page

    @classmethod
    def open(cls) -> ClockPage:
        """Make the page, in a temporary file."""
        file = temporary_file()
        file.write(bytes(PAGE.size))
        file.flush()
        return cls(file, mmap.mmap(file.fileno(), PAGE.size))

    def fileno(self) -> int:
        """Return the file descriptor that the process maps."""
        return self._file.fileno()

    def write(self, offset_s: float, fault: str | None = None, *, late: bool = False) -> None:
        """Set the time, and the fault of the next invocation: before its handler, or after it."""
        PAGE.pack_into(self._page, 0, offset_s, FAULTS.index(fault) + 1 if fault else 0, late)

    def close(self) -> None:
        """Unmap the page; the process keeps its own mapping."""
        self._page.close()
        self._file.close()
