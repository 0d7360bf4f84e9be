"""A late regular expression works as a compiled one does, and names its error when it is used."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from retryctl.core.late_regex import late_regex


def test_it_matches_as_a_compiled_one_does() -> None:
    late, usual = (
        late_regex("(?P<word>[a-z]+)", re.IGNORECASE),
        re.compile("(?P<word>[a-z]+)", re.I),
    )
    for _ in range(2):
        found = late.search("12 Ab 3")
        assert found is not None
        assert found["word"] == "Ab"
    assert late.sub("-", "a 1 B") == usual.sub("-", "a 1 B")
    assert late.findall("a 1 B") == usual.findall("a 1 B")
    assert (late.pattern, late.groupindex) == (usual.pattern, usual.groupindex)


def test_a_pattern_that_cannot_be_compiled_fails_at_its_first_use() -> None:
    late = late_regex(b"(")
    with pytest.raises(re.error, match="unterminated"):
        late.match(b"(")


def test_it_is_copied_and_pickled_by_its_source() -> None:
    pattern = late_regex(r"a(b)")
    for same in (copy.copy(pattern), pickle.loads(pickle.dumps(pattern))):
        found = same.match("ab")
        assert found is not None
        assert found[1] == "b"
