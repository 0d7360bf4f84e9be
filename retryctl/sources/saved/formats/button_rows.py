"""Rows that were copied from the console with ``Copy``, the text of the button of an open row."""

from __future__ import annotations

import re

from retryctl.sources.saved.formats.doubled_messages import message_once
from retryctl.sources.saved.formats.header_patterns import DAY, RUNTIME_MESSAGE, TIME
from retryctl.sources.saved.formats.rewritten_text import Rewrite, RewrittenText, unified
from retryctl.sources.saved.saved_format import Head

_BUTTON, _BLANKS_AND_BARS = b"Copy", b" \t|"
_TIME = (
    DAY + b"[T ]" + TIME + rb"(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
)  # fmt: skip
_BELOW = rb"[ \t]*+\n[ \t]*+Copy[ \t]*+\n"
# a time, and what is between it and its message: the button, blanks, a bar, or a line end
_ROW = re.compile(
    rb"^((?:[ \t]*+\|[ \t]*+)?" + _TIME + rb")(" + _BELOW
    + rb"|Copy| +\| ?|\t+| {1,4}|(?=\n)|\Z)(?!" + RUNTIME_MESSAGE + rb")",
    re.MULTILINE,
)  # fmt: skip
# a row that was joined to the one before it
_JOINED = re.compile(
    rb"(?<=[^\s|])(?=[ \t]*+(?:\|[ \t]*+)?" + _TIME + rb"(?:Copy|" + _BELOW + rb"))"
)
# | Timestamp | Message |, |---|---|
_TABLE_HEADER = re.compile(rb"^[ \t]*+\|[^\n]*+\n?", re.MULTILINE)


class ButtonRows(RewrittenText):
    """Rows of which some are open: behind the time of such a row stands the text of its button."""

    name = "rows with the text of a button"
    made_by = "CloudWatch console, log events: open rows, mark and copy all of them"

    #   | 2026-11-23T03:00:00.123ZCopymessage | message
    # 2026-11-23T03:00:00.123ZCopymessage
    @classmethod
    def rewriter(cls, head: Head) -> Rewrite | None:
        """Drop the text of the button, if a time directly before it begins a line."""
        if _BUTTON not in head.content:
            return None
        between = _ROW.split(_JOINED.sub(b"\n", unified(head.content)))[2::3]
        return _without_buttons if any(_BUTTON in each for each in between) else None


def _without_buttons(text: bytes) -> bytes:
    """Return the rows in one form: a time, a tab or a line end, and the message once."""
    before, *fields = _ROW.split(_JOINED.sub(b"\n", text))
    rows = list(zip(fields[::3], fields[1::3], fields[2::3], strict=True))
    below = any(b"\n" in between or (not between and rest.strip()) for _, between, rest in rows)
    # the end of the file may cut the last row
    barred = all(b"|" in time and rest.rstrip().endswith(b"|") for time, _, rest in rows[:-1])
    form = b"%b\n%b" if below else b"%b\t%b"
    changed = _TABLE_HEADER.sub(b"", before) + b"".join(
        form % (time.strip(_BLANKS_AND_BARS), _message(between, rest, barred=barred))
        for time, between, rest in rows
    )
    return changed if text.endswith(b"\n") else changed.removesuffix(b"\n")


def _message(between: bytes, text: bytes, *, barred: bool) -> bytes:
    """Return a message without the bar behind it; that of a row with the button once."""
    if barred:
        text = text.rstrip().removesuffix(b"|").rstrip() + b"\n"
    return _once(text) + b"\n" if _BUTTON in between else text.removeprefix(b"\n")


def _once(text: bytes) -> bytes:
    """Return the message of an open row, of which a bar or a line end is in the middle."""
    message = text.strip(b"\n").rstrip()
    for each in (message, message.removesuffix(b"|").rstrip()):
        if half := _half(each):
            return half
    return message_once(message)


def _half(message: bytes) -> bytes | None:
    """Return what is on both sides of the bar in the middle; ``None`` without such a bar."""
    middle = len(message) // 2
    for at in range(max(middle - 4, 0), middle + 5):
        half = message[:at].strip()
        if message[at : at + 1] == b"|" and half == message[at + 1 :].strip():
            return half
    return None
