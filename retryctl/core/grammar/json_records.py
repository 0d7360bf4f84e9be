"""The JSON format: Lambda's own records, the runtimes' errors, and their loggers' lines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from retryctl.core.grammar.error_fields import error_marker, java_error, may_be_cut
from retryctl.core.grammar.platform_text import platform_text
from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import request_id_in
from retryctl.core.model.group_names import unqualified
from retryctl.core.model.records import (
    AppLine,
    End,
    Extension,
    FunctionError,
    InitReport,
    InitStart,
    LogsDropped,
    Record,
    Report,
    RestoreReport,
    RestoreStart,
    RuntimeDone,
    Start,
    Unrecognised,
    WebRecord,
)

_Fields = dict[str, Any]
# {"errorMessage": "half a character: \ud83d"}; \\ is an escaped backslash, a pair is a character.
_ESCAPES = late_regex(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that ``text`` is; ``None`` where it is anything else.

    Raw control characters are read: the console's CSV turns ``\\n`` inside a JSON message into a
    newline. Half a character (a lone surrogate) becomes U+FFFD, because no output can encode it.
    """
    if "\\ud" in text or "\\uD" in text:
        text = _ESCAPES.sub(lambda m: "\\ufffd" if m[1] else m[0], text)
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# {"time": "2026-…", "type": "platform.report", "record": {…}}⏎me@host:~$
_REPORT_LINE = late_regex(r'\{[^\n]{0,400}"type": ?"platform\.report"[^\n]*(?=\n)')


def json_record(message: str) -> Record | None:
    """Return the record in a line of JSON; ``None`` where it is not a whole object."""
    fields = json_object(message)
    if fields is None and (report := _REPORT_LINE.match(message)):
        fields = json_object(report[0])  # text behind the line, such as a prompt, is no part of it
    if fields is None:
        cut = _cut_error(message) if may_be_cut(message) else None
        return cut or _cut_record(message)
    kind = fields.get("type")
    if isinstance(kind, str) and kind.startswith("platform.") and "record" in fields:
        return _platform(message, kind[len("platform.") :], fields["record"])
    return _runtime_record(message, fields)


# {"timestamp": "2026-…", "level": "ERROR", "errorMessage": "…
_ERROR_KEY = late_regex(r'"error(?:Message|Type)": ?"([^"\\]{0,200})')
_HEAD_CHARACTERS = 1_000


def _cut_error(message: str) -> FunctionError | None:
    """Read the error of a runtime that was too long for one log event."""
    found = _ERROR_KEY.search(message[:_HEAD_CHARACTERS])
    return FunctionError(error_message=found[1] or None, certain=False) if found else None


# {"time": "2026-11-23T00:00:00.000Z", "type": "platform.report", "record": {…
# {"timestamp": "2026-11-23T00:00:00.000Z", "level": "ERROR", "errorMessage": "…
_HEAD = late_regex(
    r'\{"time": ?"[^"\n]{1,40}", ?"type": ?"platform\.(?:start|report)"'
    r'|\{"timestamp": ?"[^"\n]{1,40}", ?"(?:log_)?level": ?"(?:ERROR|FATAL|Error)"'
)


def _cut_record(message: str) -> Unrecognised | None:
    """Keep a line that begins as a record of Lambda's or a runtime's error, and is not whole."""
    if _HEAD.match(message):
        return Unrecognised(text=message, why="a record without its end", cut=True)
    return None


def _platform(message: str, kind: str, record: object) -> Record:
    """``{"time": …, "type": "platform.X", "record": {…}}``, in any order of keys."""
    if kind == "fault" and isinstance(record, str):  # it quotes the line of the text format
        return platform_text(record) or Unrecognised(text=message, why="an unknown platform.fault")
    if kind not in _OF_REQUEST and kind not in _OF_ENVIRONMENT:
        why = f"a platform record of unknown type {kind[:60]!r}"
    elif not isinstance(record, dict):
        why = f"a platform.{kind} without its record"
    elif kind in _OF_ENVIRONMENT:
        return _OF_ENVIRONMENT[kind](record)
    elif request_id := _own_id(record):
        return _OF_REQUEST[kind](request_id, record)
    else:
        masked = kind in ("start", "report") and "****" in (_text(record, "requestId") or "")
        why = f"a platform.{kind} without a request ID"
        return Unrecognised(text=message, why=why, cut=masked)
    return Unrecognised(text=message, why=why)


def _text(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def _figure(record: dict[str, Any], key: str) -> Any:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) < 1e15 and math.isfinite(value) else None


def _metrics(record: _Fields) -> dict[str, Any]:
    metrics = record.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def _own_id(record: _Fields) -> str | None:
    return request_id_in(_text(record, "requestId") or "")


def _platform_start(request_id: str, record: _Fields) -> Record:
    arn = _text(record, "functionArn") or _text(record, "invokedFunctionArn")
    return Start(
        request_id=request_id,
        version=_text(record, "version"),
        json=True,
        function_arn=unqualified(arn),
    )


def _platform_report(request_id: str, record: _Fields) -> Record:
    metrics = _metrics(record)
    return Report(
        request_id=request_id,
        duration_ms=_figure(metrics, "durationMs"),
        billed_duration_ms=_figure(metrics, "billedDurationMs"),
        memory_size_mb=_figure(metrics, "memorySizeMB"),
        max_memory_used_mb=_figure(metrics, "maxMemoryUsedMB"),
        init_duration_ms=_figure(metrics, "initDurationMs"),
        restore_duration_ms=_figure(metrics, "restoreDurationMs"),
        status=_text(record, "status"),
        error_type=_text(record, "errorType"),
        xray_trace_id=_trace_id(record),
        json=True,
    )


def _trace_id(record: _Fields) -> str | None:
    """``"tracing": {"value": "Root=1-6352a70e-…;Parent=…;Sampled=1"}``."""
    tracing = record.get("tracing")
    value = _text(tracing, "value") if isinstance(tracing, dict) else None
    root = (value or "").partition("Root=")[2].partition(";")[0]
    return root or None


def _platform_runtime_done(request_id: str, record: _Fields) -> Record:
    return RuntimeDone(
        request_id=request_id,
        status=_text(record, "status"),
        error_type=_text(record, "errorType"),
        duration_ms=_figure(_metrics(record), "durationMs"),
    )


def _platform_init_start(record: _Fields) -> Record:
    return InitStart(
        runtime_version=_text(record, "runtimeVersion"),
        initialization_type=_text(record, "initializationType"),
        phase=_text(record, "phase"),
        function_name=unqualified(_text(record, "functionArn")) or _text(record, "functionName"),
        json=True,
    )


def _platform_init_report(record: _Fields) -> Record:
    return InitReport(
        duration_ms=_figure(_metrics(record), "durationMs"),
        phase=_text(record, "phase"),
        status=_text(record, "status"),
        error_type=_text(record, "errorType"),
        initialization_type=_text(record, "initializationType"),
    )


def _platform_restore_report(record: _Fields) -> Record:
    return RestoreReport(
        duration_ms=_figure(_metrics(record), "durationMs"),
        status=_text(record, "status"),
        error_type=_text(record, "errorType"),
    )


def _platform_extension(record: _Fields) -> Record:
    def names(key: str) -> tuple[str, ...]:
        value = record.get(key)
        return tuple(str(name) for name in value) if isinstance(value, list) else ()

    return Extension(
        name=_text(record, "name"),
        state=_text(record, "state"),
        events=names("events"),
        types=names("types"),
        error_type=_text(record, "errorType"),
    )


def _platform_logs_dropped(record: _Fields) -> Record:
    return LogsDropped(
        dropped_records=_figure(record, "droppedRecords"), reason=_text(record, "reason")
    )


def _web(kind: str) -> Callable[[_Fields], Record]:
    return lambda record: WebRecord(type=kind, request_id=_own_id(record))


_WEB_KINDS = (
    *("invokeStart", "requestComplete", "invokeReport", "invokeSummary"),
    *("spinDownStart", "spinDownReport"),
)
_OF_REQUEST: dict[str, Callable[[str, _Fields], Record]] = {
    "start": _platform_start,
    "end": lambda request_id, record: End(request_id=request_id),
    "report": _platform_report,
    "runtimeDone": _platform_runtime_done,
}
_OF_ENVIRONMENT: dict[str, Callable[[_Fields], Record]] = {
    "initStart": _platform_init_start,
    "initRuntimeDone": _platform_init_report,
    "initReport": _platform_init_report,
    "restoreStart": lambda record: RestoreStart(runtime_version=_text(record, "runtimeVersion")),
    "restoreRuntimeDone": _platform_restore_report,
    "restoreReport": _platform_restore_report,
    "extension": _platform_extension,
    "telemetrySubscription": _platform_extension,
    "logsSubscription": _platform_extension,
    "logsDropped": _platform_logs_dropped,
    **{kind: _web(kind) for kind in _WEB_KINDS},
}


# --------------------------------------------------------------------------- the runtimes


_PYTHON_ERROR = {"errorType", "errorMessage", "requestId", "stackTrace"}


def _runtime_record(message: str, fields: _Fields) -> Record:
    """Return a runtime's own JSON: its error record, or a line of its logger.

    Python's error record has ``log_level`` up to awslambdaric 4.0.3 and ``level`` after, and
    neither ``message`` nor ``logger``; those stand in what an application logged. Node.js
    writes an unhandled error exactly as ``console.error(error)`` does, and .NET as its logger.
    The marker of ``retryctl.counters`` names its request as ``request_id``.
    """
    level = _text(fields, "level") or _text(fields, "log_level")
    given = (_text(fields, key) for key in ("requestId", "AWSRequestId", "request_id"))
    request_id = request_id_in(next(filter(None, given), ""))
    body = fields.get("message")
    if level in ("ERROR", "FATAL"):
        if fields.keys() >= _PYTHON_ERROR and not fields.keys() & {"message", "logger"}:
            return error_marker(fields, runtime="python", request_id=request_id)
        if isinstance(body, dict) and "errorType" in body and "stackTrace" in body:
            return error_marker(body, runtime="node", request_id=request_id, certain=False)
        if isinstance(body, str) and "AWSRequestId" in fields:
            error = java_error(body, request_id=request_id)
            if error:
                return error
    if level == "Error" and "errorType" in fields and "stackTrace" in fields:
        return error_marker(fields, runtime="dotnet", request_id=request_id, certain=False)
    return AppLine(text=message, level=level, request_id=request_id, fields=fields)
