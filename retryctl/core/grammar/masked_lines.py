"""Lines from which data protection removed so much that they may be markers of an error.

CloudWatch Logs puts an asterisk for each character that a data protection policy hides. A line
whose other characters fit the start of a runtime's marker may have been one (``runtime_text``).
"""

from __future__ import annotations

import re
from typing import Final

from retryctl.core.late_regex import late_regex
from retryctl.core.model.records import AppLine, LambdaWarning, Record

MASK: Final = "****"
"""What data protection leaves of a secret; longer ones leave more."""


def _masked(text: str) -> str:
    """Return an expression for ``text``, each character of which may be masked."""
    return "".join(f"[{re.escape(character)}*]" for character in text)


def _any_of(*texts: str) -> str:
    return "|".join(map(_masked, texts))


# 2023-12-05T22:14:43.862Z⇥76269889-…⇥ERROR⇥Invoke Error ⇥…, with a blank in a timeout, or Go's
_TIME, _ID = r"[\d*][\d*T:./Z -]{17,30}?", r"[\w*-]*"
_NODE = ("Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection")
_LEVELS = [rf"{_masked(level)}[\t ]+{_any_of(*_NODE)}" for level in ("ERROR", "FATAL")]
_GO = _masked('{"error')
_MAY_BE_MARKER = late_regex(
    rf"{_any_of('[ERROR] ', 'LAMBDA_WARNING: ')}"
    rf"|{_any_of('Error raised from', 'Critical exception from', 'Init error when loading')}"
    rf"|{_TIME}[\t ]+{_ID}[\t ]+(?:{'|'.join([*_LEVELS, _masked('fail')])})"
    rf"|{_TIME} {_ID} {_masked('Task timed out')}"
    rf"|{_TIME} {_GO}"
    r"|[\s\S]*?[\r\n](?:\tat |\*{4})"  # the stack trace of Java
)


def may_be_masked_error(message: str, record: Record) -> bool:
    """Whether a line that was read as ``record`` may have been the marker of an error."""
    if MASK not in message:
        return False
    if isinstance(record, LambdaWarning):
        return True
    printed = isinstance(record, AppLine) and not record.fields
    return printed and _MAY_BE_MARKER.match(message) is not None


def may_be_masked(message: str, text: str) -> bool:
    """Whether a line may have been ``text`` before some of its characters were masked."""
    return (
        "*" in message
        and len(message) == len(text)
        and all(found in ("*", character) for found, character in zip(message, text, strict=True))
    )
