"""Request IDs as people give them: alone, quoted, pasted with their line, or on stdin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from retryctl.errors import NothingFound, UsageError
from retryctl.sources.saved.files import instead_of

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_ID = re.compile(rf"(?<![\w-]){_UUID}(?![\w-])")
_LOOKS_LIKE = (
    "A request ID looks like 8f507cfc-0d3f-4697-b07a-ac58fc914c95; the START and REPORT lines "
    "of a log hold it."
)


def request_ids(arguments: Iterable[str], stdin: Iterable[str]) -> tuple[str, ...]:
    """The request IDs in ``arguments``, lower-cased, each once, in order.

    An argument is an ID, a text that holds one (``RequestId: …``, a whole START or REPORT
    line, with or without quotes), or ``-``, which stands for every ID in the lines of
    ``stdin``. Raises ``UsageError`` for an argument without an ID, ``NothingFound`` where
    stdin is empty.
    """
    found: dict[str, None] = {}
    for argument in _unquoted_lines(arguments):
        found |= dict.fromkeys(_in_stdin(stdin) if argument == "-" else _in_text(argument))
    return tuple(found)


def _unquoted_lines(arguments: Iterable[str]) -> Iterator[str]:
    """The arguments; of a line that the shell has split at its spaces, the words that matter."""
    words = list(arguments)
    follows_label = [False, *(word.lower() == "requestid:" for word in words)]
    if not any(follows_label):
        yield from words
        return
    if follows_label.pop():
        raise UsageError(f"there is no request ID after {words[-1]!r}.", _LOOKS_LIKE)
    for word, labelled in zip(words, follows_label, strict=True):
        if labelled or word == "-" or _ID.search(word):
            yield word


def _in_text(text: str) -> list[str]:
    ids = [match.lower() for match in _ID.findall(text)]
    if not ids and (step := instead_of(text)):
        raise UsageError(f"{text!r} is a file's name, not a request ID.", step)
    if not ids:
        raise UsageError(f"{text!r} is not a request ID{_why_not(text)}.", _LOOKS_LIKE)
    return ids


def _in_stdin(lines: Iterable[str]) -> dict[str, None]:
    ids: dict[str, None] = {}
    empty = True
    for line in lines:
        empty = empty and not line.strip()
        ids |= dict.fromkeys(match.lower() for match in _ID.findall(line))
    if empty:
        raise NothingFound("stdin was empty: there is no request ID to look for.")
    if not ids:
        raise UsageError("there is no request ID in what stdin gave.", _LOOKS_LIKE)
    return ids


def _why_not(text: str) -> str:
    """What is wrong with it, where that can be told."""
    bare = text.strip().strip("\"'").strip()
    joined = re.sub(r"\s+", "", bare)
    if joined != bare and re.fullmatch(_UUID, joined):
        return ": there are spaces in it"
    if re.fullmatch(r"[0-9a-fA-F]{32}", bare):
        return ": its dashes are missing"
    if re.fullmatch(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}", bare):
        return ", but an X-Ray trace ID"
    if re.fullmatch(r"[0-9a-fA-F]+(?:-[0-9a-fA-F]*)*(?:…|\.{2,3})?", bare) and len(bare) < 36:
        return f": it looks cut off, {len(bare.rstrip('….'))} of 36 characters"
    if not re.fullmatch(r"[0-9a-zA-Z]{8}(?:-[0-9a-zA-Z]{4}){3}-[0-9a-zA-Z]+", bare):
        return ""
    if other := re.search(r"[^0-9a-fA-F-]", bare):
        return f": {other[0]!r} is no hexadecimal digit, which are 0 to 9 and a to f"
    return f": it is {len(bare)} characters long, not 36"
