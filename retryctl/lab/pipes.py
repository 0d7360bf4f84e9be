"""The pipes between the lab and a function's process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios

_WIDTH = 1 << 20
"""Bytes: as much as Linux gives an ordinary user."""


class Pipes:
    """Three pipes, by the lab's ends.

    ``log`` is all that the function writes. ``status`` is what ``inside.bootstrap`` has to
    say. Nobody writes to ``control``: its end tells the supervisor that the lab is done, or
    is no more. ``theirs`` are the other ends, by the names that bootstrap knows.
    """

    def __init__(self) -> None:
        self.log, log = os.pipe()
        self.status, status = os.pipe()
        control, self._control = os.pipe()
        self.theirs = {"log_fd": log, "status_fd": status, "control_fd": control}
        if sys.platform == "linux":  # so that a function which logs much need not wait for us
            with contextlib.suppress(OSError):  # all of the user's pipes hold too much already
                fcntl.fcntl(self.log, fcntl.F_SETPIPE_SZ, _WIDTH)

    def close_theirs(self) -> None:
        """Leave the other ends to the process alone."""
        for fd in self.theirs.values():
            os.close(fd)

    def close_control(self) -> None:
        """Tell the supervisor to end the process."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def close(self) -> None:
        """Close all that is the lab's."""
        self.close_control()
        os.close(self.log)
        os.close(self.status)

    def read_log(self) -> bytes:
        """Read what was written until now and not since: a function may never pause."""
        (length,) = struct.unpack("i", fcntl.ioctl(self.log, termios.FIONREAD, bytes(4)))
        return os.read(self.log, length) if length else b""

    def read_status(self) -> bytes:
        """Read what bootstrap says, as soon as it says something; nothing where it has ended."""
        return os.read(self.status, 4096)
