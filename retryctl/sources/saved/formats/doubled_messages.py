"""Messages that stand twice under one time: a row that is open in the console shows it twice."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from retryctl.sources.saved.formats.record_line import ID

_WORD = re.compile(rb"\S+")


def message_once(message: bytes) -> bytes:
    """Return a message that stands twice once, as it was logged: that is the second."""
    message = message.strip(b"\n").rstrip()
    if message.startswith(b"{"):
        first, _, second = message.partition(b"\n")
        return second.strip() if _is_same_json(first, second) else message
    words = list(_WORD.finditer(message))
    middle = len(words) // 2
    if not words or [word[0] for word in words] != [word[0] for word in words[:middle]] * 2:
        return message
    at = message.rfind(b"\n", words[middle - 1].end(), words[middle].start())
    return message[at + 1 :] if at >= 0 else message


def _is_same_json(first: bytes, second: bytes) -> bool:
    try:
        return bool(json.loads(first) == json.loads(second))
    except (ValueError, RecursionError):
        return False


def leave_doubt(messages: Sequence[bytes]) -> bool:
    """Whether some messages may stand twice, or be texts that a function printed twice.

    Where all of them stand twice, the rows were open.
    """
    found = [message.strip() for message in messages if message.strip()]
    once = list(map(message_once, found))
    if all(map(_is_shorter, once, found)):
        return False
    return any(map(_leaves_doubt, once, found))


def _is_shorter(once: bytes, message: bytes) -> bool:
    return len(once) < len(message)


def _leaves_doubt(once: bytes, message: bytes) -> bool:
    """Whether a text is of one line without a request ID, or its first line alone stands twice."""
    if _is_shorter(once, message):
        return b"\n" not in once and not once.startswith(b"{") and not re.search(ID, once)
    return may_be_doubled(message)


def may_be_doubled(message: bytes) -> bool:
    """Whether the first line of a message stands in it once more, or JSON behind JSON."""
    first, *others = map(bytes.rstrip, message.strip().split(b"\n"))
    if first.startswith(b"{"):
        return any(line.startswith(b"{") for line in others)
    return first in others and re.search(rb"\w", first) is not None
