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

from retryctl.lab.inside.stand_in_log_handlers import FramedHandler, Unbuffered

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


def serve(handler: str, inject_fault: Callable[..., None]) -> None:
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
