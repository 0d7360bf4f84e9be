"""The engine of whole logs passes over no sentence of an older runtime."""

from __future__ import annotations

import json

import pytest

from retryctl.bulk.line_kinds import PLAIN, LineKinds, consequence
from retryctl.sources.saved.canonical_lines import HEAD_BYTES
from tests.support.made_up_streams import OLDER_ERRORS, OLDER_FRAMES


def kind_of(message: str, *, escaped: str = "") -> int:
    line = json.dumps({"message": message}).encode()
    for character in escaped:
        line = line.replace(character.encode(), b"\\u%04x" % ord(character))
    at = line.index(b': "') + 3
    kinds = LineKinds(default_markers=True)
    return consequence(kinds.kind(line[at : at + HEAD_BYTES]), line, at)


OLDER_NODE = '2018-08-05T18:20:33.419Z\t8f507cfc-0d3f-4697-b07a-ac58fc914c95\t{"errorMessage":"no"}'


OF_A_VALUE = [
    f"{value} is bad: ShopError\n{OLDER_FRAMES}ShopError: {value} is bad"
    for value in ("{'a': 1}", '{"a": 1}', "['a']", "[1, 2]", '["a"]', "[{}]", "[Order]")
]


@pytest.mark.parametrize("message", [*OLDER_ERRORS, OLDER_NODE, *OF_A_VALUE])
def test_a_sentence_has_consequences(message: str) -> None:
    assert kind_of(f"{message}\n") != PLAIN


@pytest.mark.parametrize("message", [error for error in OLDER_ERRORS if "'" in error])
def test_a_sentence_with_escaped_quotes_has_consequences(message: str) -> None:
    assert kind_of(f"{message}\n", escaped="'") != PLAIN


@pytest.mark.parametrize(
    "message",
    [
        *("Handling order 17", "Handler started", "module loaded", "Unable to pay order 17"),
        *("Syntax error", "Bad hash", "Unknown order 17", "thread pool ready"),
    ],
)
def test_other_text_has_none(message: str) -> None:
    assert kind_of(f"{message}\n") == PLAIN
