"""Near names, for an error that says what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def near(word: str, known: Iterable[str]) -> str:
    """``Did you mean …?`` with up to three names out of ``known``; empty where none is near.

    Capital letters do not count as a difference.
    """
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in sorted(known)}
    matches = [by_lower[match] for match in get_close_matches(word.lower(), by_lower, 3, 0.6)]
    return f"Did you mean {' or '.join(matches)}?" if matches else ""
