"""The shuffle: what the scans of chunks found, in a temporary file, dealt out by request ID.

When all chunks are scanned, the fragments of each stream are stitched. A stream whose fragments
do not fit together is *out of order*: its events are read once more, and put in order as a whole.
"""

from __future__ import annotations

import pickle
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, count

from retryctl.bulk.chunk_blocks import ChunkBlocks
from retryctl.bulk.chunk_tasks import ScanPlan
from retryctl.bulk.chunks import Chunk
from retryctl.bulk.compact_attempts import KeptAttempts, compact_attempts, part_of
from retryctl.bulk.id_survey import LineSelector, events_in
from retryctl.bulk.reduction import Partition, StreamReading
from retryctl.bulk.spill_file import SpillFile, SpillPlace
from retryctl.bulk.stitch_tasks import (
    FRAGMENT_PLACE,
    StitchedBatch,
    StitchTask,
    StreamShare,
    apart,
    deal_streams,
)
from retryctl.bulk.stitched_streams import StitchedStream
from retryctl.bulk.stream_names import Stream, ambiguous_names_of
from retryctl.bulk.stream_state import ScannedChunk, share_of
from retryctl.bulk.workers import run_in_workers
from retryctl.core.history.event_order import Doubt, EventOrder, unordered_gaps
from retryctl.core.history.history_builder import mentions_in
from retryctl.core.history.lost_lines import has_cut_record, has_lost_lines
from retryctl.core.history.safe_cut import last_piece
from retryctl.core.history.search_detection import IdSearch, searched_by_id
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import LogEvent, is_timed
from retryctl.core.model.limits import (
    LONGEST_ATTEMPT_MS,
    LONGEST_EVENT_AGE_S,
    USUAL_WAITS_MS,
    WAIT_TOLERANCE_MS,
)
from retryctl.core.model.records import Unrecognised, WebRecord
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.files import SavedFile
from retryctl.sources.saved.read_stats import ReadStats
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace

_KEPT_BYTES = 64 << 20
"""As much memory may take the events of streams that are out of order, before they are spilled."""
_EVENT_BYTES = 400  # of an event without its message
# Around the events of one request: the time of attempts before them, and of a retry after them.
_BEFORE_MS = LONGEST_EVENT_AGE_S * 1000 + LONGEST_ATTEMPT_MS
_AFTER_MS = sum(
    wait_ms + WAIT_TOLERANCE_MS + LONGEST_ATTEMPT_MS for wait_ms in USUAL_WAITS_MS.values()
)


@value_class
class _Pickled:
    """Attempts that are unpickled each time they are iterated."""

    data: bytes

    def __iter__(self) -> Iterator[tuple[int, Attempt]]:
        yield from pickle.loads(self.data)


class ShuffleStore:
    """What all scans found, taken one ``part`` of the requests at a time."""

    def __init__(self, plan: ScanPlan, source: str) -> None:
        query = plan.query
        self.stats = ReadStats(source=source, since_ms=query.since_ms, until_ms=query.until_ms)
        self.readings: dict[int, StreamReading] = {}
        self.web: set[str] = set()
        self._id_search, self._answers_search = IdSearch(), False
        self.has_malformed = False
        self.ambiguous: Collection[str] = plan.ambiguous or ()
        self._plan = plan
        self._spill = SpillFile()
        self._shares: list[list[tuple[int, SpillPlace]]] = [[] for _ in range(plan.shares)]
        self._packed: list[list[tuple[int, SpillPlace]]] = [[] for _ in range(plan.parts)]
        self._others: list[list[tuple[int, SpillPlace | list[tuple[int, Attempt]]]]] = [
            [] for _ in range(plan.parts)
        ]
        self._mentions: list[list[tuple[str | None, str, LogEvent]]] = [
            [] for _ in range(plan.parts)
        ]
        self._out_of_order: set[StreamPlace] = set()
        self._loose: set[StreamPlace] = set()
        self._doubts: list[tuple[StreamPlace, Doubt]] = []
        self._templates: list[list[Attempt]] = []
        self._counts: list[int] = []
        self._unrecognised: list[dict[int, set[str | int]]] = []

    @property
    def parts(self) -> int:
        """The number of partitions."""
        return self._plan.parts

    @property
    def lacks_records(self) -> bool:
        """Whether there is not any attempt, or some lack records or have a cut one."""
        return bool(self.stats.torn_streams) or not (any(self._packed) or any(self._others))

    def part(self, number: int) -> Partition:
        """Return a partition of the requests."""
        return Partition(
            packed=[(reading, self._spill.get(place)) for reading, place in self._packed[number]],
            others=[
                (reading, kept if isinstance(kept, list) else _Pickled(data=self._spill.get(kept)))
                for reading, kept in self._others[number]
            ],
            mentions=self._mentions[number],
        )

    def take(self, scanned: ScannedChunk) -> None:
        """Take over what a scan found."""
        reading = len(self._counts)
        self._counts.append(scanned.fragment_count)
        self._templates.append(scanned.templates)
        self._unrecognised.append(scanned.unrecognised)
        self._out_of_order.update(scanned.out_of_order)
        self._doubts += scanned.doubts
        for kept, fragments in zip(self._shares, scanned.shares, strict=True):
            if fragments:
                kept.append((reading, self._spill.put(fragments)))
        self._put(reading, scanned.packed, scanned.kept)
        self.web |= scanned.web
        self.take_search(scanned.id_search, answers_search=scanned.answers_search)
        self.stats.log_groups |= scanned.log_groups
        self.add_times(scanned.events, scanned.first_ms, scanned.last_ms)

    def sort_whole(self, places: Iterable[StreamPlace]) -> None:
        """Read the events of these places as a whole: logs without streams cannot be cut."""
        self._out_of_order.update(places)
        selected = StreamFilter(self._plan.query)
        self.stats.log_groups |= set(
            filter(None, (selected.group_of(group) for group, _ in places))
        )

    def add_times(self, events: int, first_ms: int | None, last_ms: int | None) -> None:
        """Count events that were read, between these times."""
        self.stats.events += events
        for moment_ms in (first_ms, last_ms):
            if moment_ms is not None:
                self.stats.see(moment_ms)
                self.stats.events -= 1

    def take_search(self, search: IdSearch, *, answers_search: bool) -> None:
        """Take over whether all events read have one request ID."""
        self._id_search.merge(search)
        self._answers_search |= answers_search

    def searched_by_id(self) -> Gap | None:
        """Return the gap of a log that is the result of a search for one request ID."""
        request_id = self._id_search.request_id(answers_search=self._answers_search)
        if request_id is None:
            return None
        save = self.save_command()
        return searched_by_id(request_id, f"{save} && retryctl trace {request_id} --from log.json")

    def unordered(self) -> Iterator[Gap]:
        """Yield the gaps of lines of one millisecond whose order nothing gives."""
        doubts = sorted((doubt for _, doubt in self._doubts), key=lambda doubt: doubt.moment)
        return unordered_gaps(doubts, log_group=None, settle=self.save_command())

    def save_command(self, *, onwards: bool = False) -> str:
        """Return the command that saves all attempts of the requests of this log.

        Its window begins before the first attempt, and ends after the last possible retry. With
        ``onwards`` it begins with the first event, and has no end.
        """
        stats, query = self.stats, self._plan.query
        groups = sorted(stats.log_groups) or list(query.log_groups)
        if not groups and query.function:
            groups = [f"/aws/lambda/{query.function}"]
        group = shlex.quote(groups[0]) if len(groups) == 1 else "GROUP"
        window = "--start-time START_MS --end-time END_MS"
        if stats.first_ms is not None and stats.last_ms and is_timed(stats.last_ms):
            first_ms = max(0, stats.first_ms - (0 if onwards else _BEFORE_MS))
            end = "" if onwards else f" --end-time {stats.last_ms + _AFTER_MS}"
            window = f"--start-time {first_ms}{end}"
        saved = "--output json > log.json"
        return f"aws logs filter-log-events --log-group-name {group} {window} {saved}"

    def _put(
        self, reading: int, packed: Sequence[bytes | bytearray], kept: Sequence[KeptAttempts]
    ) -> None:
        """Put attempts into the temporary file, by partition."""
        for number, data in enumerate(packed):
            if data:
                self._packed[number].append((reading, self._spill.put(data)))
        for number, attempts in enumerate(kept):
            if attempts:
                place = attempts if isinstance(attempts, list) else self._spill.put(attempts)
                self._others[number].append((reading, place))

    # ----------------------------------------------------------------- at the end

    def join(self, files: Sequence[SavedFile], processes: int = 1) -> None:
        """Join the fragments of each stream, and read those streams again where that cannot be."""
        batches = [self._taken(*each) for each in enumerate(self._stitched(processes))]
        self._out_of_order.update(chain.from_iterable(batch.out_of_order for batch in batches))
        self._doubts = [each for each in self._doubts if each[0] not in self._out_of_order]
        if self._out_of_order:
            whole = deal_streams(self._sorted_streams(files), self._plan)
            batches += [self._taken(*each) for each in enumerate(whole, len(batches))]
        if not self._plan.query.keeps_places:
            if self._plan.ambiguous is None:
                joined = chain.from_iterable(batch.joined for batch in batches)
                self.ambiguous = ambiguous_names_of(joined)
            batches = apart(batches, self.ambiguous)
            named = {stream.log_group for batch in batches for stream in batch.joined}
            self.stats.log_groups = {*filter(None, named)} or self.stats.log_groups
        for number, batch in enumerate(batches, len(self._counts)):
            self._add(number, batch)
        self._describe(batches)

    def _stitched(self, processes: int) -> Iterator[StitchedBatch]:
        """Stitch the streams, a share at a time."""
        out_of_order: dict[int, set[StreamPlace]] = defaultdict(set)
        for place in self._out_of_order:
            out_of_order[share_of(place, len(self._shares))].add(place)
        shares = (
            StreamShare(
                pickled=[(reading, self._spill.get(place)) for reading, place in kept],
                out_of_order=frozenset(out_of_order[number]),
            )
            for number, kept in enumerate(self._shares)
            if kept
        )
        task, count = StitchTask(plan=self._plan), sum(map(bool, self._shares))
        if processes > 1 and count > 1:
            return run_in_workers(task, shares, min(processes, count))
        return map(task, shares)

    def _taken(self, number: int, batch: StitchedBatch) -> StitchedBatch:
        """Put the attempts of a batch into the temporary file; return the rest of it."""
        reading = len(self._counts) + number
        self._put(reading, batch.packed, batch.kept)
        self.has_malformed |= batch.has_malformed
        return replace(batch, packed=(), kept=())

    def _describe(self, batches: Sequence[StitchedBatch]) -> None:
        """Name the stream of each fragment, and count what was not recognised in it."""
        rows: list[list[Stream | None]] = [[None] * count for count in self._counts]
        for batch in batches:
            unread: set[object] = set()
            for reading, number, at in FRAGMENT_PLACE.iter_unpack(batch.fragments):
                rows[reading][number] = stream = batch.streams[at]
                for found in self._unrecognised[reading].get(number, ()) if stream else ():
                    # an event without an ID is identified by where it was read
                    where = at if isinstance(found, str) else (reading, number)
                    unread.add((where, found))
            self.stats.unrecognised += len(unread)
        for number, row in enumerate(rows):
            self.readings[number] = StreamReading(templates=self._templates[number], streams=row)

    def _add(self, reading: int, batch: StitchedBatch) -> None:
        """Add a batch as one more reading."""
        self.readings[reading] = StreamReading(templates=batch.templates, streams=batch.streams)
        self.stats.torn_streams.update(
            (stream.log_group, stream.log_stream) for stream in batch.torn_streams
        )
        for group, request_id, event in batch.mentions:
            self._mentions[part_of(request_id, self.parts)].append((group, request_id, event))

    # ----------------------------------------------------------------- out of order

    def _sorted_streams(self, files: Sequence[SavedFile]) -> Iterator[StitchedStream]:
        """Read the streams that are out of order, each as a whole."""
        spill, places = SpillFile(), defaultdict[StreamPlace, list[SpillPlace]](list)
        waiting: dict[StreamPlace, list[LogEvent]] = defaultdict(list)
        held = 0
        for place, event in self._out_of_order_events(files):
            waiting[place].append(event)
            held += _EVENT_BYTES + len(event.message)
            if held > _KEPT_BYTES:
                _put_events(spill, places, waiting)
                held = 0
        found = {*places, *waiting}
        for place in sorted(found, key=lambda place: (place[0] or "", place[1])):
            spilled = (pickle.loads(spill.get(at)) for at in places[place])
            events = [*chain.from_iterable(spilled), *waiting.pop(place, ())]
            settled = self._settled(place, events) if place in self._loose else events
            yield self._whole_stream(settled)

    def _out_of_order_events(
        self, files: Sequence[SavedFile]
    ) -> Iterator[tuple[StreamPlace, LogEvent]]:
        query = self._plan.query
        selected, until_ms = StreamFilter(query), query.until_ms
        selector, position = LineSelector(self._out_of_order), count()
        for file in files:
            blocks = ChunkBlocks(Chunk(file=file), lambda _: None)
            lines = chain.from_iterable(map(selector.lines, _canonical(blocks)))
            for event in events_in(lines):
                place = (event.log_group, event.log_stream or "")
                early = until_ms is None or event.timestamp_ms < until_ms
                if early and place in self._out_of_order and selected.wants(event):
                    self._loose.update([] if blocks.keeps_ties else [place])
                    yield place, selected.event(event, next(position))

    def _settled(self, place: StreamPlace, events: Sequence[LogEvent]) -> list[LogEvent]:
        """Return the events of a stream in order, with the doubts noted."""
        order = EventOrder(markers=self._plan.markers)
        ordered = order.ordered(events)
        order.finish()
        self._doubts += [(place, doubt) for doubt in order.doubts]
        return [replace(event, position=at) for at, event in enumerate(ordered)]

    def _whole_stream(self, events: Sequence[LogEvent]) -> StitchedStream:
        piece = last_piece((), events)
        unread = sum(isinstance(record, Unrecognised) for _, record in piece.lines)
        self.stats.unrecognised += unread
        first = piece.brackets[0] if piece.brackets else None
        stream = Stream(
            log_group=events[0].log_group,
            log_stream=events[0].log_stream,
            runtime_version=first.runtime_version if first else None,
            function=first.function_name if first else None,
        )
        self.web.update(
            record.request_id or "" for _, record in piece.lines if isinstance(record, WebRecord)
        )
        plan = self._plan
        attempts = tuple(compact_attempts(piece.brackets, plan.markers, plan.settings, plan.shown))
        return StitchedStream(
            stream=stream,
            attempts=attempts,
            mentions=tuple(mentions_in(piece.lines, piece.brackets)),
            is_torn=has_lost_lines(piece.brackets, opens=True, closes=True)
            or has_cut_record(piece.lines),
        )


def _put_events(
    spill: SpillFile,
    places: dict[StreamPlace, list[SpillPlace]],
    waiting: dict[StreamPlace, list[LogEvent]],
) -> None:
    for place, events in waiting.items():
        places[place].append(spill.put(pickle.dumps(events, protocol=5)))
    waiting.clear()


def _canonical(blocks: ChunkBlocks) -> Iterator[bytes]:
    """Yield the canonical lines of a file; that it cannot be read is noted already."""
    with suppress(UnreadableInput):
        for block in blocks:
            yield block.canonical()
