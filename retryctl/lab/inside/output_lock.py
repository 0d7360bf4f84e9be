"""A lock for the pipe of all output: no write of one thread in the middle of another's.

A write longer than PIPE_BUF that has to wait for room in the pipe can be cut by any other
write. stdout, stderr and the runtime client's framed records share a lock for that reason.
What bypasses Python's own streams (``os.write``, other programs) does not take it.
"""

from __future__ import annotations

import io
import os
import sys
import threading

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any


_lock = threading.RLock()  # a signal's handler may print while its own thread writes


class AtomicWriter(io.RawIOBase):
    """A descriptor that is written to by one at a time."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def writable(self) -> bool:
        """Return True: the file can only be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def write(self, data: Any) -> int:
        """Write all of ``data``, however often the pipe is full."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        with _lock:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        return length


def lock_output(log_fd: int) -> None:
    """Put such descriptors under stdout, stderr and whatever opens ``log_fd``."""
    for name, fd in (("stdout", 1), ("stderr", 2)):
        old = getattr(sys, name)
        raw = io.BufferedWriter(AtomicWriter(fd))
        new = io.TextIOWrapper(raw, old.encoding, old.errors, line_buffering=old.line_buffering)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    fdopen = os.fdopen

    def open_descriptor(fd: int, *arguments: Any, **options: Any) -> Any:
        return AtomicWriter(fd) if fd == log_fd else fdopen(fd, *arguments, **options)

    os.fdopen = open_descriptor
    os.register_at_fork(after_in_child=_renew_lock)


def _renew_lock() -> None:
    """In a child the thread that held the lock is not there to give it back."""
    global _lock
    _lock = threading.RLock()
