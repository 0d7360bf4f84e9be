"""Finding the attempts of requests in one log group, by their IDs.

A request's attempts start at most the maximum event age apart, and each runs as long as the
function's timeout. So the first hit bounds the time in which all others lie, within the
given window or beyond it, and all of that time is searched: an attempt outside of the search
cannot be counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field

from retryctl.core.model.events import is_event_source_id
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import RetryctlError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.hits import Hit, Kind, by_request, hits_in
from retryctl.sources.cloudwatch.pages import Page, TimeRange, matching_pages
from retryctl.sources.cloudwatch.slice_runner import SliceRead, SliceRunner
from retryctl.sources.cloudwatch.time_slices import SlicePlanner, TimeSlice, merged

# A pattern has at most 1,024 characters.
MOST_IDS = 25
_GRACE_MS = 60_000
# Three attempts, and as many by duplicate deliveries.
_MOST_IN_THE_QUEUE = 6
FARTHEST_MS = FunctionConfig().event_age_ms + FunctionConfig().timeout_ms + _GRACE_MS


@value_class
class AttemptSpread:
    """How far apart the attempts of a request can lie; from ``until_ms`` on none is searched."""

    event_age_ms: int
    timeout_ms: int
    until_ms: int | None = None

    def around(self, found: Sequence[Hit], now_ms: int) -> TimeRange:
        """Return the time in which every event of a request lies, by those that were found.

        Any two starts lie at most the event age apart, so the last hit bounds the time before,
        and the first the time after. If the hits are further apart, the function's
        settings are not those of that day; and an event source keeps to no age.
        """
        times = [hit.timestamp_ms for hit in found]
        first_ms, last_ms = min(times), max(times)
        far_ms = self.event_age_ms + self.timeout_ms + _GRACE_MS
        if last_ms - first_ms > far_ms:
            far_ms = FARTHEST_MS
        if not _may_be_of_event_source(found) and last_ms - first_ms <= far_ms:
            first_ms, last_ms = last_ms, first_ms
        end_ms = now_ms + 1 if self.until_ms is None else min(now_ms + 1, self.until_ms)
        return TimeRange(since_ms=max(0, first_ms - far_ms), until_ms=min(end_ms, last_ms + far_ms))


def _may_be_of_event_source(found: Sequence[Hit]) -> bool:
    """Whether the request may be a batch of a stream, by its ID or by its many attempts."""
    reports = sum(hit.kind is Kind.REPORT for hit in found)
    return is_event_source_id(found[0].request_id) or reports > _MOST_IN_THE_QUEUE


@state_class
class SearchResult:
    """The hits of a search.

    ``done`` was searched to its end. ``unsearched`` are parts of the aim that failed, with the
    error of each; ``left`` are parts that were not begun, of about ``pages_left`` pages.
    """

    hits: list[Hit] = field(default_factory=list)
    done: list[TimeRange] = field(default_factory=list)
    unsearched: list[tuple[TimeRange, RetryctlError]] = field(default_factory=list)
    left: list[TimeRange] = field(default_factory=list)
    pages_left: float = 0.0

    @property
    def ran(self) -> set[str]:
        """The requests of which a record of Lambda was found."""
        return {hit.request_id for hit in self.hits if hit.kind >= Kind.PLATFORM}

    def take(self, other: SearchResult) -> None:
        """Add what another search found, and what it left."""
        self.add(other.hits)
        self.unsearched += other.unsearched
        self.left += other.left

    def add(self, hits: Iterable[Hit]) -> None:
        """Add the new hits: a slice that is given up or searched again is read twice."""
        known = set(self.hits)
        self.hits += [hit for hit in hits if hit not in known]


@value_class
class GroupSearch:
    """The search for at most ``MOST_IDS`` requests in a window of one log group."""

    group: LogGroup
    request_ids: tuple[str, ...]
    window: TimeRange


@state_class
class RequestSearch:
    """One search. ``found`` begins with the hits of an earlier one.

    ``on_page`` is called after every page, from any thread. Where about more than ``most_pages``
    remain, no further slice is begun, and what remains is ``left``; the same once ``is_halted()``.
    """

    aws: AwsClient
    search: GroupSearch
    spread: AttemptSpread
    now_ms: int
    plan: SlicePlanner
    found: SearchResult
    on_page: Callable[[Page], None]
    is_halted: Callable[[], bool]
    most_pages: int | None = None
    _expected_pages: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> SearchResult:
        """Search all of the aim. Raises the error of the first call where nothing can be read."""
        slices = SliceRunner(
            aws=self.aws,
            plan=self.plan,
            read=lambda part: self._read(part, slices),
            is_halted=self.is_halted,
        )
        self._aim()
        for hits in slices.run():
            self._note(hits)
            self._end_if_long(slices)
        self.found.done, self.found.unsearched = self.plan.done, slices.unread
        if not slices.fatal:
            # slices given back count with the few pages that were read of them
            self.found.left = self.plan.rest()
            self.found.pages_left = max(self._expected_pages, self.plan.pages_left())
        return self.found

    def _note(self, hits: list[Hit]) -> None:
        """Narrow the aim as soon as hits are read, before their slice ends."""
        with self._lock:
            self.found.add(hits)
            self._aim()

    def _end_if_long(self, slices: SliceRunner[list[Hit]]) -> None:
        if self.most_pages is None or not self.plan.is_fair_sample:
            return
        pages_left = self.plan.pages_left()
        if pages_left > self.most_pages:
            self._expected_pages = max(self._expected_pages, pages_left)
            slices.over = True

    def _read(self, part: TimeSlice, slices: SliceRunner[list[Hit]]) -> SliceRead[list[Hit]]:
        found: list[Hit] = []
        pages, more = 0, False
        group, request_ids = self.search.group, self.search.request_ids
        for page in matching_pages(self.aws, group, part.window, pattern(request_ids)):
            pages += 1
            self.plan.reached(part, pages)
            self._end_if_long(slices)
            hits = [m for event in page.events for m in hits_in(event, request_ids)]
            found += hits
            if hits:
                self._note(hits)
            self.on_page(page)
            more = page.more
            if more and (part.trial or slices.ended or not self.plan.wants(part)):
                break
        return SliceRead(found=found, pages=pages, to_the_end=not more)

    def _aim(self) -> None:
        """Aim at the window for requests not found, and for others at the time they can take."""
        own = by_request(self.found.hits)
        aim = [self.spread.around(hits, self.now_ms) for hits in own.values()]
        if not self.found.ran >= {*self.search.request_ids}:
            aim.append(self.search.window)
        self.plan.aim = tuple(merged(aim))


def pattern(request_ids: Sequence[str]) -> str:
    """Quoted, for the hyphens; ``?`` is OR as long as no other term stands beside it."""
    if len(request_ids) == 1:
        return f'"{request_ids[0]}"'
    return " ".join(f'?"{request_id}"' for request_id in request_ids)
