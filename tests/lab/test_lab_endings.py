"""The ways in which an attempt ends badly: in init, by time, by memory, by its own hand."""

import re
from pathlib import Path

import pytest

from retryctl.core.model.attempt import AttemptOutcome
from retryctl.lab import plan
from retryctl.lab.function import Function
from retryctl.lab.lab import Lab
from tests.support.lab.lab_handlers import lab_of, platform, written

CLIENTS = pytest.mark.parametrize("stand_in", [False, True], ids=["awslambdaric", "stand-in"])
pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")


@CLIENTS
def test_a_module_that_cannot_be_imported_is_logged_as_lambda_does(
    tmp_path: Path, stand_in: bool
) -> None:
    lab = lab_of(
        tmp_path,
        """
        import no_such_package

        def handler(event, context):
            pass
        """,
        stand_in=stand_in,
    )
    request = lab.run("same", retries=1)
    assert [a.outcome for a in request.attempts] == [
        AttemptOutcome.INIT_ERROR,
        AttemptOutcome.INIT_ERROR,
    ]
    kinds = [re.split(r"[ \t]", m)[0] for m in platform(lab.events)]
    once = ["INIT_REPORT", "START", "END", "REPORT"]
    assert kinds == ["INIT_START", "INIT_REPORT", *once, *once]
    phases = [m.split("\t")[1] for m in platform(lab.events) if m.startswith("INIT_REPORT")]
    assert phases == ["Phase: init", "Phase: invoke", "Phase: invoke"]
    errors = [m for m in written(lab.events) if m.startswith("[ERROR]")]
    assert len(errors) == 3
    assert errors[0].startswith(
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': "
        "No module named 'no_such_package'\nTraceback (most recent call last):"
    )
    assert platform(lab.events)[-1].endswith(
        "\tStatus: error\tError Type: Runtime.ImportModuleError\n"
    )


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("def handler(event, context:", "Runtime.UserCodeSyntaxError"),
        ("raise RuntimeError('at import'); handler = 1", "Runtime.Unknown"),
        ("import sys; sys.exit(3); handler = 1", "Runtime.ExitError"),
        ("globals()['other'] = 1", "Runtime.HandlerNotFound"),
    ],
)
def test_what_may_go_wrong_in_init(tmp_path: Path, source: str, error_type: str) -> None:
    lab = lab_of(tmp_path, source)
    request = lab.run("first", retries=0)
    assert [attempt.outcome for attempt in request.attempts] == [AttemptOutcome.INIT_ERROR]
    assert platform(lab.events)[-1].endswith(f"\tStatus: error\tError Type: {error_type}\n")


@pytest.mark.parametrize("length", [65_000, 300_000])
def test_an_error_of_any_length_is_an_error_and_no_crash(tmp_path: Path, length: int) -> None:
    lab = lab_of(tmp_path, f"def handler(event, context): raise ValueError('x' * {length})")
    (attempt,) = lab.run("first", retries=0).attempts
    assert attempt.outcome is AttemptOutcome.ERROR
    assert attempt.error is not None
    assert attempt.error.message == "x" * length


def test_an_init_that_never_ends(tmp_path: Path) -> None:
    lab_of(tmp_path, "import time; time.sleep(60); handler = print")
    (once,) = plan.read("first", retries=0)
    function = Function(handler="app.handler", task=tmp_path, timeout_s=0.3)
    with Lab(function, seed=1, start_s=0.0, init_timeout_s=0.2) as lab:
        lab.submit({}, once)
        lab.run()
    messages = [one.event.message for one in lab.events]
    for message, phase, limit_ms in ((messages[1], "init", 200), (messages[2], "invoke", 300)):
        pattern = rf"INIT_REPORT Init Duration: (\d+\.\d\d) ms\tPhase: {phase}\tStatus: timeout\n"
        found = re.fullmatch(pattern, message)
        assert found
        assert limit_ms <= float(found[1]) < limit_ms + 5000
    assert messages[-1].endswith("\tStatus: timeout\n")


def test_a_handler_that_never_returns_times_out(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        def handler(event, context):
            print("went in", 0 < context.get_remaining_time_in_millis() <= 2000)
            while True:
                pass
        """,
        timeout_s=2.0,
    )
    request = lab.run("first", retries=0)
    (attempt,) = request.attempts
    assert written(lab.events) == ["went in True\n"]
    assert (attempt.outcome, attempt.duration_ms) == (AttemptOutcome.TIMEOUT, 2000.0)


def test_a_handler_that_ignores_sigterm_times_out_all_the_same(tmp_path: Path) -> None:
    lab = lab_of(
        tmp_path,
        """
        import signal, time

        def handler(event, context):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(60)
        """,
        timeout_s=0.3,
    )
    assert [a.outcome for a in lab.run("same", retries=1).attempts] == [AttemptOutcome.TIMEOUT] * 2


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import sys; sys.exit(0)", "Runtime.ExitError"),
        ("import os; os._exit(9)", "Runtime.ExitError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "Runtime.ExitError"),
        ("import os, signal; os.killpg(0, signal.SIGKILL)", "Runtime.ExitError"),
        ("b'x' * 200_000_000", "Runtime.OutOfMemory"),
    ],
)
def test_the_ways_to_die(tmp_path: Path, source: str, status: str) -> None:
    lab = lab_of(tmp_path, f"def handler(event, context):\n    print('last words'); {source}")
    request = lab.run("same", retries=1)
    assert len(request.attempts) == 2
    assert written(lab.events) == ["last words\n"] * 2
    reports = [m for m in platform(lab.events) if m.startswith("REPORT")]
    assert all(m.endswith(f"\tStatus: error\tError Type: {status}\n") for m in reports)
    if status == "Runtime.OutOfMemory":
        assert {a.outcome for a in request.attempts} == {AttemptOutcome.OUT_OF_MEMORY}
        assert {a.max_memory_used_mb for a in request.attempts} == {128}


def test_a_handler_that_never_stops_printing_times_out(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    while True: print('x' * 9_999)"
    lab = lab_of(tmp_path, source, timeout_s=1.0)
    (attempt,) = lab.run("first", retries=0).attempts
    assert attempt.outcome is AttemptOutcome.TIMEOUT
    assert len(written(lab.events)) > 10
