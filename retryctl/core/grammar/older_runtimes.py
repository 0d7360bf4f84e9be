"""What older runtimes write where a function failed, and Lambda writes of them: fixed sentences.

No REPORT of those days has a status. A sentence counts only where its writer puts it, since a
function can print the same one: a runtime's as the last output of its attempt.
"""

from __future__ import annotations

from retryctl.core.grammar.error_fields import INIT_TYPES, python_frame
from retryctl.core.late_regex import late_regex
from retryctl.core.model.records import FunctionError, Record

OLDER_SENTENCES = (
    ("Unknown application error", ""),
    ("Unable to import module", ""),
    ("Syntax error in module", ""),
    ("Bad handler", ""),
    ("Handler '", "missing on module"),
    ("module initialization error", ""),
    ("Error loading", ""),
    ("thread '", "panicked at"),
)
"""What a message of these begins with, and what else is in it, for readers that search quickly."""
LAMBDA, OLDER = "lambda", "older"
"""The ``runtime`` of a marker that Lambda itself wrote, and of one that the function may print."""

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
_DOTNET_FRAME = late_regex(r"\s{2,}at lambda_method\d*\(")
# thread 'main' panicked at src/main.rs:7:5:⏎no stock
_PANIC = late_regex(r"thread '[^'\r\n]{0,300}'(?: \(\d{1,10}\))? panicked at ")


def older_error(message: str) -> FunctionError | None:
    """Return the marker that ``message`` is; ``None`` where it is none."""
    if m := _UNKNOWN_ERROR.match(message):
        return FunctionError(
            error_type=m[2],
            error_message=m[1],
            runtime=LAMBDA,
            certain=False,
            in_init=m[2] in INIT_TYPES,
        )
    if m := _OF_INIT.match(message):
        return FunctionError(
            error_message=m[0].rstrip(), runtime=OLDER, certain=False, in_init=True
        )
    if _DOTNET_CALL in message and (m := _DOTNET.match(message)):
        return FunctionError(error_type=m[2], error_message=m[1] or None, runtime="dotnet")
    return _python_error(message)


def _python_error(message: str) -> FunctionError | None:
    """Read the error of a handler in Python 2 or 3.6, whose last line repeats type and text."""
    head, traceback, frames = message.partition(_TRACEBACK)
    if not traceback:
        return None
    if message.startswith(_NO_JSON):
        return FunctionError(error_message=head.strip(), runtime=OLDER, certain=False)
    text, name = _text_and_type(head)
    if not name.isidentifier() or _repeated_text(name, frames) != text.strip():
        return None
    return FunctionError(
        error_type=name,
        error_message=text or None,
        runtime=OLDER,
        certain=False,
        frame=python_frame(frames),
    )


def _text_and_type(head: str) -> tuple[str, str]:
    text, _, name = head.rstrip("\n").rpartition(": ")
    return text, name


def _repeated_text(name: str, frames: str) -> str | None:
    """Return the text behind the frames and the type, perhaps with its module; else ``None``."""
    lines = frames.splitlines(keepends=True)
    at = next((at for at, line in enumerate(lines) if line.strip() and line[0] != " "), len(lines))
    kind, _, text = "".join(lines[at:]).partition(":")
    return text.strip() if kind.strip().rpartition(".")[2] == name else None


def is_older(record: Record) -> bool:
    """Whether a record is one of these sentences, or an error that only older Node.js wrote."""
    return isinstance(record, FunctionError) and record.runtime in (OLDER, LAMBDA)


def goes_on(text: str) -> bool:
    """Whether a line can belong to the sentence before it: empty, or part of a stack trace."""
    return not text.strip() or text[0] in " \t"


# Error; Runtime.Unknown: what stands behind the marker of Lambda's, where each line is an event
_TYPE = late_regex(r"\s*(?:(?:Runtime|Extension|Sandbox)\.\w+|\w*(?:Error|Exception))?\s*\Z")


def is_error_type(text: str) -> bool:
    """Whether a line can belong to the marker of Lambda's before it: empty, or a type."""
    return _TYPE.match(text) is not None


def may_be_error(message: str) -> bool:
    """Whether a line is of an error that the function may have caught, or of one in parts."""
    return bool(_PANIC.match(message) or _DOTNET_FRAME.match(message)) or _lacks_text(message)


def _lacks_text(message: str) -> bool:
    """Whether a line is an error of Python without the text of its last line.

    Some files have that line apart; or the function printed an error that it caught.
    """
    head, traceback, frames = message.partition(_TRACEBACK)
    name = _text_and_type(head)[1]
    if not traceback or not name.isidentifier():
        return False
    if any(line and not line.startswith(" ") for line in frames.splitlines()):
        return _repeated_text(name, frames) is not None
    return name.endswith(("Error", "Exception"))
