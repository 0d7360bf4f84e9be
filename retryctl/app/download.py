"""Functions on CloudWatch: the window of each one's log group, saved to be read as a saved log.

To tell a first attempt from a retry at the window's start, a group is read from as far back as an
earlier attempt can lie. Nothing is read beyond the window's end: what is open there is pending or
running.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from retryctl.app.cloudwatch_targets import Target, Targets, tell_calls, terms_of, with_place
from retryctl.app.window import Window
from retryctl.cli.params import SourceOptions
from retryctl.cli.terminal import Progress
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.errors import CouldNotLook, LoginExpired, NoCredentials
from retryctl.sources.aws.log_groups import LogGroup, describe, refusal_of
from retryctl.sources.cloudwatch.gaps import masked, not_kept, not_searched
from retryctl.sources.cloudwatch.pages import Page, asked_window
from retryctl.sources.cloudwatch.search import SearchOptions
from retryctl.sources.cloudwatch.stats import SearchStats
from retryctl.sources.cloudwatch.window_download import NotSaved, WindowDownload

_DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedGroup:
    """What is in ``folder``; ``coverage`` is that of this group alone."""

    target: Target
    folder: Path
    coverage: Coverage


class DownloadedGroups:
    """The window of every target's group, saved in a folder that is there as long as this is.

    A window without a start is that of the last 24 hours. Raises the errors of
    ``retryctl.errors`` where no group can be read; one of several that cannot be is a gap. With
    ``sure`` nothing is taken for granted of lines that were not looked at.
    """

    def __init__(
        self,
        look: SourceOptions,
        targets: Targets,
        markers: Markers,
        window: Window,
        *,
        now_ms: int,
        quiet: bool,
        sure: bool,
    ) -> None:
        self._asked = asked_window(window.since_ms, window.until_ms, now_ms)
        self.window = replace(window, since_ms=self._asked.since_ms)
        self._look, self._targets, self._markers = look, targets, markers
        self._now_ms, self._sure = now_ms, sure
        self._describe = cache(partial(describe, targets.aws))
        self._means = SearchOptions(
            engine=look.engine.value,
            terms=terms_of(look, quiet=quiet),
            describe=self._describe,
        )
        self._by_group: dict[LogGroup, list[Target]] = defaultdict(list)
        for target in targets.targets:
            self._by_group[target.group].append(target)
        self._lock = threading.Lock()
        self._pages = 0
        self._all = SearchStats.of(self._asked, now_ms)
        with Progress(quiet=quiet) as progress:
            self._progress = progress
            self.groups = tuple(self._save(self._made_folder()))

    @property
    def coverage(self) -> Coverage:
        """What was looked at in all."""
        return with_place(self._all.coverage(self._targets.aws.calls), self._look)

    def _made_folder(self) -> Path:
        try:
            folder = tempfile.mkdtemp(prefix="retryctl-")
        except OSError as error:
            raise NotSaved("a temporary folder", error) from error
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _save(self, folder: Path) -> Iterator[DownloadedGroup]:
        refused: list[CouldNotLook] = []
        for number, (group, targets) in enumerate(self._by_group.items()):
            own = folder / f"{number:06d}"
            try:
                looked, assumed = self._save_one(group, targets, own)
            except (NoCredentials, LoginExpired):
                raise
            except CouldNotLook as error:
                refused.append(refusal_of(self._targets.aws, group, error))
                self._all.gaps.append(not_searched(group, self._asked, refused[-1], None))
            else:
                coverage = replace(looked.coverage(0), log_groups=(group.name,))
                self._add(looked, assumed)
                for target in targets:
                    yield DownloadedGroup(target=target, folder=own, coverage=coverage)
            self._all.groups.append(group)
            self._all.groups_done += 1
        if refused and len(refused) == len(self._by_group):
            raise refused[0]

    def _save_one(
        self, group: LogGroup, targets: Sequence[Target], folder: Path
    ) -> tuple[SearchStats, list[Gap]]:
        settings = [target.settings for target in targets]
        reach_ms = max(each.event_age_ms + each.timeout_ms for each in settings)
        since_ms = max(0, self._asked.since_ms - reach_ms)
        log = WindowDownload(
            self._targets.aws,
            group,
            self._means,
            window=replace(self._asked, since_ms=since_ms),
            now_ms=self._now_ms,
            markers=self._markers,
            folder=folder,
            on_page=partial(self._tell, group),
            sure=self._sure,
        )
        log.save()
        looked = log.looked
        if self._now_ms - since_ms > _DAY_MS:  # no group keeps less
            kept = not_kept(group, self._describe(group), since_ms, self._now_ms)
            looked.gaps += [gap for gap in kept if gap.kind == "retention"]
        if looked.masked and self._describe(group).masked:
            looked.gaps.append(masked(group, looked.masked))
        return looked, [log.assumed] if log.assumed else []

    def _add(self, looked: SearchStats, assumed: list[Gap]) -> None:
        self._all.merge(looked)
        self._all.gaps += assumed
        self._all.since_ms = min(self._all.since_ms, looked.since_ms)
        self._all.horizon_ms = min(self._all.horizon_ms, looked.horizon_ms)

    def _tell(self, group: LogGroup, page: Page) -> None:
        with self._lock:
            self._pages += 1
            self._all.found += len(page.events)
            at = self._all.progress(
                group, groups=len(self._by_group), api_calls=self._targets.aws.calls
            )
            at = replace(at, pages=self._pages)  # those of this group are not added yet
        tell_calls(self._progress, at)
