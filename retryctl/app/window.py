"""The requests of a window, for ``summary``, ``list`` and ``check``.

A saved log is read in chunks by several processes, and its partitions are checked the same way.
A window of CloudWatch is downloaded to a temporary folder first, and read like a saved log. A
request belongs to the window in which its first attempt started.

Attempts are kept without their lines. ``check`` needs the lines that prove a finding: the requests
whose findings it keeps are read a second time, all of them in one pass.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from retryctl.app.options import SILENT, Feedback, SourceOptions, TimeWindow, bytes_progress
from retryctl.app.partition_results import (
    TalliesByFunction,
    tallies_by_function,
    wanted_rows,
    wrong_counters,
)
from retryctl.bulk.partition_map import (
    CountedRequests,
    Requests,
    count_partitions,
    map_partitions,
)
from retryctl.bulk.reader import BulkReader
from retryctl.bulk.reduction import PartitionContext
from retryctl.bulk.shuffle import ShuffleStore
from retryctl.config import ProjectConfig
from retryctl.core.check.check_evaluator import CheckEvaluator
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Coverage, EndsBefore, LogQuery, gaps_of_window
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.core.summary.silent_successes import SilentSuccesses
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.aws.function_config import alias_not_logged, parse_function_name
from retryctl.sources.saved.diagnostics import ReadStats

if TYPE_CHECKING:
    from retryctl.app.download import DownloadedGroup, DownloadedGroups
    from retryctl.sources.cloudwatch.pages import StreamStretch
    from retryctl.sources.saved.files import SavedFile

MOST_PROCESSES = 8

T = TypeVar("T")


# --------------------------------------------------------------------------- the use cases


def count_requests(reader: WindowReader) -> TalliesByFunction:
    """Count the requests of a window, by function."""
    tallies: TalliesByFunction = {}
    for part in reader.count():
        for function, tally in part.items():
            tallies.setdefault(function, SummaryTally()).merge(tally)
    return tallies


def list_rows(reader: WindowReader, wanted: RowFilter) -> Iterator[RequestRow]:
    """Yield a row for each request of a window that passes the filter, as they are found."""
    return chain.from_iterable(reader.map(partial(wanted_rows, wanted)))


def evaluate_requests(reader: WindowReader, evaluator: CheckEvaluator) -> None:
    """Add the requests of a window to ``evaluator``, with the lines that prove their findings."""
    for part in reader.evaluate(evaluator):
        evaluator.merge(part)


@contextmanager
def open_window(
    options: SourceOptions,
    config: ProjectConfig,
    window: TimeWindow,
    *,
    now_ms: int,
    feedback: Feedback,
    since_ms: int | None = None,
    verify_all: bool = False,
) -> Iterator[WindowReader]:
    """Open the requests of a window of a log, for as long as the context lasts.

    ``since_ms`` is where the coverage begins, if not with the first event of a saved log. With
    ``verify_all`` nothing is assumed about lines of CloudWatch that were not read.
    """
    if options.source != "cloudwatch":
        yield _saved_window(options, config, window, feedback=feedback, since_ms=since_ms)
        return
    from retryctl.app.download import download_groups

    downloading = download_groups(
        options,
        config,
        window,
        now_ms=now_ms,
        feedback=feedback,
        verify_all=verify_all,
        wrong_counters=partial(_wrong_counters, config, window),
    )
    with downloading as downloaded:
        yield _downloaded_window(downloaded, options, config, window, feedback)


class WindowReader:
    """The requests of a window, from one or several logs that are read one after the other.

    ``options`` and ``window`` are what was given; ``since_ms`` is where the window begins, where
    the log was read further back than that.
    """

    def __init__(
        self,
        logs: Callable[[], Iterator[SavedWindow]],
        coverage: Callable[[], Coverage],
        options: SourceOptions,
        window: TimeWindow,
        since_ms: int | None = None,
    ) -> None:
        self._logs, self._coverage = logs, coverage
        self._options, self._window = options, window
        self.since_ms = since_ms

    @property
    def coverage(self) -> Coverage:
        """What was read; complete once all requests are taken."""
        return replace(
            self._coverage(),
            given_names=self._options.names,
            given_since_ms=self._window.since_ms,
            as_of_ms=self._window.until_ms,
        )

    def map(self, make: Callable[[Requests], T]) -> Iterator[T]:
        """Yield what ``make`` makes of each part of the requests."""
        for log in self._logs():
            yield from log.map(make)

    def count(self) -> Iterator[TalliesByFunction]:
        """Yield the tallies of each part of the requests."""
        for log in self._logs():
            yield from log.count()

    def evaluate(self, kind: CheckEvaluator) -> Iterator[CheckEvaluator]:
        """Yield an evaluator of that kind for each log."""
        for log in self._logs():
            yield log.evaluate(kind)


def _saved_window(
    options: SourceOptions,
    config: ProjectConfig,
    window: TimeWindow,
    *,
    feedback: Feedback,
    since_ms: int | None,
) -> WindowReader:
    function = options.one_function
    named = parse_function_name(function) if function else None
    if named and named.alias:
        feedback.warn(alias_not_logged(named))

    def coverage(stats: ReadStats) -> Coverage:
        stats.since_ms = since_ms
        found = stats.coverage()
        return replace(found, gaps=gaps_of_window(found.gaps, window.since_ms))

    saved = read_saved_window(
        options.source,
        LogQuery(
            until_ms=window.until_ms,
            function=named.name if named else None,
            versions=named.versions if named else None,
            place=(named.account, named.region) if named else (None, None),
            log_groups=options.log_groups,
        ),
        window,
        coverage,
        markers=config.markers,
        settings=FunctionConfig(),
        feedback=feedback,
        stdin=options.stdin,
    )
    return WindowReader(lambda: iter((saved,)), lambda: saved.coverage, options, window)


def _downloaded_window(
    downloaded: DownloadedGroups,
    options: SourceOptions,
    config: ProjectConfig,
    window: TimeWindow,
    feedback: Feedback,
) -> WindowReader:
    opened: list[SavedWindow] = []

    def logs() -> Iterator[SavedWindow]:
        opened.clear()
        for group in downloaded.groups:
            if group.coverage.events_read:
                opened.append(_log_of(group, config, downloaded.window, feedback))
                yield opened[-1]

    def coverage() -> Coverage:
        found = [log.coverage for log in opened]
        return replace(
            downloaded.coverage,
            events_unrecognised=sum(each.events_unrecognised for each in found),
            web_requests=sum(each.web_requests for each in found),
            web_function=any(each.web_function for each in found),
            lacks_lines=any(each.lacks_lines for each in found),
        )

    return WindowReader(logs, coverage, options, window, downloaded.window.since_ms)


def _log_of(
    group: DownloadedGroup, config: ProjectConfig, window: TimeWindow, feedback: Feedback
) -> SavedWindow:
    return read_saved_window(
        str(group.folder),
        LogQuery(
            until_ms=window.until_ms,
            function=group.target.function,
            versions=group.target.versions,
            keeps_places=True,
        ),
        window,
        partial(_with_unrecognised, group.coverage),
        markers=config.markers,
        settings=group.target.settings,
        feedback=feedback,
    )


def _wrong_counters(
    config: ProjectConfig, window: TimeWindow, group: DownloadedGroup
) -> list[StreamStretch]:
    log = _log_of(group, config, window, SILENT)
    return list(chain.from_iterable(log.map(wrong_counters)))


def _with_unrecognised(coverage: Coverage, stats: ReadStats) -> Coverage:
    return replace(
        coverage,
        events_unrecognised=stats.unrecognised,
        web_requests=stats.web_requests,
        web_function=stats.web_function,
    )


# --------------------------------------------------------------------------- one log


class SavedWindow:
    """A saved log that was read once; it can be read again for the requests of some IDs."""

    def __init__(
        self,
        read: Callable[[tuple[str, ...]], ShuffleStore],
        found: ShuffleStore,
        context: PartitionContext,
        processes: int,
    ) -> None:
        self._read, self._found = read, found
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

    def count(self) -> Iterator[TalliesByFunction]:
        """Yield the tallies of each partition."""
        observed = _Observed(make=tallies_by_function)
        parts = count_partitions(self._found, self._context, observed, self._processes)
        return self._noted(parts)

    def evaluate(self, kind: CheckEvaluator) -> CheckEvaluator:
        """Evaluate all requests; those whose findings are kept are read once more, for evidence."""
        evaluator = kind.another()
        for part in self.map(_Evaluate(kind=kind)):
            evaluator.merge(part)
        if ids := evaluator.request_ids_with_findings():
            proved = kind.another()
            again = self._read(tuple(ids))
            for part in self._noted(self._map(_Evaluate(kind=kind), again)):
                proved.merge(part)
            if not evaluator.take_evidence(proved):
                raise UnreadableInput(
                    "the log changed while it was read.", "Read a copy of it that stays as it is."
                )
        return evaluator

    def _map(
        self, make: Callable[[Requests], T], found: ShuffleStore
    ) -> Iterator[tuple[T, Coverage]]:
        return map_partitions(found, self._context, _Observed(make=make), self._processes)

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

    def read(ids: tuple[str, ...] = ()) -> ShuffleStore:
        with feedback.progress() as show:
            return log.read(
                replace(query, request_ids=ids),
                markers,
                settings,
                progress=partial(bytes_progress, show),
            )

    found = read()
    context = PartitionContext(
        coverage=coverage(found.stats),
        settings=settings,
        markers=markers,
        named=query.function,
        since_ms=window.since_ms,
        until_ms=window.until_ms,
        versions=query.versions,
    )
    return SavedWindow(read, found, context, processes)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --------------------------------------------------------------------------- of one partition


@value_class
class _Observed:
    """Calls ``make``; returns its result, and the coverage that its requests show."""

    make: Callable[[Any], Any]

    def __call__(self, requests: CountedRequests) -> tuple[Any, Coverage]:
        lacks_lines, ends_before = False, frozenset[EndsBefore]()

        def observed() -> CountedRequests:
            nonlocal lacks_lines, ends_before
            for one in requests:
                if isinstance(one, CheckedRequest):
                    lacks_lines |= one.lacks_lines
                    ends_before |= one.ends_after
                yield one

        result = self.make(observed())
        return result, Coverage(source="").with_lacking(lacks_lines, ends_before)


@value_class
class _Evaluate:
    kind: CheckEvaluator

    def __call__(self, requests: Requests) -> CheckEvaluator:
        evaluator = self.kind.another()
        for one in requests:
            for request in one.requests() if isinstance(one, SilentSuccesses) else (one,):
                evaluator.add(request)
        return evaluator
