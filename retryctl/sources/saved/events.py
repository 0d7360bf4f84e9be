"""Saved logs, in every shape that people have.

A log is read once where everything is asked for, and twice where requests are: first to find the
streams and the times that mention them, then to yield of these streams what tells of the requests.
What is held in memory is what was selected, whatever the size of the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from retryctl.core.model.attempt import function_from_names
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.diagnostics import FileDiagnostics, Meter, Progress, ReadStats
from retryctl.sources.saved.files import (
    SavedFile,
    find_files,
    names_one_file,
)
from retryctl.sources.saved.log_file import EXPECTED, read_file
from retryctl.sources.saved.log_format import Prefilter, RawEvent
from retryctl.sources.saved.stream_filter import Mentions, RequestIds, StreamFilter, Wanted, is_init


class SavedLog:
    """A file, a folder (with all below it), a glob, ``-`` for standard input, or ``demo``."""

    def __init__(self, source: str, *, stdin: BinaryIO | None = None) -> None:
        self._source = source
        self._stdin = stdin
        self._files: tuple[SavedFile, ...] = ()
        self._looked = ReadStats(source)

    def read(self, selection: LogQuery, progress: Progress | None = None) -> Iterator[LogEvent]:
        """Yield the events that ``selection`` asks for, in the order of the files.

        Without request IDs that is every event of the groups and the function: the window is
        not applied, since requests at its edges need what lies beyond. With IDs it is, in each
        stream that mentions one, everything around the mentions, and Lambda's own records from
        end to end: the core makes of them what it makes of all. ``position`` counts all events
        of all files. ``progress`` hears of the bytes read and the bytes in all.

        Raises UnreadableInput, when the first event is asked for or later, where nothing can be
        read. What is damaged yields what it still holds, and a gap in the coverage.
        """
        self._files = self._files or find_files(self._source, self._stdin)
        self._looked = ReadStats(
            self._source, since_ms=selection.since_ms, until_ms=selection.until_ms
        )
        asked = StreamFilter(selection)
        if selection.request_ids:
            meter = Meter(progress, 2 * self._size)
            yield from self._around_mentions(RequestIds(selection.request_ids), asked, meter)
            return
        for position, event in enumerate(self._first_pass(None, Meter(progress, self._size))):
            if isinstance(event, RawEvent) and asked.wants(event):
                yield self._yielded(asked.event(event, position))

    def coverage(self) -> Coverage:
        """What was looked at. It is whole once all that ``read`` yields was taken."""
        return self._looked.coverage()

    @property
    def _size(self) -> int:
        return sum(file.size for file in self._files)

    def _around_mentions(
        self, ids: RequestIds, asked: StreamFilter, meter: Meter
    ) -> Iterator[LogEvent]:
        wanted = Wanted(self._mentions(ids, asked, meter))
        if not wanted:
            return
        events = self._events(wanted.may_be, meter, ReadStats(self._source))
        for position, event in enumerate(events):
            if (
                isinstance(event, RawEvent)
                and wanted.has(asked.stream(event), event.timestamp_ms, event.message)
                and asked.wants(event)
            ):
                yield self._yielded(asked.event(event, position))

    def _mentions(self, ids: RequestIds, asked: StreamFilter, meter: Meter) -> Mentions:
        mentions = Mentions()
        for event in self._first_pass(lambda raw, _: ids.are_in(raw) or is_init(raw), meter):
            if not isinstance(event, RawEvent):
                continue
            message = event.message.encode()
            if ids.are_in(message):
                mentions.add(asked.stream(event), event.timestamp_ms)
                if not asked.wants(event):
                    place = (
                        function_from_names(event.log_group, event.log_stream) or event.log_group
                    )
                    for request_id in ids.named_in(event.message):
                        self._looked.left_out[request_id] = place or "another log"
            elif is_init(message):
                mentions.add_init(asked.stream(event), event.timestamp_ms)
        return mentions

    def _yielded(self, event: LogEvent) -> LogEvent:
        if event.log_group:
            self._looked.log_groups.add(event.log_group)
        return event

    def _first_pass(self, worth: Prefilter | None, meter: Meter) -> Iterator[RawEvent | int]:
        """All events, those not worth parsing as their time; what they show of the log is kept."""
        for event in self._events(worth, meter, self._looked):
            self._looked.see(event if isinstance(event, int) else event.timestamp_ms)
            yield event
        self._looked.bytes_read = meter.done

    def _events(
        self, worth: Prefilter | None, meter: Meter, looked: ReadStats
    ) -> Iterator[RawEvent | int]:
        """The events of all files; of a folder or a glob, those files that are no log are noted."""
        one = names_one_file(self._source)
        refusals: list[str] = []
        for file in self._files:
            notes = FileDiagnostics(file.name)
            try:
                for event in read_file(file, notes, worth, meter.advance):
                    notes.see(event if isinstance(event, int) else event.timestamp_ms)
                    yield event
            except UnreadableInput as error:
                if one:
                    raise
                refusals.append(error.what)
                notes.refused(error)
            looked.add(notes)
        if len(refusals) == len(self._files):
            raise nothing_readable(self._source, refusals)


def nothing_readable(source: str, refusals: list[str]) -> UnreadableInput:
    """What to say of files none of which is a saved log; ``refusals`` has a reason for each."""
    if not refusals:
        return UnreadableInput(f"there is nothing in {source}.", EXPECTED)
    if len(refusals) == 1:
        return UnreadableInput(
            f"{refusals[0].removesuffix('.')}; {source} holds no other.", EXPECTED
        )
    what = f"none of {len(refusals):,} files in {source} can be read; the first: {refusals[0]}"
    return UnreadableInput(what, EXPECTED)
