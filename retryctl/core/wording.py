"""Words that all messages share: near names, numbers with their noun, names in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import ne

_NEAR, _MUCH = 0.7, 0.1
MOST_DIFFERENT, _MOST_NAMED = 2, 3
"""A request ID with more different characters is another one, not a mistyped one."""


def suggestions(
    word: str, known: Iterable[str], *, part: Callable[[str], str] = lambda name: name
) -> str:
    """Return ``Did you mean …?`` with up to three names of ``known``; ``""`` where none is near.

    ``part`` returns what is compared of a name.

    Names that begin with ``word`` are near, then names that resemble it, without those that
    resemble it much less than the nearest. Upper and lower case, and the dashes of an option, do
    not count. ``word`` itself is never suggested.
    """
    from difflib import SequenceMatcher, get_close_matches

    by_lower = {part(name).lower().lstrip("-"): name for name in sorted(known) if name != word}
    word = part(word).lower().lstrip("-")
    matches = [name for name in by_lower if word and name.startswith(word)][:3]
    if not matches:
        alike = {
            name: SequenceMatcher(None, name, word).ratio()
            for name in get_close_matches(word, by_lower, 3, _NEAR)
        }
        matches = [name for name in alike if alike[name] > max(alike.values()) - _MUCH]
    return f"Did you mean {' or '.join(by_lower[name] for name in matches)}?" if matches else ""


def near_ids(text: str, known: Iterable[str]) -> str:
    """Return ``Did you mean …?`` with the nearest request IDs; ``""`` where none is near.

    ``text`` is an ID or the first characters of one.
    """
    different = {one: different_characters(text, one) for one in known if one != text}
    nearest = min(different.values(), default=MOST_DIFFERENT + 1)
    if nearest > MOST_DIFFERENT:
        return ""
    names = sorted(one for one, count in different.items() if count == nearest)
    return f"Did you mean {' or '.join(names[:_MOST_NAMED])}?"


def different_characters(one: str | bytes, other: str | bytes) -> int:
    """Return the number of places where the characters differ, up to the end of the shorter."""
    return sum(map(ne, one, other))


def number_of(number: int, noun: str, several: str = "") -> str:
    """``1 attempt``, ``2 attempts``, ``1,000 attempts``; ``several`` where an s will not do."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"


def as_sentences(reasons: Iterable[str]) -> str:
    """Return the reasons in a row; where several follow, each as a sentence."""
    first, *more = reasons or ("",)
    *most, last = (first, *(f"{reason[:1].upper()}{reason[1:]}" for reason in more))
    return " ".join([*(f"{reason.rstrip('.')}." for reason in most), last])


def in_a_row(names: Iterable[str], word: str = "and") -> str:
    """Return ``A``, ``A and B`` or ``A, B and C``, with this ``word`` before the last."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def capitalised(sentence: str) -> str:
    """Return the sentence with a capital, unless it begins with the name of a file or function."""
    first = sentence.split(" ", 1)[0].rstrip(",:;")
    return sentence[:1].upper() + sentence[1:] if first.isalpha() else sentence
