"""The outcome of a request, and of attempts that no marker tells apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retryctl.core.grammar.masked_lines import may_be_masked_error
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
from tests.core.history.test_attempt_outcomes import END, ERROR, START, attempt_in, request_in
from tests.support.lambda_log import ID, QUEUE_ID, Environment, report


def tried(*ends: str, wait_s: tuple[float, ...] = (60, 120, 180), **how: Any) -> Environment:
    """Attempts of one request in one environment, each ``wait_s`` after the end of the last."""
    log = Environment()
    request_id = how.pop("request_id", ID)
    for n, each in enumerate(ends):
        if n:
            log.now_ms = log.events[-1].timestamp_ms + round(wait_s[n - 1] * 1000)
        log.runs(request_id, ends=each)
    return log


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (["ok"], "succeeded"),
        (["ok", "error"], "succeeded"),
        (["error", "ok"], "recovered"),
        (["timeout", "crash", "ok"], "recovered"),
        (["error", "ok", "error"], "recovered"),
        (["error", "timeout", "out-of-memory"], "exhausted"),
        (["error"] * 4, "exhausted"),
        (["error"], "pending"),
        (["error", "crash"], "pending"),
    ],
)
def test_the_outcome_of_a_request(ends: list[str], outcome: str) -> None:
    assert request_in(tried(*ends)).outcome.value == outcome


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_it_is_exhausted_when_as_many_ran_as_the_settings_allow(retries: int) -> None:
    settings = FunctionConfig(maximum_retry_attempts=retries)
    log = tried(*["error"] * (retries + 1))
    request = request_in(log, settings=settings)
    assert (request.outcome, request.next_attempt_due_ms) == (RequestOutcome.EXHAUSTED, None)
    if retries:
        log = tried(*["error"] * retries)
        assert request_in(log, settings=settings).outcome is RequestOutcome.PENDING


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 60), (2, 120)])
def test_a_retry_is_due_for_its_usual_wait_and_five_minutes(attempts: int, wait_s: int) -> None:
    log = tried(*["error"] * attempts)
    # the REPORT is the last event, a millisecond behind the END from which the wait counts
    edge_s = wait_s + 300 - 0.001
    due = request_in(log, later_s=edge_s)
    ended_ms = due.attempts[-1].ended_ms
    assert ended_ms is not None
    assert due.outcome is RequestOutcome.PENDING
    assert due.next_attempt_due_ms == ended_ms + wait_s * 1000
    over = request_in(log, later_s=edge_s + 0.001)
    assert (over.outcome, over.next_attempt_due_ms) == (RequestOutcome.NOT_RETRIED, None)


@pytest.mark.parametrize(
    ("age_s", "outcome"), [(60, "not-retried"), (90, "pending"), (None, "pending")]
)
def test_no_retry_is_due_for_an_event_that_would_be_too_old(
    age_s: int | None, outcome: str
) -> None:
    """Measured on AWS: an age of 60 s gives no retry, one of 90 s gives one."""
    settings = FunctionConfig(maximum_event_age_s=age_s)
    assert request_in(tried("error"), settings=settings).outcome.value == outcome


def test_the_age_counts_from_the_first_attempt() -> None:
    log = tried("error", "error")  # the second fails at 60 s; its retry would come at 180 s
    for age_s, outcome in ((180, "not-retried"), (181, "pending")):
        settings = FunctionConfig(maximum_event_age_s=age_s)
        assert request_in(log, settings=settings).outcome.value == outcome


def test_an_age_that_is_just_reached_is_not_beyond_it() -> None:
    log = Environment().starts().at(30).raises().at(30.002).reports()
    settings = FunctionConfig(maximum_event_age_s=90)
    assert request_in(log, settings=settings).outcome is RequestOutcome.NOT_RETRIED
    log = Environment().starts().at(30).reports(status="timeout")
    assert request_in(log, settings=settings).outcome is RequestOutcome.PENDING


def test_a_request_runs_while_its_last_attempt_does() -> None:
    log = tried("error").at(60).starts()
    assert request_in(log).outcome is RequestOutcome.RUNNING
    assert request_in(log, later_s=1860.1).outcome is RequestOutcome.UNKNOWN


def test_a_first_attempt_that_is_not_told_leaves_the_request_unknown() -> None:
    log = Environment().starts().at(1200).runs(ID, ends="ok")
    assert request_in(log).outcome is RequestOutcome.UNKNOWN


def test_lambda_s_retries_are_not_those_of_a_queue() -> None:
    for ends, outcome in ((["error"] * 3, "unknown"), (["error", "ok"], "recovered")):
        request = request_in(tried(*ends, request_id=QUEUE_ID), later_s=10_000)
        assert request.from_event_source
        assert (request.outcome.value, request.next_attempt_due_ms) == (outcome, None)


def test_starts_of_failed_attempts_that_are_too_close_are_not_those_of_a_queue() -> None:
    starts_s = {"a": 0, "b": 5, "c": 10}
    logs = [Environment(name).at(at_s).starts().raises() for name, at_s in starts_s.items()]
    request = request_in(*logs, later_s=10_000)
    assert request.from_event_source
    assert request.outcome is RequestOutcome.UNKNOWN


def provided(wait_s: float, runtime: str = "provided:al2023.v100") -> Environment:
    log = Environment().inits(runtime)
    log.cold = False
    log.at(0).runs(ID, ends="ok")
    log.now_ms = log.events[-2].timestamp_ms + round(wait_s * 1000)
    return log.runs(ID, ends="ok")


@pytest.mark.parametrize(
    ("wait_s", "inferred"),
    [(49, False), (50, True), (60, True), (360, True), (361, False)],
)
def test_what_was_retried_at_the_usual_wait_had_failed_where_the_runtime_leaves_no_marker(
    wait_s: float, inferred: bool
) -> None:
    request = request_in(provided(wait_s))
    first, second = request.attempts
    assert (first.outcome_inferred, second.outcome_inferred) == (inferred, False)
    assert first.outcome is (AttemptOutcome.ERROR if inferred else AttemptOutcome.OK)
    assert request.outcome.value == ("recovered" if inferred else "succeeded")


def test_a_failure_that_the_log_tells_is_not_inferred() -> None:
    log = Environment().inits("provided:al2023.v100")
    log.cold = False
    log.runs(ID, ends="timeout").at(60.01).runs(ID, ends="ok")
    first = request_in(log).attempts[0]
    assert (first.outcome, first.outcome_inferred) == (AttemptOutcome.TIMEOUT, False)


def test_the_settings_can_name_such_a_runtime() -> None:
    def first(log: Environment, **settings: Any) -> Attempt:
        return request_in(log, settings=FunctionConfig(**settings)).attempts[0]

    def warm(make: Callable[[], Environment]) -> Environment:
        log = make()
        log.events = [each for each in log.events if "INIT_START" not in each.message]
        return log

    log = warm(lambda: provided(60))
    assert first(log, runtime="provided.al2023").outcome_inferred
    assert not first(log, runtime="python3.13").outcome_inferred
    assert not first(log).outcome_inferred
    node = provided(60, "nodejs:22.v9")
    assert first(node, application_log_level="FATAL").outcome_inferred
    assert not first(node, application_log_level="ERROR").outcome_inferred


def test_a_queue_s_redelivery_infers_nothing() -> None:
    log = provided(60)
    log.events = [
        type(each)(
            timestamp_ms=each.timestamp_ms,
            message=each.message.replace(ID, QUEUE_ID),
            log_stream=each.log_stream,
        )
        for each in log.events
    ]
    assert not request_in(log).attempts[0].outcome_inferred


MASKED = "*" * 14


@pytest.mark.parametrize(
    ("line", "may_be"),
    [
        (f"[ERROR] {MASKED}: no stock", True),
        (f"{MASKED}: no stock", True),
        (f"2026-11-26T10:00:00.000Z\t{ID}\tERROR\t{MASKED}", True),
        (f"2026-11-26T10:00:00.000Z {ID} {MASKED} after 3.00 seconds", True),
        (f"2024/05/01 10:00:00 {MASKED}: 1}}", True),
        (f"boom: java.lang.{MASKED}\n\tat example.App.run(App.java:3)", True),
        (f"Error raised from {MASKED}", True),
        (f"card {MASKED}", False),
        (f"2026-11-26T10:00:00.000Z\t{ID}\tINFO\tcard {MASKED}", False),
        (f"2026-11-26T10:00:00.000Z\t{ID}\tERROR\tcard {MASKED}", False),
        (f'{{"card": "{MASKED}"}}', False),
        ("** START **", False),
        ("", False),
    ],
)
def test_a_masked_line_that_may_be_the_marker_of_an_error(line: str, may_be: bool) -> None:
    event = LogEvent(timestamp_ms=0, message=line)
    assert may_be_masked_error(line, parse_record(event)) is may_be


HEAD = "[ERROR] ConnectionError: no answer"


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ((HEAD,), AttemptOutcome.UNKNOWN),
        (("0\n", "[ERROR] ConnectionError"), AttemptOutcome.UNKNOWN),
        ((HEAD, "Traceback (most recent call last):", "  File"), AttemptOutcome.UNKNOWN),
        ((f"{HEAD}\n",), AttemptOutcome.OK),  # the runtime writes no newline behind it
        ((HEAD, "handled\n"), AttemptOutcome.OK),
        ((f"{HEAD}\n    raise ConnectionError('no answer')",), AttemptOutcome.UNKNOWN),
        (("[ERROR] no stock",), AttemptOutcome.OK),
        ((f"{HEAD}\nof the shop",), AttemptOutcome.OK),
        ((f"{HEAD}\n  at line 3",), AttemptOutcome.OK),
        ((f"{HEAD}\n    at line 3\n",), AttemptOutcome.OK),
        ((HEAD, ERROR), AttemptOutcome.ERROR),
    ],
)
def test_an_error_without_its_traceback_may_be_a_print(
    lines: tuple[str, ...], outcome: AttemptOutcome
) -> None:
    assert attempt_in(Environment().logs(START, *lines, END, report())).outcome is outcome


def test_an_error_in_the_form_of_python_is_printed_by_other_runtimes() -> None:
    init = "INIT_START Runtime Version: nodejs:22.v1\tRuntime Version ARN: arn:aws:x\n"
    log = Environment().logs(init, START, HEAD, END, report())
    assert attempt_in(log).outcome is AttemptOutcome.OK
