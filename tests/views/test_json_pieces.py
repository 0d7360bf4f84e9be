"""A document that is written piece by piece is the one that is written whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from retryctl.views.json.encoding import document_pieces, document_text, line_pieces


def lazily(value: Any) -> Any:
    """The same value, in which each array that lies in objects only is an iterator."""
    if isinstance(value, dict):
        return {name: lazily(member) for name, member in value.items()}
    return iter([lazily(item) for item in value]) if isinstance(value, list) else value


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"a": []},
        {"a": [], "b": {"c": [{"d": [1, "two\n", None]}, {}]}, "e": 1.5},
        [{"a": [[1], [[]]]}, "x"],
        {200: {3: [1]}},
        {"schema": "s", "requests": [{"attempts": [{"n": 1}, {"n": 2}], "findings": []}]},
    ],
)
def test_the_pieces_are_the_whole(document: Any) -> None:
    assert "".join(document_pieces(lazily(document))) == json.dumps(document, indent=2) + "\n"
    assert "".join(line_pieces(lazily(document))) == json.dumps(document) + "\n"
    assert document_text(document) == json.dumps(document, indent=2) + "\n"


def test_items_are_made_as_they_are_written() -> None:
    made: list[int] = []

    def items() -> Iterator[dict[str, int]]:
        for number in range(3):
            made.append(number)
            yield {"n": number}

    pieces = document_pieces({"items": items()})
    text = ""
    while '"n": 0' not in text:
        text += next(pieces)
    assert made == [0]
    assert json.loads(text + "".join(pieces)) == {"items": [{"n": 0}, {"n": 1}, {"n": 2}]}
