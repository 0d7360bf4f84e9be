"""A few moments of the campaign that sends signals, and ways in which an end can fail."""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from retryctl import temporary
from retryctl.cli import signals
from tests.support.campaigns.signal_campaign import Subject, campaign, subjects
from tests.support.program import PYTHON, run_process

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


# --------------------------------------------------------------------------- how an end can fail


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep this process alive, and give it its own handlers back."""
    monkeypatch.setattr(signals, "_LONGEST_END_S", 60)
    heard = {number: signal.getsignal(number) for number in temporary.ENDING_SIGNALS}
    yield
    for number, handler in heard.items():
        signal.signal(number, handler)


def send(number: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


def status_of(action: Callable[[], object]) -> object:
    """The exit status with which a signal ends the program in ``action``."""
    with pytest.raises(SystemExit) as end, signals.signals_end_program():
        action()
    return end.value.code


class Thing:
    """What a weak reference can name."""


@pytest.mark.usefixtures("_restored")
def test_an_exception_that_python_discards_is_raised_again(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def discard() -> None:
        thing = Thing()
        gone = weakref.ref(thing, lambda _: send())
        del thing
        time.sleep(60)
        assert gone

    assert status_of(discard) == 128 + signal.SIGTERM
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("_restored")
def test_a_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals.signals_end_program():
        send(signal.SIGHUP)


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_error_that_python_makes_of_the_signal_is_not_reported(number: signal.Signals) -> None:
    def replace() -> None:
        try:
            send(number)
        except SystemExit as end:
            raise RuntimeError("in __set_name__") from end

    assert status_of(replace) == 128 + number


@pytest.mark.usefixtures("_restored")
def test_a_signal_during_the_removal_of_a_folder_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove, folders = temporary._remove, []

    def broken_off(folder: Path) -> None:
        monkeypatch.setattr(temporary, "_remove", remove)
        send()
        time.sleep(60)

    def make_one() -> None:
        with temporary.temporary_folder("test") as folder:
            folders.append(folder)

    monkeypatch.setattr(temporary, "_remove", broken_off)
    assert status_of(make_one) == 128 + signal.SIGTERM
    (folder,) = folders
    assert not folder.exists()


HANGS_AT_ITS_END = """
import os, signal, time
from retryctl.cli.signals import signals_end_program
with signals_end_program():
    try: os.kill(os.getpid(), signal.SIGINT)
    finally: time.sleep(1_000)
"""


def test_an_end_that_hangs_is_cut_short() -> None:
    done = run_process(program=(PYTHON, "-c", HANGS_AT_ITS_END))
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")
