"""What the stand-in writes: logger lines and errors in awslambdaric's frames and forms."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
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
        stamp = time.time_ns() // 1000
        frame = kind.to_bytes(4, "big") + len(data).to_bytes(4, "big") + stamp.to_bytes(8, "big")
        self._file.write(frame + data)


def _now(moment_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_s))


def _no_break(line: str) -> str:
    """Return the line indented with no-break spaces, as the runtime's own are."""
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text
