"""Every record that Lambda and the runtimes write, what only looks like one, and hostile lines."""

from __future__ import annotations

import json

import pytest

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import (
    End,
    Extension,
    InitReport,
    InitStart,
    LogsDropped,
    Record,
    Report,
    RestoreReport,
    RestoreStart,
    RuntimeDone,
    RuntimeExited,
    Start,
    TimedOut,
    Unrecognised,
    WebRecord,
)
from tests.support.lambda_log import ID, RUNTIME_ARN, platform

TIME = "2026-11-23T03:00:00.123Z"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 54.60 ms\tBilled Duration: 156 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 36 MB\t"
)
FIGURES = {
    "request_id": ID,
    "duration_ms": 54.6,
    "billed_duration_ms": 156,
    "memory_size_mb": 128,
    "max_memory_used_mb": 36,
}


def read_record(message: str) -> Record:
    return parse_record(LogEvent(timestamp_ms=0, message=message))


# --------------------------------------------------------------------------- Lambda, text


@pytest.mark.parametrize(
    ("message", "record"),
    [
        (f"START RequestId: {ID} Version: $LATEST\n", Start(request_id=ID, version="$LATEST")),
        (f"START RequestId: {ID} Version: 7", Start(request_id=ID, version="7")),
        (
            f"START RequestId: {ID} Version: $LATEST.PUBLISHED\n",
            Start(request_id=ID, version="$LATEST.PUBLISHED"),
        ),
        (
            f"START RequestId: {ID.upper()} Version: 1\n",
            Start(request_id=ID, version="1"),
        ),
        (f"END RequestId: {ID}\n", End(request_id=ID)),
        (f"END RequestId: {ID}", End(request_id=ID)),
        (
            f"INIT_START Runtime Version: python:3.13.v74\tRuntime Version ARN: {RUNTIME_ARN}\n",
            InitStart(runtime_version="python:3.13.v74"),
        ),
        (
            "INIT_REPORT Init Duration: 171.15 ms\tPhase: init\tStatus: error\t"
            "Error Type: Runtime.Unknown\n",
            InitReport(
                duration_ms=171.15, phase="init", status="error", error_type="Runtime.Unknown"
            ),
        ),
        (
            "INIT_REPORT Init Duration: 3000.80 ms\tPhase: invoke\tStatus: timeout\n",
            InitReport(duration_ms=3000.8, phase="invoke", status="timeout"),
        ),
        ("INIT_REPORT Init Duration: 402.00 ms\n", InitReport(duration_ms=402.0)),
        (
            f"RESTORE_START Runtime Version: java:21.v9\tRuntime Version ARN: {RUNTIME_ARN}\n",
            RestoreStart(runtime_version="java:21.v9"),
        ),
        ("RESTORE_REPORT Restore Duration: 474.16 ms\n", RestoreReport(duration_ms=474.16)),
        (
            "RESTORE_REPORT Restore Duration: 9.00 ms\tStatus: error\tError Type: RestoreError\n",
            RestoreReport(duration_ms=9.0, status="error", error_type="RestoreError"),
        ),
        (
            "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n",
            Extension(name="agent", state="Ready", events=("INVOKE", "SHUTDOWN")),
        ),
        (
            "EXTENSION Name: agent State: LaunchError Events: [] Error Type: PermissionDenied",
            Extension(name="agent", state="LaunchError", error_type="PermissionDenied"),
        ),
        (
            "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function]\n",
            Extension(name="agent", state="Subscribed", types=("Platform", "Function")),
        ),
        (
            "LOGS\tName: agent\tState: Subscribed\tTypes: [Platform]\n",
            Extension(name="agent", state="Subscribed", types=("Platform",)),
        ),
        (
            f"{TIME} {ID} Task timed out after 3.00 seconds\n\n",
            TimedOut(request_id=ID, timeout_s=3.0),
        ),
        (
            f"RequestId: {ID} Error: Runtime exited with error: signal: killed\n"
            "Runtime.ExitError\n",
            RuntimeExited(
                request_id=ID,
                error_type="Runtime.ExitError",
                error_message="Runtime exited with error: signal: killed",
                signal="killed",
            ),
        ),
        (
            f"RequestId: {ID} Error: Runtime exited with error: exit status 3\nRuntime.ExitError",
            RuntimeExited(
                request_id=ID,
                error_type="Runtime.ExitError",
                error_message="Runtime exited with error: exit status 3",
            ),
        ),
        (
            f"RequestId: {ID} Error: Runtime exited without providing a reason\n"
            "Runtime.ExitError\n",
            RuntimeExited(
                request_id=ID,
                error_type="Runtime.ExitError",
                error_message="Runtime exited without providing a reason",
            ),
        ),
        (
            f"RequestId: {ID} Error: fork/exec /var/task/bootstrap: no such file\n"
            "Runtime.InvalidEntrypoint\n",
            RuntimeExited(
                request_id=ID,
                error_type="Runtime.InvalidEntrypoint",
                error_message="fork/exec /var/task/bootstrap: no such file",
            ),
        ),
        (
            f"RequestId: {ID} Process exited before completing request\n\n",
            RuntimeExited(request_id=ID, error_message="Process exited before completing request"),
        ),
    ],
)
def test_it_reads_lambda_s_text(message: str, record: Record) -> None:
    assert read_record(message) == record


@pytest.mark.parametrize(
    ("rest", "more"),
    [
        ("\n", {}),
        ("", {}),
        ("Init Duration: 101.20 ms\t\n", {"init_duration_ms": 101.2}),
        (
            "Restore Duration: 474.16 ms\tBilled Restore Duration: 475 ms\t\n",
            {"restore_duration_ms": 474.16},
        ),
        ("Status: timeout\n", {"status": "timeout"}),
        (
            "Status: error\tError Type: Runtime.OutOfMemory\n",
            {"status": "error", "error_type": "Runtime.OutOfMemory"},
        ),
        (
            "\nXRAY TraceId: 1-6a4d74cc-7ded0e6b33a014b7337309fa\tSegmentId: 0133324294777dc4\t"
            "Sampled: true\t\n",
            {
                "xray_trace_id": "1-6a4d74cc-7ded0e6b33a014b7337309fa",
            },
        ),
        ("Cold Storage: 4 GB\tStatus: timeout\n", {"status": "timeout"}),  # a field of tomorrow
    ],
)
def test_it_reads_every_field_of_a_report(rest: str, more: dict[str, object]) -> None:
    assert read_record(REPORT + rest) == Report(**{**FIGURES, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        REPORT.replace("\t", " "),  # an export that turns tabs into spaces
        REPORT.replace("Billed Duration: 156 ms\t", "Billed Duration: 156 ms \t"),  # before 2021
    ],
)
def test_it_reads_a_report_however_it_is_spaced(line: str) -> None:
    assert read_record(line) == Report(**FIGURES)  # type: ignore[arg-type]


def test_it_reads_the_emulator_s_order_of_fields() -> None:
    line = f"REPORT RequestId: {ID}\tInit Duration: 1.38 ms\tDuration: 651.86 ms\t"
    report = read_record(
        line + "Billed Duration: 652 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB"
    )
    assert isinstance(report, Report)
    assert (report.init_duration_ms, report.duration_ms) == (1.38, 651.86)
    assert not report.cut


@pytest.mark.parametrize("end", ["Max Mem", "Max Memory Used: 36", "Status:", "Status: ", "Error"])
def test_it_says_where_a_report_breaks_off(end: str) -> None:
    report = read_record(f"REPORT RequestId: {ID}\tDuration: 54.60 ms\tMemory Size: 128 MB\t{end}")
    assert isinstance(report, Report)
    assert report.cut
    assert report.duration_ms == 54.6
    assert report.max_memory_used_mb is None


@pytest.mark.parametrize("end", ["", "\t", "\tStatus: error", "\tStatus: error\tError Type: R.O"])
def test_a_report_marked_as_cut_has_no_status(end: str) -> None:
    report = read_record(f"{REPORT.rstrip()}{end}…")
    assert isinstance(report, Report)
    assert (report.cut, report.status, report.error_type) == (True, None, None)
    assert report.max_memory_used_mb == FIGURES["max_memory_used_mb"]


@pytest.mark.parametrize(
    "message",
    [
        f"START RequestId: {ID}\n",
        f"START RequestId: {ID} Version: latest\n",
        f"END RequestId: {ID} and more\n",
        f"REPORT RequestId: {ID} is what I was looking for\n",
        "INIT_START Runtime Version:",
        "INIT_REPORT Init Duration: soon",
        "RESTORE_REPORT Restore Duration: 12 s",
        "EXTENSION\tName: agent",
        platform("tomorrow", {"requestId": ID}),
        platform("start", {"requestId": "none"}),
        platform("start", {}),
        platform("report", "no object"),
        platform("fault", "nobody knows"),
    ],
)
def test_what_cannot_be_read_as_the_record_it_looks_like_is_told(message: str) -> None:
    record = read_record(message)
    assert isinstance(record, Unrecognised)
    assert record.text == message
    assert record.why


# --------------------------------------------------------------------------- Lambda, JSON


@pytest.mark.parametrize(
    ("kind", "fields", "record"),
    [
        (
            "start",
            {"requestId": ID, "version": "7", "functionArn": "arn:aws:lambda:x", "tenantId": "t"},
            Start(request_id=ID, version="7", json=True),
        ),
        ("start", {"requestId": ID}, Start(request_id=ID, json=True)),
        ("end", {"requestId": ID}, End(request_id=ID)),
        (
            "initStart",
            {
                "initializationType": "on-demand",
                "phase": "init",
                "runtimeVersion": "python:3.13.v74",
                "functionName": "orders-worker",
                "functionVersion": "$LATEST",
                "instanceId": "2026/11/23/[$LATEST]a",
                "instanceMaxMemory": 134217728,
            },
            InitStart(
                runtime_version="python:3.13.v74",
                initialization_type="on-demand",
                phase="init",
                function_name="orders-worker",
                json=True,
            ),
        ),
        (
            "initRuntimeDone",
            {"initializationType": "on-demand", "phase": "init", "status": "success"},
            InitReport(phase="init", status="success", initialization_type="on-demand"),
        ),
        (
            "initReport",
            {
                "phase": "invoke",
                "status": "error",
                "errorType": "Runtime.ImportModuleError",
                "metrics": {"durationMs": 10000.487},
            },
            InitReport(
                duration_ms=10000.487,
                phase="invoke",
                status="error",
                error_type="Runtime.ImportModuleError",
            ),
        ),
        (
            "runtimeDone",
            {
                "requestId": ID,
                "status": "error",
                "errorType": "Runtime.ExitError",
                "metrics": {"durationMs": 25.0, "producedBytes": 0},
                "spans": [],
            },
            RuntimeDone(
                request_id=ID,
                status="error",
                error_type="Runtime.ExitError",
                duration_ms=25.0,
            ),
        ),
        (
            "restoreStart",
            {"runtimeVersion": "java:21.v9"},
            RestoreStart(runtime_version="java:21.v9"),
        ),
        ("restoreRuntimeDone", {"status": "success"}, RestoreReport(status="success")),
        (
            "restoreReport",
            {"status": "failure", "errorType": "RestoreError", "metrics": {"durationMs": 150.5}},
            RestoreReport(duration_ms=150.5, status="failure", error_type="RestoreError"),
        ),
        (
            "extension",
            {"name": "agent", "state": "Ready", "events": ["INVOKE"]},
            Extension(name="agent", state="Ready", events=("INVOKE",)),
        ),
        (
            "telemetrySubscription",
            {"name": "agent", "state": "Subscribed", "types": ["platform", "function"]},
            Extension(name="agent", state="Subscribed", types=("platform", "function")),
        ),
        (
            "logsSubscription",
            {"name": "agent", "state": "Subscribed", "types": ["platform"]},
            Extension(name="agent", state="Subscribed", types=("platform",)),
        ),
        (
            "logsDropped",
            {"droppedRecords": 0, "droppedBytes": 1024, "reason": "consumer is too slow"},
            LogsDropped(dropped_records=0, reason="consumer is too slow"),
        ),
        ("invokeStart", {"requestId": ID}, WebRecord(type="invokeStart", request_id=ID)),
        ("requestComplete", {"requestId": ID}, WebRecord(type="requestComplete", request_id=ID)),
        ("invokeReport", {}, WebRecord(type="invokeReport")),
        (
            "fault",
            f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
            RuntimeExited(
                request_id=ID,
                error_type="Runtime.ExitError",
                error_message="Runtime exited with error: signal: killed",
                signal="killed",
            ),
        ),
    ],
)
def test_it_reads_lambda_s_json(kind: str, fields: object, record: Record) -> None:
    message = platform(kind, fields)
    assert read_record(message) == record
    backwards = dict(reversed(json.loads(message).items()))
    assert read_record(json.dumps(backwards) + "\n") == record


@pytest.mark.parametrize("status", ["success", "failure", "error", "timeout"])
def test_it_reads_a_json_report(status: str) -> None:
    metrics = {
        "durationMs": 54.6,
        "billedDurationMs": 156,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": 36,
        "initDurationMs": 101.2,
        "restoreDurationMs": 0.0,
        "billedRestoreDurationMs": 0,
    }
    record = {
        "requestId": ID.upper(),
        "status": status,
        "metrics": metrics,
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-6352a70e-1e2c;Parent=2;Sampled=1"},
    }
    assert read_record(platform("report", record)) == Report(
        **FIGURES,  # type: ignore[arg-type]
        status=status,
        init_duration_ms=101.2,
        restore_duration_ms=0.0,
        xray_trace_id="1-6352a70e-1e2c",
        json=True,
    )


@pytest.mark.parametrize("wrong", ["54.6", True, [], {}, None, 1e300, float("nan"), 10**400])
def test_a_figure_that_is_none_is_not_given(wrong: object) -> None:
    report = read_record(platform("report", {"requestId": ID, "metrics": {"durationMs": wrong}}))
    assert report == Report(request_id=ID, json=True)
