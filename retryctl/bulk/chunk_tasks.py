"""The two tasks over the chunks of a log, survey and scan, worked through in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import field
from functools import partial
from io import BytesIO
from itertools import chain
from typing import Generic, Protocol, TypeVar

from retryctl.bulk.attempt_templates import TemplateCache
from retryctl.bulk.chunk_blocks import Advance, ChunkBlocks
from retryctl.bulk.chunks import Chunk
from retryctl.bulk.compact_attempts import Shown
from retryctl.bulk.id_survey import LineSelector, Survey, SurveyedChunk
from retryctl.bulk.line_layout import lead_with_groups
from retryctl.bulk.line_scanner import LineScanner
from retryctl.bulk.stream_state import ScannedChunk
from retryctl.bulk.ties.loose_scanner import LooseScanner
from retryctl.bulk.workers import run_in_workers
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.read_stats import Meter
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
_ITEM_BYTES = 1 << 20


@value_class
class ScanPlan:
    """What every scan of a chunk needs to know.

    Events from ``query.until_ms`` on count as not yet written. ``places`` are the streams that
    are read, where a survey found them. Requests are dealt out to ``parts`` partitions, and streams
    to as many ``shares``. ``ambiguous`` are the names of functions and groups that need an account
    and a region; with ``None`` the log shows them.
    """

    query: LogQuery
    markers: Markers
    settings: FunctionConfig
    parts: int
    shares: int = 1
    shown: Shown = field(default_factory=Shown)
    places: frozenset[StreamPlace] | None = None
    ambiguous: Collection[str] | None = None


@value_class
class SurveyTask:
    """The survey of a chunk for the request IDs of a query."""

    query: LogQuery
    upper: bool = False

    def __call__(self, chunk: Chunk, advance: Advance) -> SurveyedChunk | UnreadableInput | None:
        """Survey a chunk."""
        survey = Survey(self.query, upper=self.upper)
        blocks = ChunkBlocks(chunk, advance)
        try:
            for block in blocks:
                survey.read(block)
        except UnreadableInput as error:
            return error
        if blocks.ends_within_member:
            return None
        found = survey.found
        found.index.finish(blocks.notes)
        found.keeps_ties = blocks.keeps_ties
        found.malformed |= blocks.has_remarks
        found.answers_search = blocks.finish_search(found.id_search)
        return found


@value_class
class ScanTask:
    """The scan of a chunk. What it learns of templates is valid for the chunks after it.

    With a ``selector`` only the lines that it picks are scanned.
    """

    plan: ScanPlan
    selector: LineSelector | None = None
    cache: TemplateCache = field(default_factory=TemplateCache)

    def __call__(self, chunk: Chunk, advance: Advance) -> ScannedChunk | UnreadableInput | None:
        """Scan a chunk."""
        selector, scanner = self.selector, self._scanner(LineScanner)
        blocks = ChunkBlocks(chunk, advance)
        try:
            for block in blocks:
                if scanner.keeps_ties and not blocks.keeps_ties:  # the first block shows the format
                    scanner = self._scanner(LooseScanner)
                if selector is None:
                    scanner.read(block)
                elif lines := selector.lines_of(block, irregular=chunk.is_irregular):
                    led = lead_with_groups(b"".join(lines))
                    scanner.read_lines(BytesIO(led).readlines())
        except UnreadableInput as error:
            return error
        if blocks.ends_within_member:
            return None
        found = scanner.finish()
        found.malformed |= blocks.has_remarks
        found.answers_search = blocks.finish_search(found.id_search)
        return found

    def _scanner(self, kind: type[LineScanner]) -> LineScanner:
        plan = self.plan
        return kind(
            StreamFilter(plan.query),
            plan.markers,
            plan.settings,
            self.cache,
            parts=plan.parts,
            shares=plan.shares,
            until_ms=plan.query.until_ms,
            shown=plan.shown,
            places=plan.places,
        )


class ChunkTask(Protocol[R_co]):
    """Work on one chunk.

    ``None`` where the chunk does not end where a member of gzip ends: it has to be read on.
    """

    def __call__(self, chunk: Chunk, advance: Advance) -> R_co | UnreadableInput | None:
        """Work through a chunk, or return the reason why its file cannot be read."""


class ChunkRun(Generic[R]):
    """The results of a task for the chunks of a log, in the order of the log.

    ``refused`` has the files that cannot be read, by name, and ``done`` the bytes read so far.
    """

    def __init__(self, task: ChunkTask[R], meter: Meter, processes: int) -> None:
        self.refused: dict[str, UnreadableInput] = {}
        self.done = 0
        self._task = task
        self._meter, self._start = meter, meter.done
        self._processes = processes

    def results(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, R]]:
        """Yield each chunk with its result."""
        read_on: set[str] = set()
        for chunk, result in self._results(list(chunks)):
            if chunk.file.name in read_on:
                continue
            if result is None:
                read_on.add(chunk.file.name)
                chunk = chunk.rest
                result = self._task(chunk, self._meter.advance)
            if isinstance(result, UnreadableInput):
                self.refused[chunk.file.name] = result
            elif result is not None:
                yield chunk, result
            self.done += chunk.size
            self._meter.reach(self._start + self.done)

    def _results(self, chunks: list[Chunk]) -> Iterator[tuple[Chunk, R | UnreadableInput | None]]:
        items = list(_with_neighbours(chunks))
        if self._processes < 2 or len(items) < 2 or not all(c.file.on_disk for c in chunks):
            for chunk in chunks:
                yield chunk, self._task(chunk, self._meter.advance)
            return
        processes = min(self._processes, len(items))
        results = run_in_workers(partial(_run, self._task), items, processes)
        yield from zip(chunks, chain.from_iterable(results), strict=True)


def _with_neighbours(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Yield the chunks in order; small ones together, since sending an item has its price."""
    item, size = list[Chunk](), 0
    for chunk in chunks:
        item.append(chunk)
        size += chunk.size
        if size >= _ITEM_BYTES:
            yield item
            item, size = [], 0
    if item:
        yield item


def _run(task: ChunkTask[R], chunks: list[Chunk]) -> list[R | UnreadableInput | None]:
    return [task(chunk, lambda _: None) for chunk in chunks]
