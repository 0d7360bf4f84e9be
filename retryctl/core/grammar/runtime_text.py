"""What the runtimes write into a text log: their markers of an error, and their loggers' lines."""

from __future__ import annotations

import re

from retryctl.core.grammar.error_fields import error_marker, java_error, may_be_cut, python_frame
from retryctl.core.grammar.json_records import json_object, json_record
from retryctl.core.grammar.older_runtimes import OLDER, OLDER_BRACKETS, older_error
from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import REQUEST_ID, request_id_in
from retryctl.core.model.records import AppLine, FunctionError, LambdaWarning, Record, TimedOut

_ID = REQUEST_ID
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"


# --------------------------------------------------------------------------- Python

# [ERROR] NameError: name 'x' is not defined⏎Traceback (most recent call last):⏎  File …
# The message may contain newlines or be missing; in the runtime's fallback \r stands for ⏎.
_PYTHON_HEAD = re.compile(r"\[ERROR\] ([A-Za-z_][\w.]*)(?:: (.*))?\Z", re.S)
# In rows of a table a space stands for ⏎: [ERROR] E: x Traceback (most recent call last):   File …
_TRACEBACK = re.compile(
    r"(?:[\r\n]|([ \t]))Traceback \(most recent call last\):(?(1)(?=\s+File \"))"
)
# [WARNING]⇥2025-11-23T00:37:14.340Z⇥⇥LAMBDA_WARNING: Unhandled exception. …
_LAMBDA_WARNING = late_regex(
    rf"(?:\[WARNING\][\t ]+{_TIME}[\t ]+({_ID})?[\t ]*)?LAMBDA_WARNING: "
    r"(?:(?! \[ERROR\] )[^\r\n])*[\r\n ]*"
)
# [INFO]⇥2025-11-23T00:37:14.340Z⇥8f507cfc-0d3f-4697-b07a-ac58fc914c95⇥a message
_PYTHON_LOGGER = late_regex(rf"\[([A-Z]+)\]\t{_TIME}\t({_ID})?\t")


def python_line(message: str) -> Record | None:
    """Python: ``[ERROR] …`` is the runtime's marker, ``[ERROR]⇥…`` a line of a logger."""
    if message.startswith("[ERROR] "):
        return _python_error(message)
    if warning := lambda_warning(message):
        return warning
    if m := _PYTHON_LOGGER.match(message):
        return AppLine(text=message, level=m[1], request_id=request_id_in(m[2] or ""))
    return older_error(message) if message.startswith(OLDER_BRACKETS) else None


def _python_error(message: str) -> FunctionError | None:
    """Read an error: it needs its traceback, which may be empty, or a type of the runtime's own."""
    traceback = _TRACEBACK.search(message)
    head = message[: traceback.start()] if traceback else message
    m = _PYTHON_HEAD.match(head.rstrip())
    certain = bool(traceback) or (m is not None and m[1].startswith("Runtime."))
    if not m or not (certain or may_be_cut(message)):
        return None
    return FunctionError(
        error_type=m[1], error_message=m[2] or None, frame=python_frame(message), certain=certain
    )


_OF_TRACEBACK = ('  File "', "    ")


# [ERROR] KeyError: 'sku'\nTraceback (most recent call last):\n  File "/var/task/app.py", line 31, …
# boom: java.lang.IllegalStateException\njava.lang.IllegalStateException: boom\n\tat example.App.…
_WRITTEN_NEWLINES = late_regex(
    r"\[ERROR\] [A-Za-z_][\w.]*(?:: [^\r\n]*?)??\\n\s*Traceback \(most recent call last\):\\n"
    r"|[^\r\n]*?: (?:[A-Za-z_]\w*\.)+[A-Z][\w$]*\\n[^\r\n]*?(?:\\t|\t)at [\w$./<>@-]{3,300}\("
)


def has_written_newlines(message: str) -> bool:
    r"""Whether a line may be a runtime's error in which an export wrote ``\n`` for each newline.

    An application that logs each error on one line may print it too.
    """
    return "\\n" in message and _WRITTEN_NEWLINES.match(message) is not None


def may_lack_traceback(message: str) -> bool:
    """Whether a line may be the first one of an error whose traceback was not saved whole.

    An application may print such a line too. The runtime writes no newline at its end.
    """
    if has_written_newlines(message):
        return True
    head, newline, rest = message.partition("\n")
    if not message.startswith("[ERROR] ") or message.endswith("\n"):
        return False
    if newline and not rest.startswith(_OF_TRACEBACK):
        return False
    return _PYTHON_HEAD.match(head.rstrip()) is not None and _python_error(message) is None


def lambda_warning(message: str) -> Record | None:
    """``LAMBDA_WARNING``, alone or with the error that it warns of glued behind it."""
    m = _LAMBDA_WARNING.match(message)
    if not m:
        return None
    rest = message[m.end() :]
    error = json_record(rest) if rest.startswith("{") else _python_error(rest)
    if isinstance(error, FunctionError):
        return error
    return LambdaWarning(request_id=request_id_in(m[1] or ""))


# --------------------------------------------------------------------------- lines with a time

# 2020-06-09T15:02:26.150Z 7c9567b5-107b-4a6c-8798-0157ac21db52 Task timed out after 3.00 seconds
_TIMED_OUT = re.compile(
    rf"{_TIME} ({_ID}) Task timed out after (\d{{1,6}}(?:\.\d{{1,9}})?) seconds\s*\Z"
)
# 2023-12-05T22:14:43.862Z⇥76269889-7d50-4d6d-a3f1-9b4f5322f47c⇥INFO⇥a message
# In init the ID is the word undefined; Node.js 24 writes a hyphen for it in its own errors.
_NODE_LOGGER = re.compile(rf"{_TIME}\t({_ID}|undefined|-|)\t(?:([A-Za-z]{{4,11}})\t)?")
# …⇥ERROR⇥Invoke Error ⇥{"errorType":"Error","errorMessage":"boom","stack":[…]}
_NODE_MARKER = r"(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)[ \t\r\n]"
_NODE_ERROR = late_regex(_NODE_MARKER)
# …⇥{"errorMessage":"boom","errorType":"Error","stackTrace":[…]}, before Node.js 10
_OLDER_NODE = ('{"errorMessage":', '{"errorType":')
# The same two where a viewer or the clipboard made blanks of the tabs.
_BLANKS_FOR_TABS = late_regex(
    rf"{_TIME} +({_ID}|undefined|-) +"
    rf"(?:(ERROR|FATAL) +(?={_NODE_MARKER})|(fail) +(?=\w+\.[\w.+`]+: ))"
)
# …⇥fail⇥System.ApplicationException: You caused a failure⏎   at Function.Handler(String input) …
_DOTNET_ERROR = late_regex(r"([A-Za-z_][\w+`]*(?:\.[\w+`]+)*): ([^\r\n]*)")
# 2024/05/01 10:00:00 {"errorMessage":"boom","errorType":"errorString"}
_GO_ERROR = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?=\{\"error(?:Message|Type)\":)")


def timed_line(message: str) -> Record | None:
    """Read a line that begins with a time: a timeout, or what Node.js, .NET and Go write."""
    if m := _TIMED_OUT.match(message):
        return TimedOut(request_id=m[1].lower(), timeout_s=float(m[2]))
    if m := _NODE_LOGGER.match(message):
        return _logger_line(message, m, m[2])
    if m := _BLANKS_FOR_TABS.match(message):
        return _logger_line(message, m, m[2] or m[3])
    if m := _GO_ERROR.match(message):
        fields = json_object(message[m.end() :])
        return error_marker(fields, runtime="go") if fields else None
    return older_error(message)


def _logger_line(message: str, head: re.Match[str], level: str | None) -> Record:
    request_id, body = request_id_in(head[1]), message[head.end() :]
    if level in ("ERROR", "FATAL") and (m := _NODE_ERROR.match(body)):
        # Where the runtime falls back to stdout, \r stands for a newline.
        fields = json_object(body[m.end() :].replace("\r", "\n")) or {}
        return error_marker(fields, runtime="node", request_id=request_id)
    if level == "fail" and (m := _DOTNET_ERROR.match(body)):
        return FunctionError(
            error_type=m[1],
            error_message=m[2] or None,
            request_id=request_id,
            runtime="dotnet",
            certain=False,
        )
    if level is None and body.startswith(_OLDER_NODE) and (error := json_object(body)):
        return error_marker(error, runtime=OLDER, request_id=request_id, certain=False)
    return AppLine(text=message, level=level, request_id=request_id)


# --------------------------------------------------------------------------- Java and Ruby

# Error raised from handler method⏎ and then, in one event or in many, {⏎  "errorMessage": …
_RUBY_ERROR = re.compile(
    r"(?:Error raised from handler method|Critical exception from handler"
    r"|Init error when loading handler \S*)\s"
)


def plain_text(message: str) -> FunctionError | None:
    """Read a marker without a time or a bracket: Java's, Ruby's and those of older runtimes."""
    if m := _RUBY_ERROR.match(message + "\n"):
        return error_marker(json_object(message[m.end() :]) or {}, runtime="ruby")
    return older_error(message) or java_error(message)
