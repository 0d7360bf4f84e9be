"""Markers of an error that a function raised, where text and JSON format have them in common."""

from __future__ import annotations

import re
from typing import Any

from retryctl.core.late_regex import late_regex
from retryctl.core.model.records import FunctionError

#   File "/var/task/app.py", line 11, in lambda_handler
_PYTHON_FRAME = re.compile(r'File "/var/task/([^"]+)", line (\d+), in (\S+)')
# boom: java.lang.IllegalStateException⏎java.lang.IllegalStateException: boom⏎⇥at example.App.…
_JAVA_CLASS = late_regex(r"(.*): ((?:[A-Za-z_]\w*\.)*[A-Z][\w$]*)\Z", re.S)
_JAVA_NAME = late_regex(r"(?:\w+\.)+[A-Z][\w$]*")
_JAVA_FRAME = re.compile(r"[\r\n]\tat ")
# …the same on one line: boom: java.lang.E java.lang.E: boom ⇥at example.App.run(App.java:7)
_FRAME_IN_LINE = late_regex(r"\sat [\w$./<>@-]{3,300}\([^()\r\n]{1,200}\)")
_REPEATED_CLASS = late_regex(r": ((?:[A-Za-z_]\w*\.)*[A-Z][\w$]*)\s+\1(?=[:\s]|\Z)")


INIT_TYPES = frozenset(
    {
        "Runtime.ImportModuleError",
        "Runtime.UserCodeSyntaxError",
        "Runtime.HandlerNotFound",
        "Runtime.MalformedHandlerName",
    }
)
"""Types of an error that only an init has."""

# The longest log event has 256 KB; in other scripts that is a quarter as many characters.
_LONG_CHARACTERS = 60_000


def may_be_cut(message: str) -> bool:
    """Whether a message may have been cut off at the length of the longest log event."""
    return len(message) >= _LONG_CHARACTERS


def error_marker(
    fields: dict[str, Any], *, runtime: str, request_id: str | None = None, certain: bool = True
) -> FunctionError:
    """Return the marker of an error object: ``errorType``, ``errorMessage``, ``stackTrace``."""

    def text(key: str) -> str | None:
        value = fields.get(key)
        return value if isinstance(value, str) and value else None

    stack = fields.get("stackTrace")
    return FunctionError(
        error_type=text("errorType"),
        error_message=text("errorMessage"),
        request_id=request_id,
        runtime=runtime,
        certain=certain,
        frame=python_frame("\n".join(map(str, stack))) if isinstance(stack, list) else None,
    )


def python_frame(traceback: str) -> str | None:
    """Return the innermost frame in the function's own code, as ``app.py:11 lambda_handler``."""
    frames = [m for m in _PYTHON_FRAME.finditer(traceback) if "site-packages/" not in m[1]]
    return f"{frames[-1][1]}:{frames[-1][2]} {frames[-1][3].strip()}" if frames else None


def java_error(text: str, *, request_id: str | None = None) -> FunctionError | None:
    """``message: Class`` on the line before the stack trace, whose first line may repeat it.

    An application that prints a stack trace leaves ``Class: message``, the other way round.
    """
    frame = _JAVA_FRAME.search(text)
    if not frame:
        return _java_error_in_line(text, request_id)
    lines = text[: frame.start()].splitlines()
    printed = [line for line in lines if line.strip()]  # a paste may have blank lines between them
    return _java_head(lines, request_id) or _java_head(printed, request_id)


def _java_head(lines: list[str], request_id: str | None) -> FunctionError | None:
    """Read the lines above the first frame; the last one may repeat the class."""
    for last in (len(lines) - 2, len(lines) - 1):
        m = _JAVA_CLASS.match("\n".join(lines[: last + 1])) if last >= 0 else None
        if not m or ("." not in m[2] and _JAVA_NAME.fullmatch(m[1])):
            continue
        if last + 1 == len(lines) or lines[last + 1].startswith(m[2]):
            return FunctionError(
                error_type=m[2], error_message=m[1] or None, request_id=request_id, runtime="java"
            )
    return None


def _java_error_in_line(text: str, request_id: str | None) -> FunctionError | None:
    """Read an error that was copied from a table, where each newline became a space."""
    frame = _FRAME_IN_LINE.search(text) if "at " in text else None
    if not frame:
        return None
    head = text[: frame.start()].rstrip()
    m = _REPEATED_CLASS.search(head)
    if m:
        message, name = head[: m.start()], m[1]
    elif (m := _JAVA_CLASS.match(head)) and "." in m[2]:
        message, name = m[1], m[2]
    else:
        return None
    return FunctionError(
        error_type=name, error_message=message or None, request_id=request_id, runtime="java"
    )
