"""How an attempt ends, and with what error: the first fact that holds decides."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from retryctl.core.model.attempt import Attempt, AttemptOutcome, ErrorInfo
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import Request
from tests.support.lambda_log import (
    ID,
    MIDNIGHT_MS,
    OTHER_ID,
    Environment,
    end,
    exited,
    history,
    init_report,
    init_start,
    platform,
    python_error,
    report,
    start,
    timed_out,
)
from tests.support.made_up_streams import OLDER_FRAMES


def request_in(*logs: Environment, **how: Any) -> Request:
    (request,) = history(*logs, **how).requests
    return request


def attempt_in(log: Environment, **how: Any) -> Attempt:
    (attempt,) = request_in(log, **how).attempts
    return attempt


# --------------------------------------------------------------------------- an attempt

START, END, ERROR = start(), end(), python_error()
INIT_FAILED = init_report("invoke", "error", "Runtime.Unknown")
UNKNOWN = "Unknown application error occurred\n"
NO_MODULE = "Unable to import module 'app': No module named stock\n"
WARNING = "LAMBDA_WARNING: Unhandled exception. The cause is the code.\r\n"
OLDER_NODE = f'2018-08-05T18:20:33.419Z\t{ID}\t{{"errorMessage":"no stock"}}\n'
OLDER_PYTHON = f"no: ShopError\n{OLDER_FRAMES}ShopError: no\n"
CAUGHT = f"Error: ShopError\n{OLDER_FRAMES}ShopError: no\n"
DOTNET = (
    "One or more errors occurred. (no stock): AggregateException\n   at App.Run()\n"
    "   at lambda_method(Closure , Stream , Stream , LambdaContextInternal )\n"
)
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
        ([INIT_FAILED, START, f"{UNKNOWN}Runtime.Unknown\n", END, report()], "init-error"),
        ([INIT_FAILED, START, UNKNOWN, "Runtime.Unknown\n", END, report()], "init-error"),
        ([INIT_FAILED, START, END, report(), UNKNOWN], "init-error"),
        ([START, f"{UNKNOWN}Runtime.HandlerNotFound\n", END, report()], "init-error"),
        ([START, NO_MODULE, END, report()], "init-error"),
        ([START, NO_MODULE, "\n", "    at Function.load\n", END, report()], "init-error"),
        ([START, "an order\n", NO_MODULE, END, report()], "init-error"),
        ([START, NO_MODULE, END, report(), UNKNOWN], "init-error"),
        ([START, NO_MODULE, "an order\n", END, report()], "unknown"),  # may be printed
        ([NO_MODULE, START, END, report()], "ok"),  # an init, which ran again
        # one that failed while a request waited for it, and nothing shows that it ran again
        ([INIT_FAILED, START, END, report()], "unknown"),
        ([init_report("invoke", "timeout"), START, END, report()], "unknown"),
        ([INIT_FAILED, init_start(), START, END, report()], "ok"),
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
        ([START, UNKNOWN, END, report()], "crash"),
        ([START, END, report(), UNKNOWN, "Error\n"], "crash"),
        ([START, UNKNOWN, "Error\n", END, report()], "crash"),
        ([START, UNKNOWN, "an order\n", END, report()], "unknown"),  # may be printed
        ([START, UNKNOWN, "an order\n", ERROR, END, report()], "error"),
        ([START, UNKNOWN, ERROR, END, report()], "crash"),
        ([START, ERROR, UNKNOWN, END, report()], "crash"),
        ([UNKNOWN, START, END, report()], "ok"),  # of the attempt before, which is not in view
        # 6. a runtime's marker
        ([START, WARNING, END, report()], "error"),
        ([START, DOTNET, "an order\n", END, report()], "error"),
        ([START, f"{OLDER_PYTHON}\n", END, report()], "error"),
        ([START, OLDER_PYTHON, "an order\n", END, report()], "unknown"),  # may be printed
        ([START, OLDER_NODE, END, report()], "error"),
        ([START, OLDER_NODE, "an order\n", END, report()], "unknown"),
        ([START, ERROR, END, report()], "error"),
        ([START, ERROR, "a line behind it\n", END, report()], "error"),
        ([START, ERROR], "error"),
        ([ERROR, END, report()], "error"),
        # 7. a report
        ([START, END, report()], "ok"),
        ([report()], "ok"),
        ([START, "thread 'main' panicked at src/main.rs:7:5:\n", END, report()], "unknown"),
        ([START, "   at lambda_method(Closure , Stream )\n", END, report()], "unknown"),
        ([START, f"no: ShopError\n{OLDER_FRAMES}", "ShopError: no\n", END, report()], "unknown"),
        ([START, CAUGHT, END, report()], "unknown"),
        ([START, CAUGHT, "an order\n", END, report()], "unknown"),
        ([START, f"shipping failed\n{OLDER_FRAMES}ShopError: no\n", END, report()], "ok"),
        ([START, "Unable to import the module 'app': no\n", END, report()], "ok"),
        ([START, "Error loading class roster: 404\n", END, report()], "ok"),
        # 8. otherwise
        ([START], "running"),
        *(([START, line], "running") for line in (NO_MODULE, UNKNOWN, OLDER_PYTHON, OLDER_NODE)),
        ([START, NO_MODULE, END], "init-error"),
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


def test_a_json_report_of_success_shows_that_an_init_ran_again() -> None:
    log = Environment(json=True).fails_init().starts().reports(status="success")
    assert attempt_in(log).outcome is AttemptOutcome.OK


def test_a_marker_behind_report_is_of_the_attempt_that_ended() -> None:
    log = Environment().starts().reports().logs(UNKNOWN, "Error\n")
    log.at(70).starts().reports()
    for named in (True, False):
        log.events = [replace(e, log_stream=e.log_stream if named else None) for e in log.events]
        first, second = request_in(log).attempts
        assert (first.outcome, second.outcome) == (AttemptOutcome.CRASH, AttemptOutcome.OK)
        assert UNKNOWN in [event.message for event in first.events]


@pytest.mark.parametrize(("marker_ms", "outcome"), [(19, "unknown"), (20, "crash")])
def test_a_marker_beside_end_is_of_lambda_whatever_stands_behind_it(
    marker_ms: int, outcome: str
) -> None:
    log = Environment().starts()
    for message in (UNKNOWN, "an order\n"):
        log.at(marker_ms / 1000).logs(message)
    assert attempt_in(log.at(0.02).logs(END).at(0.02).logs(report())).outcome.value == outcome


def test_a_marker_in_the_second_of_end_proves_nothing() -> None:
    log = Environment().starts()
    for message in (UNKNOWN, "an order\n", END, report(duration_ms=900)):
        log.at(1).logs(message)
    assert attempt_in(log).outcome is AttemptOutcome.UNKNOWN


def test_a_marker_between_two_attempts_that_may_have_it_settles_neither() -> None:
    lost = Environment().starts().reports().logs(UNKNOWN).at(1).starts(OTHER_ID).reports(OTHER_ID)
    lost.events = [event for event in lost.events if event.message != start(OTHER_ID)]
    nameless = Environment(named=False)
    nameless.events = [replace(event, log_stream=None) for event in lost.events]
    beside = Environment(named=False).starts().starts(OTHER_ID).reports().logs(UNKNOWN)
    beside.at(1).reports(OTHER_ID)
    for log in (lost, nameless, beside):
        found = {r.request_id: r.attempts[0].outcome for r in history(log).requests}
        assert set(found.values()) == {AttemptOutcome.UNKNOWN}


@pytest.mark.parametrize("line", [NO_MODULE, f"{UNKNOWN}Runtime.ImportModuleError\n"])
def test_a_sentence_before_start_in_its_millisecond_settles_nothing(line: str) -> None:
    for before in ([], [START, END, report(status="timeout")], [START, END, report()]):
        log = Environment().logs(*(text.replace(ID, OTHER_ID) for text in before)).at(3)
        for message in (line, START, END, report(duration_ms=0.4)):
            log.at(3).logs(message)
        outcomes = {r.request_id: r.attempts[0].outcome for r in history(log).requests}
        assert outcomes[ID] is AttemptOutcome.UNKNOWN


@pytest.mark.parametrize("named", [True, False])
def test_a_failed_init_behind_start_in_its_millisecond_settles_nothing(*, named: bool) -> None:
    log = Environment(named=named).logs(init_start())
    for message in (START, INIT_FAILED):
        log.at(3).logs(message)
    assert attempt_in(log.logs(END, report())).outcome is AttemptOutcome.UNKNOWN


@pytest.mark.parametrize("stream", ["a", None])
def test_a_timeout_behind_an_end_that_follows_its_report_is_one(stream: str | None) -> None:
    log = Environment().starts().prints("an order").at(0.02).logs(report()).at(0.02)
    log.logs(end(), timed_out(MIDNIGHT_MS))
    log.events = [replace(event, log_stream=stream) for event in log.events]
    assert attempt_in(log).outcome is AttemptOutcome.TIMEOUT


def test_an_end_that_follows_its_report_settles_nothing_where_another_report_comes() -> None:
    log = Environment(named=False).starts().logs(report(), end()).at(1).logs(end(), report())
    assert attempt_in(log).outcome is AttemptOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("between", "end_ms"), [([ERROR], 20), ([ERROR], 30), (["an order\n"], 20), ([], 30)]
)
def test_a_report_whose_end_does_not_follow_at_once_settles_nothing(
    between: list[str], end_ms: int
) -> None:
    log = Environment(named=False).starts()
    for message, at_ms in ((report(), 20), *((line, end_ms) for line in between), (END, end_ms)):
        log.at(at_ms / 1000).logs(message)
    assert attempt_in(log).outcome is AttemptOutcome.UNKNOWN


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
            [START, f"{UNKNOWN}Runtime.Unknown\n", END, report()],
            ErrorInfo(type="Runtime.Unknown", message=UNKNOWN.strip()),
        ),
        (
            [ERROR, INIT_FAILED, START, f"{UNKNOWN}Runtime.Unknown\n", END, report()],
            ErrorInfo(
                type="Runtime.Unknown",
                message="NameError: name 'total' is not defined",
                frame="app.py:11 handler",
            ),
        ),
        ([START, NO_MODULE, END, report()], ErrorInfo(message=NO_MODULE.strip())),
        ([START, WARNING, END, report()], None),
        (
            [START, DOTNET, END, report()],
            ErrorInfo(type="AggregateException", message="One or more errors occurred. (no stock)"),
        ),
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
