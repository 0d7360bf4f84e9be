"""Read JSON values of any length from a text, value by value.

Documents stand one after another, with or without something between them. What may be long is
read item by item: the array of a document that has its events, and an array at the top. All
else is parsed as a whole. The parser is the standard library's: it is written in C, takes control
characters in strings as some viewers leave them, and limits the depth of what it nests.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from io import BufferedReader, BytesIO
from itertools import groupby

_CHUNK_BYTES = 1 << 18
_LONGEST_VALUE = 64 << 20
_LONGEST_LITERAL = 24  # a number or word that the end of what was read cuts in two

_scan = json.JSONDecoder(strict=False).raw_decode


class BrokenJson(ValueError):
    """The text is not JSON from here on; ``why`` completes "its JSON …"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class JsonReader:
    """Reads values from ``file``, whose text is in UTF-8 and goes on after that of ``before``."""

    def __init__(self, file: BufferedReader | BytesIO, before: bytes = b"") -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = self._decode(before)
        self._at = 0
        self._ended = False

    def documents(self, streamed: frozenset[str]) -> Iterator[tuple[str, object]]:
        """Yield the values of all documents: ``("", document)`` or ``(key, item)`` of a long array.

        ``key`` is one of ``streamed``; its document follows its items, without that key. The key
        of an item of an array at the top is ``"[]"``. Raises BrokenJson.
        """
        while start := self._peek():
            if start == ",":  # between documents that were copied from an array
                self._at += 1
            elif start == "[":
                for item in _with_whole_rows(self._items()):
                    yield "[]", item
            elif start == "{":
                yield from self._document(streamed)
            else:
                yield "", self._value()

    def _document(self, streamed: frozenset[str]) -> Iterator[tuple[str, object]]:
        fields: dict[str, object] = {}
        self._at += 1
        while self._peek() != "}":
            key = self._value()
            if not isinstance(key, str) or self._peek() != ":":
                raise BrokenJson("cannot be read further")
            self._at += 1
            if key in streamed and self._peek() == "[":
                for item in self._items():
                    yield key, item
                fields.setdefault(key, None)
            else:
                fields[key] = self._value()
            self._comma("}")
        self._at += 1
        yield "", fields

    def _items(self) -> Iterator[object]:
        self._at += 1
        while self._peek() != "]":
            yield self._value()
            self._comma("]")
        self._at += 1

    def _comma(self, end: str) -> None:
        found = self._peek()
        if found == ",":
            self._at += 1
        elif found != end:
            raise BrokenJson("cannot be read further")

    def _peek(self) -> str:
        """Return the next character that is not blank; empty at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in " \t\r\n\ufeff":
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._more():
                return ""

    def _value(self) -> object:
        self._peek()
        while True:
            try:
                value, end = _scan(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._is_cut(error) or not self._more():
                    raise BrokenJson("cannot be read further") from error
            except RecursionError as error:
                raise BrokenJson("is nested too deep") from error
            except ValueError as error:  # an integer of thousands of digits
                raise BrokenJson("cannot be read further") from error
            else:
                if end < len(self._text) or not self._more():
                    self._at = end
                    return value

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the value may only be cut by the end of what was read so far."""
        if len(self._text) - self._at > _LONGEST_VALUE:
            return False
        near_end = error.pos >= len(self._text) - _LONGEST_LITERAL
        return near_end or error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Read on, twice as much where one value is long; false at the end."""
        if self._ended:
            return False
        rest = self._text[self._at :]
        chunk = self._file.read(max(_CHUNK_BYTES, len(rest)))
        self._ended = not chunk
        self._text, self._at = rest + self._decode(chunk, final=not chunk), 0
        return True


def _with_whole_rows(items: Iterator[object]) -> Iterator[object]:
    """Yield the items of an array; those that are the cells of one row of a query as a row."""
    for are_cells, some in groupby(items, _is_cell):
        if are_cells:
            yield list(some)
        else:
            yield from some


# {"field": "@timestamp", "value": "2026-11-23 03:00:00.123"}
def _is_cell(item: object) -> bool:
    return isinstance(item, dict) and "field" in item and item.keys() <= {"field", "value"}
