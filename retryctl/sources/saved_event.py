"""What every shape of saved log is read into, and the times that they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from io import BufferedReader
from typing import NamedTuple

from retryctl.sources.saved_bytes import Notes

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class SavedEvent(NamedTuple):
    """One event as a file gives it; ``None`` where the file does not say."""

    timestamp_ms: int
    message: str
    log_stream: str | None = None
    log_group: str | None = None
    event_id: str | None = None


Worth = Callable[[bytes, int], bool]
"""Whether an event is worth parsing, by its bytes as they lie in the file and its time in ms."""

Shape = Callable[[BufferedReader, Notes, "Worth | None"], Iterator["SavedEvent | int"]]
"""Reads a segment. An event that is not worth parsing may come as its time alone."""


@lru_cache(maxsize=1024)
def iso_ms(text: str) -> int | None:
    """Epoch milliseconds of an ISO 8601 time, UTC where it names no offset; else ``None``."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0, (moment - _EPOCH) // timedelta(milliseconds=1))
