"""JSON that is nested deeper than any log is refused before a parser builds it in memory.

No log is nested more than a few levels deep, while a file of 200 kB can hold 100,000 levels.
"""

from __future__ import annotations

from io import BufferedIOBase

MOST_LEVELS = 100

_STRUCTURE = b'"[]{}'
_ESCAPES = b"\\/bfnrtu"  # a backslash, and what can follow one
_NO_STRUCTURE = bytes(set(range(256)) - set(_STRUCTURE))
_NEITHER = bytes(set(_NO_STRUCTURE) - set(_ESCAPES))


class TooDeep(ValueError):
    """The JSON is nested deeper than ``MOST_LEVELS``."""


class Shallow:
    """A file of JSON to read from; ``TooDeep`` is raised where it is nested too deep.

    Of each part only quotes and brackets are kept, then pairs of them that enclose nothing are
    left out, level by level, and what stands between quotes: what remains is what the part opens
    and closes. That takes a few passes over the bytes and no loop over them.
    """

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._open = 0
        self._in_text = False
        self._escape = b""

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        part = self._file.read(size)
        self._follow(part)
        return part

    def _follow(self, part: bytes) -> None:
        kept = self._escape + part.translate(None, _NEITHER)
        unescaped = kept.replace(b"\\\\", b"").replace(b'\\"', b"")
        self._escape = b"\\" if unescaped.endswith(b"\\") else b""
        pieces = _collapsed(unescaped.translate(None, _NO_STRUCTURE)).split(b'"')
        brackets = _collapsed(b"".join(pieces[self._in_text :: 2]))
        self._in_text ^= len(pieces) % 2 == 0
        opened = brackets.count(b"[") + brackets.count(b"{")
        self._open = max(0, self._open - (len(brackets) - opened)) + opened
        if self._open > MOST_LEVELS:
            raise TooDeep


def _collapsed(structure: bytes) -> bytes:
    """Without pairs that enclose nothing: both are structure, or both stand within a text."""
    for _ in range(MOST_LEVELS):
        fewer = structure.replace(b'""', b"").replace(b"{}", b"").replace(b"[]", b"")
        if fewer == structure:
            break
        structure = fewer
    return structure
