"""The memory of a function's processes, and the processes themselves, as /proc lists them."""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections.abc import Iterator

_PEAK = re.compile(rb"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_SHARE = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)
_HAS_PROC = os.path.exists("/proc/self")


def used_mb(pid: int) -> int:
    """Return the memory in MB of a process, 0 where it is gone.

    Alone, it is the peak of its resident memory. With children it is what all of them have at
    this moment, shared pages counted once. Where the host has no /proc, it is the resident memory
    of this moment, without children.
    """
    if not _HAS_PROC:
        return _resident_mb(pid)
    peak_kb = _kb(_PEAK, f"/proc/{pid}/status")
    children = list(descendants(pid))
    if children:
        shares = (_kb(_SHARE, f"/proc/{one}/smaps_rollup") for one in (pid, *children))
        peak_kb = max(peak_kb, sum(shares))
    return math.ceil(peak_kb / 1024)


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process started, and those that these started; parents first."""
    for child in _children(pid):
        yield child
        yield from descendants(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _content(f"/proc/{pid}/task/{thread}/children").split())
    except OSError:
        pass  # the process or a thread has ended
    return found


def _kb(pattern: re.Pattern[bytes], path: str) -> int:
    try:
        found = pattern.search(_content(path))
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _resident_mb(pid: int) -> int:
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return math.ceil(int(answer) / 1024) if answer else 0
