"""What a format of saved logs is: bytes in, raw events out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import NamedTuple

from retryctl.sources.saved.diagnostics import FileDiagnostics


class RawEvent(NamedTuple):
    """One event as a file gives it; ``None`` where the file does not say."""

    timestamp_ms: int
    message: str
    log_stream: str | None = None
    log_group: str | None = None
    event_id: str | None = None


Prefilter = Callable[[bytes, int], bool]
"""Whether an event is worth parsing, by its bytes as they lie in the file and its time in ms."""


LogFormat = Callable[
    [BufferedReader, FileDiagnostics, "Prefilter | None"], Iterator["RawEvent | int"]
]
"""Reads a segment. An event that is not worth parsing may come as its time alone."""
