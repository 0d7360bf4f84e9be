"""A log of any size, opened to take the requests of a window from it.

A saved log is read in pieces and in several processes, and so are its parts judged. What
CloudWatch yields is saved first, in a temporary folder. A request belongs to the window in which
its first attempt started.

Attempts are kept without their lines. ``check`` needs some of them, those that prove a finding:
requests that have one are read once more, all of them in one reading.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

from retryctl.app.trace import tell_bytes
from retryctl.bulk.partition import PartitionContext, SilentSuccesses
from retryctl.bulk.reader import BulkReader, Requests, map_partitions
from retryctl.bulk.shuffle import ShuffleStore
from retryctl.cli.params import SourceOptions
from retryctl.cli.terminal import Progress
from retryctl.config import ProjectConfig
from retryctl.core.check.evaluate import CheckEvaluator
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.verdict import CheckedRequest
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.summary.request_row import RequestRow, RowFilter, request_rows
from retryctl.core.summary.tally import SummaryTally
from retryctl.errors import UnreadableInput
from retryctl.sources.aws.function_config import parse_function_name
from retryctl.sources.saved.diagnostics import ReadStats

MOST_PROCESSES = 8

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowInfo:
    """What was looked at, and what should be said of that.

    ``told`` gives the coverage, which is whole once all requests are taken. ``since_ms`` is when
    the window begins, where it was looked further back than that.
    """

    told: Callable[[], Coverage]
    since_ms: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        """What was looked at so far."""
        return self.told()


@dataclass(frozen=True, slots=True)
class _Judge:
    """Requests that have findings and no lines are not judged: their IDs are given."""

    kind: CheckEvaluator
    has_lines: bool

    def __call__(self, requests: Requests) -> tuple[CheckEvaluator, set[str]]:
        found, judge = list(requests), self.kind.another()
        checked = [one for one in found if isinstance(one, CheckedRequest)]
        unproved = {one.request.request_id for one in checked if one.findings}
        if self.has_lines:
            unproved.clear()
        for one in found:
            for request in one.requests() if isinstance(one, SilentSuccesses) else (one,):
                if request.request.request_id not in unproved:
                    judge.add(request)
        return judge, unproved


# --------------------------------------------------------------------------- the log


class Log(Protocol):
    """A log that was read."""

    whole: WindowInfo

    def made(self, make: Callable[[Requests], T]) -> Iterator[T]:
        """What ``make`` makes of each part of the requests."""

    def judges(self, kind: CheckEvaluator) -> Iterator[CheckEvaluator]:
        """A judge of that kind for each part of the requests, which has judged them."""


def open_log(
    look: SourceOptions,
    settings: ProjectConfig,
    window: Window,
    *,
    now_ms: int,
    quiet: bool,
    since_ms: int | None = None,
    sure: bool = False,
) -> Log:
    """``since_ms`` is when what was looked at is said to begin, if not with the first event.

    With ``sure`` nothing is taken for granted of lines that were not looked at.
    """
    if look.source == "cloudwatch":
        return _OnCloudWatch(look, settings, window, now_ms=now_ms, quiet=quiet, sure=sure)
    name = parse_function_name(look.function).name if look.function else None

    def coverage(looked: ReadStats) -> Coverage:
        looked.since_ms = since_ms
        return looked.coverage()

    return _Saved(
        look.source,
        LogQuery(until_ms=window.until_ms, function=name, log_groups=look.log_groups),
        window,
        coverage,
        markers=settings.markers,
        settings=FunctionConfig(),
        quiet=quiet,
    )


class _OnCloudWatch:
    """The window of each group, saved for as long as this lives."""

    def __init__(
        self,
        look: SourceOptions,
        settings: ProjectConfig,
        window: Window,
        *,
        now_ms: int,
        quiet: bool,
        sure: bool,
    ) -> None:
        from retryctl.app.cloudwatch_targets import Targets
        from retryctl.app.download import DownloadedGroups

        targets = Targets(look, settings)
        self._saved = DownloadedGroups(
            look, targets, settings.markers, window, now_ms=now_ms, quiet=quiet, sure=sure
        )
        self._markers, self._until_ms, self._quiet = settings.markers, window.until_ms, quiet
        self._unrecognised = 0
        self.whole = WindowInfo(
            told=lambda: replace(self._saved.coverage, events_unrecognised=self._unrecognised),
            since_ms=self._saved.window.since_ms,
            remarks=tuple(targets.said),
        )

    def made(self, make: Callable[[Requests], T]) -> Iterator[T]:
        for log in self._logs():
            yield from log.made(make)

    def judges(self, kind: CheckEvaluator) -> Iterator[CheckEvaluator]:
        for log in self._logs():
            yield from log.judges(kind)

    def _logs(self) -> Iterator[_Saved]:
        """One group after the other, so that no more than one is held."""
        for group in self._saved.groups:
            if not group.coverage.events_read:
                continue
            log = _Saved(
                str(group.folder),
                LogQuery(until_ms=self._until_ms, function=group.target.function),
                self._saved.window,
                partial(_with_unrecognised, group.coverage),
                markers=self._markers,
                settings=group.target.settings,
                quiet=self._quiet,
            )
            self._unrecognised += log.whole.coverage.events_unrecognised
            yield log


def _with_unrecognised(coverage: Coverage, looked: ReadStats) -> Coverage:
    return replace(coverage, events_unrecognised=looked.unrecognised)


class _Saved:
    """A saved log, read in pieces. What was looked at is ``coverage`` of its first reading."""

    def __init__(
        self,
        source: str,
        selection: LogQuery,
        window: Window,
        coverage: Callable[[ReadStats], Coverage],
        *,
        markers: Markers,
        settings: FunctionConfig,
        quiet: bool,
    ) -> None:
        self._selection = selection
        self._markers, self._settings = markers, settings
        self._processes = min(MOST_PROCESSES, _processors())
        self._progress = Progress(quiet=quiet)
        self._log = BulkReader(
            source, processes=self._processes, progress=partial(tell_bytes, self._progress)
        )
        self._found = self._read()
        told = coverage(self._found.stats)
        self.whole = WindowInfo(told=lambda: told)
        self._around = PartitionContext(
            coverage=told,
            settings=settings,
            markers=markers,
            named=selection.function,
            since_ms=window.since_ms,
            until_ms=window.until_ms,
        )

    def made(self, make: Callable[[Requests], T]) -> Iterator[T]:
        return self._made(make, self._found)

    def judges(self, kind: CheckEvaluator) -> Iterator[CheckEvaluator]:
        again: set[str] = set()
        for judge, unproved in self.made(_Judge(kind, has_lines=False)):
            again |= unproved
            yield judge
        if not again:
            return
        for judge, _ in self._made(_Judge(kind, has_lines=True), self._read(tuple(again))):
            again -= judge.request_ids
            yield judge
        if again:
            raise UnreadableInput(
                "the log changed while it was read.", "Read a copy of it that stays as it is."
            )

    def _made(self, make: Callable[[Requests], T], found: ShuffleStore) -> Iterator[T]:
        return map_partitions(found, self._around, make, self._processes)

    def _read(self, ids: tuple[str, ...] = ()) -> ShuffleStore:
        query = replace(self._selection, request_ids=ids)
        with self._progress:
            return self._log.read(query, self._markers, self._settings)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Tallies = dict["str | None", SummaryTally]
"""A tally for each function; ``None`` for requests whose function is not known."""


def counted(
    look: SourceOptions, settings: ProjectConfig, window: Window, *, now_ms: int, quiet: bool
) -> tuple[WindowInfo, Tallies]:
    """The requests of a window, counted."""
    log = open_log(look, settings, window, now_ms=now_ms, quiet=quiet, since_ms=window.since_ms)
    return log.whole, merged(log.made(_Count()))


def requests_listed(
    look: SourceOptions,
    settings: ProjectConfig,
    window: Window,
    wanted: RowFilter,
    *,
    now_ms: int,
    quiet: bool,
) -> tuple[WindowInfo, Iterator[RequestRow]]:
    """The requests of a window that are wanted, as they are found."""
    log = open_log(look, settings, window, now_ms=now_ms, quiet=quiet, since_ms=window.since_ms)
    return log.whole, chain.from_iterable(log.made(_List(wanted)))


def requests_judged(
    look: SourceOptions, settings: ProjectConfig, window: Window, *, now_ms: int, quiet: bool
) -> tuple[WindowInfo, Callable[[CheckEvaluator], Iterator[CheckEvaluator]]]:
    """The requests of a window, for judges of the kind that is given: each has judged some."""
    log = open_log(look, settings, window, now_ms=now_ms, quiet=quiet, sure=True)
    return log.whole, log.judges


def merged(parts: Iterable[Tallies]) -> Tallies:
    """Tallies of several parts as one for each function."""
    tallies: Tallies = {}
    for part in parts:
        for function, tally in part.items():
            tallies.setdefault(function, SummaryTally()).merge(tally)
    return tallies


@dataclass(frozen=True, slots=True)
class _Count:
    def __call__(self, requests: Requests) -> Tallies:
        tallies: Tallies = defaultdict(SummaryTally)
        for one in requests:
            if isinstance(one, SilentSuccesses):
                tallies[one.function].add_quiet(one.attempts)
            else:
                tallies[one.request.function].add(one)
        return tallies


@dataclass(frozen=True, slots=True)
class _List:
    wanted: RowFilter

    def __call__(self, requests: Requests) -> list[RequestRow]:
        lines = chain.from_iterable(map(request_rows, requests))
        return [line for line in lines if self.wanted.has(line)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """[since_ms, until_ms), ``None`` where it is open."""

    since_ms: int | None
    until_ms: int | None

    @property
    def is_open(self) -> bool:
        """Whether it is open at both ends."""
        return self.since_ms is None and self.until_ms is None
