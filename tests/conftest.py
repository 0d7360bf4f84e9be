"""Servers, credentials and AWS models that test modules share; signals as processes expect them."""

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.aws_program import CREDENTIALS
from tests.support.counters_world import Aws, aws_server, make_table
from tests.support.quick import quick_commands, quick_sessions, quick_waits
from tests.support.random_cases import PROFILE


def pytest_configure() -> None:
    """Give the processes that tests start the default signals, also under ``nohup`` and ``&``.

    An ignored signal stays ignored in a new program, a handled one becomes the default there.
    """
    gc.disable()  # until everything is imported
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes import the same
    settings.load_profile(PROFILE)
    quick_waits.install()
    quick_sessions.install()
    quick_commands.install()
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_collection_finish() -> None:
    """Exempt what is imported by now from garbage collection, which takes half a second each time.

    At the end of a worker it took more than five: execnet then sends SIGINT.
    """
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Collect garbage once, where pytest does it twice after this."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count the tests apart that need files from outside of the project."""
    counts = {
        outcome: sum("outside" in getattr(report, "keywords", {}) for report in reports)
        for outcome, reports in terminalreporter.stats.items()
        if outcome in ("passed", "failed", "skipped", "error")
    }
    if any(counts.values()):
        shown = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        terminalreporter.write_line(f"of these, with files from outside of the project: {shown}")


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region in the environment, and nothing else that would aim boto3."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def moto() -> Iterator[Aws]:
    """moto over HTTP, which a module's tests share."""
    with aws_server() as server:
        yield server


@pytest.fixture(scope="module")
def moto_url(moto: Aws) -> str:
    return moto.url


@pytest.fixture
def aws(moto: Aws) -> Aws:
    """The same server, with nothing but what a counter counts in: bucket and table ``retries``."""
    moto.reset()
    moto.client("s3").create_bucket(Bucket="retries")
    make_table(moto, "retries")
    return moto
