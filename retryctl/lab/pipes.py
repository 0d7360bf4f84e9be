"""The pipes between the lab and a function's process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios
from collections.abc import Mapping

_WIDTH = 1 << 20
"""Bytes: as much as Linux gives an ordinary user."""


class Pipes:
    """Three pipes, by the lab's ends.

    ``log`` carries all that the function writes, ``status`` the facts of ``inside.bootstrap``.
    Nothing is written to ``control``: when it closes, the supervisor ends the function.
    ``theirs`` are the other ends, by the names that bootstrap knows.
    """

    def __init__(self, log: int, status: int, control: int, theirs: Mapping[str, int]) -> None:
        self.log, self.status, self._control, self.theirs = log, status, control, theirs

    @classmethod
    def open(cls) -> Pipes:
        """Make the pipes."""
        (log, log_fd), (status, status_fd), (control_fd, control) = (os.pipe() for _ in range(3))
        if sys.platform == "linux":  # a function that logs much need not wait
            with contextlib.suppress(OSError):  # the user's pipes are at their limit
                fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, _WIDTH)
        theirs = {"log_fd": log_fd, "status_fd": status_fd, "control_fd": control_fd}
        return cls(log, status, control, theirs)

    def close_theirs(self) -> None:
        """Close the other ends, which the process alone uses."""
        for fd in self.theirs.values():
            os.close(fd)

    def close_control(self) -> None:
        """Let the supervisor end the process."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def close(self) -> None:
        """Close the lab's ends."""
        self.close_control()
        os.close(self.log)
        os.close(self.status)

    def read_log(self) -> bytes:
        """Read what is written by now, not what follows: a function may never pause."""
        (length,) = struct.unpack("i", fcntl.ioctl(self.log, termios.FIONREAD, bytes(4)))
        return os.read(self.log, length) if length else b""

    def read_status(self) -> bytes:
        """Wait for facts of bootstrap and read them; return nothing where it has ended."""
        return os.read(self.status, 4096)
