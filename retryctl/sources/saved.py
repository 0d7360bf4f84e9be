"""Saved logs, in every shape that people have.

A log is read once where everything is asked for, and twice where requests are: first to find the
streams and the times that mention them, then to yield of these streams what tells of the requests.
What is held in memory is what was selected, whatever the size of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from fnmatch import fnmatchcase
from sys import intern
from typing import BinaryIO

from retryctl.core.attempts import function_name
from retryctl.core.coverage import Coverage, Gap, Selection
from retryctl.core.records import LogEvent
from retryctl.errors import UnreadableInput
from retryctl.sources.saved_bytes import Notes
from retryctl.sources.saved_event import SavedEvent, Worth
from retryctl.sources.saved_files import (
    DEMO,
    STDIN,
    STDIN_NAME,
    SavedFile,
    find_files,
    names_one_file,
)
from retryctl.sources.saved_mentions import Mentions, RequestIds, StreamKey, Wanted, is_init
from retryctl.sources.saved_shapes import EXPECTED, read_file

Progress = Callable[[int, "int | None"], None]


class SavedLog:
    """A file, a folder (with all below it), a glob, ``-`` for standard input, or ``demo``."""

    def __init__(self, source: str, *, stdin: BinaryIO | None = None) -> None:
        self._source = source
        self._stdin = stdin
        self._files: tuple[SavedFile, ...] = ()
        self._looked = Looked(source)

    def read(self, selection: Selection, progress: Progress | None = None) -> Iterator[LogEvent]:
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
        self._looked = Looked(
            self._source, since_ms=selection.since_ms, until_ms=selection.until_ms
        )
        asked = Asked(selection)
        if selection.request_ids:
            meter = Meter(progress, 2 * self._size)
            yield from self._around_mentions(RequestIds(selection.request_ids), asked, meter)
            return
        for position, event in enumerate(self._first_pass(None, Meter(progress, self._size))):
            if isinstance(event, SavedEvent) and asked.wants(event):
                yield self._yielded(asked.event(event, position))

    def coverage(self) -> Coverage:
        """What was looked at. It is whole once all that ``read`` yields was taken."""
        return self._looked.coverage()

    @property
    def _size(self) -> int:
        return sum(file.size for file in self._files)

    def _around_mentions(self, ids: RequestIds, asked: Asked, meter: Meter) -> Iterator[LogEvent]:
        wanted = Wanted(self._mentions(ids, asked, meter))
        if not wanted:
            return
        events = self._events(wanted.may_be, meter, Looked(self._source))
        for position, event in enumerate(events):
            if (
                isinstance(event, SavedEvent)
                and wanted.has(asked.stream(event), event.timestamp_ms, event.message)
                and asked.wants(event)
            ):
                yield self._yielded(asked.event(event, position))

    def _mentions(self, ids: RequestIds, asked: Asked, meter: Meter) -> Mentions:
        mentions = Mentions()
        for event in self._first_pass(lambda raw, _: ids.are_in(raw) or is_init(raw), meter):
            if not isinstance(event, SavedEvent):
                continue
            message = event.message.encode()
            if ids.are_in(message):
                mentions.add(asked.stream(event), event.timestamp_ms)
                if not asked.wants(event):
                    place = function_name(event.log_group, event.log_stream) or event.log_group
                    for request_id in ids.named_in(event.message):
                        self._looked.left_out[request_id] = place or "another log"
            elif is_init(message):
                mentions.add_init(asked.stream(event), event.timestamp_ms)
        return mentions

    def _yielded(self, event: LogEvent) -> LogEvent:
        if event.log_group:
            self._looked.log_groups.add(event.log_group)
        return event

    def _first_pass(self, worth: Worth | None, meter: Meter) -> Iterator[SavedEvent | int]:
        """All events, those not worth parsing as their time; what they show of the log is kept."""
        for event in self._events(worth, meter, self._looked):
            self._looked.see(event if isinstance(event, int) else event.timestamp_ms)
            yield event
        self._looked.bytes_read = meter.done

    def _events(
        self, worth: Worth | None, meter: Meter, looked: Looked
    ) -> Iterator[SavedEvent | int]:
        """The events of all files; of a folder or a glob, those files that are no log are noted."""
        one = names_one_file(self._source)
        refusals: list[str] = []
        for file in self._files:
            notes = Notes(file.name)
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


class Meter:
    """Tells ``progress`` how far the reading is, in bytes on the disk."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.done = 0
        self._progress = progress
        self._total = total

    def advance(self, count: int) -> None:
        """So many bytes more were read."""
        self.reach(self.done + count)

    def reach(self, done: int) -> None:
        """So many bytes were read in all."""
        self.done = done
        if self._progress:
            self._progress(done, self._total)


class Asked:
    """Which events belong to the groups and the function of a selection, and their group.

    A group is named as on CloudWatch: by its name, its ARN or a pattern in which ``*`` stands
    for any text.
    """

    def __init__(self, selection: Selection) -> None:
        self._groups = tuple(map(_group_name, selection.log_groups))
        self._function = selection.function
        self._nameless = self._group_of_the_nameless()
        self._answers: dict[tuple[str | None, str | None], bool] = {}

    def wants(self, event: SavedEvent) -> bool:
        """Whether the event is asked for."""
        return self.wants_stream(event.log_group, event.log_stream)

    def wants_stream(self, group: str | None, stream: str | None) -> bool:
        """Whether a stream's events are asked for."""
        place = (group, stream)
        answer = self._answers.get(place)
        if answer is None:
            answer = self._answers[place] = self._is_of_group(place[0]) and self._is_of_function(
                *place
            )
        return answer

    def event(self, event: SavedEvent, position: int) -> LogEvent:
        """The event as the core knows it."""
        group, stream = self.group_of(event.log_group), event.log_stream
        return LogEvent(
            timestamp_ms=event.timestamp_ms,
            message=event.message,
            log_stream=stream and intern(stream),  # one text for all events of the stream
            log_group=group and intern(group),
            event_id=event.event_id,
            position=position,
        )

    def stream(self, event: SavedEvent) -> StreamKey:
        """The stream of the event, as the core tells streams apart."""
        return (self.group_of(event.log_group) or "", event.log_stream or "")

    def group_of(self, named: str | None) -> str | None:
        """The group that the log names, else the one that was asked for."""
        return named or self._nameless

    def _is_of_group(self, group: str | None) -> bool:
        return not self._groups or group is None or self._names(group)

    def _names(self, group: str) -> bool:
        return any(fnmatchcase(group, named) for named in self._groups)

    def _is_of_function(self, group: str | None, stream: str | None) -> bool:
        """A group that names no function ends in its name, or is asked for by its own."""
        if self._function is None:
            return True
        if found := function_name(group, stream):
            return found == self._function
        return group is None or self._names(group) or group.endswith(f"/{self._function}")

    def _group_of_the_nameless(self) -> str | None:
        if len(self._groups) == 1 and "*" not in self._groups[0]:
            return self._groups[0]
        return f"/aws/lambda/{self._function}" if self._function and not self._groups else None


def _group_name(named: str) -> str:
    from retryctl.sources.log_groups import log_group  # with the calls of AWS, seldom needed here

    return log_group(named).name


@dataclass(slots=True)
class Looked:
    """What a reading of ``source`` has come across so far. Times are epoch milliseconds."""

    source: str
    _: KW_ONLY
    since_ms: int | None = None
    until_ms: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    events: int = 0
    unrecognised: int = 0
    bytes_read: int = 0
    log_groups: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def see(self, moment_ms: int) -> None:
        """Count an event of this time."""
        self.events += 1
        if self.first_ms is None or moment_ms < self.first_ms:
            self.first_ms = moment_ms
        if self.last_ms is None or moment_ms > self.last_ms:
            self.last_ms = moment_ms

    def add(self, notes: Notes) -> None:
        """Take over what could not be read of a file."""
        self.unrecognised += notes.unrecognised
        self.gaps += notes.settled()

    def coverage(self) -> Coverage:
        """All of this for the cross-check and the views.

        Nothing was seen beyond the log's last event, whatever was asked for. A window in which
        the log has nothing is a moment: its end, or where it would have begun.
        """
        asked_ms = (moment for moment in (self.until_ms, self.last_ms) if moment is not None)
        horizon_ms = min(asked_ms, default=None)
        since_ms = self.first_ms if self.since_ms is None else self.since_ms
        until_ms = horizon_ms
        if since_ms is not None and until_ms is not None and since_ms > until_ms:
            if self.since_ms is None:
                since_ms = until_ms
            else:
                until_ms = since_ms
        return Coverage(
            source=DEMO if self.source == DEMO else "saved",
            where=STDIN_NAME if self.source == STDIN else self.source,
            log_groups=tuple(sorted(self.log_groups)),
            since_ms=since_ms,
            until_ms=until_ms,
            horizon_ms=horizon_ms,
            first_event_ms=self.first_ms,
            last_event_ms=self.last_ms,
            left_out=tuple(self.left_out.items()),
            events_read=self.events,
            events_unrecognised=self.unrecognised,
            bytes_read=self.bytes_read,
            gaps=tuple(self.gaps),
        )
