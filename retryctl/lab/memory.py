"""How much memory a process has held, as the host counts it."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def peak_mb(pid: int) -> int:
    """Return the process's peak of resident memory in MB, 0 where the process is gone.

    Its own children are not counted. Where the host has no /proc, the memory of this moment
    stands for the peak.
    """
    if not Path("/proc/self").exists():
        return _now_mb(pid)
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return math.ceil(int(found[1]) / 1024) if found else 0


def _now_mb(pid: int) -> int:
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return math.ceil(int(answer) / 1024) if answer else 0
