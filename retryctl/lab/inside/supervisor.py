"""The supervisor: whatever the function starts ends with it, and with the lab.

On Linux it adopts orphans (``PR_SET_CHILD_SUBREAPER``), so that a process that forks twice
and leaves its session is still found. Elsewhere it ends the function's own session only.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading

from retryctl.lab.inside.client_choice import SIGKILL

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def supervise(child: int, control_fd: int) -> None:
    """Wait for ``child`` to end, then end all that it left.

    ``child`` is killed when the other end of ``control_fd`` closes: the lab is done with
    it, or has ended itself.
    """
    threading.Thread(target=_kill_at_end_of, args=(control_fd, child), daemon=True).start()
    while os.wait()[0] != child:
        pass  # an orphan of the function's
    if sys.platform == "linux":
        _end_descendants()
    else:
        _kill_session(child)


def _kill_at_end_of(fd: int, child: int) -> None:
    while os.read(fd, 1):
        pass
    os.kill(child, SIGKILL)


def _end_descendants() -> None:
    """Kill the children, wait, and do so again for the grandchildren that come to us thereby."""
    while True:
        for pid in _children():
            os.kill(pid, SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Return the children of this process, by the parent that each process in /proc names."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # "pid (name) state ppid": the name may hold spaces and parentheses.
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == os.getpid():
            found.append(int(name))
    return found


def _kill_session(child: int) -> None:
    try:
        os.killpg(child, SIGKILL)
    except OSError:
        return
