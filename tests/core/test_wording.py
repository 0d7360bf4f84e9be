"""Words that all messages share."""

import pytest

from retryctl.core.wording import capitalised


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("records were dropped", "Records were dropped"),
        ("read, with gaps", "Read, with gaps"),
        ("get-log-events.json is one page", "get-log-events.json is one page"),
        ("logs/a is one page", "logs/a is one page"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_but_not_a_name(sentence: str, expected: str) -> None:
    assert capitalised(sentence) == expected
