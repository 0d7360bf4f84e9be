"""Failure records compared with the attempts of their requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.failure_records.comparison import record_findings, with_recorded_end
from retryctl.core.failure_records.documents import FailureRecord
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.request import RequestOutcome
from tests.support.check_logs import exhausted, pending, right, succeeded
from tests.support.lambda_log import ID, QUEUE_ID, Environment, events_of, judged, whole

ERROR = "name 'total' is not defined"


def log_of(*environments: Environment, request_id: str = ID) -> tuple[CheckedRequest, Coverage]:
    events = events_of(*environments)
    coverage = whole(events, later_s=7200)
    return judged(events, coverage)[request_id], coverage


def record(**fields: Any) -> FailureRecord:
    known: dict[str, Any] = {"request_id": ID, "condition": "RetriesExhausted", "invoke_count": 3}
    return FailureRecord(**{**known, "error_message": ERROR, **fields})


def found(given: FailureRecord, log: tuple[CheckedRequest, Coverage]) -> list[str]:
    checked, coverage = log
    findings = record_findings(given, checked, coverage)
    assert all(finding.evidence and finding.remedy for finding in findings)
    return [finding.rule for finding in findings]


DEAD_LETTER = {"condition": None, "invoke_count": None}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"error_message": f"RequestId: {ID} {ERROR}"},
        {"error_message": "name 'total' is\nnot defined"},
        {"error_message": "name 'total'"},
        {**DEAD_LETTER, "error_code": "200"},
        {"invoke_count": None, "error_message": None},
    ],
    ids=["same", "with the ID", "broken", "cut", "dead letter", "states little"],
)
def test_a_record_that_agrees(fields: dict[str, Any]) -> None:
    assert found(record(**fields), log_of(exhausted())) == []


@pytest.mark.parametrize(
    ("fields", "rule", "words"),
    [
        ({"invoke_count": 2}, "invoke-count-differs", "2 invocations (approximateInvokeCount)"),
        ({"invoke_count": 4}, "invoke-count-differs", "the log has 3 attempts"),
        ({"condition": "Success"}, "condition-differs", "and attempt 3 failed"),
        ({"condition": "EventAgeExceeded"}, "condition-differs", "ran and failed"),
        ({"error_message": "boom"}, "condition-differs", "'boom', and the last attempt logged"),
        ({**DEAD_LETTER, "error_code": "429"}, "condition-differs", "ErrorCode 429"),
    ],
)
def test_a_record_that_differs_from_an_exhausted_request(
    fields: dict[str, Any], rule: str, words: str
) -> None:
    checked, coverage = log_of(exhausted())
    (finding,) = record_findings(record(**fields), checked, coverage)
    assert finding.rule == rule
    assert words in finding.message


def test_a_request_that_succeeded() -> None:
    log = log_of(succeeded(ID))
    assert found(record(invoke_count=1), log) == ["condition-differs"]
    assert found(record(**DEAD_LETTER, error_code="200"), log) == ["condition-differs"]
    assert found(record(condition="Success", invoke_count=1), log) == []


def test_a_timeout_is_named_in_the_record() -> None:
    log = Environment("a")
    for at in (0, 61, 182):
        log.at(at).runs(ID, ends="timeout")
    timed_out = record(error_message=f"2026-11-23T00:00:03.000Z {ID} Task timed out after 3.00 s")
    assert found(timed_out, log_of(log)) == []
    assert found(record(), log_of(log)) == ["condition-differs"]


def test_what_is_not_settled_is_not_compared() -> None:
    events = events_of(pending(ID))
    coverage = whole(events)
    checked = judged(events, coverage)[ID]
    assert found(record(invoke_count=1), (checked, coverage)) == []


def test_attempts_in_a_gap_explain_a_higher_count_and_not_a_lower_one() -> None:
    checked, coverage = log_of(exhausted())
    gap = Gap(kind="throttled", message="An hour was not searched.", hides_attempts=True)
    holed = replace(coverage, gaps=(gap,))
    assert found(record(invoke_count=4), (checked, holed)) == []
    assert found(record(invoke_count=2), (checked, holed)) == ["invoke-count-differs"]


def test_an_event_source_counts_otherwise() -> None:
    log = Environment("a")
    for at in (0, 61, 182):
        log.at(at).runs(QUEUE_ID, ends="error")
    given = record(request_id=QUEUE_ID, condition="RetryAttemptsExhausted", invoke_count=1)
    assert found(given, log_of(log, request_id=QUEUE_ID)) == []


def test_a_request_that_recovered() -> None:
    assert found(record(), log_of(right())) == ["condition-differs"]
    assert found(record(condition="Success"), log_of(right())) == []


def test_a_request_whose_failure_is_recorded_is_not_pending() -> None:
    events = pending(ID).events
    checked = judged(events, whole(events, later_s=10))[ID]
    assert checked.request.outcome is RequestOutcome.PENDING
    ended = with_recorded_end([record()], checked)
    assert ended.request.outcome is RequestOutcome.UNKNOWN
    assert ended.request.next_attempt_due_ms is None
    assert ended.verdict is not Verdict.AGREES
    too_old = record(condition="EventAgeExceeded", invoke_count=1)
    dropped = with_recorded_end([too_old], checked)
    assert dropped.request.outcome is RequestOutcome.NOT_RETRIED
    assert (dropped.request.next_attempt_due_ms, dropped.verdict) == (None, checked.verdict)
    assert with_recorded_end([record(condition="Success")], checked) is checked
