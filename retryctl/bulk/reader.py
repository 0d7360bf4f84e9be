"""A saved log of any size read whole: in several processes, in bounded memory.

What is read at once is a *unit*: a file, or a stretch of a large one. Readings of units know
nothing of each other; what they find goes to a temporary file, dealt into parts by request ID,
and the ends of their runs are joined when all is read. Memory holds one unit's findings and an
index. The few streams whose runs do not join are read once more, each as a whole.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BufferedReader, BytesIO
from typing import IO, BinaryIO

from retryctl.bulk.chunks import ByteRange, Chunk, units_of
from retryctl.bulk.line_layout import is_usual_line
from retryctl.bulk.line_scanner import LineScanner
from retryctl.bulk.shuffle import Asking, ShuffleStore
from retryctl.bulk.stream_state import ScannedChunk
from retryctl.bulk.templates import TemplateCache
from retryctl.bulk.workers import run_in_workers
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Gap, LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.decode import segments
from retryctl.sources.saved.diagnostics import FileDiagnostics, Meter, Progress, ReadStats
from retryctl.sources.saved.events import nothing_readable
from retryctl.sources.saved.files import SavedFile, find_files, names_one_file
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.log_file import read_file
from retryctl.sources.saved.log_format import RawEvent
from retryctl.sources.saved.stream_filter import StreamFilter

UNIT_BYTES = 64 << 20
UNITS_PER_PROCESS = 4  # so that none waits long for another at the end
PART_BYTES = 48 << 20
# What is kept to be shown takes more room.
SHOWN_UNIT_BYTES = 8 << 20
SHOWN_PER_PART = 2_000
MOST_UNITS, MOST_PARTS = 512, 256
_BLOCK_BYTES = 1 << 16  # what fits in a processor's cache is read twice as fast


class BulkReader:
    """A saved log, read whole. ``source`` is what ``SavedLog`` takes.

    A unit has ``unit_bytes``, unless there would be too many of them.
    """

    def __init__(
        self, source: str, *, stdin: BinaryIO | None = None, unit_bytes: int = UNIT_BYTES
    ) -> None:
        self._source = source
        self._unit_bytes = unit_bytes
        self._stdin = stdin
        self._files: tuple[SavedFile, ...] = ()
        self._sizes: dict[str, tuple[int, int]] = {}

    def read(
        self,
        selection: LogQuery,
        markers: Markers,
        settings: FunctionConfig,
        *,
        processes: int = 1,
        progress: Progress | None = None,
    ) -> ShuffleStore:
        """Read all of it; its events from ``selection.until_ms`` on count as not yet written.

        With request IDs the findings are of these requests alone, and their attempts are kept
        with the events that prove something. Read again, it is the same files that are read.

        Raises UnreadableInput where nothing can be read. What is damaged is a gap in the coverage.
        """
        self._files = self._files or find_files(self._source, self._stdin)
        total, shown = sum(file.size for file in self._files), len(selection.request_ids)
        before = {file.name: _state_of(file) for file in self._files}
        asking = Asking(
            selection=selection,
            markers=markers,
            settings=settings,
            parts=min(MOST_PARTS, max(1 + total // PART_BYTES, shown // SHOWN_PER_PART)),
        )
        findings = ShuffleStore(asking, self._source)
        unit_bytes = min(
            SHOWN_UNIT_BYTES if shown else self._unit_bytes,
            self._unit_bytes,
            1 + total // (UNITS_PER_PROCESS * processes),
        )
        refused: dict[str, UnreadableInput] = {}
        odd: set[str] = set()
        meter = Meter(progress, total)
        read_on: set[str] = set()
        done = 0
        scanning = Scanning(asking)
        for unit, scanned in _each(self._units(total, unit_bytes), scanning, processes, meter):
            if unit.file.name in read_on:
                continue
            if scanned is None:
                read_on.add(unit.file.name)
                unit = unit.rest
                scanned = scanning.scan(unit, meter.advance)
            if isinstance(scanned, UnreadableInput):
                refused[unit.file.name] = scanned
            elif scanned is not None:
                findings.take(scanned)
                if scanned.odd:
                    odd.add(unit.file.name)
            done += unit.size
            meter.reach(done)
        changed = {file.name for file in self._files if before[file.name] != _state_of(file)}
        findings.join(self._files)
        if findings.no_event_seen:
            odd = {file.name for file in self._files}
        self._note_gaps(findings.looked, refused, odd, changed)
        findings.looked.bytes_read = done
        return findings

    def _units(self, total: int, unit_bytes: int) -> Iterator[Chunk]:
        size = max(unit_bytes, total // MOST_UNITS)
        for file in self._files:
            yield from units_of(file, size)

    def _note_gaps(
        self,
        looked: ReadStats,
        refused: dict[str, UnreadableInput],
        odd: set[str],
        changed: set[str],
    ) -> None:
        """Note what could not be read of each file, in the words of the reading for ``trace``."""
        if refused and (names_one_file(self._source) or len(refused) == len(self._files)):
            if names_one_file(self._source):
                raise next(iter(refused.values()))
            raise nothing_readable(self._source, [error.what for error in refused.values()])
        if not self._files:
            raise nothing_readable(self._source, [])
        for file in self._files:
            notes = FileDiagnostics(file.name)
            if error := refused.get(file.name):
                notes.refused(error)
            elif file.name in odd:
                self._note_odd(file, notes)
            looked.add(notes)
            if file.name in changed:
                what = f"{file.name} changed while it was read: what was written then is not seen"
                looked.gaps.append(Gap(kind="changed", message=what, hides_attempts=True))

    def _note_odd(self, file: SavedFile, notes: FileDiagnostics) -> None:
        try:
            for event in read_file(file, notes, _unless_usual, lambda _: None):
                notes.see(event if isinstance(event, int) else event.timestamp_ms)
        except UnreadableInput as error:
            if names_one_file(self._source):
                raise
            notes.refused(error)


def _unless_usual(raw: bytes, _: int) -> bool:
    return not is_usual_line(raw)


def _state_of(file: SavedFile) -> tuple[int, int]:
    """Size and time of change of a file on disk; of anything else always the same."""
    if not isinstance(file.open, partial):
        return (0, 0)
    try:
        status = os.stat(file.name)
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)


# --------------------------------------------------------------------------- one reading


class Scanning:
    """Reads units one by one, in one process, and remembers what they taught of shapes."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._learned = TemplateCache()

    def scan(
        self, unit: Chunk, advance: Callable[[int], None] = lambda _: None
    ) -> ScannedChunk | UnreadableInput | None:
        """What one unit holds, or why its file cannot be read. ``advance`` may hear of bytes read.

        ``None`` where what is packed does not end, or not with a line, where the unit does: then
        it has to be read on.
        """
        asking, selection = self._asking, self._asking.selection
        scan = LineScanner(
            StreamFilter(selection),
            asking.markers,
            asking.settings,
            self._learned,
            parts=asking.parts,
            until_ms=selection.until_ms,
            shown=frozenset(selection.request_ids),
        )
        if unit.shape and unit.shape.verbatim and not unit.members:
            with unit.file.open() as opened:
                for block in _blocks(opened, unit.start, unit.start + unit.size):
                    scan.read(block)
            return scan.finish()
        notes = FileDiagnostics(unit.file.name)
        try:
            last = _scan_file(unit, scan, notes, advance)
        except UnreadableInput as error:
            return error
        if unit.members and unit.stop is not None and (notes.gaps or not last.endswith(b"\n")):
            return None
        found = scan.finish()
        found.odd |= bool(notes.gaps or notes.unrecognised)
        return found


def _blocks(reader: IO[bytes], start: int, stop: int) -> Iterator[list[bytes]]:
    """The lines that begin in a stretch of a file."""
    if start:
        reader.seek(start - 1)
        start += len(reader.readline()) - 1
    while start < stop:
        # the line that the last byte of the stretch is of may be long
        block = reader.read(min(_BLOCK_BYTES, stop - start - 1)) + reader.readline()
        if not block:
            return
        start += len(block)
        yield BytesIO(block).readlines()  # four times as fast as the lines of a file


def _scan_file(
    unit: Chunk, scan: LineScanner, notes: FileDiagnostics, advance: Callable[[int], None]
) -> bytes:
    """Read what has any shape; lines of JSON as they lie there, all else event by event.

    Returns the last line of JSON.
    """
    file, shape, last = unit.file, unit.shape, b""
    try:
        with file.open() as opened:
            for segment in segments(BufferedReader(ByteRange(opened, unit)), notes, advance):
                shape = shape or detect_format(segment.peek(), file.folder)
                if shape and shape.verbatim:
                    for block in _blocks(segment, 0, sys.maxsize):
                        scan.read(block)
                        last = block[-1]
                elif shape:
                    for event in shape.read(segment, notes, None):
                        if isinstance(event, RawEvent):
                            scan.take(event)
    except OSError:
        shape = None
    if not shape:  # the other reading says best why
        for _ in read_file(file, FileDiagnostics(file.name), None, lambda _: None):
            pass
    return last


def _each(
    units: Iterable[Chunk], scanning: Scanning, processes: int, meter: Meter
) -> Iterator[tuple[Chunk, ScannedChunk | UnreadableInput | None]]:
    """Each unit with what it holds, in order; those of files on disk by several processes."""
    units = list(units)
    if processes < 2 or len(units) < 2 or not all(isinstance(u.file.open, partial) for u in units):
        for unit in units:
            yield unit, scanning.scan(unit, meter.advance)
        return
    results = run_in_workers(
        _scan, units, min(processes, len(units)), begin=_begin, known=(scanning,)
    )
    yield from zip(units, results, strict=True)


_here: list[Scanning] = []  # what a process that scans has to know; it is told once


def _begin(scanning: Scanning) -> None:
    _here[:] = [scanning]


def _scan(unit: Chunk) -> ScannedChunk | UnreadableInput | None:
    return _here[0].scan(unit)
