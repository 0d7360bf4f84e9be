"""A few moments of the campaign that sends signals, and the ways in which an end can fail."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.campaigns.signal_campaign import Subject, campaign, subjects
from tests.support.program import environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted by prctl")

NAMES = (
    "trace stdin",
    "check saved",
    "trace answering",
    "check answering",
    "list hanging",
    "lab run",
)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Subject]]:
    with subjects(tmp_path_factory.mktemp("subjects")) as found:
        yield {subject.name: subject for subject in found}


# Less than what hangs takes to end by itself, and enough for a machine that is busy.
LONGEST_S = 30


@pytest.mark.parametrize("name", NAMES)
def test_signals_at_random_moments(every: Mapping[str, Subject], name: str) -> None:
    assert list(campaign(every[name], 1, seed=7, length_s=2.0, longest_s=LONGEST_S)) == []


def ends(code: str, *, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    imports = "import os, signal, time\nfrom retryctl.cli.signals import signals_end_program\n"
    return subprocess.run(
        [sys.executable, "-c", imports + code],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=timeout_s,
    )


DISCARDED = """
import weakref
class Thing: pass
thing = Thing()
gone = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
with signals_end_program():
    del thing
    time.sleep(1_000)
"""


def test_an_exception_that_python_discards_is_raised_again() -> None:
    done = ends(DISCARDED)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")


def test_an_end_that_hangs_is_cut_short() -> None:
    done = ends(
        "with signals_end_program():\n"
        "    try: os.kill(os.getpid(), signal.SIGINT)\n"
        "    finally: time.sleep(1_000)"
    )
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    done = ends(
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with signals_end_program(): os.kill(os.getpid(), signal.SIGHUP); print('runs on')"
    )
    assert (done.returncode, done.stdout) == (0, "runs on\n")


def test_an_error_that_python_makes_of_the_signal_is_not_reported() -> None:
    done = ends(
        "with signals_end_program():\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except SystemExit as end: raise RuntimeError('in __set_name__') from end"
    )
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")


BROKEN_OFF = """
from retryctl import temporary
remove = temporary._remove
def broken_off(folder):
    temporary._remove = remove
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1_000)
temporary._remove = broken_off
with signals_end_program():
    with temporary.temporary_folder("test") as folder:
        print(folder, flush=True)
"""


def test_a_signal_during_the_removal_of_a_folder_leaves_nothing() -> None:
    done = ends(BROKEN_OFF)
    assert done.returncode == 128 + signal.SIGTERM
    assert not Path(done.stdout.strip()).exists()
