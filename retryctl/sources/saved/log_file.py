"""One file of a saved log: its shape is found by looking, and its events are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from retryctl.errors import UnreadableInput
from retryctl.sources.saved.decode import segments
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.files import SavedFile, cannot_open
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.log_format import LogFormat, Prefilter, RawEvent

# control characters that no text has, and what was no UTF-8
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]|\xef\xbf\xbd")

EXPECTED = (
    "Expected: JSON of `aws logs filter-log-events` or `get-log-events`, JSON lines of such events,"
    " text of `aws logs tail`, an S3 export, or records of a subscription; plain or gzipped."
)


def read_file(
    file: SavedFile,
    notes: FileDiagnostics,
    worth: Prefilter | None,
    progress: Callable[[int], None],
) -> Iterator[RawEvent | int]:
    """Yield the events of one file; of those not worth parsing, the time alone where that is less.

    Raises UnreadableInput where it cannot be opened or is none of the shapes.
    """
    shape = None
    beginning = b""
    events = 0
    try:
        with file.open() as opened:
            for segment in segments(opened, notes, progress):
                head = segment.peek()
                shape = shape or detect_format(head, file.folder)
                beginning = beginning or head.strip()
                for event in shape.read(segment, notes, worth) if shape else ():
                    events += 1
                    yield event
    except OSError as error:
        raise cannot_open(file.name, error) from error
    if not events:
        _refuse_unreadable(file, shape, beginning, notes)


def _refuse_unreadable(
    file: SavedFile, shape: LogFormat | None, beginning: bytes, notes: FileDiagnostics
) -> None:
    """Refuse a file without events, unless it is a whole log in which there are none."""
    if shape and not notes.gaps:
        return
    if beginning and not shape:
        found = repr(beginning[:60].decode(errors="replace"))
        starts = "is binary" if _BINARY.search(beginning) else f"starts with {found}"
        raise UnreadableInput(f"{file.name} is no saved log: it {starts}.", EXPECTED)
    if notes.gaps:
        raise UnreadableInput(
            f"nothing can be read of {notes.gaps[0].message}.", "Save or download it again."
        )
    raise UnreadableInput(f"{file.name} is empty.", "Was the log saved to the end?")
