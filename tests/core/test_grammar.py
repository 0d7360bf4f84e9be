"""Every record that Lambda and the runtimes write, what only looks like one, and hostile lines."""

from __future__ import annotations

import json
import time

import pytest

from retryctl.core.grammar.record_parser import parse_record
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
from tests.support.lambda_log import ID, OTHER_ID, RUNTIME_ARN, TRACEBACK, platform

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


def _read(message: str) -> Record:
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
    assert _read(message) == record


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
    assert _read(REPORT + rest) == Report(**{**FIGURES, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        REPORT.replace("\t", " "),  # an export that turns tabs into spaces
        REPORT.replace("Billed Duration: 156 ms\t", "Billed Duration: 156 ms \t"),  # before 2021
    ],
)
def test_it_reads_a_report_however_it_is_spaced(line: str) -> None:
    assert _read(line) == Report(**FIGURES)  # type: ignore[arg-type]


def test_it_reads_the_emulator_s_order_of_fields() -> None:
    line = f"REPORT RequestId: {ID}\tInit Duration: 1.38 ms\tDuration: 651.86 ms\t"
    report = _read(line + "Billed Duration: 652 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB")
    assert isinstance(report, Report)
    assert (report.init_duration_ms, report.duration_ms) == (1.38, 651.86)
    assert not report.cut


@pytest.mark.parametrize("end", ["Max Mem", "Max Memory Used: 36", "Status:", "Status: ", "Error"])
def test_it_says_where_a_report_breaks_off(end: str) -> None:
    report = _read(f"REPORT RequestId: {ID}\tDuration: 54.60 ms\tMemory Size: 128 MB\t{end}")
    assert isinstance(report, Report)
    assert report.cut
    assert report.duration_ms == 54.6
    assert report.max_memory_used_mb is None


@pytest.mark.parametrize("end", ["", "\t", "\tStatus: error", "\tStatus: error\tError Type: R.O"])
def test_a_report_marked_as_cut_has_no_status(end: str) -> None:
    report = _read(f"{REPORT.rstrip()}{end}…")
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
    record = _read(message)
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
    assert _read(message) == record
    backwards = dict(reversed(json.loads(message).items()))
    assert _read(json.dumps(backwards) + "\n") == record


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
    assert _read(platform("report", record)) == Report(
        **FIGURES,  # type: ignore[arg-type]
        status=status,
        init_duration_ms=101.2,
        restore_duration_ms=0.0,
        xray_trace_id="1-6352a70e-1e2c",
        json=True,
    )


@pytest.mark.parametrize("wrong", ["54.6", True, [], {}, None, 1e300, float("nan"), 10**400])
def test_a_figure_that_is_none_is_not_given(wrong: object) -> None:
    report = _read(platform("report", {"requestId": ID, "metrics": {"durationMs": wrong}}))
    assert report == Report(request_id=ID, json=True)


# --------------------------------------------------------------------------- the runtimes' markers

PYTHON_JSON = {
    "timestamp": "2026-11-23T03:00:00Z",
    "errorMessage": "name 'x' is not defined",
    "errorType": "NameError",
    "requestId": ID,
    "stackTrace": ['  File "/var/task/app.py", line 11, in handler\n    x\n'],
}
PYTHON_JSON_ERROR = FunctionError(
    error_type="NameError",
    error_message="name 'x' is not defined",
    request_id=ID,
    frame="app.py:11 handler",
)
WARNING = "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the code. \r"
JAVA = (
    "no stock: java.lang.IllegalStateException\njava.lang.IllegalStateException: no stock\n"
    "\tat example.App.handle(App.java:20)\n"
)
NODE_JSON = {
    "timestamp": TIME,
    "level": "ERROR",
    "requestId": ID,
    "message": {"errorType": "Error", "errorMessage": "no stock", "stackTrace": ["Error: no"]},
}


@pytest.mark.parametrize(
    ("message", "record"),
    [
        pytest.param(
            f"[ERROR] NameError: name 'x' is not defined\n{TRACEBACK}",
            FunctionError(
                error_type="NameError",
                error_message="name 'x' is not defined",
                frame="app.py:11 handler",
            ),
            id="python",
        ),
        pytest.param(
            f"[ERROR] ValueError\n{TRACEBACK}",
            FunctionError(error_type="ValueError", frame="app.py:11 handler"),
            id="python, no message",
        ),
        pytest.param(
            f"[ERROR] ValueError: one\ntwo: three\n{TRACEBACK}",
            FunctionError(
                error_type="ValueError",
                error_message="one\ntwo: three",
                frame="app.py:11 handler",
            ),
            id="python, a message of two lines",
        ),
        pytest.param(
            "[ERROR] Runtime.MarshalError: Unable to marshal response\n"
            "Traceback (most recent call last):",
            FunctionError(
                error_type="Runtime.MarshalError", error_message="Unable to marshal response"
            ),
            id="python, no frames",
        ),
        pytest.param(
            f"[ERROR] NameError: gone\r{TRACEBACK}".replace("\n", "\r"),
            FunctionError(error_type="NameError", error_message="gone", frame="app.py:11 handler"),
            id="python on stdout",
        ),
        pytest.param(
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'",
            FunctionError(
                error_type="Runtime.ImportModuleError",
                error_message="Unable to import module 'app': No module named 'x'",
            ),
            id="python, a type of the runtime",
        ),
        pytest.param(
            json.dumps(PYTHON_JSON | {"log_level": "ERROR"}),
            PYTHON_JSON_ERROR,
            id="python JSON up to 4.0.3",
        ),
        pytest.param(
            json.dumps(PYTHON_JSON | {"level": "ERROR"}) + "\n",
            PYTHON_JSON_ERROR,
            id="python JSON after 4.0.3",
        ),
        pytest.param(
            WARNING + json.dumps(PYTHON_JSON | {"log_level": "ERROR"}),
            PYTHON_JSON_ERROR,
            id="python JSON glued behind a warning",
        ),
        pytest.param(
            f"{WARNING}[ERROR] NameError: gone\r" + TRACEBACK.replace("\n", "\r"),
            FunctionError(error_type="NameError", error_message="gone", frame="app.py:11 handler"),
            id="python text glued behind a warning",
        ),
        pytest.param(
            json.dumps(PYTHON_JSON | {"level": "ERROR", "requestId": "", "stackTrace": []}),
            FunctionError(error_type="NameError", error_message="name 'x' is not defined"),
            id="python JSON, a failed init",
        ),
        pytest.param(
            f'{TIME}\t{ID}\tERROR\tInvoke Error \t{{"errorType":"Error","errorMessage":"no"}}\n',
            FunctionError(error_type="Error", error_message="no", request_id=ID, runtime="node"),
            id="node",
        ),
        pytest.param(
            f'{TIME}\tundefined\tERROR\tUncaught Exception \t{{"errorType":"SyntaxError"}}\n',
            FunctionError(error_type="SyntaxError", runtime="node"),
            id="node, init",
        ),
        pytest.param(
            f'{TIME}\t{ID}\tERROR\tUnhandled Promise Rejection \t{{"errorType":"Runtime.X"}}\n',
            FunctionError(error_type="Runtime.X", request_id=ID, runtime="node"),
            id="node, a promise",
        ),
        pytest.param(
            f'{TIME}\t{ID}\tERROR\tInvoke Error \t{{\r"errorType":"Error"}}',
            FunctionError(error_type="Error", request_id=ID, runtime="node"),
            id="node on stdout",
        ),
        pytest.param(
            json.dumps(NODE_JSON),
            FunctionError(
                error_type="Error",
                error_message="no stock",
                request_id=ID,
                runtime="node",
                certain=False,
            ),
            id="node JSON",
        ),
        pytest.param(
            JAVA,
            FunctionError(
                error_type="java.lang.IllegalStateException",
                error_message="no stock",
                runtime="java",
            ),
            id="java",
        ),
        pytest.param(
            "no: stock: example.App$Empty\n\tat example.App.handle(App.java:20)\n",
            FunctionError(
                error_type="example.App$Empty", error_message="no: stock", runtime="java"
            ),
            id="java, only the head",
        ),
        pytest.param(
            json.dumps({"timestamp": TIME, "level": "ERROR", "message": JAVA, "AWSRequestId": ID}),
            FunctionError(
                error_type="java.lang.IllegalStateException",
                error_message="no stock",
                request_id=ID,
                runtime="java",
            ),
            id="java JSON",
        ),
        pytest.param(
            '2026/11/23 03:00:00 {"errorMessage":"no stock","errorType":"errorString"}',
            FunctionError(error_type="errorString", error_message="no stock", runtime="go"),
            id="go",
        ),
        pytest.param(
            "Error raised from handler method\n", FunctionError(runtime="ruby"), id="ruby"
        ),
        pytest.param(
            'Critical exception from handler\n{"errorMessage": "no", "errorType": "Function<X>"}',
            FunctionError(error_type="Function<X>", error_message="no", runtime="ruby"),
            id="ruby, in one event",
        ),
        pytest.param(
            f"{TIME}\t{ID}\tfail\tSystem.ApplicationException: no stock\n   at Function.Handler()",
            FunctionError(
                error_type="System.ApplicationException",
                error_message="no stock",
                request_id=ID,
                runtime="dotnet",
                certain=False,
            ),
            id=".NET",
        ),
        pytest.param(
            json.dumps(
                {
                    "timestamp": TIME,
                    "level": "Error",
                    "requestId": ID,
                    "message": "no stock",
                    "errorType": "System.Exception",
                    "errorMessage": "no stock",
                    "stackTrace": ["   at Function.Handler()"],
                }
            ),
            FunctionError(
                error_type="System.Exception",
                error_message="no stock",
                request_id=ID,
                runtime="dotnet",
                certain=False,
            ),
            id=".NET JSON",
        ),
    ],
)
def test_it_reads_each_runtime_s_marker(message: str, record: FunctionError) -> None:
    assert _read(message) == record


@pytest.mark.parametrize("newline", [" ", "  ", "\n"])
@pytest.mark.parametrize("tab", ["\t", " ", "    "])
@pytest.mark.parametrize(
    "message",
    [
        "[ERROR] KeyError: 'sku'\nTraceback (most recent call last):\n  File \"/var/task/app.py\", "
        "line 5, in handler\n    reserve(event)",
        f'{WARNING}[ERROR] KeyError: gone\nTraceback (most recent call last):\n  File "/var/task/'
        'app.py", line 5, in handler\n    reserve(event)',
        "no stock: java.lang.IllegalStateException\njava.lang.IllegalStateException: no stock\n"
        "\tat example.App.handle(App.java:20)\n\tat java.base/java.lang.Thread.run(Unknown Source)",
        "no stock: java.lang.IllegalStateException\n\tat example.App.handle(App.java:20)\n",
        'Error raised from handler method\n{\n  "errorMessage": "no",\n  "errorType": "X"\n}',
        f'{TIME}\t{ID}\tERROR\tInvoke Error \t{{"errorType":"Error","errorMessage":"no"}}\n',
        f'{TIME}\tundefined\tERROR\tUncaught Exception \t{{"errorType":"SyntaxError"}}\n',
        f"{TIME}\t{ID}\tfail\tSystem.Exception: no",
    ],
)
def test_it_reads_a_marker_on_one_line_like_the_original(
    message: str, newline: str, tab: str
) -> None:
    line = message.replace("\r", newline).replace("\n", newline).replace("\t", tab)
    assert isinstance(_read(message), FunctionError)
    assert _read(line) == _read(message)


def test_it_reads_an_error_of_java_whose_indentation_was_lost() -> None:
    assert _read(JAVA.replace("\t", "")) == _read(JAVA)


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (f"[WARNING]\t{TIME}\t\tLAMBDA_WARNING: Unhandled exception. The cause …\r\n", None),
        (f"[WARNING]\t{TIME}\t{ID}\tLAMBDA_WARNING: Unhandled exception.\r\n", ID),
        ("LAMBDA_WARNING: Unhandled exception.\r", None),
    ],
)
def test_a_warning_alone_is_no_error(message: str, request_id: str | None) -> None:
    assert _read(message) == LambdaWarning(request_id=request_id)


def test_the_frame_is_the_innermost_of_the_function_s_own_code() -> None:
    error = _read(
        "[ERROR] KeyError: 'sku'\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/app.py", line 5, in handler\n'
        '\xa0\xa0File "/var/task/stock/count.py", line 40, in <lambda>\n'
        '\xa0\xa0File "/var/task/site-packages/orm.py", line 9, in get\n'
        '\xa0\xa0File "/var/lang/lib/python3.13/json.py", line 1, in loads'
    )
    assert isinstance(error, FunctionError)
    assert error.frame == "stock/count.py:40 <lambda>"


# --------------------------------------------------------------------------- the application


@pytest.mark.parametrize(
    ("message", "level", "request_id"),
    [
        ("0\n", None, None),
        ("", None, None),
        (f"[INFO]\t{TIME}\t{ID}\tcounting\n", "INFO", ID),
        (f"[ERROR]\t{TIME}\t{ID}\tno stock\n{TRACEBACK}\n", "ERROR", ID),  # logger.exception
        (f"[INFO]\t{TIME}\t\tin init\n", "INFO", None),
        (f"{TIME}\t{ID}\tINFO\tcounting\n", "INFO", ID),
        (f"{TIME}\t{ID}\tERROR\tno stock\n", "ERROR", ID),
        (f"{TIME}\tundefined\tINFO\tLoading function\n", "INFO", None),
        (f"{TIME}\t{ID}\tinfo\tcounting\n", "info", ID),
        (f"{TIME}\t{ID}\tbefore Node.js 10\n", None, ID),
        (
            json.dumps({"level": "INFO", "message": "counting", "logger": "x", "requestId": ID}),
            "INFO",
            ID,
        ),
        (
            json.dumps(PYTHON_JSON | {"level": "ERROR", "message": "no stock", "logger": "root"}),
            "ERROR",
            ID,
        ),
        (json.dumps({"level": "INFO", "message": {"count": 1}, "requestId": ID}), "INFO", ID),
        (json.dumps({"level": "INFO", "message": "x", "AWSRequestId": ID}), "INFO", ID),
        (json.dumps({"level": "Information", "message": "x", "requestId": ID}), "Information", ID),
        (
            json.dumps({"level": "ERROR", "msg": "no", "errorType": "X", "requestId": ID}),
            "ERROR",
            ID,
        ),
        (json.dumps({"retryctl": 1, "request_id": ID, "counter": 0}), None, ID),
        (json.dumps({"type": "platform.start"}), None, None),
    ],
)
def test_it_knows_what_the_application_logged(
    message: str, level: str | None, request_id: str | None
) -> None:
    line = _read(message)
    assert isinstance(line, AppLine)
    assert (line.text, line.level, line.request_id) == (message, level, request_id)


@pytest.mark.parametrize(
    "trap",
    [
        "]END RequestId: " + ID,
        " START RequestId: " + ID + " Version: $LATEST",
        "START RequestId: not-an-id Version: $LATEST",
        f"END RequestId: {ID[:-1]}",
        f"the event was START RequestId: {ID} Version: $LATEST",
        f"Task timed out after 3.00 seconds in {ID}",
        f"{TIME} {ID} Task timed out after a while",
        f"RequestId: {ID} Error: nothing of importance",
        f"RequestId: {ID} was handled",
        "[ERROR] no stock, and no traceback",
        "[ERROR] NameError: printed by hand",
        "Traceback (most recent call last):",
        "java.lang.IllegalStateException: no stock\n\tat example.App.handle(App.java:20)\n",
        "java.io.IOException: Timeout\n\tat example.App.handle(App.java:20)\n",
        "java.io.IOException: no stock at example.App.handle(App.java:20)",
        "java.io.IOException: Timeout at example.App.handle(App.java:20)",
        "the order: OUT of stock at example.App (shelf 7)",
        "[ERROR] NameError: printed by hand Traceback (most recent call last): was logged",
        "INIT_START is what I wait for",
        "INIT_REPORT in the afternoon",
        "EXTENSION to the deadline",
        "LOGS are wood",
        "{not json",
        "[1, 2]",
        '{"time": "2026-11-23T03:00:00Z", "level": "INFO", "msg": "hello"}',
        '2026/11/23 03:00:00 {"count": 1}',
        "2026-11-23T03:00:00.123Z nothing else",
        "Error raised from the depths",
    ],
)
def test_what_only_looks_like_a_record_is_the_application_s(trap: str) -> None:
    record = _read(trap)
    assert isinstance(record, AppLine)
    assert record.text == trap


# --------------------------------------------------------------------------- hostile lines

HEADS = (
    f"START RequestId: {ID} ",
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 1 ms\t",
    "INIT_START ",
    "EXTENSION\tName: ",
    f"RequestId: {ID} Error: ",
    "[ERROR] X: ",
    "[ERROR] ",
    f"[WARNING]\t{TIME}\t\tLAMBDA_WARNING: ",
    f"[INFO]\t{TIME}\t",
    f"{TIME}\t{ID}\tERROR\tInvoke Error ",
    f"{TIME}\t{ID}\tfail\t",
    f"{TIME} {ID} Task timed out after 3.00 seconds",
    '2026/11/23 03:00:00 {"errorMessage":',
    "Error raised from handler method",
    "no: java.X\n\tat ",
    "a: ",
    '{"type":"platform.start","record":',
)
TAILS = (" ", "\n", "\t", "a", "a.", "A: ", "A.A ", "\r\n", "{", "[", '{"a":', '": ', "a: java.X\n")


@pytest.mark.parametrize("head", HEADS)
def test_it_reads_long_hostile_lines_at_once(head: str) -> None:
    started = time.perf_counter()
    for tail in TAILS:
        record = _read(head + tail * (300_000 // len(tail)) + "!")
        assert not isinstance(record, (Start, End, Report))
    # a quadratic reading of one such line takes minutes, a linear one of all of them a second
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("tail", TAILS)
def test_a_hostile_line_just_short_enough_to_be_a_record_is_read_at_once(tail: str) -> None:
    started = time.perf_counter()
    for head in HEADS:
        for _ in range(20):
            _read(head + tail * ((8192 - len(head)) // len(tail) - 1) + "!")
    assert time.perf_counter() - started < 10


def test_ids_are_compared_whole() -> None:
    assert _read(f"END RequestId: {OTHER_ID}") != _read(f"END RequestId: {OTHER_ID[:-1]}1")


def test_a_field_of_tomorrow_spoils_no_record() -> None:
    line = (
        "INIT_REPORT Init Duration: 9.5 ms\tPhase: invoke\tStatus: error\tError Type: X\tNew: y\n"
    )
    expected = InitReport(duration_ms=9.5, phase="invoke", status="error", error_type="X")
    assert _read(line) == expected
