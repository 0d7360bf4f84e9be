"""Findings on when and how often Lambda delivered an event."""

from __future__ import annotations

import pytest

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.function_config import FunctionConfig
from tests.core.crosscheck.rule_histories import IN_ORDER, A, C, found, logs_of, told
from tests.support.lambda_log import ID, QUEUE_ID, Environment, checked


def test_duplicate_delivery() -> None:
    of = told(("a", "ok", ()), ("a", "ok", ()))
    (finding,) = found(of, "duplicate-delivery")
    assert (finding.attempt, finding.severity) == (2, Severity.WARNING)
    assert finding.message == (
        "Attempt 2 started after attempt 1 had succeeded. (Or this is a retry: it came after 60 s, "
        "the usual wait, and the log lacks the error of attempt 1.)"
    )
    assert len(finding.evidence) == 2
    assert not found(told(("a", "error", A), ("a", "ok", ())), "duplicate-delivery")


def test_duplicate_delivery_soon_after_a_success_is_no_retry() -> None:
    log = Environment().inits().runs().at(40).runs()
    (finding,) = found(checked(log), "duplicate-delivery")
    assert finding.message == "Attempt 2 started after attempt 1 had succeeded."


def test_duplicate_delivery_names_the_other_reading_where_the_runtime_is_unknown() -> None:
    (log,) = logs_of(("a", "ok", ()), ("a", "ok", ()))
    log.events = [each for each in log.events if "INIT_START" not in each.message]
    (finding,) = found(checked(log), "duplicate-delivery")
    assert "leaves no marker of an error" in finding.message
    known = checked(log, settings=FunctionConfig(runtime="python3.13"))
    assert "leaves no marker" not in found(known, "duplicate-delivery")[0].message


def test_extra_attempt() -> None:
    plan = (*IN_ORDER, ("a", "error", C))
    (finding,) = found(told(*plan), "extra-attempt")
    assert finding.attempt == 4
    assert finding.message == (
        "Attempt 4 ran, but MaximumRetryAttempts is 2, which allows 3 failed attempts."
    )
    assert not found(told(*plan[:3]), "extra-attempt")
    none = FunctionConfig(maximum_retry_attempts=0)
    of = told(*plan[:2], settings=none)
    assert [each.attempt for each in found(of, "extra-attempt")] == [2]
    assert "allows 1 failed attempt." in found(of, "extra-attempt")[0].message
    assert not found(told(*plan, request_id=QUEUE_ID), "extra-attempt")


def test_version_changed() -> None:
    def versions(first: str, second: str) -> CheckedRequest:
        one, two = Environment("a", version=first), Environment("b", version=second)
        return checked(one.runs(ID, ends="error"), two.at(61).runs(ID, ends="error"))

    (finding,) = found(versions("6", "7"), "version-changed")
    assert (finding.attempt, finding.severity) == (2, Severity.WARNING)
    assert finding.message == ("Attempt 2 ran version 7 of the function, attempt 1 version 6.")
    assert [event.message[:5] for event in finding.evidence] == ["START", "START"]
    assert not found(versions("7", "7"), "version-changed")


@pytest.mark.parametrize(("waits_s", "late"), [((360.0,), []), ((360.001,), [2])])
def test_late_retry(waits_s: tuple[float, ...], late: list[int]) -> None:
    log = Environment().runs(ID, ends="error")
    log.now_ms = log.events[-2].timestamp_ms + round(waits_s[0] * 1000)
    of = checked(log.runs(ID, ends="error"))
    assert [each.attempt for each in found(of, "late-retry")] == late
    for finding in found(of, "late-retry"):
        assert finding.severity is Severity.INFO
        assert "started 360 s after attempt 1 had ended" in finding.message


def test_late_retry_tells_of_reserved_concurrency() -> None:
    log = Environment().runs(ID, ends="error").at(900).runs(ID, ends="error")
    (finding,) = found(checked(log, settings=FunctionConfig(reserved_concurrency=1)), "late-retry")
    assert finding.message.endswith("a backlog of events (its reserved concurrency is 1).")


def test_late_retry_knows_the_second_wait_and_leaves_queues_alone() -> None:
    def second_after(wait_s: float, request_id: str = ID) -> CheckedRequest:
        log = Environment().runs(request_id, ends="error").at(61).runs(request_id, ends="error")
        log.now_ms = log.events[-2].timestamp_ms + round(wait_s * 1000)
        return checked(log.runs(request_id, ends="error"), request_id=request_id)

    assert not found(second_after(420), "late-retry")
    assert [each.attempt for each in found(second_after(420.001), "late-retry")] == [3]
    assert not found(second_after(3600, QUEUE_ID), "late-retry")


def test_retries_exhausted() -> None:
    (finding,) = found(told(*IN_ORDER), "retries-exhausted")
    assert (finding.attempt, finding.severity) == (None, Severity.WARNING)
    assert finding.message == (
        "All 3 attempts failed and no more are allowed: Lambda gives up on the event."
    )
    assert len(finding.evidence) == 3
    assert not found(told(*IN_ORDER[:2]), "retries-exhausted")
    assert not found(told(*IN_ORDER[:2], ("a", "ok", ())), "retries-exhausted")
    only = told(IN_ORDER[0], settings=FunctionConfig(maximum_retry_attempts=0))
    assert found(only, "retries-exhausted")[0].message.startswith("The only attempt failed")
