"""Download the windows of log groups from CloudWatch, to be read as saved logs.

A group is read from the earliest time of an attempt before the window, so that a retry at the
window's start is not counted as a first attempt. Nothing is read after the window's end: requests
that are open there are pending or running.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from functools import cache, partial
from itertools import chain
from pathlib import Path

from retryctl.app.aws_clients import warn_of_skew, with_place
from retryctl.app.cloudwatch_targets import Target, find_targets, query_budget
from retryctl.app.options import Feedback, LateWarnings, ShowProgress, SourceOptions, TimeWindow
from retryctl.config import ProjectConfig
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import CouldNotRead, LoginExpired, NoCredentials
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.log_groups import LogGroup, describe, refusal_of
from retryctl.sources.cloudwatch.gaps import masked, not_kept, not_searched, with_usable_advice
from retryctl.sources.cloudwatch.pages import Page, StreamStretch, TimeRange, bounded_window
from retryctl.sources.cloudwatch.search_options import SearchOptions
from retryctl.sources.cloudwatch.stats import SearchStats
from retryctl.sources.cloudwatch.window_download import WindowDownload
from retryctl.temporary import temporary_folder

_DAY_MS = 24 * 3_600_000


@value_class
class DownloadedGroup:
    """A downloaded log group; ``coverage`` is that of this group alone."""

    target: Target
    folder: Path
    coverage: Coverage


WrongCountersOf = Callable[[DownloadedGroup], Sequence[StreamStretch]]
"""Returns where the attempts of a downloaded group lie whose counter is wrong."""


@value_class
class DownloadedGroups:
    """The downloaded groups of a window. ``coverage`` is that of all of them together."""

    groups: tuple[DownloadedGroup, ...]
    window: TimeWindow
    coverage: Coverage


@contextmanager
def download_groups(
    options: SourceOptions,
    config: ProjectConfig,
    window: TimeWindow,
    *,
    now_ms: int,
    feedback: Feedback,
    verify_all: bool,
    wrong_counters: WrongCountersOf,
    every_line: bool = False,
) -> Iterator[DownloadedGroups]:
    """Download the window of every target's group into a folder that lives as long as the context.

    A window without a start is that of the last 24 hours. Raises the errors of
    ``retryctl.errors`` where no group can be read; one of several that cannot be read is a gap.
    With ``verify_all`` every adjacent pair is verified; without it the pairs of
    ``wrong_counters`` and some others. With ``every_line`` the lines that do not describe
    attempts are read too.
    """
    with temporary_folder("download") as folder:
        with feedback.progress() as show:
            late = LateWarnings(pass_on=feedback.warn)
            aws, targets = find_targets(options, config, late.warn, show, reserved=verify_all)
            listed = {target.group: target.description for target in targets}
            search = SearchOptions(
                engine=options.engine.value,
                terms=query_budget(options, feedback),
                describe=cache(lambda group: listed.get(group) or describe(aws, group)),
                markers=config.markers,
            )
            if targets and not aws.calls:
                search.describe(targets[0].group)  # the response has the service's clock
            now_ms += aws.skew_ms
            warn_of_skew(aws.skew_ms, feedback)
            window = window.shifted(aws.skew_ms)
            window.refuse_future(now_ms)
            limits = bounded_window(window.since_ms, window.until_ms, now_ms)
            by_group: dict[LogGroup, list[Target]] = defaultdict(list)
            for target in targets:
                by_group[target.group].append(target)
            download = _Download(
                aws=aws,
                by_group=by_group,
                limits=limits,
                search=search,
                now_ms=now_ms,
                stats=SearchStats.of(limits, now_ms),
                verify_all=verify_all,
                wrong_counters=wrong_counters,
                every_line=every_line,
                show=show,
            )
            groups = tuple(download.run(folder))
            late.after(download.coverage)
        yield DownloadedGroups(
            groups=groups,
            window=replace(window, since_ms=limits.since_ms),
            coverage=with_place(download.coverage, options, *_names(options)),
        )


def _names(options: SourceOptions) -> tuple[str, ...]:
    """Return the functions, or else the log groups, that the options name."""
    functions = options.functions or ((options.function,) if options.function else ())
    return functions or options.log_groups


@state_class
class _Download:
    """The download of the windows of several groups, one after the other."""

    aws: AwsClient
    by_group: Mapping[LogGroup, Sequence[Target]]
    limits: TimeRange
    search: SearchOptions
    now_ms: int
    stats: SearchStats
    verify_all: bool
    wrong_counters: WrongCountersOf
    every_line: bool
    show: ShowProgress
    _pages: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def coverage(self) -> Coverage:
        """What was read of all groups."""
        return self.stats.coverage(self.aws.calls)

    def run(self, folder: Path) -> Iterator[DownloadedGroup]:
        """Save each group in a folder below ``folder``."""
        refused: list[CouldNotRead] = []
        for number, (group, targets) in enumerate(self.by_group.items()):
            own = folder / f"{number:06d}"
            try:
                stats, assumed = self._save_one(group, targets, own)
            except CouldNotRead as error:
                if isinstance(error, (NoCredentials, LoginExpired)) and not self.stats.groups:
                    raise
                refused.append(refusal_of(self.aws, group, error))
                self.stats.gaps.append(not_searched(group, self.limits, refused[-1], None))
            else:
                coverage = replace(stats.coverage(0), log_groups=(group.name,))
                self.stats.merge(stats)
                self.stats.gaps += assumed
                for target in targets:
                    yield DownloadedGroup(target=target, folder=own, coverage=coverage)
            self.stats.groups.append(group)
            self.stats.groups_done += 1
        if refused and len(refused) == len(self.by_group):
            raise refused[0]

    def _save_one(
        self, group: LogGroup, targets: Sequence[Target], folder: Path
    ) -> tuple[SearchStats, list[Gap]]:
        settings = [target.settings for target in targets]
        reach_ms = max(each.event_age_ms + each.timeout_ms for each in settings)
        since_ms = max(0, self.limits.since_ms - reach_ms)
        log = WindowDownload(
            aws=self.aws,
            group=group,
            options=self.search,
            window=replace(self.limits, since_ms=since_ms),
            now_ms=self.now_ms,
            folder=folder,
            on_page=partial(self._count_page, group),
            verify_all=self.verify_all,
            every_line=self.every_line,
            wrong_counters=partial(self._wrong, targets, folder),
        )
        log.save()
        stats = log.stats
        if self.now_ms - since_ms > _DAY_MS:  # no group keeps less
            kept = not_kept(group, self.search.describe(group), since_ms, self.now_ms)
            stats.gaps += [gap for gap in kept if gap.kind == "retention"]
        stats.gaps = with_usable_advice(stats.gaps, partial(self.search.describe, group))
        if stats.masked:
            known = self.search.describe(group)
            stats.gaps += masked(group, known, stats.masked, unmask=self.aws.unmask)
        return stats, [log.assumed] if log.assumed else []

    def _wrong(
        self, targets: Sequence[Target], folder: Path, coverage: Coverage
    ) -> Sequence[StreamStretch]:
        groups = [DownloadedGroup(target=t, folder=folder, coverage=coverage) for t in targets]
        return list(chain.from_iterable(map(self.wrong_counters, groups)))

    def _count_page(self, group: LogGroup, page: Page) -> None:
        with self._lock:
            self._pages += 1
            self.stats.found += len(page.events)
            text = self.stats.progress(
                group, groups=len(self.by_group), api_calls=self.aws.calls, pages=self._pages
            )
        self.show(lambda _: text)
