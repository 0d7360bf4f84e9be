"""Text from logs made inert: characters that a terminal obeys or hides become escapes.

Callers of the function can write into its log: escape sequences that change a terminal,
bidirectional controls that reorder text, invisible characters. Each of them is shown as the
escape that Python writes for it.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 4000
"""The most characters of a line that are shown; the rest is counted. JSON has whole lines."""

UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escapes begin here
    "\xad\u034f\u180b-\u180f\u200b-\u200f\u2060-\u206f\ufeff"  # invisible
    "\u061c\u2028-\u202e"  # line and paragraph ends; bidi marks, embeddings and overrides
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # fillers
    "\ufe00-\ufe0d\ufff0-\ufffb\ufffe\uffff"  # selectors without use, annotations, no characters
    "\ud800-\udfff"  # half of a pair: cannot be written as UTF-8
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # formats, tags, selectors
    "]"
)
"""One character that must not reach a terminal as it is. JSON's own view uses it too."""

# They choose between two drawings of one sign, one of which is wider: without them every
# terminal agrees on the width. No meaning is lost.
_PRESENTATION = re.compile("[\ufe0e\ufe0f]")
_LINE_END = re.compile("\r\n|\n|\r")
_NAMED = {"\n": r"\n", "\r": r"\r"}


def inert(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""Return ``text`` on one line, without characters that a terminal obeys or hides.

    A newline is shown as ``\n`` and an escape as ``\x1b``; a tab becomes two spaces. After
    ``most`` characters the rest is left out and counted.
    """
    if text.isascii() and text.isprintable() and len(text) <= most:
        return text
    shown = _PRESENTATION.sub("", cut(text, most).replace("\t", "  "))
    return UNSAFE.sub(_escape, shown)


def cut(text: str, most: int) -> str:
    """Return ``text``, or its first ``most`` characters and the number of the others."""
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}… ({left:,} more characters)"


def lines_of(message: str) -> list[str]:
    r"""Return the lines of a log event, its final newline aside.

    A lone ``\r`` ends a line too: Python's runtime separates the lines of a traceback by it when
    it writes to stdout.
    """
    lines = _LINE_END.split(message)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
