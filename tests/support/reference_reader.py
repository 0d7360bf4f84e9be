"""The plain way to read a saved log, event by event: what the bulk engine is compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import BinaryIO

from retryctl.core.history.event_order import Doubt, EventOrder, unordered_gaps
from retryctl.core.history.search_detection import IdSearch, searched_by_id
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.group_names import group_name
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.decoding import segments
from retryctl.sources.saved.files import SavedFile, find_files, names_one_file
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.log_file import nothing_readable, read_file
from retryctl.sources.saved.read_stats import ByteProgress, FileDiagnostics, Meter, ReadStats
from retryctl.sources.saved.saved_format import RawEvent
from retryctl.sources.saved.start_gaps import gaps_shown_by_start
from retryctl.sources.saved.stream_filter import StreamFilter

Place = tuple["str | None", "str | None"]
"""A log group and a log stream."""


class SavedLog:
    """A file, a folder (with all below it), a glob, ``-`` for standard input, or ``demo``.

    It yields events and builds no requests.
    """

    def __init__(self, source: str, *, stdin: BinaryIO | None = None) -> None:
        self._source = source
        self._stdin = stdin
        self._files: tuple[SavedFile, ...] = ()
        self._stats = ReadStats(source=source)
        self._begins: dict[str, int] = {}
        self._loose: set[tuple[str | None, str | None]] = set()

    def read(self, query: LogQuery, progress: ByteProgress | None = None) -> Iterator[LogEvent]:
        """Yield every event of the query's groups and function.

        The window is not applied, since requests at its edges need what lies beyond, and neither
        are request IDs. ``position`` counts all events of all files.

        Raises UnreadableInput, from the first event on, where nothing can be read. A damaged file
        yields what is readable, and adds a gap to the coverage.
        """
        self._files = self._files or find_files(self._source, self._stdin)
        self._stats = ReadStats(
            source=self._source, since_ms=query.since_ms, until_ms=query.until_ms
        )
        selected = StreamFilter(query)
        meter = Meter(progress, sum(file.size for file in self._files))
        search = IdSearch()
        for position, event in enumerate(self._events(meter)):
            self._stats.see(event.timestamp_ms)
            if search.open:
                search.add(event.message)
            if selected.wants(event):
                event = event._replace(log_group=_group_name(event))
                if group := selected.group_of(event.log_group):
                    self._stats.log_groups.add(group)
                yield selected.event(event, position)
        if request_id := search.request_id():
            self._stats.gaps.append(searched_by_id(request_id))
        self._stats.gaps += gaps_shown_by_start(self._files, self._stats.first_ms, self._begins)
        self._stats.bytes_read = meter.done

    def read_in_order(self, query: LogQuery) -> list[LogEvent]:
        """Return the events before the end of the query's window, as the core puts them in order.

        This concerns those of one millisecond in files that do not keep their order.
        """
        end_ms = float("inf") if query.until_ms is None else query.until_ms
        found: dict[Place, list[LogEvent]] = defaultdict(list)
        for event in self.read(query):
            if event.timestamp_ms < end_ms:
                found[event.log_group, event.log_stream].append(event)
        selected = StreamFilter(query)
        loose = {(selected.group_of(group), stream) for group, stream in self._loose}
        doubts = list[Doubt]()
        for place in loose & found.keys():
            order = EventOrder()
            ordered = order.ordered(found[place])
            order.finish()
            found[place] = [replace(event, position=at) for at, event in enumerate(ordered)]
            doubts += order.doubts
        doubts.sort(key=lambda doubt: doubt.moment)
        self._stats.gaps += unordered_gaps(doubts, log_group=None, settle=None)
        return [*chain.from_iterable(found.values())]

    def coverage(self) -> Coverage:
        """Return what was read. It is whole once ``read`` is exhausted."""
        return self._stats.coverage()

    def _events(self, meter: Meter) -> Iterator[RawEvent]:
        refusals: list[str] = []
        for file in self._files:
            notes = FileDiagnostics(file.name, file.number)
            keeps_ties = True
            try:
                for number, event in enumerate(read_file(file, notes, None, meter.advance)):
                    keeps_ties = keeps_ties if number else _keeps_ties(file)
                    if isinstance(event, RawEvent):
                        notes.see(event.timestamp_ms)
                        begin_ms = self._begins.get(file.name, event.timestamp_ms)
                        self._begins[file.name] = min(begin_ms, event.timestamp_ms)
                        if not keeps_ties:
                            self._loose.add((_group_name(event), event.log_stream))
                        yield event
            except UnreadableInput as error:
                if names_one_file(self._source):
                    raise
                refusals.append(error.what)
                notes.refused(error)
            self._stats.add(notes)
        if len(refusals) == len(self._files):
            raise nothing_readable(self._source, refusals)


def _keeps_ties(file: SavedFile) -> bool:
    """Whether the first format that the file shows keeps the order of one millisecond."""
    notes = FileDiagnostics(file.name, file.number)
    with file.open() as opened:
        heads = (part.peek() for part in segments(opened, notes, lambda _: None))
        found = (detect_format(head, file.folder) for head in heads)
        return all(each.keeps_ties for each in islice(filter(None, found), 1))


def _group_name(event: RawEvent) -> str | None:
    return event.log_group and group_name(event.log_group)
