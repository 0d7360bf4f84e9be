"""The most memory that the program held, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The program's own peak: ru_maxrss holds that of who started it.
MEASURED = (
    sys.executable,
    "-c",
    r"""
import re, runpy
try: runpy.run_module("retryctl", run_name="__main__")
finally:
    peak_kb = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]
    open("peak", "w").write(peak_kb)
""",
)

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak is read from /proc"
)


def peak_kb(folder: Path) -> int:
    """What ``MEASURED`` wrote, which ran in ``folder``."""
    return int((folder / "peak").read_text())
