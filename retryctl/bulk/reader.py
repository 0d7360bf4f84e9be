"""The one reader of saved logs: files of any size and shape in, checked requests out."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from retryctl.bulk.chunk_tasks import ChunkRun, ScanPlan, ScanTask, SurveyTask
from retryctl.bulk.chunks import Chunk, split_file
from retryctl.bulk.compact_attempts import Shown
from retryctl.bulk.id_survey import LineSelector, SurveyedChunk, SurveyedLog
from retryctl.bulk.line_layout import is_usual_line
from retryctl.bulk.partition_tasks import map_partitions
from retryctl.bulk.reduction import PartitionContext
from retryctl.bulk.shuffle import ShuffleStore
from retryctl.bulk.stream_state import ScannedChunk
from retryctl.core.crosscheck.checked_request import CheckedRequest, coverage_shown_by
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.lost_lines import lost_lines
from retryctl.core.model.coverage import Coverage, Gap, LogQuery, gaps_of_window
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.store_count import StoreCount
from retryctl.core.summary.alike_requests import Requests
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.altered_records import gaps_of_altered_records
from retryctl.sources.saved.files import SavedFile, find_files, names_one_file, skipped_folders
from retryctl.sources.saved.log_file import nothing_readable, read_file
from retryctl.sources.saved.near_ids import MOST_MISTYPED
from retryctl.sources.saved.read_stats import ByteProgress, FileDiagnostics, Meter
from retryctl.sources.saved.searched_folders import searched_folders
from retryctl.sources.saved.start_gaps import gaps_shown_by_start

CHUNK_BYTES = 32 << 20
LEAST_CHUNK_BYTES = 4 << 20
CHUNKS_PER_PROCESS = 4  # so that none waits long for another at the end
PARTITION_BYTES = 16 << 20
SHARE_BYTES = 4 << 20  # of the log, at most, whose lines are stitched together
# Where all events are kept, they take more room.
SHOWN_CHUNK_BYTES = 8 << 20
SHOWN_PER_PARTITION = 2_000
MOST_CHUNKS, MOST_PARTITIONS, MOST_SHARES = 512, 256, 256
EXAMINED_BYTES = 4 << 20
"""A log whose text is at most this large is examined whole for lost lines, also for one request.

In a larger one a request that is named by its ID counts as whole where the log streams that
mention it are whole: no other is read.
"""


@value_class
class TracedLog:
    """The requests of some IDs, with all events of their attempts, in order of their start.

    ``mentioned`` has the IDs that any event contains, ``web`` those of requests to web functions.
    ``near`` are request IDs of the log that resemble one that no event contains.
    """

    requests: tuple[CheckedRequest, ...]
    coverage: Coverage
    mentioned: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    web: frozenset[str] = frozenset()


class BulkReader:
    """A saved log: a file, a folder (with all below it), a glob, ``-`` or ``demo``.

    The log is read in ``processes`` processes. Read again, it is the same files that are read.
    """

    def __init__(
        self,
        source: str,
        *,
        stdin: BinaryIO | SavedFile | None = None,
        processes: int = 1,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self._source = source
        self._stdin = stdin
        self._processes = processes
        self._chunk_bytes = chunk_bytes
        self._files: tuple[SavedFile, ...] = ()

    def trace(
        self,
        query: LogQuery,
        markers: Markers | None = None,
        settings: FunctionConfig | None = None,
        *,
        stored: Mapping[str, StoreCount] | None = None,
        progress: ByteProgress | None = None,
    ) -> TracedLog:
        """Check the requests ``query.request_ids``, or all of them, with all of their events.

        Attempts before the window belong to their request; the caller leaves out the requests
        without any attempt in it. Events from ``query.until_ms`` on count as not yet written.

        Raises UnreadableInput where nothing can be read.
        """
        markers, settings = markers or Markers(), settings or FunctionConfig()
        ids = {request_id.lower() for request_id in query.request_ids}
        whole = replace(query, request_ids=tuple(ids), since_ms=None)
        if ids:
            plan, store, found, is_examined = self._read_mentioned(
                whole, markers, settings, progress
            )
        else:
            plan = self._plan(whole, markers, settings, Shown(every=True, lines=True))
            store, found, is_examined = self._scan(plan, progress), SurveyedLog(), True
        store.stats.since_ms, store.stats.until_ms = query.since_ms, query.until_ms
        coverage = store.stats.coverage()
        coverage = replace(
            coverage,
            gaps=gaps_of_window(coverage.gaps, query.since_ms),
            only_own_streams=not is_examined,
        )
        context = PartitionContext(
            coverage=coverage,
            settings=settings,
            markers=markers,
            named=query.function,
            stored=stored or {},
        )
        requests = [*chain.from_iterable(map_partitions(store, context, _checked_requests))]
        return TracedLog(
            requests=tuple(sorted(requests, key=_by_start)),
            coverage=coverage_shown_by(requests, coverage),
            mentioned=found.mentioned_ids,
            near=frozenset(found.near),
            web=frozenset(store.web),
        )

    def read(
        self,
        query: LogQuery,
        markers: Markers,
        settings: FunctionConfig,
        *,
        progress: ByteProgress | None = None,
    ) -> ShuffleStore:
        """Read the attempts of all requests; events from ``query.until_ms`` on are left out.

        Raises UnreadableInput where nothing can be read. What is damaged is a gap in the coverage.
        """
        return self._scan(self._plan(query, markers, settings, Shown()), progress)

    def read_again(
        self,
        query: LogQuery,
        markers: Markers,
        settings: FunctionConfig,
        first: ShuffleStore,
        streams: Collection[str],
        *,
        progress: ByteProgress | None = None,
    ) -> ShuffleStore:
        """Read the requests ``query.request_ids`` with the events that a finding could cite.

        ``first`` is the reading of the whole log, and ``streams`` those that the requests ran in;
        empty where they have no names.
        """
        plan = self._plan(query, markers, settings, Shown(ids=frozenset(query.request_ids)))
        places = [(None, stream) for stream in streams]
        selector = LineSelector(places) if places else None
        return self._scan(replace(plan, ambiguous=first.ambiguous), progress, selector)

    # ----------------------------------------------------------------- passes

    def _read_mentioned(
        self,
        query: LogQuery,
        markers: Markers,
        settings: FunctionConfig,
        progress: ByteProgress | None,
    ) -> tuple[ScanPlan, ShuffleStore, SurveyedLog, bool]:
        """Survey the log for the IDs, then scan the streams that mention one of them.

        A small log is scanned whole. The last value is whether it was examined for lost lines.
        """
        meter = Meter(progress, 2 * self._size)
        plan = self._plan(
            query, markers, settings, Shown(ids=frozenset(query.request_ids), lines=True)
        )
        chunks = self._chunks(plan, of_members=False)
        before = self._states()
        run, found = self._survey(SurveyTask(query=query), chunks, meter)
        if not found.mentions_any:  # Lambda writes IDs in lower case, not everybody else does
            run, found = self._survey(SurveyTask(query=query, upper=True), chunks, Meter(None, 0))
        elif found.text_bytes <= EXAMINED_BYTES:
            found.near |= self._near_missing(query, found.mentioned_ids, chunks)
        places = frozenset(found.mentioned)
        again: Iterable[Chunk] = chunks
        scan = ScanTask(plan=plan)
        is_examined = found.text_bytes <= EXAMINED_BYTES
        if not is_examined:
            again = found.chunks_of({stream for _, stream in places})
            plan = replace(plan, places=places)
            scan = ScanTask(plan=plan, selector=LineSelector(places))
        store = ShuffleStore(plan, self._source)
        names_stream = any(stream for _, stream in places)
        if not names_stream:
            store.sort_whole(places)
        else:
            for _, scanned in ChunkRun(scan, meter, 1).results(again):
                scanned.forget_counts()
                store.take(scanned)
        meter.reach(2 * self._size)
        store.add_times(found.events, found.first_ms, found.last_ms)
        store.take_search(found.id_search, answers_search=found.answers_search)
        store.web |= {""} if found.web_function else set()
        store.stats.left_out.update(found.elsewhere)
        begins = _begins((chunk, one.first_ms) for chunk, one in found.surveyed)
        self._finish(store, run, found.malformed_files, before, begins, is_examined=is_examined)
        is_examined |= bool(places) and not names_stream  # no stream shows a loss
        return plan, store, found, is_examined

    def _near_missing(
        self, query: LogQuery, mentioned: frozenset[str], chunks: list[Chunk]
    ) -> set[str]:
        """Return IDs of a small log that are near those that it does not mention."""
        missing = tuple(set(query.request_ids) - mentioned)
        if not 0 < len(missing) <= MOST_MISTYPED:
            return set()
        task = SurveyTask(query=replace(query, request_ids=missing), upper=True)
        return self._survey(task, chunks, Meter(None, 0))[1].near

    def _survey(
        self, task: SurveyTask, chunks: list[Chunk], meter: Meter
    ) -> tuple[ChunkRun[SurveyedChunk], SurveyedLog]:
        run = ChunkRun(task, meter, 1)
        found = SurveyedLog()
        for chunk, surveyed in run.results(chunks):
            found.add(chunk, surveyed)
        return run, found

    def _scan(
        self, plan: ScanPlan, progress: ByteProgress | None, selector: LineSelector | None = None
    ) -> ShuffleStore:
        """Scan the whole log, or the lines that are selected."""
        store, task = ShuffleStore(plan, self._source), ScanTask(plan=plan, selector=selector)
        run = ChunkRun(task, Meter(progress, self._size), self._processes)
        malformed: set[str] = set()
        first_ms: list[tuple[Chunk, int | None]] = []
        before = self._states()
        chunks = self._chunks(plan)
        if selector:  # no survey showed how their lines are written
            chunks = [replace(chunk, is_irregular=True) for chunk in chunks]
        for chunk, scanned in run.results(chunks):
            first_ms.append((chunk, scanned.first_ms))
            store.take(scanned)
            if scanned.malformed:
                malformed.add(chunk.file.name)
        self._finish(store, run, malformed, before, _begins(first_ms))
        return store

    @property
    def _size(self) -> int:
        self._files = self._files or find_files(self._source, self._stdin)
        return sum(file.size for file in self._files)

    def _plan(
        self, query: LogQuery, markers: Markers, settings: FunctionConfig, shown: Shown
    ) -> ScanPlan:
        parts = max(1 + self._size // PARTITION_BYTES, len(shown.ids) // SHOWN_PER_PARTITION)
        return ScanPlan(
            query=query,
            markers=markers,
            settings=settings,
            parts=min(MOST_PARTITIONS, parts),
            shares=min(MOST_SHARES, 1 + self._size // SHARE_BYTES),
            shown=shown,
        )

    def _chunks(self, plan: ScanPlan, *, of_members: bool = True) -> list[Chunk]:
        shares = CHUNKS_PER_PROCESS * self._processes
        size = max(LEAST_CHUNK_BYTES, self._size // shares, self._size // MOST_CHUNKS)
        if plan.shown.every:
            size = min(size, SHOWN_CHUNK_BYTES)
        size = max(min(size, self._chunk_bytes), self._size // MOST_CHUNKS)
        return [
            chunk for file in self._files for chunk in split_file(file, size, of_members=of_members)
        ]

    # ----------------------------------------------------------------- at the end

    def _states(self) -> dict[str, tuple[int, int]]:
        return {file.name: _state_of(file) for file in self._files}

    def _finish(
        self,
        store: ShuffleStore,
        run: ChunkRun[ScannedChunk] | ChunkRun[SurveyedChunk],
        malformed: set[str],
        before: dict[str, tuple[int, int]],
        begins: Mapping[str, int],
        *,
        is_examined: bool = True,
    ) -> None:
        """Stitch the streams, and note what could not be read of each file.

        ``is_examined``: all streams were read, and not only those that mention a request.
        """
        after = self._states()
        store.join(self._files, self._processes)
        if store.has_malformed:
            malformed = set(after)
        self._refuse_unreadable(run.refused)
        for file in self._files:
            notes = FileDiagnostics(file.name, file.number)
            if error := run.refused.get(file.name):
                notes.refused(error)
            elif file.name in malformed:
                self._note_malformed(file, notes)
            store.stats.add(notes)
            if before[file.name] != after[file.name]:
                what = f"{file.name} changed while it was read; what was written then is missing"
                store.stats.gaps.append(Gap(kind="changed", message=what, hides_attempts=True))
        gaps = (
            store.searched_by_id(),
            *gaps_shown_by_start(self._files, store.stats.first_ms, begins),
            *store.unordered(),
            *lost_lines(store.stats.torn_streams, examined=is_examined),
            *(gaps_of_altered_records(self._files) if is_examined and store.lacks_records else ()),
        )
        store.stats.gaps += [gap for gap in gaps if gap]
        store.stats.gaps[:] = [
            replace(gap, settle=store.save_command(onwards=gap.kind == "more-pages"))
            if gap.kind in ("more-pages", "one-stream")
            else gap
            for gap in store.stats.gaps
        ]
        store.stats.skipped_folders = searched_folders(skipped_folders(self._source))
        store.stats.bytes_read, store.stats.web_requests = run.done, len(store.web - {""})
        store.stats.web_function = bool(store.web)

    def _refuse_unreadable(self, refused: dict[str, UnreadableInput]) -> None:
        if refused and names_one_file(self._source):
            raise next(iter(refused.values()))
        if len(refused) == len(self._files):
            raise nothing_readable(self._source, [error.what for error in refused.values()])

    def _note_malformed(self, file: SavedFile, notes: FileDiagnostics) -> None:
        """Read a file again for the lines that are not events."""
        try:
            for event in read_file(file, notes, _unless_usual):
                notes.see(event if isinstance(event, int) else event.timestamp_ms)
        except UnreadableInput as error:
            if names_one_file(self._source):
                raise
            notes.refused(error)


def _begins(first_ms: Iterable[tuple[Chunk, int | None]]) -> dict[str, int]:
    """Return the time of the first event of each file by its name, from those of its chunks."""
    begins: dict[str, int] = {}
    for chunk, moment_ms in first_ms:
        if moment_ms is not None:
            name = chunk.file.name
            begins[name] = min(begins.get(name, moment_ms), moment_ms)
    return begins


def _unless_usual(raw: bytes, _: int) -> bool:
    return not is_usual_line(raw)


def _state_of(file: SavedFile) -> tuple[int, int]:
    """Size and time of change of a file on disk; always the same for any other."""
    if not file.on_disk:
        return (0, 0)
    try:
        status = os.stat(file.name)
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)


def _by_start(checked: CheckedRequest) -> tuple[int, str, str]:
    request = checked.request
    return (request.placed_ms, request.request_id, request.log_group or "")


def _checked_requests(requests: Requests) -> list[CheckedRequest]:
    """Return the requests of a partition; none of them is a silent success where all are shown."""
    return [one for one in requests if isinstance(one, CheckedRequest)]
