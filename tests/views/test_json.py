import json
import unicodedata
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.model.attempt import ErrorInfo
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed
from retryctl.core.model.request import RequestOutcome
from retryctl.views.json.trace import trace_document, trace_lines
from retryctl.views.trace_answer import TraceAnswer
from tests.support.checked_requests import (
    COVERAGE,
    FIRST,
    FIRST_ROW,
    GAP,
    GROUP,
    ID,
    MENTIONED,
    OTHER_STREAM,
    PENDING,
    RUNNING,
    STREAM,
    SWITCH,
    SWITCHED,
    UNDETERMINED,
    attempt,
    check,
    checked,
    ms,
)

ANY_TEXT = st.text(st.characters())


def read(*requests: Any, coverage: Coverage = COVERAGE, lines: bool = False) -> Any:
    answer = TraceAnswer(checked=requests, coverage=coverage, lines=lines)
    return json.loads("".join(trace_document(answer)))


def test_the_document_of_the_contract() -> None:
    document = read(SWITCHED)
    assert list(document) == ["schema", "requests", "not_found", "cross_checked", "coverage"]
    assert document["schema"] == "retryctl/trace/1"
    (request,) = document["requests"]
    attempts, findings = request.pop("attempts"), request.pop("findings")
    assert request == {
        "request_id": ID,
        "function": "orders-worker",
        "log_group": GROUP,
        "outcome": "exhausted",
        "delivery": "asynchronous",
        "verdict": "disagrees",
        "undetermined_because": [],
        "next_attempt_due_at": None,
    }
    assert attempts[2] == {
        "number": 3,
        "log_stream": OTHER_STREAM,
        "version": "$LATEST",
        "cold_start": True,
        "started_at": "2026-11-23T03:03:10.092Z",
        "ended_at": "2026-11-23T03:03:10.149Z",
        "wait_s": 127.164,
        "outcome": "error",
        "outcome_inferred": False,
        "ambiguous_lines": 0,
        "error": {
            "type": "NameError",
            "message": "name 'total' is not defined",
            "frame": "app.py:11 lambda_handler",
        },
        "duration_ms": 54.6,
        "billed_duration_ms": 55.0,
        "init_duration_ms": None,
        "memory_size_mb": 128,
        "max_memory_used_mb": 36,
        "xray_trace_id": None,
        "execution_arn": None,
        "counter": {"logged": 0, "expected": 2, "in_environment": 0},
        "branch": {"logged": "A", "expected": "C"},
        "check": "disagrees",
    }
    assert [a["wait_s"] for a in attempts] == [None, 62.691, 127.164]
    assert findings == [
        {
            "rule": "environment-switch",
            "severity": "error",
            "attempt": 3,
            "message": SWITCH.message,
            "remedy": SWITCH.remedy,
            "evidence": [
                {
                    "log_stream": OTHER_STREAM,
                    "timestamp": "2026-11-23T03:03:10.095Z",
                    "message": message,
                    "event_id": None,
                }
                for message in ("0", "process A")
            ],
        }
    ]
    assert document["coverage"] == {
        "source": "cloudwatch",
        "where": None,
        "log_groups": [GROUP],
        "since": "2026-11-22T21:00:00.000Z",
        "until": "2026-11-23T03:05:00.000Z",
        "as_of": "2026-11-23T03:05:00.000Z",
        "events_read": 42,
        "events_unrecognised": 0,
        "api_calls": 5,
        "pages": 0,
        "bytes_read": 0,
        "bytes_scanned": 0,
        "complete": True,
        "gaps": [],
    }


def test_the_document_is_indented_by_two_and_ends_in_a_newline() -> None:
    text = "".join(trace_document(TraceAnswer(checked=[], coverage=COVERAGE, not_found=["x"])))
    assert text.startswith('{\n  "schema": "retryctl/trace/1",\n  "requests": [],\n')
    assert text.endswith("\n}\n")
    assert json.loads(text)["not_found"] == ["x"]


def test_counter_and_branch_are_objects_where_nothing_is_known() -> None:
    silent = RUNNING.request.attempts[1]
    row = (silent, check(AttemptVerdict.UNDETERMINED))
    (request,) = read(checked(RequestOutcome.RUNNING, Verdict.UNDETERMINED, row))["requests"]
    (shown,) = request["attempts"]
    assert shown["counter"] == {"logged": None, "expected": None, "in_environment": None}
    assert shown["branch"] == {"logged": None, "expected": None}
    assert shown["error"] is None
    assert shown["ended_at"] is None


def test_a_pending_request_says_when_the_next_attempt_is_due() -> None:
    assert read(PENDING)["requests"][0]["next_attempt_due_at"] == "2026-11-23T03:03:02.928Z"


def test_a_request_that_is_only_mentioned_has_no_attempts() -> None:
    (request,) = read(MENTIONED)["requests"]
    assert (request["attempts"], request["outcome"]) == ([], "unknown")
    assert request["undetermined_because"] == list(MENTIONED.undetermined_because)


def test_unknown_times_and_streams_are_null() -> None:
    first, second = read(UNDETERMINED)["requests"][0]["attempts"]
    assert (first["started_at"], first["cold_start"], first["wait_s"]) == (None, None, None)
    assert second["log_stream"] is None


def test_gaps_are_objects_and_make_the_coverage_incomplete() -> None:
    gap = replace(GAP, log_group=GROUP, log_stream=STREAM, since_ms=0, until_ms=1)
    coverage = read(coverage=replace(COVERAGE, gaps=(gap,)))["coverage"]
    assert coverage["complete"] is False
    assert coverage["gaps"] == [
        {
            "kind": "retention",
            "what": GAP.message,
            "message": GAP.message,
            "log_group": GROUP,
            "log_stream": STREAM,
            "since": "1970-01-01T00:00:00.000Z",
            "until": "1970-01-01T00:00:00.001Z",
            "settle": GAP.settle,
            "hides_attempts": True,
        }
    ]


def test_log_events_are_given_with_lines_only_and_whole() -> None:
    long = replace(FIRST, events=(replace(FIRST.events[0], message="x" * 1_000_000),))
    request = checked(RequestOutcome.PENDING, Verdict.AGREES, (long, FIRST_ROW[1]))
    assert "events" not in read(request)["requests"][0]["attempts"][0]
    (event,) = read(request, lines=True)["requests"][0]["attempts"][0]["events"]
    assert event == {
        "timestamp": "2026-11-23T03:00:00.123Z",
        "message": "x" * 1_000_000,
        "event_id": None,
    }


def test_lines_are_the_requests_of_the_document() -> None:
    answer = TraceAnswer(checked=[SWITCHED, PENDING], coverage=COVERAGE, lines=True)
    text = "".join(trace_lines(answer))
    assert [json.loads(line) for line in text.splitlines()] == (
        read(SWITCHED, PENDING, lines=True)["requests"]
    )
    assert list(trace_lines(TraceAnswer(checked=[], coverage=COVERAGE))) == []


def test_no_number_that_json_does_not_know() -> None:
    odd = attempt(1, ms("03:00"), duration_ms=float("inf"), init_duration_ms=float("nan"))
    request = checked(
        RequestOutcome.PENDING, Verdict.NOT_COUNTED, (odd, check(AttemptVerdict.SILENT, 0))
    )
    (shown,) = read(request)["requests"][0]["attempts"]
    assert (shown["duration_ms"], shown["init_duration_ms"]) == (None, None)


def test_text_stays_readable_where_it_is_harmless() -> None:
    odd = attempt(
        1, ms("03:00"), error=ErrorInfo(type="E", message="注文 \u00a0✓ \x1b[2J\u202e\x9b")
    )
    request = checked(
        RequestOutcome.PENDING, Verdict.NOT_COUNTED, (odd, check(AttemptVerdict.SILENT, 0))
    )
    text = "".join(trace_lines(TraceAnswer(checked=[request], coverage=COVERAGE)))
    assert r'"注文 ' + "\u00a0" + r'✓ \u001b[2J\u202e\u009b"' in text


@given(ANY_TEXT)
def test_any_text_comes_back_as_it_was_and_nothing_in_it_is_obeyed(text: str) -> None:
    odd = attempt(
        1, ms("03:00"), error=ErrorInfo(type=text, message=text, frame=text), log_stream=text
    )
    odd = replace(odd, events=(replace(FIRST.events[0], message=text),))
    request = checked(
        RequestOutcome.PENDING, Verdict.NOT_COUNTED, (odd, check(AttemptVerdict.SILENT, 0))
    )
    answer = TraceAnswer(checked=[request], coverage=COVERAGE, not_found=[text], lines=True)
    written = "".join(trace_document(answer))
    written.encode("utf-8")
    assert not any(
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in written if c != "\n"
    )
    (shown,) = json.loads(written)["requests"][0]["attempts"]
    as_json_has_it = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert shown["events"][0]["message"] == as_json_has_it
    assert shown["error"]["message"] == as_json_has_it


@given(st.integers())
def test_any_time_can_be_written(at_ms: int) -> None:
    request = checked(
        RequestOutcome.PENDING,
        Verdict.NOT_COUNTED,
        (attempt(1, at_ms), check(AttemptVerdict.SILENT, 0)),
    )
    (shown,) = read(request)["requests"][0]["attempts"]
    assert (shown["started_at"] or "").endswith("Z") == is_timed(at_ms)
