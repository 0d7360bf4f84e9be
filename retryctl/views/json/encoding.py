r"""JSON without characters that a terminal obeys or hides, whole or piece by piece.

Such characters are written as ``\uXXXX``, which JSON reads back unchanged.
The text is always valid UTF-8.

``json`` indents in Python, and a document of many attempts takes twice as long that way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from json.encoder import encode_basestring
from typing import Any

from retryctl.views.inert_text import UNSAFE

_STEP = "  "
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def fields_of(value: Any, names: str) -> dict[str, Any]:
    """Return the attributes ``names`` of a value, under their own names."""
    return {name: getattr(value, name) for name in names.split()}


def dumps(value: Any) -> str:
    """Return a value as JSON on one line."""
    return UNSAFE.sub(_escape, _ENCODER.encode(value))


def document_text(document: Any) -> str:
    """Return a document as JSON indented by two, ending in a newline."""
    return _text(document, "\n") + "\n"


def document_pieces(document: Any) -> Iterator[str]:
    """Yield a document as ``document_text`` returns it.

    An iterator in it becomes an array, whose items are made one by one as they are written, also
    inside nested objects.
    """
    return chain(_pieces(document, "\n"), "\n")


def line_pieces(value: Any) -> Iterator[str]:
    """Yield a value as JSON on one line, ending in a newline; iterators as above."""
    return chain(_pieces(value, ""), "\n")


def _pieces(value: Any, newline: str) -> Iterator[str]:
    """``newline`` begins a line at the depth of ``value``; it is empty where all is one line."""
    inner = newline and newline + _STEP
    if _is_iterator(value):
        yield from _framed("[", "]", (_pieces(item, inner) for item in value), newline)
    elif isinstance(value, dict) and _has_iterator(value):
        members = (
            chain([f"{_string(str(name))}: "], _pieces(member, inner))
            for name, member in value.items()
        )
        yield from _framed("{", "}", members, newline)
    else:
        yield _text(value, newline) if newline else dumps(value)


def _framed(first: str, last: str, items: Iterable[Iterator[str]], newline: str) -> Iterator[str]:
    is_empty, between = True, first + newline + _STEP if newline else first
    for item in items:
        yield between
        yield from item
        is_empty, between = False, f",{newline}{_STEP}" if newline else ", "
    yield first + last if is_empty else newline + last


def _has_iterator(value: dict[str, Any]) -> bool:
    """Return whether an object has an iterator; iterators in lists are not found."""
    return any(
        _has_iterator(each) if isinstance(each, dict) else _is_iterator(each)
        for each in value.values()
    )


def _is_iterator(value: Any) -> bool:
    return hasattr(value, "__next__")


def _text(value: Any, newline: str) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or type(value) is int:
        return "null" if value is None else str(value)
    if not (value and isinstance(value, (dict, list, tuple))):
        return _ENCODER.encode(value)
    inner = newline + _STEP
    if isinstance(value, dict):
        members = [f"{_string(str(name))}: {_text(each, inner)}" for name, each in value.items()]
        return f"{{{inner}{f',{inner}'.join(members)}{newline}}}"
    return f"[{inner}{f',{inner}'.join([_text(each, inner) for each in value])}{newline}]"


def _string(text: str) -> str:
    encoded = encode_basestring(text)  # which escapes the characters of C0
    is_safe = encoded.isascii() and encoded.isprintable()
    return encoded if is_safe else UNSAFE.sub(_escape, encoded)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]
