"""A small runtime client for where awslambdaric is missing: macOS, or a bare interpreter.

It serves the Runtime API, logs errors and logger lines as awslambdaric does, and gives the
handler the same context. It does not run SnapStart hooks.
"""

from __future__ import annotations

import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

_FRAME = 0xA55A0000
_FORMATS = {"text": 3, "json": 2}
_LEVELS = {"NOTSET": 0, "DEBUG": 2, "INFO": 3, "WARNING": 4, "ERROR": 5, "CRITICAL": 6}

# What every record has, under names of Python's own: not fields of the application.
_OF_EVERY_RECORD = {
    *vars(logging.LogRecord("", 0, "", 0, "", (), None)),
    *("aws_request_id", "tenant_id", "frame_level"),
} - {"taskName"}


class Unbuffered:
    """stdout or stderr that writes at once."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        """Write ``text`` at once."""
        self._stream.write(text)
        self._stream.flush()

    def writelines(self, lines: Any) -> None:
        """Write ``lines`` at once."""
        self._stream.writelines(lines)
        self._stream.flush()


class JsonFormatter(logging.Formatter):
    """A logger line of the JSON format: Lambda's fields, then those of ``extra=``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a level between two is the lower one."""
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = record.frame_level = logging.getLevelName(record.levelno)
        fields: dict[str, Any] = {
            "timestamp": _now(record.created),
            "level": record.levelname,
            "message": _message(record),
            "logger": record.name,
            **_of_exception(record),
            "requestId": getattr(record, "aws_request_id", None),
            "location": None,
        }
        if record.exc_info:
            fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        for name, value in vars(record).items():
            if name not in _OF_EVERY_RECORD:
                fields.setdefault(name, value)
        plain = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(plain, ensure_ascii=False, default=str) + "\n"


def _message(record: logging.LogRecord) -> Any:
    if isinstance(record.msg, dict) and not record.args:
        return record.msg
    return record.getMessage()


def _of_exception(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info:
        return {"stackTrace": None, "errorType": None, "errorMessage": None}
    kind, error, trace = record.exc_info
    return {
        "stackTrace": traceback.format_tb(trace),
        "errorType": kind.__name__,  # type: ignore[union-attr]  # no exception: as awslambdaric fails
        "errorMessage": str(error),
    }


class FramedHandler(logging.Handler):
    """Logger lines, each in a frame that states its level and its time."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""
        self._file = os.fdopen(int(os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD")), "wb", 0)
        self.json = os.environ["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
        self._with_level = self.json or bool(os.environ.get("AWS_LAMBDA_LOG_LEVEL"))
        logging.Formatter.converter = time.gmtime
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        text = logging.Formatter(line, "%Y-%m-%dT%H:%M:%S")
        self.setFormatter(JsonFormatter() if self.json else text)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one logger line; one that a formatter of the function's made is a text frame."""
        record.aws_request_id = self.request_id
        record.tenant_id = None
        line = self.format(record)
        known = getattr(record, "frame_level", None)
        rounded = logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10)
        level = (known or rounded) if self._with_level else "NOTSET"
        self.write(line, level, "json" if known else "text")

    def error(self, kind: str, message: str, frames: list[str]) -> None:
        """Write the runtime's own record of an error."""
        if self.json:
            fields = {
                "timestamp": _now(time.time()),
                "level": "ERROR",
                "errorMessage": message,
                "errorType": kind,
                "requestId": self.request_id,
                "stackTrace": frames,
            }
            self.write(json.dumps(fields, ensure_ascii=False), "ERROR", "json")
            return
        head = f"[ERROR] {kind}: {message}" if message else f"[ERROR] {kind}"
        lines = [line for frame in frames for line in frame.splitlines()]
        indented = [_no_break(line) for line in lines]
        text = "\n".join([head, "Traceback (most recent call last):", *indented])
        self.write(text, "ERROR", "text")

    def write(self, message: str, level: str = "NOTSET", form: str = "text") -> None:
        """Write a frame: type, length, time in microseconds, message."""
        kind = _FRAME | _LEVELS.get(level, 0) << 2 | _FORMATS[form]
        data = message.encode()
        time_us = time.time_ns() // 1000
        frame = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + time_us.to_bytes(8, "big")
        self._file.write(frame + data)


def _now(moment_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_s))


def _no_break(line: str) -> str:
    """Return the line indented with no-break spaces, as the runtime's own are."""
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text


# --------------------------------------------------------------------------- the client


_API = "/2018-06-01/runtime/"
_INSIDE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Fault(Exception):
    """The handler or its result cannot be used. ``kind`` is the runtime's name for the reason."""

    def __init__(self, kind: str, message: str, frames: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.frames = frames


class Context:
    """The context of an invocation."""

    def __init__(self, headers: Any, log: FramedHandler) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = None
        self.tenant_id = None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])
        self._log = log

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function times out."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write one event to the log."""
        self._log.write(str(message))


def serve_invocations(handler: str, inject_fault: Callable[..., None]) -> None:
    """Load ``handler`` and serve invocations; ``inject_fault`` is called before and after each."""
    streams: Any = (sys.stdout, sys.stderr)
    sys.stdout, sys.stderr = map(Unbuffered, streams)
    log = FramedHandler()
    logging.getLogger().addHandler(log)
    _set_level(os.environ.get("AWS_LAMBDA_LOG_LEVEL", ""))
    try:
        function = load(handler)
    except Exception as error:
        kind, frames = _described(error)
        log.error(kind, str(error), frames)
        answer = _error_answer(kind, str(error), frames)
        _call("POST", "init/error", answer, {"Lambda-Runtime-Function-Error-Type": kind})
        sys.exit(1)
    while True:
        headers, body = _call("GET", "invocation/next")
        inject_fault(late=False)
        log.request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
        path = f"invocation/{log.request_id}/"
        try:
            answer = _result(function, json.loads(body), Context(headers, log))
        except Exception as error:
            kind, frames = _described(error)
            inject_fault(late=True)
            log.error(kind, str(error), frames)
            _call("POST", path + "error", _error_answer(kind, str(error), frames))
        else:
            inject_fault(late=True)
            _call("POST", path + "response", answer)


def _set_level(level: str) -> None:
    level = {"TRACE": "DEBUG"}.get(level, level)
    if isinstance(logging.getLevelName(level), int):
        logging.getLogger().setLevel(level)


def load(handler: str) -> Callable[[Any, Context], Any]:
    """Return the function that ``module.function`` names.

    :raises Fault: there is none, with the runtime's name for the reason.
    """
    module, dot, name = handler.rpartition(".")
    if not dot:
        text = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", text)
    if module.split(".")[0] in sys.builtin_module_names:
        text = f"Cannot use built-in module {module} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", text)
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module}': {error}"
        raise Fault("Runtime.ImportModuleError", text) from None
    except SyntaxError as error:
        text = f"Syntax error in module '{module}': {error}"
        frame = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("Runtime.UserCodeSyntaxError", text, (frame,)) from None
    if not hasattr(found, name):
        text = f"Handler '{name}' missing on module '{module}'"
        raise Fault("Runtime.HandlerNotFound", text)
    function: Callable[[Any, Context], Any] = getattr(found, name)
    return function


def _result(function: Callable[[Any, Context], Any], event: Any, context: Context) -> bytes:
    """Return the handler's result as the body of the response."""
    result = function(event, context)
    if isinstance(result, bytes):
        return result
    try:
        return json.dumps(result, ensure_ascii=False, default=_number).encode()
    except (TypeError, ValueError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def _number(value: object) -> float:
    """Return a Decimal as a number, which the runtime takes beside what JSON knows."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _described(error: Exception) -> tuple[str, list[str]]:
    """Return the error's kind and its frames, without those of this package."""
    if isinstance(error, Fault):
        return error.kind, list(error.frames)
    frames = traceback.extract_tb(error.__traceback__)
    # tuples: with them the lines have no carets, as awslambdaric's have none
    plain = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line)
        for frame in frames
        if not frame.filename.startswith(_INSIDE)
    ]
    return type(error).__name__, traceback.format_list(plain)


def _error_answer(kind: str, message: str, frames: list[str]) -> bytes:
    answer = {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": frames}
    return json.dumps(answer).encode()


def _call(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, _API + path, body, headers or {})
    response = connection.getresponse()
    found = response.headers, response.read()
    connection.close()
    if response.status == 413:
        raise RuntimeError(f"the response was refused: {found[1].decode()}")
    return found
