"""How long the lab takes for three attempts, against what it promises, and its CPU time.

Each figure is the median of some runs of a lab of its own, made and removed with it; CPU time is
that of all processes, the lowest. The last two are whole commands, the start of Python included::

    python benchmarks/lab.py [RUNS]
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from retryctl.lab.plugin import HandlerLab

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "tmp_counter_by_hand.py"
HANDLER = f"{EXAMPLE}:handler"
EVENT = '{"order": {"number": 1, "items": 3}}'
COMMAND = [sys.executable, "-m", "retryctl", "lab", "run", HANDLER, "--event", EVENT]


def plan(text: str) -> None:
    HandlerLab(HANDLER, Path()).run(text, {"order": {"number": 1, "items": 3}})


def command(*options: str) -> None:
    subprocess.run([*COMMAND, *options, "--quiet"], check=True, stdout=subprocess.DEVNULL)


PROMISES: list[tuple[str, Callable[[], None], float]] = [
    ("three attempts in one environment", lambda: plan("same,same"), 0.5),
    ("three attempts, each in a cold one", lambda: plan("fresh,fresh"), 1.0),
    ("the first timing out, then two", lambda: plan("first+timeout,same,same"), 1.0),
    ("retryctl lab run --retries 0", lambda: command("--retries", "0"), 2.0),
    ("retryctl lab run --plan all", lambda: command("--plan", "all"), 5.0),
]


def cpu_s() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in usages)


def measured(work: Callable[[], None]) -> tuple[float, float]:
    began, cpu_before_s = time.perf_counter(), cpu_s()
    work()
    return time.perf_counter() - began, cpu_s() - cpu_before_s


def main(runs: int) -> int:
    kept = True
    for what, work, promised in PROMISES:
        took, cpu = zip(*(measured(work) for _ in range(runs)), strict=True)
        median = statistics.median(took)
        kept = kept and median < promised
        print(
            f"{what:<36} {median:6.3f} s  ({min(took):.3f} to {max(took):.3f}), under {promised} s;"
            f" CPU {min(cpu):.3f} s"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
