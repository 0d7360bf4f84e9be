"""A saved log that was read once: its requests, and those that are read again for evidence."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from retryctl.app.options import Feedback, TimeWindow, bytes_progress
from retryctl.bulk.partition_tasks import count_partitions, map_partitions
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext
from retryctl.bulk.shuffle import ShuffleStore
from retryctl.core.check.check_evaluator import CheckEvaluator
from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Coverage, EndsBefore, LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.summary.alike_requests import AlikeRequests, CountedRequests, Requests
from retryctl.core.summary.request_row import RequestRow, RowFilter, request_rows
from retryctl.core.summary.silent_successes import SilentSuccesses
from retryctl.core.summary.tally import SummaryTally
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.read_stats import ReadStats

if TYPE_CHECKING:
    from retryctl.sources.saved.files import SavedFile

if TYPE_CHECKING:
    from retryctl.sources.cloudwatch.pages import StreamStretch


MOST_PROCESSES = 8

T = TypeVar("T")


class SavedWindow:
    """A saved log that was read once; it can be read again for the requests of some IDs."""

    def __init__(
        self,
        read_again: Callable[[Collection[str], Collection[str]], ShuffleStore],
        found: ShuffleStore,
        context: PartitionContext,
        processes: int,
    ) -> None:
        self._read_again, self._found = read_again, found
        self._context, self._processes = context, processes
        self.lacks_lines = False
        self.ends_before = frozenset[EndsBefore]()

    @property
    def coverage(self) -> Coverage:
        """What the first reading read; complete once all requests are taken."""
        return self._context.coverage.with_lacking(self.lacks_lines, self.ends_before)

    def map(self, make: Callable[[Requests], T]) -> Iterator[T]:
        """Yield what ``make`` makes of each partition."""
        return self._noted(self._map(make, self._found))

    def map_alike(self, make: Callable[[CountedRequests], T]) -> Iterator[T]:
        """Yield the same; of requests that are alike one is checked."""
        observed = partial(_observed, make)
        return self._noted(count_partitions(self._found, self._context, observed, self._processes))

    def evaluate(self, kind: CheckEvaluator) -> CheckEvaluator:
        """Evaluate all requests; those whose findings are kept are read once more, for evidence."""
        evaluator = kind.another()
        for part in self.map(partial(_evaluated, kind)):
            evaluator.merge(part)
        ids, streams = evaluator.with_findings()
        if ids:
            proved = kind.another()
            again = self._read_again(ids, streams)
            for part in self._noted(self._map(partial(_evaluated, kind), again)):
                proved.merge(part)
            if not evaluator.take_evidence(proved):
                raise UnreadableInput(
                    "the log changed while it was read.",
                    "Make a copy of the log, and read the copy.",
                )
        return evaluator

    def _map(
        self, make: Callable[[Requests], T], found: ShuffleStore
    ) -> Iterator[tuple[T, Coverage]]:
        return map_partitions(found, self._context, partial(_observed, make), self._processes)

    def _noted(self, parts: Iterator[tuple[T, Coverage]]) -> Iterator[T]:
        for result, shown in parts:
            self.lacks_lines |= shown.lacks_lines
            self.ends_before |= shown.ends_before
            yield result


def read_saved_window(
    source: str,
    query: LogQuery,
    window: TimeWindow,
    coverage: Callable[[ReadStats], Coverage],
    *,
    markers: Markers,
    settings: FunctionConfig,
    feedback: Feedback,
    stdin: SavedFile | None = None,
) -> SavedWindow:
    """Read a saved log. ``coverage`` makes the coverage of the statistics of its reading."""
    processes = min(MOST_PROCESSES, _processors())
    log = BulkReader(source, stdin=stdin, processes=processes)

    def read_again(ids: Collection[str], streams: Collection[str]) -> ShuffleStore:
        wanted = replace(query, request_ids=tuple(ids))
        with feedback.progress() as show:
            progress = partial(bytes_progress, show)
            return log.read_again(wanted, markers, settings, found, streams, progress=progress)

    with feedback.progress() as show:
        found = log.read(query, markers, settings, progress=partial(bytes_progress, show))
    context = PartitionContext(
        coverage=coverage(found.stats),
        settings=settings,
        markers=markers,
        named=query.function,
        since_ms=window.since_ms,
        until_ms=window.until_ms,
        versions=query.versions,
    )
    return SavedWindow(read_again, found, context, processes)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _observed(make: Callable[[Any], T], requests: CountedRequests) -> tuple[T, Coverage]:
    """Return what ``make`` makes of the requests, and the coverage that they show."""
    lacks_lines, ends_before = False, frozenset[EndsBefore]()

    def observed() -> CountedRequests:
        nonlocal lacks_lines, ends_before
        for one in requests:
            if isinstance(one, CheckedRequest):
                lacks_lines |= one.lacks_lines
                ends_before |= one.ends_after
            yield one

    result = make(observed())
    return result, Coverage(source="").with_lacking(lacks_lines, ends_before)


def _evaluated(kind: CheckEvaluator, requests: Requests) -> CheckEvaluator:
    evaluator = kind.another()
    for one in requests:
        if isinstance(one, SilentSuccesses):
            evaluator.add_silent(one)
        else:
            evaluator.add(one)
    return evaluator


TalliesByFunction = dict["str | None", SummaryTally]
"""A tally for each function; ``None`` for requests whose function is not known."""


def wrong_counters(requests: Requests) -> list[StreamStretch]:
    """Return where the attempts lie whose counter or branch is wrong."""
    from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange

    return [
        StreamStretch(
            log_stream=attempt.log_stream,
            window=TimeRange(
                since_ms=attempt.placed_ms,
                until_ms=max(attempt.last_event.timestamp_ms, attempt.ended_ms or 0) + 1,
            ),
        )
        for one in requests
        if isinstance(one, CheckedRequest)
        for attempt, check in zip(one.request.attempts, one.checks, strict=True)
        if check.verdict is AttemptVerdict.DISAGREES
    ]


def tallies_by_function(requests: CountedRequests) -> TalliesByFunction:
    """Count the requests."""
    tallies: TalliesByFunction = defaultdict(SummaryTally)
    for one in requests:
        if isinstance(one, SilentSuccesses):
            tallies[one.function].add_quiet(one.attempts)
        elif isinstance(one, AlikeRequests):
            tallies[one.checked.request.function].add_alike(one)
        else:
            tallies[one.request.function].add(one)
    return tallies


def wanted_rows(wanted: RowFilter, requests: CountedRequests) -> list[RequestRow]:
    """Return the rows of the requests that are wanted."""
    rows = chain.from_iterable(map(request_rows, requests))
    return [row for row in rows if wanted.has(row)]
