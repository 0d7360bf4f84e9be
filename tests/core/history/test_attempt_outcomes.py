"""How an attempt ends, and with what error: the first fact that holds decides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retryctl.core.model.attempt import Attempt, AttemptOutcome, ErrorInfo
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import Request
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    Environment,
    end,
    exited,
    history,
    init_report,
    platform,
    python_error,
    report,
    start,
    timed_out,
)


def request_in(*logs: Environment, **how: Any) -> Request:
    (request,) = history(*logs, **how).requests
    return request


def attempt_in(log: Environment, **how: Any) -> Attempt:
    (attempt,) = request_in(log, **how).attempts
    return attempt


# --------------------------------------------------------------------------- an attempt

START, END, ERROR = start(), end(), python_error()
INIT_FAILED = init_report("invoke", "error", "Runtime.Unknown")
NODE_JSON = json.dumps(
    {
        "timestamp": "2026-11-23T00:00:00.000Z",
        "level": "ERROR",
        "requestId": ID,
        "message": {"errorType": "Error", "errorMessage": "no stock", "stackTrace": []},
    }
)


def failed(error_type: str) -> str:
    return report(status="error", error_type=error_type)


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        # 1. a timeout goes before everything
        ([START, END, report(status="timeout")], "timeout"),
        ([START, ERROR, END, report(status="timeout")], "timeout"),
        ([init_report("invoke", "timeout"), START, END, report(status="timeout")], "timeout"),
        ([START, END, report(), timed_out(MIDNIGHT_MS)], "timeout"),
        ([START, timed_out(MIDNIGHT_MS), END, report()], "timeout"),
        ([START, timed_out(MIDNIGHT_MS)], "timeout"),
        ([timed_out(MIDNIGHT_MS)], "timeout"),
        # 2. out of memory
        ([START, END, failed("Runtime.OutOfMemory")], "out-of-memory"),
        ([INIT_FAILED, START, END, failed("Runtime.OutOfMemory")], "out-of-memory"),
        # 3. a failed init
        ([INIT_FAILED, START, END, failed("Runtime.Unknown")], "init-error"),
        ([INIT_FAILED, START, exited(), END, report()], "init-error"),
        ([START, END, failed("Runtime.ImportModuleError")], "init-error"),
        ([START, END, failed("Runtime.UserCodeSyntaxError")], "init-error"),
        ([START, END, failed("Runtime.HandlerNotFound")], "init-error"),
        ([START, END, failed("Runtime.MalformedHandlerName")], "init-error"),
        ([init_report("init", "error"), START, END, report()], "ok"),
        ([INIT_FAILED, START, END, report()], "ok"),
        ([START, INIT_FAILED, END, failed("Runtime.ExitError")], "crash"),  # printed
        ([INIT_FAILED, END, failed("Runtime.Unknown")], "init-error"),
        # 4. any other status error
        ([START, END, failed("Runtime.ExitError")], "crash"),
        ([START, ERROR, END, failed("Runtime.ExitError")], "crash"),
        ([START, END, failed("Runtime.Unknown")], "crash"),
        # 5. an old marker
        ([START, exited(how="signal: killed"), END, report()], "crash"),
        ([START, END, report(), exited()], "crash"),
        (
            [START, END, report(), f"RequestId: {ID} Process exited before completing request"],
            "crash",
        ),
        # 6. a runtime's marker
        ([START, ERROR, END, report()], "error"),
        ([START, ERROR, "a line behind it\n", END, report()], "error"),
        ([START, ERROR], "error"),
        ([ERROR, END, report()], "error"),
        # 7. a report
        ([START, END, report()], "ok"),
        ([report()], "ok"),
        # 8. otherwise
        ([START], "running"),
        ([START, END], "unknown"),
        ([END], "unknown"),
        ([START, END, report()[:100]], "unknown"),
        ([START, END, report() + "Status: ti"], "unknown"),
    ],
)
def test_the_first_that_holds_decides(lines: list[str], outcome: str) -> None:
    assert attempt_in(Environment().logs(*lines)).outcome.value == outcome


@pytest.mark.parametrize(
    ("status", "error_type", "outcome"),
    [
        ("success", None, "ok"),
        ("timeout", None, "timeout"),
        ("error", "Runtime.OutOfMemory", "out-of-memory"),
        ("error", "Runtime.ImportModuleError", "init-error"),
        ("error", "Runtime.ExitError", "crash"),
        ("failure", "Runtime.ExitError", "crash"),
        ("failure", None, "crash"),
        ("tomorrow", None, "unknown"),
    ],
)
def test_a_json_report_decides_likewise(status: str, error_type: str | None, outcome: str) -> None:
    log = Environment(json=True).starts().reports(status=status, error_type=error_type)
    assert attempt_in(log).outcome.value == outcome


def test_a_raised_handler_has_status_success_and_its_marker_decides() -> None:
    attempt = attempt_in(Environment(json=True).starts().raises().reports(status="success"))
    assert attempt.outcome is AttemptOutcome.ERROR
    assert attempt.error == ErrorInfo(
        type="NameError", message="name 'total' is not defined", frame="app.py:11 handler"
    )
    assert attempt.error_event is attempt.events[1]


def test_the_runtime_s_word_stands_for_a_report_that_is_not_there() -> None:
    log = Environment(json=True).starts()
    log.logs(platform("runtimeDone", {"requestId": ID, "status": "timeout"}))
    assert attempt_in(log).outcome is AttemptOutcome.TIMEOUT


def test_an_error_that_the_application_logged_is_no_failure() -> None:
    log = Environment().starts().logs(f"[ERROR]\t2026-11-23T00:00:00.001Z\t{ID}\tno stock\n")
    assert attempt_in(log.reports()).outcome is AttemptOutcome.OK


def test_a_record_that_an_application_can_log_is_a_marker_only_as_the_last_one() -> None:
    last = Environment(json=True).starts().prints("working").logs(NODE_JSON).reports()
    assert attempt_in(last).outcome is AttemptOutcome.ERROR
    logged = Environment(json=True).starts().logs(NODE_JSON).prints("carried on").reports()
    assert attempt_in(logged).outcome is AttemptOutcome.OK


def test_memory_figures_alone_prove_nothing() -> None:
    full = report().replace("Max Memory Used: 36 MB", "Max Memory Used: 128 MB")
    assert attempt_in(Environment().logs(START, END, full)).outcome is AttemptOutcome.OK


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([START, END, report()], None),
        ([START], None),
        ([START, END, report(status="timeout")], None),
        (
            [START, timed_out(MIDNIGHT_MS, seconds=3), END, report()],
            ErrorInfo(message="Task timed out after 3.00 seconds"),
        ),
        (
            [START, exited(how="signal: killed"), END, report()],
            ErrorInfo(
                type="Runtime.ExitError", message="Runtime exited with error: signal: killed"
            ),
        ),
        ([START, END, failed("Runtime.OutOfMemory")], ErrorInfo(type="Runtime.OutOfMemory")),
        (
            [ERROR, INIT_FAILED, START, END, failed("Runtime.Unknown")],
            ErrorInfo(
                type="Runtime.Unknown",
                message="NameError: name 'total' is not defined",
                frame="app.py:11 handler",
            ),
        ),
        (
            [
                *(START, "Error raised from handler method\n", "{\n"),
                *('  "errorMessage": "no stock",\n', '  "errorType": "Function<Empty>"\n'),
                *("}\n", END, report()),
            ],
            ErrorInfo(type="Function<Empty>", message="no stock"),
        ),
    ],
)
def test_a_failed_attempt_says_what_failed(lines: list[str], error: ErrorInfo | None) -> None:
    assert attempt_in(Environment().logs(*lines)).error == error


@pytest.mark.parametrize(
    ("settings", "still_s"),
    [
        (None, 1860),
        (FunctionConfig(timeout_s=30), 90),
        (FunctionConfig(managed_instances=True), 5460),
    ],
)
def test_an_attempt_runs_until_its_timeout_and_a_minute_for_late_logs(
    settings: FunctionConfig | None, still_s: int
) -> None:
    log = Environment().starts()
    assert attempt_in(log, settings=settings, later_s=still_s).outcome is AttemptOutcome.RUNNING
    assert (
        attempt_in(log, settings=settings, later_s=still_s + 0.01).outcome is AttemptOutcome.UNKNOWN
    )
