"""How long the lab takes for three attempts, against what it promises.

Each figure is the median of some runs of a lab of its own, made and removed with it; the last
is the whole command, the start of Python included::

    python benchmarks/lab.py [RUNS]
"""

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


def every_plan() -> None:
    subprocess.run([*COMMAND, "--plan", "all", "--quiet"], check=True, stdout=subprocess.DEVNULL)


PROMISES: list[tuple[str, Callable[[], None], float]] = [
    ("three attempts in one environment", lambda: plan("same,same"), 0.5),
    ("three attempts, each in a cold one", lambda: plan("fresh,fresh"), 1.0),
    ("the first timing out, then two", lambda: plan("first+timeout,same,same"), 1.0),
    ("retryctl lab run --plan all", every_plan, 5.0),
]


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(runs: int) -> int:
    kept = True
    for what, work, promised in PROMISES:
        took = [seconds(work) for _ in range(runs)]
        median = statistics.median(took)
        kept = kept and median < promised
        print(
            f"{what:<36} {median:6.3f} s  ({min(took):.3f} to {max(took):.3f}), under {promised} s"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
