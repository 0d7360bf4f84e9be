"""CloudWatch Logs: the attempts of a request, wherever in a log group they lie.

Two steps. FilterLogEvents finds the mentions of the ID (``request_search``); but a printed line
and a Python traceback carry no ID, so GetLogEvents then reads the stretch of each stream that
holds an attempt, which is what is yielded. The two are never merged by their content: in a
stream two equal lines of one millisecond are two.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from retryctl.core.records import Coverage, Gap, LogEvent, Selection
from retryctl.errors import CouldNotLook, NoSuchLogGroup, RetryctlError
from retryctl.sources.aws import Aws
from retryctl.sources.aws_errors import Refused
from retryctl.sources.cloudwatch_gaps import (
    lines_missing,
    masked,
    not_kept,
    not_read,
    not_searched,
)
from retryctl.sources.finding import Engine, Finder
from retryctl.sources.insights import Terms
from retryctl.sources.log_groups import (
    Description,
    LogGroup,
    describe,
    find_log_groups,
    with_near_names,
)
from retryctl.sources.log_pages import Page, Window, matching_pages
from retryctl.sources.mentions import (
    Kind,
    Mention,
    Stretch,
    belonging,
    missing,
    stretches,
)
from retryctl.sources.request_search import Found, Reach

DEFAULT_WINDOW_MS = 24 * 3_600_000
# At ten calls a second, half a minute; then Insights is faster, and costs little by comparison.
PAGES_BEFORE_INSIGHTS = 300
_MASK = "****"  # what data protection leaves of a secret, one for each character
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the looking has come: ``found`` are mentions of what is looked for."""

    log_group: str
    api_calls: int
    pages: int
    found: int


@dataclass(slots=True, kw_only=True)
class _Looked:
    """What was looked at, as far as it went."""

    groups: list[LogGroup] = field(default_factory=list)
    since_ms: int | None = None
    until_ms: int | None = None
    horizon_ms: int | None = None
    events: int = 0
    bytes: int = 0
    masked: int = 0
    pages: int = 0
    found: int = 0
    gaps: list[Gap] = field(default_factory=list)


class CloudWatch:
    """Log groups by name, ARN or pattern (``*``).

    ``clock`` gives epoch milliseconds. ``timeout_ms`` and ``event_age_ms`` are the function's, or
    Lambda's most: they bound how far apart the attempts of a request can lie. ``progress`` is
    called after every page, from any thread. ``engine`` is what finds requests: ``filter``
    (FilterLogEvents), ``insights``, or ``auto``: the second where the group's class demands it,
    or after ``pages_before_insights`` of the first. ``terms`` are those of Insights.
    """

    def __init__(
        self,
        aws: Aws,
        *,
        groups: Sequence[str],
        clock: Callable[[], int],
        timeout_ms: int = 900_000,
        event_age_ms: int = 21_600_000,
        progress: Callable[[Progress], None] | None = None,
        engine: Engine = "filter",
        terms: Terms | None = None,
        pages_before_insights: int = PAGES_BEFORE_INSIGHTS,
    ) -> None:
        self._aws = aws
        self._names = tuple(groups)
        self._clock = clock
        self._reach = Reach(event_age_ms=event_age_ms, timeout_ms=timeout_ms)
        self._progress = progress
        self._engine = engine
        self._terms = terms or Terms()
        self._pages_before_insights = pages_before_insights
        self._looked = _Looked()
        self._refused: list[RetryctlError] = []
        self._lock = threading.Lock()

    def read(self, selection: Selection) -> Iterator[LogEvent]:
        """Yield what ``selection`` asks for, stream by stream in the order of each.

        With request IDs: the whole attempts of these requests, those before and after the window
        included; ``position`` is the order in a stream. Without: every event of the window (24 h
        where it is open), in time order. Where one of several groups, or a part of one, cannot be
        read, the rest is yielded and the coverage names the gap; where nothing can, the errors of
        ``retryctl.errors`` are raised.
        """
        now_ms = self._clock()
        until_ms = now_ms + 1 if selection.until_ms is None else selection.until_ms
        since_ms = selection.since_ms
        if since_ms is None:
            since_ms = max(0, min(until_ms, now_ms) - DEFAULT_WINDOW_MS)
        window = Window(since_ms=since_ms, until_ms=until_ms)
        looked = self._looked = _Looked(
            since_ms=since_ms,
            until_ms=until_ms,
            horizon_ms=now_ms if selection.request_ids else min(now_ms, until_ms),
        )
        looked.groups = list(find_log_groups(self._aws, self._names))
        self._refused = []
        if selection.request_ids:
            yield from self._requests(selection.request_ids, window, now_ms)
        else:
            for group in looked.groups:
                yield from self._everything(group, window)
        if self._refused and len(self._refused) == len(looked.groups):
            raise self._refused[0]

    def coverage(self) -> Coverage:
        """What ``read`` has looked at; whole once it is exhausted."""
        looked = self._looked
        return Coverage(
            source="cloudwatch",
            log_groups=tuple(group.name for group in looked.groups),
            since_ms=looked.since_ms,
            until_ms=looked.until_ms,
            horizon_ms=looked.horizon_ms,
            events_read=looked.events,
            api_calls=self._aws.calls,
            bytes_read=looked.bytes,
            gaps=tuple(looked.gaps),
        )

    # ----------------------------------------------------------------------- whole windows

    def _everything(self, group: LogGroup, window: Window) -> Iterator[LogEvent]:
        position = 0
        try:
            for page in matching_pages(self._aws, group, window):
                self._note_page(group, page)
                for event in page.events:
                    self._note_event(event)
                    yield replace(event, position=position)
                    position += 1
        except CouldNotLook as error:
            self._note_refusal(group, window, error, ())

    # ----------------------------------------------------------------------- requests

    def _requests(
        self, request_ids: Sequence[str], window: Window, now_ms: int
    ) -> Iterator[LogEvent]:
        """The groups are searched at once, and yielded one after the other."""
        finder = Finder(
            self._aws,
            engine=self._engine,
            terms=self._terms,
            reach=self._reach,
            now_ms=now_ms,
            most_pages=self._pages_before_insights,
            on_page=self._note_page,
            on_gap=self._looked.gaps.append,
        )

        def find(group: LogGroup) -> Found | CouldNotLook:
            try:
                return finder.find_all(group, request_ids, window)
            except CouldNotLook as error:
                return error

        groups = self._looked.groups
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                results = pool.map(find, groups) if len(groups) > 1 else map(find, groups)
                for group, found in zip(groups, results, strict=True):
                    if isinstance(found, CouldNotLook):
                        self._note_refusal(group, window, found, request_ids)
                    else:
                        yield from self._attempts(finder, group, found, request_ids, now_ms)
            finally:
                finder.halted.set()

    def _attempts(
        self,
        finder: Finder,
        group: LogGroup,
        found: Found,
        request_ids: Sequence[str],
        now_ms: int,
    ) -> Iterator[LogEvent]:
        for unsearched, error in found.unsearched:
            self._looked.gaps.append(not_searched(group, unsearched, error, request_ids))
        own = [mention for mention in found.mentions if mention.kind is not Kind.TEXT]
        if not own:
            return
        described = describe(self._aws, group)
        self._note_look_back(group, described, own, now_ms)
        wanted = stretches(own, timeout_ms=self._reach.timeout_ms, now_ms=now_ms)
        masked_before = self._looked.masked
        try:
            yield from self._stretches(finder, group, wanted, request_ids)
        except CouldNotLook as error:
            self._refused.append(error)
        if described.masked and self._looked.masked > masked_before:
            self._looked.gaps.append(masked(group, self._looked.masked - masked_before))

    def _stretches(
        self,
        finder: Finder,
        group: LogGroup,
        wanted: list[Stretch],
        request_ids: Sequence[str],
    ) -> Iterator[LogEvent]:
        positions: dict[str, int] = {}
        read = 0
        refused: list[RetryctlError] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = pool.map(lambda stretch: self._stretch(finder, group, stretch), wanted)
            for stretch, result in zip(wanted, results, strict=True):
                if isinstance(result, RetryctlError):
                    refused.append(result)
                    self._looked.gaps.append(not_read(group, stretch, result, request_ids))
                    continue
                read += 1
                for event in result:
                    position = positions.get(stretch.log_stream, 0)
                    positions[stretch.log_stream] = position + 1
                    self._note_event(event)
                    yield replace(event, position=position)
        if refused and not read:
            raise refused[0]

    def _stretch(
        self, finder: Finder, group: LogGroup, stretch: Stretch
    ) -> list[LogEvent] | RetryctlError:
        try:
            events = finder.lines(group, stretch)
        except CouldNotLook as error:
            return error
        self._tell(group)
        lost = missing(events, stretch)
        if lost:
            with self._lock:
                self._looked.gaps.append(lines_missing(group, stretch, lost))
        return belonging(events, stretch)

    # ----------------------------------------------------------------------- what was looked at

    def _note_page(self, group: LogGroup, page: Page) -> None:
        with self._lock:
            self._looked.pages += 1
            self._looked.found += len(page.events)
        self._tell(group)

    def _note_event(self, event: LogEvent) -> None:
        self._looked.events += 1
        self._looked.bytes += len(event.message.encode())
        self._looked.masked += _MASK in event.message

    def _tell(self, group: LogGroup) -> None:
        if self._progress:
            self._progress(
                Progress(
                    log_group=group.name,
                    api_calls=self._aws.calls,
                    pages=self._looked.pages,
                    found=self._looked.found,
                )
            )

    def _note_refusal(
        self, group: LogGroup, window: Window, error: CouldNotLook, request_ids: Sequence[str]
    ) -> None:
        told = self._told(group, error)
        self._refused.append(told)
        self._looked.gaps.append(not_searched(group, window, told, request_ids))

    def _note_look_back(
        self, group: LogGroup, described: Description, own: list[Mention], now_ms: int
    ) -> None:
        """How far back was looked, and whether the group keeps what lies there."""
        spans = [
            self._reach.around([m for m in own if m.request_id == request_id], now_ms)
            for request_id in {mention.request_id for mention in own}
        ]
        since_ms = min(span.since_ms for span in spans)
        looked = self._looked
        looked.since_ms = min(since_ms, looked.since_ms or 0)
        looked.until_ms = max(looked.until_ms or 0, *(span.until_ms for span in spans))
        looked.gaps += not_kept(group, described, since_ms, now_ms)

    def _told(self, group: LogGroup, error: CouldNotLook) -> CouldNotLook:
        if isinstance(error, NoSuchLogGroup):
            return with_near_names(self._aws, group, error)
        if isinstance(error, Refused) and error.is_log_class:
            return CouldNotLook(
                f"{group.name} is of a log class that only Logs Insights can read",
                "Use --engine insights, or read a saved log with --from FILE.",
            )
        return error
