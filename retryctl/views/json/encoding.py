"""JSON without characters that a terminal obeys or hides, whole or piece by piece.

Such characters are written as ``\\uXXXX``, which JSON reads back unchanged.
The text is always valid UTF-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from retryctl.views.inert_text import UNSAFE

_STEP = "  "


def dumps(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON."""
    return _inert(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent))


def document_pieces(document: Any) -> Iterator[str]:
    """Yield a document as JSON indented by two, ending in a newline.

    An iterator in it becomes an array, whose items are made one by one as they are written, also
    inside nested objects.
    """
    return chain(_pieces(document, "\n"), "\n")


def _pieces(value: Any, newline: str) -> Iterator[str]:
    """``newline`` begins a line at the depth of ``value``."""
    inner = newline + _STEP
    if isinstance(value, Iterator):
        yield from _framed("[", "]", (_pieces(item, inner) for item in value), newline)
    elif isinstance(value, dict) and _has_iterator(value):
        members = (
            chain([f"{dumps(name)}: "], _pieces(member, inner)) for name, member in value.items()
        )
        yield from _framed("{", "}", members, newline)
    else:
        yield dumps(value, indent=len(_STEP)).replace("\n", newline)


def _framed(first: str, last: str, items: Iterable[Iterator[str]], newline: str) -> Iterator[str]:
    between = first
    for item in items:
        yield between + newline + _STEP
        yield from item
        between = ","
    yield newline + last if between == "," else first + last


def _has_iterator(value: Any) -> bool:
    """Return whether the value has an iterator; iterators in lists are not found."""
    if isinstance(value, dict):
        return any(map(_has_iterator, value.values()))
    return isinstance(value, Iterator)


def _inert(text: str) -> str:
    """C0 characters in strings are escaped already; the other newlines belong to JSON."""
    return "\n".join(UNSAFE.sub(_escape, line) for line in text.split("\n"))


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]
