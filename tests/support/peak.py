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
import re, sys
from retryctl.cli.main import run
status = run(sys.argv[1:])
peak_kb = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]
open("peak", "w").write(peak_kb)
sys.exit(status)
""",
)

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak is read from /proc"
)


def peak_kb(folder: Path) -> int:
    """What ``MEASURED`` wrote, which ran in ``folder``."""
    return int((folder / "peak").read_text())
