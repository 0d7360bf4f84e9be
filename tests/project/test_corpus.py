"""Real records and sequences, read as their collector says; skipped where the corpus is absent."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.history_builder import build_history
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import (
    AppLine,
    End,
    Extension,
    FunctionError,
    InitReport,
    InitStart,
    LambdaWarning,
    LogsDropped,
    Report,
    RestoreReport,
    RestoreStart,
    RuntimeDone,
    RuntimeExited,
    Start,
    TimedOut,
)
from retryctl.sources.cloudwatch.attempt_line_pattern import attempt_line_pattern

pytestmark = pytest.mark.outside

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"

KINDS = {
    "start": Start,
    "end": End,
    "report": Report,
    "init_start": InitStart,
    "init_report": InitReport,
    "extension": Extension,
    "task_timed_out": TimedOut,
    "process_exited": RuntimeExited,
    "runtime_error": RuntimeExited,
    "function_error": FunctionError,
    "lambda_warning": LambdaWarning,
    "app": AppLine,
    "platform.start": Start,
    "platform.end": End,
    "platform.report": Report,
    "platform.runtimeDone": RuntimeDone,
    "platform.initStart": InitStart,
    "platform.initReport": InitReport,
    "platform.initRuntimeDone": InitReport,
    "platform.restoreStart": RestoreStart,
    "platform.restoreReport": RestoreReport,
    "platform.extension": Extension,
    "platform.telemetrySubscription": Extension,
    "platform.logsSubscription": Extension,
    "platform.logsDropped": LogsDropped,
}
FIELDS = {
    # the corpus's name: ours
    "billed_ms": "billed_duration_ms",
    "memory_mb": "memory_size_mb",
    "max_memory_mb": "max_memory_used_mb",
    "init_ms": "init_duration_ms",
    "restore_ms": "restore_duration_ms",
}
# the time of an event is CloudWatch's own, and the kind shows what was glued together
NOT_KEPT = {
    "runtime_version_arn",
    *("kind", "format", "timestamp", "time", "has_lambda_warning", "billed_restore_ms"),
    *("xray_segment_id", "xray_sampled", "produced_bytes", "dropped_bytes", "function_version"),
}
OUTCOMES = {
    "ok": "ok",
    "function_error": "error",
    "timeout": "timeout",
    "crash": "crash",
    "oom": "out-of-memory",
    "init_failure": "init-error",
    "in_progress": "running",
    None: "unknown",
}


def _rows(name: str) -> list[Any]:
    path = CORPUS / name
    if not path.exists():
        absent = pytest.mark.skip(reason=f"there is no corpus of real records at {CORPUS}")
        return [pytest.param({}, marks=absent, id="absent")]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        pytest.param(row, id=f"{n}-{row.get('name') or row['expect']['kind']}")
        for n, row in enumerate(rows)
    ]


@pytest.mark.parametrize("row", _rows("lambda-log-lines.jsonl"))
def test_a_real_record(row: dict[str, Any]) -> None:
    record = parse_record(LogEvent(timestamp_ms=0, message=row["line"]))
    expected = row["expect"]
    assert isinstance(record, KINDS[expected["kind"]])
    for name in expected.keys() - NOT_KEPT:
        given, own = expected[name], FIELDS.get(name, name)
        if isinstance(record, AppLine) and name in ("error_type", "error_message"):
            continue  # an error that the application logged is no failure
        if isinstance(record, (FunctionError, LambdaWarning)) and name == "level":
            continue
        if isinstance(record, InitReport) and name == "init_ms":
            own = "duration_ms"
        read_as = getattr(record, own)
        assert (list(read_as) if isinstance(read_as, tuple) else read_as) == given, name


@pytest.mark.parametrize("row", _rows("lambda-log-lines.jsonl"))
def test_a_real_record_is_among_the_lines_that_are_selected(row: dict[str, Any]) -> None:
    expression = attempt_line_pattern(Markers())
    assert expression
    plain = isinstance(parse_record(LogEvent(timestamp_ms=0, message=row["line"])), AppLine)
    assert plain or re.search(expression, row["line"])


def _events(row: dict[str, Any]) -> list[LogEvent]:
    """The events of a sequence; one without a time comes a millisecond after the one before."""
    events, now_ms = [], 1_700_000_000_000
    for n, each in enumerate(row["events"]):
        now_ms = now_ms + 1 if each["timestamp"] is None else each["timestamp"]
        events.append(
            LogEvent(
                timestamp_ms=now_ms,
                message=each["message"],
                log_stream=each["logStreamName"],
                event_id=each.get("eventId"),
                position=n,
            )
        )
    return events


@pytest.mark.parametrize("row", _rows("sequences.jsonl"))
def test_a_real_sequence(row: dict[str, Any]) -> None:
    events = _events(row)
    told = build_history(events, horizon_ms=max(event.timestamp_ms for event in events))
    found = {request.request_id: request.attempts for request in told.requests}
    expected = {each["request_id"]: each["attempts"] for each in row["expect"]["invocations"]}
    assert found.keys() == expected.keys()
    for request_id, attempts in expected.items():
        assert len(found[request_id]) == len(attempts)
        for attempt, given in zip(found[request_id], attempts, strict=True):
            _hold(attempt, given)
    _hold_attribution(found, row["expect"]["attribution"])


def _hold(attempt: Attempt, given: dict[str, Any]) -> None:
    error = attempt.error
    told = {
        "outcome": attempt.outcome.value,
        "duration_ms": attempt.duration_ms,
        "billed_ms": attempt.billed_duration_ms,
        "init_ms": attempt.init_duration_ms,
        "error_type": error.type if error else None,
        "error_message": error.message if error else None,
        "log_stream": attempt.log_stream,
        "cold_start": attempt.cold_start,
        "start_seen": attempt.start_event is not None,
        "report_seen": attempt.report_event is not None,
    }
    wanted = {**given, "outcome": OUTCOMES[given["outcome"]]}
    common = told.keys() & wanted.keys()
    assert {name: told[name] for name in common} == {name: wanted[name] for name in common}


def _hold_attribution(found: dict[str, tuple[Attempt, ...]], attribution: list[str | None]) -> None:
    owners: dict[int, list[str]] = defaultdict(list)
    for request_id, attempts in found.items():
        for attempt in attempts:
            for event in attempt.events:
                owners[event.position].append(f"{request_id}#{attempt.number}")
    for position, owner in enumerate(attribution):
        assert owners[position] == ([owner.partition(":")[0]] if owner else [])
