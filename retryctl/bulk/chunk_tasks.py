"""The two passes over a chunk of a saved log: the survey for request IDs, and the scan."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field
from io import BytesIO

from retryctl.bulk.attempt_templates import TemplateCache
from retryctl.bulk.chunk_blocks import Advance, ChunkBlocks
from retryctl.bulk.chunks import Chunk
from retryctl.bulk.compact_attempts import Shown
from retryctl.bulk.id_survey import LineSelector, Survey, SurveyedChunk
from retryctl.bulk.line_layout import lead_with_groups
from retryctl.bulk.line_scanner import LineScanner
from retryctl.bulk.stream_state import ScannedChunk
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.stream_filter import StreamFilter, StreamPlace


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
        plan, selector = self.plan, self.selector
        scanner = LineScanner(
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
        blocks = ChunkBlocks(chunk, advance)
        try:
            for block in blocks:
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
