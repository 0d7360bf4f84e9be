"""Gaps that the first events of a saved log show: it was cut at its start, or is a selection."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappush, heappushpop, nsmallest
from itertools import chain, islice, pairwise
from operator import attrgetter

from retryctl.core.history import cut_log
from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.log_file import log_events, read_file
from retryctl.sources.saved.read_stats import FileDiagnostics

HEAD_EVENTS = 1_000
"""The number of events that are kept of each file: the first, or the last if it is newest first."""
MOST_FILES = 200
"""The number of files whose starts are compared: those that begin first."""


@value_class
class _Head:
    """The earliest events of a file; ``whole`` if it has no others."""

    events: list[LogEvent]
    whole: bool
    notes: FileDiagnostics

    @property
    def first_ms(self) -> int:
        return self.events[0].timestamp_ms

    @property
    def in_order(self) -> bool:
        return all(a.timestamp_ms <= b.timestamp_ms for a, b in pairwise(self.events))

    def is_unordered(self, first_ms: int) -> bool:
        """Whether earlier events than these may follow in the file."""
        return not self.whole and (self.first_ms > first_ms or not self.in_order)


def gaps_shown_by_start(
    files: Sequence[SavedFile], first_ms: int | None, begins: Mapping[str, int]
) -> list[Gap]:
    """Return the gaps of a log whose first events show that it is a selection, or was cut.

    ``first_ms`` is the time of its first event, ``begins`` has that of each file by its name.
    """
    if first_ms is None:
        return []
    files, until_ms = _first_files(files, begins)
    heads = [head for head in map(_head, files) if head.events]
    if len(files) == 1 and any(head.is_unordered(first_ms) for head in heads):
        heads = [_earliest(files[0])]
    if until_ms is not None and not all(head.in_order for head in heads):
        return [_not_compared(first_ms)]
    events = [
        event
        for head in heads
        for event in _comparable(head, heads, first_ms)
        if until_ms is None or event.timestamp_ms < until_ms
    ]
    cut = any(head.notes.begins_within_line for head in heads) or cut_log.is_cut(events, first_ms)
    gaps = [cut_log.begins_late(first_ms)] if cut else []
    if cut_log.is_filtered(event for head in heads for event in head.events):
        gaps.append(cut_log.filtered("the log has REPORT lines and no END"))
    if cut_log.is_grouped(event for head in heads if head.notes.of_lines for event in head.events):
        gaps.append(
            cut_log.filtered("lines -- separate groups of lines in the log, as grep -C writes them")
        )
    return gaps


def _first_files(
    files: Sequence[SavedFile], begins: Mapping[str, int]
) -> tuple[Sequence[SavedFile], int | None]:
    """Return the files whose first events are the earliest, and when the next file begins."""
    if len(files) <= MOST_FILES:
        return files, None
    sorted_files = sorted(
        (file for file in files if file.name in begins), key=lambda file: begins[file.name]
    )
    first, rest = sorted_files[:MOST_FILES], sorted_files[MOST_FILES:]
    return first, begins[rest[0].name] if rest else None


def _not_compared(first_ms: int) -> Gap:
    """Return the gap before many files that are not in order of time."""
    return Gap(
        kind=cut_log.BEGINS_LATE,
        message=f"the log has over {MOST_FILES} files, and some are not in order of time: whether "
        "it begins in the middle of a longer one was not examined",
        until_ms=first_ms,
        hides_attempts=True,
    )


def _head(file: SavedFile) -> _Head:
    events: list[LogEvent] = []
    notes = FileDiagnostics(file.name, file.number)
    try:
        found = read_file(file, notes)
        found_events = log_events(found)
        events = list(islice(found_events, HEAD_EVENTS + 1))
        if len(events) > HEAD_EVENTS and _newest_first(events):
            last = deque(chain(events, found_events), maxlen=HEAD_EVENTS)
            return _Head(events=[*reversed(last)], notes=notes, whole=False)
    except UnreadableInput:
        pass  # the pass over the whole file gives the reason
    return _Head(events=events[:HEAD_EVENTS], notes=notes, whole=len(events) <= HEAD_EVENTS)


def _earliest(file: SavedFile) -> _Head:
    """Return the earliest events of a file that is in neither order of time: it is read whole.

    A line that is later than enough of the events before it is not parsed.
    """
    notes = FileDiagnostics(file.name, file.number)
    earliest: list[int] = []  # negative times, the latest of them first

    def may_be_early(_: bytes, timestamp_ms: int) -> bool:
        return len(earliest) < HEAD_EVENTS or timestamp_ms < -earliest[0]

    def early() -> Iterator[LogEvent]:
        for event in log_events(read_file(file, notes, may_be_early)):
            put = heappush if len(earliest) < HEAD_EVENTS else heappushpop
            put(earliest, -event.timestamp_ms)
            yield event

    events = nsmallest(HEAD_EVENTS, early(), key=attrgetter("timestamp_ms"))
    return _Head(events=events, notes=notes, whole=False)


def _newest_first(events: Sequence[LogEvent]) -> bool:
    times = [event.timestamp_ms for event in events]
    return times[0] > times[-1] and all(a >= b for a, b in pairwise(times))


def _comparable(head: _Head, heads: Sequence[_Head], first_ms: int) -> Sequence[LogEvent]:
    """Return the events of a file before which no other event of their streams can be.

    Of a file of which only the start was read these are the events up to the start of the next
    such file, where it is in order and the first of all.
    """
    others = [other for other in heads if other is not head and not other.whole]
    if head.whole and not others:
        return head.events
    if head.is_unordered(first_ms):
        return ()
    if not all(other.in_order for other in others):
        return ()
    until_ms = min((other.first_ms for other in others), default=None)
    return [event for event in head.events if until_ms is None or event.timestamp_ms < until_ms]
