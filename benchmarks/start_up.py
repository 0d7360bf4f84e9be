"""Measure the start of commands beside Python itself and the AWS CLI: lowest processor seconds.

    python benchmarks/start_up.py [RUNS]

Processor time, and the lowest of RUNS rounds (12): what else the machine does counts little.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence

ID = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
RETRYCTL = (sys.executable, "-m", "retryctl")
COMPLETION = {"COMP_WORDS": "retryctl trace --f", "COMP_CWORD": "2"}


def processor_s(command: Sequence[str], env: dict[str, str]) -> float:
    """Run the command; its user and system time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=os.environ | env, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    commands: dict[str, tuple[Sequence[str], dict[str, str]]] = {
        "python -c pass": ((sys.executable, "-c", "pass"), {}),
        "completion": (RETRYCTL, {"_RETRYCTL_COMPLETE": "complete_bash", **COMPLETION}),
    }
    for line in ("--version", "--help", "trace --help", f"trace --from demo {ID}", "demo"):
        commands[f"retryctl {line}"] = ((*RETRYCTL, *line.split()), {})
    if aws := shutil.which("aws"):
        commands["aws --version"] = ((aws, "--version"), {})
    lowest = dict.fromkeys(commands, float("inf"))
    for _ in range(rounds):
        for name, (command, env) in commands.items():
            lowest[name] = min(lowest[name], processor_s(command, env))
    for name, seconds in lowest.items():
        print(f"{seconds * 1000:6.0f} ms  {name}")


if __name__ == "__main__":
    main()
