"""The events of a saved log, one after another, in the order of its files.

``retryctl.bulk`` makes requests of a log, and reads it faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from shlex import quote

from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import LogEvent
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.decoding import segments
from retryctl.sources.saved.files import (
    SavedFile,
    cannot_open,
    find_files,
    names_one_file,
    skipped_folders,
)
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.formats.json_event import is_torn, line_event
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import RawEvent, SavedFormat
from retryctl.sources.saved.skipped_files import FOLDERS_NOT_READ

Prefilter = Callable[[bytes, int], bool]
"""Whether an event is worth parsing, by the bytes of its line and its time in ms."""

# {"logStreamName": "…", "timestamp": 1795402800123, "message": "…\"timestamp\": 1…"}
_TIMESTAMP = late_regex(rb'"timestamp":\s*(\d{1,14})\b(?!\.)')


def saved_events(source: str) -> Iterator[LogEvent]:
    """Yield all events of a source (``find_files``).

    Raises UnreadableInput, from the first event on, where nothing can be read. Of a damaged file
    what is readable is yielded.
    """
    refusals: list[str] = []
    files = find_files(source, None)
    for file in files:
        try:
            yield from log_events(read_file(file, FileDiagnostics(file.name, file.number)))
        except UnreadableInput as error:
            if names_one_file(source):
                raise
            refusals.append(error.what)
    if len(refusals) == len(files):
        raise nothing_readable(source, refusals)


def log_events(found: Iterable[RawEvent | int]) -> Iterator[LogEvent]:
    """Yield the events that were parsed as the core reads them."""
    for event in found:
        if isinstance(event, RawEvent):
            yield LogEvent(
                timestamp_ms=event.timestamp_ms,
                message=event.message,
                log_stream=event.log_stream,
                log_group=event.log_group,
                event_id=event.event_id,
            )


def read_file(
    file: SavedFile,
    diagnostics: FileDiagnostics,
    prefilter: Prefilter | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[RawEvent | int]:
    """Yield the events of one file; one not worth parsing may come as its time alone.

    Raises UnreadableInput where the file cannot be opened or is of no known shape.
    """
    saved_format = None
    beginning = b""
    events = 0
    try:
        with file.open() as opened:
            for segment in segments(opened, diagnostics, progress):
                head = segment.peek()
                saved_format = saved_format or detect_format(head, file.folder)
                beginning = beginning or head.strip()
                if saved_format:
                    diagnostics.of_lines = saved_format.of_lines
                    blocks = saved_format.raw_blocks(segment, diagnostics)
                    lines = (line for block in blocks for line in BytesIO(block.canonical()))
                    for event in _events(lines, diagnostics, prefilter):
                        events += 1
                        yield event
    except OSError as error:
        raise cannot_open(file.name, error) from error
    if not events:
        refuse_unreadable(file, saved_format, beginning, diagnostics)


def _events(
    lines: Iterable[bytes], diagnostics: FileDiagnostics, prefilter: Prefilter | None
) -> Iterator[RawEvent | int]:
    before_ms = 0
    for number, line in enumerate(lines, 1):
        if prefilter and (found := _TIMESTAMP.search(line)) and line.endswith((b"}\n", b"}\r\n")):
            timestamp_ms = int(found[1])
            if not prefilter(line, timestamp_ms):
                before_ms = timestamp_ms
                yield timestamp_ms
                continue
        event = line_event(line, before_ms)
        if event:
            before_ms = event.timestamp_ms
            yield event
        elif line.endswith(b"\n") and line.strip():
            torn = is_torn(line) and (number > 1 or line.startswith(b"{"))
            diagnostics.unread_event(number, line.decode(errors="replace"), torn=torn)
        elif line.strip():
            diagnostics.unrecognised += 1
            diagnostics.breaks_off(f"its last line, {number}, breaks off")


def refuse_unreadable(
    file: SavedFile,
    saved_format: SavedFormat | None,
    beginning: bytes,
    diagnostics: FileDiagnostics,
) -> None:
    """Refuse a file without events, unless it is a whole log in which there are none."""
    from retryctl.sources.saved.refusals import SAVE_AGAIN, not_a_log

    gaps = diagnostics.settled()
    hides = any(gap.hides_attempts for gap in gaps)
    if beginning and not saved_format:
        error = not_a_log(file.name, beginning)
        error.hides_attempts |= hides
        raise error
    if any(gap.kind not in ("one-stream", "more-pages") for gap in gaps):
        raise UnreadableInput(
            f"nothing can be read of {gaps[0].message}.",
            SAVE_AGAIN,
            hides_attempts=hides,
        )
    if not saved_format:
        raise UnreadableInput(f"{file.name} is empty.", SAVE_AGAIN)


def nothing_readable(source: str, refusals: list[str]) -> UnreadableInput:
    """Build the error for files none of which is a saved log; ``refusals`` has their reasons."""
    from retryctl.sources.saved.refusals import EXPECTED

    if not refusals and (folders := skipped_folders(source)):
        what = f"{source} contains no file that is read: {FOLDERS_NOT_READ}."
        return UnreadableInput(what, f"To read one, name it: --from {quote(folders[0])}")
    if not refusals:
        return UnreadableInput(f"{source} contains no file.", EXPECTED)
    if len(refusals) == 1:
        first = refusals[0].removesuffix(".")
        return UnreadableInput(f"{first}; {source} has no other file.", EXPECTED)
    what = f"none of {len(refusals):,} files in {source} can be read; the first: {refusals[0]}"
    return UnreadableInput(what, EXPECTED)
