"""The log levels of a function, and which of its lines its own level lets through."""

from __future__ import annotations

import json

from retryctl.lab.function import Function
from retryctl.lab.output_splitter import Written

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SYSTEM_LEVELS = ("DEBUG", "INFO", "WARN")
_ALSO = {"WARNING": "WARN", "CRITICAL": "FATAL", "NOTSET": "INFO"}


def is_delivered(written: Written, function: Function) -> bool:
    """Whether the line reaches the log group under the function's application log level."""
    if function.log_format == "text" or function.application_level is None:
        return True
    level = written.level or _level_in(written.message)
    return LEVELS.index(_known(level)) >= LEVELS.index(_known(function.application_level))


def _level_in(message: str) -> str:
    """Return the level that a printed JSON object names; any other line counts as INFO."""
    try:
        fields = json.loads(message)
    except ValueError:
        return "INFO"
    return str(fields.get("level", "INFO")) if isinstance(fields, dict) else "INFO"


def _known(level: str) -> str:
    level = _ALSO.get(level.upper(), level.upper())
    return level if level in LEVELS else "INFO"
