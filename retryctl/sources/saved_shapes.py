"""One file of a saved log: its shape is found by looking, and its events are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from retryctl.errors import UnreadableInput
from retryctl.sources.saved_bytes import Notes, segments
from retryctl.sources.saved_event import SavedEvent, Shape, Worth
from retryctl.sources.saved_files import SavedFile, cannot_open
from retryctl.sources.saved_json import is_event_line, json_lines, json_shape
from retryctl.sources.saved_text import LINES_BEFORE_FIRST_EVENT, text_shape

EXPECTED = (
    "Expected: JSON of `aws logs filter-log-events` or `get-log-events`, JSON lines of such events,"
    " text of `aws logs tail`, an S3 export, or records of a subscription; plain or gzipped."
)


def read_file(
    file: SavedFile, notes: Notes, worth: Worth | None, progress: Callable[[int], None]
) -> Iterator[SavedEvent | int]:
    """Yield the events of one file; of those not worth parsing, the time alone where that is less.

    Raises UnreadableInput where it cannot be opened or is none of the shapes.
    """
    shape = None
    beginning = b""
    try:
        with file.open() as opened:
            for segment in segments(opened, notes, progress):
                head = segment.peek()
                shape = shape or find_shape(head, file.folder)
                if shape:
                    yield from shape(segment, notes, worth)
                beginning = beginning or head.strip()
    except OSError as error:
        raise cannot_open(file.name, error) from error
    if not shape:
        raise _unreadable(file, beginning, notes)


def find_shape(head: bytes, folder: str) -> Shape | None:
    """The shape that the start of a file shows; ``None`` where it is none of them."""
    if head.lstrip().startswith((b"{", b"[")):
        return json_shape(head)
    lines = head.split(b"\n")[:LINES_BEFORE_FIRST_EVENT]
    return text_shape(head, folder) or (json_lines if any(map(is_event_line, lines)) else None)


def _unreadable(file: SavedFile, beginning: bytes, notes: Notes) -> UnreadableInput:
    if beginning:
        found = beginning[:60].decode(errors="replace")
        return UnreadableInput(f"{file.name} is no saved log: it starts with {found!r}.", EXPECTED)
    if notes.gaps:
        return UnreadableInput(f"nothing in it can be read: {notes.gaps[0].message}.")
    return UnreadableInput(f"{file.name} is empty.", "Was the log saved to the end?")
