"""The requests of a window, for ``summary``, ``list`` and ``check``.

A saved log is read in chunks by several processes, and its partitions are checked the same way.
A window of CloudWatch is downloaded to a temporary folder first, and read like a saved log. A
request belongs to the window in which its first attempt started.

Attempts are kept without their lines. ``check`` needs the lines that prove a finding: the requests
whose findings it keeps are read a second time, all of them in one pass over their log streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from retryctl.app.options import SILENT, Feedback, SourceOptions, TimeWindow, of_function
from retryctl.app.saved_window import (
    SavedWindow,
    TalliesByFunction,
    read_saved_window,
    tallies_by_function,
    wanted_rows,
    wrong_counters,
)
from retryctl.config import ProjectConfig
from retryctl.core.check.check_evaluator import CheckEvaluator
from retryctl.core.model.coverage import Coverage, LogQuery, gaps_of_window
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.summary.alike_requests import CountedRequests, Requests
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.core.summary.tally import SummaryTally
from retryctl.sources.saved.read_stats import ReadStats

if TYPE_CHECKING:
    from retryctl.app.download import DownloadedGroup, DownloadedGroups
    from retryctl.sources.cloudwatch.pages import StreamStretch

T = TypeVar("T")


# --------------------------------------------------------------------------- the use cases


def count_requests(reader: WindowReader) -> TalliesByFunction:
    """Count the requests of a window, by function."""
    tallies: TalliesByFunction = {}
    for part in reader.map_alike(tallies_by_function):
        for function, tally in part.items():
            tallies.setdefault(function, SummaryTally()).merge(tally)
    return tallies


def list_rows(reader: WindowReader, wanted: RowFilter) -> Iterator[RequestRow]:
    """Yield a row for each request of a window that passes the filter, as they are found."""
    return chain.from_iterable(reader.map_alike(partial(wanted_rows, wanted)))


def evaluate_requests(reader: WindowReader, evaluator: CheckEvaluator) -> None:
    """Add the requests of a window to ``evaluator``, with the lines that prove their findings."""
    for log in reader.logs():
        evaluator.merge(log.evaluate(evaluator))


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
    """The requests of a window, from one or several ``logs`` that are read one after the other.

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
        self.logs, self._coverage = logs, coverage
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
        for log in self.logs():
            yield from log.map(make)

    def map_alike(self, make: Callable[[CountedRequests], T]) -> Iterator[T]:
        """Yield the same; of requests that are alike one is checked."""
        for log in self.logs():
            yield from log.map_alike(make)


def _saved_window(
    options: SourceOptions,
    config: ProjectConfig,
    window: TimeWindow,
    *,
    feedback: Feedback,
    since_ms: int | None,
) -> WindowReader:
    def coverage(stats: ReadStats) -> Coverage:
        stats.since_ms = since_ms
        found = stats.coverage()
        return replace(found, gaps=gaps_of_window(found.gaps, window.since_ms))

    saved = read_saved_window(
        options.source,
        of_function(LogQuery(until_ms=window.until_ms), options, feedback),
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
