"""``run`` gives what a process gives, and leaves its own process as it was."""

import logging
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.program import run, run_process

AN_EVENT = '{"timestamp": 1795402800000, "message": "x"}\n'
CASES: list[tuple[list[str], dict[str, str], str]] = [
    (["--help"], {"COLUMNS": "60"}, ""),
    (["list", "--from", "demo", "--color", "always", "--tz", "local"], {"TZ": "Asia/Tokyo"}, ""),
    (["check", "--from", "-", "-o", "json"], {"NO_COLOR": "1"}, AN_EVENT),
    (["trace"], {}, ""),
]


@pytest.mark.parametrize(("arguments", "env", "stdin"), CASES, ids=lambda case: str(case)[:30])
def test_a_run_in_this_process_equals_one_in_its_own(
    arguments: list[str], env: dict[str, str], stdin: str
) -> None:
    here = run(*arguments, env=env, stdin=stdin)
    process = run_process(*arguments, env=env, stdin=stdin)
    assert (here.returncode, here.stdout, here.stderr) == (
        process.returncode,
        process.stdout,
        process.stderr,
    )


def test_a_run_leaves_the_state_of_the_process(tmp_path: Path) -> None:
    def state() -> object:
        signals = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        root = logging.getLogger()
        streams = (sys.stdin, sys.stdout, sys.stderr, sys.argv)
        return (
            signals,
            root.handlers[:],
            root.level,
            streams,
            dict(os.environ),
            os.getcwd(),
            time.tzname,
        )

    before = state()
    run("list", "--from", "demo", "--debug", env={"TZ": "Asia/Tokyo"}, cwd=tmp_path)
    assert state() == before
