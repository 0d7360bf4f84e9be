"""One file of a saved log: its format is detected, and its events are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from retryctl.errors import UnreadableInput
from retryctl.sources.saved.decoding import segments
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.files import SavedFile, cannot_open
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.log_format import LogFormat, Prefilter, RawEvent


def read_file(
    file: SavedFile,
    diagnostics: FileDiagnostics,
    prefilter: Prefilter | None,
    progress: Callable[[int], None],
) -> Iterator[RawEvent | int]:
    """Yield the events of one file; one not worth parsing may come as its time alone.

    Raises UnreadableInput where the file cannot be opened or is of no known shape.
    """
    log_format = None
    beginning = b""
    events = 0
    try:
        with file.open() as opened:
            for segment in segments(opened, diagnostics, progress):
                head = segment.peek()
                log_format = log_format or detect_format(head, file.folder)
                beginning = beginning or head.strip()
                if log_format:
                    diagnostics.of_lines = log_format.of_lines
                    for event in log_format.read(segment, diagnostics, prefilter):
                        events += 1
                        yield event
    except OSError as error:
        raise cannot_open(file.name, error) from error
    if not events:
        refuse_unreadable(file, log_format, beginning, diagnostics)


def refuse_unreadable(
    file: SavedFile, log_format: LogFormat | None, beginning: bytes, diagnostics: FileDiagnostics
) -> None:
    """Refuse a file without events, unless it is a whole log in which there are none."""
    from retryctl.sources.saved.refusals import SAVE_AGAIN, not_a_log

    gaps = diagnostics.settled()
    if beginning and not log_format:
        raise not_a_log(file.name, beginning)
    if any(gap.kind not in ("one-stream", "more-pages") for gap in gaps):
        raise UnreadableInput(
            f"nothing can be read of {gaps[0].message}.",
            SAVE_AGAIN,
            hides_attempts=any(gap.hides_attempts for gap in gaps),
        )
    if not log_format:
        raise UnreadableInput(f"{file.name} is empty.", SAVE_AGAIN)
