"""A small runtime client for where awslambdaric cannot be had: macOS, or a bare interpreter.

It serves the Runtime API, logs errors and logger lines as awslambdaric does, in the same
frames, and gives the handler the same context. It knows nothing of SnapStart hooks.
"""

from __future__ import annotations

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

_API = "/2018-06-01/runtime/"
_FORMATS = {"text": 3, "json": 2}
_LEVELS = {"NOTSET": 0, "DEBUG": 2, "INFO": 3, "WARNING": 4, "ERROR": 5, "CRITICAL": 6}


class Fault(Exception):
    """The handler cannot be had. ``kind`` is the runtime's own name for why."""

    def __init__(self, kind: str, message: str, frames: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.frames = frames


class Context:
    """What a handler is told of its invocation."""

    def __init__(self, headers: Any) -> None:
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

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function times out."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: str) -> None:
        """Write to stdout, unbuffered."""
        sys.stdout.write(message)


class Unbuffered:
    """stdout or stderr that holds nothing back."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        """Write ``text`` at once."""
        self._stream.write(text)
        self._stream.flush()


class FramedHandler(logging.Handler):
    """Logger lines, each in a frame that tells its level and its time."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""
        self._file = os.fdopen(int(os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD")), "wb", 0)
        self.json = os.environ["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
        logging.Formatter.converter = time.gmtime
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        self.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one logger line."""
        record.aws_request_id = self.request_id
        message = self._as_json(record) if self.json else self.format(record)
        self.write(message, record.levelname)

    def error(self, kind: str, message: str, frames: list[str]) -> None:
        """Write the runtime's own record of an error."""
        if self.json:
            self.write(
                json.dumps(
                    {
                        "timestamp": _now(),
                        "level": "ERROR",
                        "errorMessage": message,
                        "errorType": kind,
                        "requestId": self.request_id,
                        "stackTrace": frames,
                    },
                    ensure_ascii=False,
                ),
                "ERROR",
            )
            return
        head = f"[ERROR] {kind}: {message}" if message else f"[ERROR] {kind}"
        lines = [line for frame in frames for line in frame.splitlines()]
        indented = [_no_break(line) for line in lines]
        self.write("\n".join([head, "Traceback (most recent call last):", *indented]), "ERROR")

    def write(self, message: str, level: str) -> None:
        """Write a frame: type, length, time in microseconds, message."""
        kind = 0xA55A0000 | _LEVELS.get(level, 0) << 2 | _FORMATS["json" if self.json else "text"]
        data = message.encode()
        stamp = time.time_ns() // 1000
        frame = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + stamp.to_bytes(8, "big")
        self._file.write(frame + data)

    def _as_json(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "timestamp": _now(),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            fields["stackTrace"] = traceback.format_tb(record.exc_info[2])
            fields["errorType"] = record.exc_info[0].__name__
            fields["errorMessage"] = str(record.exc_info[1])
        fields["requestId"] = self.request_id
        if record.exc_info:
            fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        return json.dumps(fields, ensure_ascii=False, default=str) + "\n"


def serve(handler: str, before_handler: Callable[[], None]) -> None:
    """Load ``handler`` and serve invocations; ``before_handler`` is called before each."""
    sys.stdout, sys.stderr = Unbuffered(sys.stdout), Unbuffered(sys.stderr)
    log = FramedHandler()
    logging.getLogger().addHandler(log)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    if level:
        known = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
        logging.getLogger().setLevel(known.get(level, level))
    try:
        function = load(handler)
    except Exception as error:
        kind, frames = _described(error)
        log.error(kind, str(error), frames)
        answer = {"errorMessage": str(error), "errorType": kind, "stackTrace": frames}
        _call("POST", "init/error", answer, {"Lambda-Runtime-Function-Error-Type": kind})
        sys.exit(1)
    while True:
        headers, body = _call("GET", "invocation/next")
        before_handler()
        log.request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
        _call("POST", *_answer(function, json.loads(body), Context(headers), log))


def load(handler: str) -> Callable[[Any, Context], Any]:
    """Return the function that ``module.function`` names.

    :raises Fault: it cannot be had, in the runtime's own words.
    """
    module, dot, name = handler.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}'")
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


def _answer(
    function: Callable[[Any, Context], Any], event: Any, context: Context, log: FramedHandler
) -> tuple[str, Any]:
    """Return where to send what became of the invocation, and what."""
    path = f"invocation/{context.aws_request_id}/"
    try:
        result = function(event, context)
        try:
            json.dumps(result)
        except (TypeError, ValueError) as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None
        return path + "response", result
    except Exception as error:
        kind, frames = _described(error)
        log.error(kind, str(error), frames)
        answer = {"errorMessage": str(error), "errorType": kind, "stackTrace": frames}
        return path + "error", answer


def _described(error: Exception) -> tuple[str, list[str]]:
    """Return the error's kind and its frames, without those of this module."""
    if isinstance(error, Fault):
        return error.kind, list(error.frames)
    frames = traceback.extract_tb(error.__traceback__)
    # tuples: with them the lines have no carets, as awslambdaric's have none
    plain = [(f.filename, f.lineno or 0, f.name, f.line) for f in frames if f.filename != __file__]
    return type(error).__name__, traceback.format_list(plain)


def _call(
    method: str, path: str, answer: Any = None, headers: dict[str, str] | None = None
) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    body = json.dumps(answer).encode() if method == "POST" else None
    connection.request(method, _API + path, body, headers or {})
    response = connection.getresponse()
    found = response.headers, response.read()
    connection.close()
    return found


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _no_break(line: str) -> str:
    """Return the line indented with no-break spaces, as the runtime's own are."""
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text
