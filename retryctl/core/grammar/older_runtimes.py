"""What older runtimes write where a function failed, and Lambda writes of them: fixed sentences.

No REPORT of those days has a status. A sentence of a runtime counts only as the last output of its
attempt, since a function can print the same one.
"""

from __future__ import annotations

from retryctl.core.grammar.error_fields import INIT_TYPES, python_frame
from retryctl.core.late_regex import late_regex
from retryctl.core.model.records import FunctionError

LAMBDA = "lambda"
"""The ``runtime`` of a marker that Lambda itself wrote."""

# Unknown application error occurred⏎Runtime.ImportModuleError⏎
_UNKNOWN_ERROR = late_regex(
    r"(Unknown application error occurred)(?:\s+([A-Za-z_][\w.:$]{0,200}))?\s*\Z"
)
# Unable to import module 'app': No module named 'x'⏎
# Handler 'run' missing on module 'app'⏎
# module initialization error: no table⏎
# Error loading class example.App: example.App: class java.lang.ClassNotFoundException⏎
_OF_INIT = late_regex(
    r"(?:(?:Unable to import module|Syntax error in module|Bad handler) '[^'\r\n]{1,300}': \S"
    r"|Handler '[^'\r\n]{1,300}' missing on module '"
    r"|module initialization error(?:: |(?=\s*(?:[\r\n]|\Z)))"
    r"|Error loading class ([\w.$]{1,300}): (?:\1\b|Metaspace\b)"
    r"|Error loading method \w{1,300} on class [\w.$]{1,300}\b)"
    r"[^\r\n]*"
)
# no stock: ShopError⏎Traceback (most recent call last):⏎  File …⏎shop.ShopError: no stock⏎
_TRACEBACK = "\nTraceback (most recent call last):\n"
OLDER_BRACKETS = ("[Errno ", "[SSL: ")
"""What the message of an error of Python may begin with, among lines that begin with ``[``."""
# An error occurred during JSON serialization of response: {1} is not JSON serializable⏎Traceback …
_NO_JSON = "An error occurred during JSON serialization of response: "
# One or more errors occurred. (no stock): AggregateException⏎   at …⏎   at lambda_method(Closure …
_DOTNET = late_regex(r"([^\r\n]*): ([A-Z]\w*(?:\.\w+)*)\r?\n +at ")
_DOTNET_CALL = "at lambda_method"
# The frames of a stack trace whose other lines are not in this message.
_DOTNET_FRAME = late_regex(r"\s*at lambda_method\d*\(")
# thread 'main' panicked at src/main.rs:7:5:⏎no stock
_PANIC = late_regex(r"thread '[^'\r\n]{0,300}'(?: \(\d{1,10}\))? panicked at ")


def older_error(message: str) -> FunctionError | None:
    """Return the marker that ``message`` is; ``None`` where it is none."""
    if m := _UNKNOWN_ERROR.match(message):
        return FunctionError(
            error_type=m[2], error_message=m[1], runtime=LAMBDA, in_init=m[2] in INIT_TYPES
        )
    if m := _OF_INIT.match(message):
        return FunctionError(
            error_message=m[0].rstrip(), runtime="older", certain=False, in_init=True
        )
    if _DOTNET_CALL in message and (m := _DOTNET.match(message)):
        return FunctionError(error_type=m[2], error_message=m[1] or None, runtime="dotnet")
    return _python_error(message)


def _python_error(message: str) -> FunctionError | None:
    """Read the error of a handler in Python 2 or 3.6, whose last line repeats the type."""
    head, traceback, frames = message.partition(_TRACEBACK)
    if not traceback:
        return None
    if message.startswith(_NO_JSON):
        return FunctionError(error_message=head.strip())
    text, _, name = head.rstrip("\n").rpartition(": ")
    if not name.isidentifier() or not _is_repeated(name, frames):
        return None
    return FunctionError(error_type=name, error_message=text or None, frame=python_frame(frames))


def _is_repeated(name: str, frames: str) -> bool:
    """Whether a line behind the frames begins with the type, perhaps behind its module."""
    lines = frames.splitlines()
    first = next((line for line in lines if line and not line.startswith(" ")), "")
    return first.partition(":")[0].rpartition(".")[2] == name


def goes_on(text: str) -> bool:
    """Whether a line can belong to the sentence before it: empty, or part of a stack trace."""
    return not text.strip() or text[0] in " \t"


def may_be_error(message: str) -> bool:
    """Whether a line is of an error that the function may have caught, or of one in parts."""
    return bool(_PANIC.match(message) or _DOTNET_FRAME.match(message)) or _lacks_type(message)


def _lacks_type(message: str) -> bool:
    """Whether a line is an error of Python without its last line, which some files have apart."""
    head, traceback, frames = message.partition(_TRACEBACK)
    if not traceback or any(line and not line.startswith(" ") for line in frames.splitlines()):
        return False
    name = head.rstrip("\n").rpartition(": ")[2]
    return name.isidentifier() and name.endswith(("Error", "Exception"))
