"""Which engine finds the attempts of a request."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial

from retryctl.core.history.event_order import Doubt
from retryctl.core.value_classes import state_class
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import Description, LogGroup
from retryctl.sources.cloudwatch.attempt_reader import AttemptReader
from retryctl.sources.cloudwatch.hits import hits_in
from retryctl.sources.cloudwatch.insights import FRESH_MS, estimate_bytes, usd_of
from retryctl.sources.cloudwatch.insights_features import is_rewritten, may_query
from retryctl.sources.cloudwatch.insights_search import InsightsSearch
from retryctl.sources.cloudwatch.pages import Page, TimeRange, matching_pages
from retryctl.sources.cloudwatch.request_search import (
    FARTHEST_MS,
    MOST_IDS,
    AttemptSpread,
    GroupSearch,
    RequestSearch,
    SearchResult,
    pattern,
)
from retryctl.sources.cloudwatch.search_options import SearchOptions
from retryctl.sources.cloudwatch.time_slices import SlicePlanner

_AUTO_MOST_USD = 0.10  # what ``auto`` spends on Insights in one log group without a question
_QUERY_S = 10  # how long a query takes, about
_CALLS_PER_S = 10
_CENT = 0.01

_REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# In a group with more bytes in the window, one call of FilterLogEvents does not reach its end.
_BUSY_BYTES = 20e6

Memory = dict[tuple[LogGroup, tuple[str, ...]], SearchResult]
"""What came of earlier searches, by group and request IDs."""


@state_class
class RequestSearcher:
    """FilterLogEvents and GetLogEvents where they serve, Logs Insights where they do not.

    With ``auto``, Insights takes over where the class of a group refuses the others, and where a
    search is long. ``on_page`` is called after every page, from any thread, ``on_fresh`` with the
    time that Insights does not see yet. What is under way ends soon once ``halted`` is set, and
    searches of further groups once ``enough`` is set. ``memory`` spares a later search what this
    one was to its end.
    """

    aws: AwsClient
    options: SearchOptions
    spread: AttemptSpread
    now_ms: int
    memory: Memory
    on_page: Callable[[LogGroup, Page], None]
    on_fresh: Callable[[LogGroup, TimeRange], None]
    halted: threading.Event = field(default_factory=threading.Event)
    enough: threading.Event = field(default_factory=threading.Event)
    _insights: dict[LogGroup, InsightsSearch] = field(default_factory=dict)
    _rewritten: dict[LogGroup, bool | None] = field(default_factory=dict)

    @property
    def bytes_scanned(self) -> float:
        """What Insights was charged for so far."""
        return sum(insights.bytes_scanned for insights in list(self._insights.values()))

    @property
    def attempt_reader(self) -> AttemptReader:
        """What reads the lines of the attempts that were found."""
        return AttemptReader(aws=self.aws, insights=self._insights)

    def doubts(self, group: LogGroup) -> Sequence[Doubt]:
        """Milliseconds of the group whose order Insights did not give."""
        return self._insights[group].doubts if group in self._insights else ()

    def may_be_rewritten(self, group: LogGroup) -> bool:
        """Whether Insights read the group, and may not have returned its original text."""
        return group in self._insights and self._rewritten.get(group, False) is None

    def find_all(
        self, group: LogGroup, known: Description, request_ids: Sequence[str], window: TimeRange
    ) -> SearchResult:
        """Return the hits of the requests, in all of the time that their attempts can take.

        Where the group is ``known`` to be busy, or to need Insights, fewer calls find them.
        """
        all_found = SearchResult()
        for first in range(0, len(request_ids), MOST_IDS):
            some = tuple(request_ids[first : first + MOST_IDS])
            search = GroupSearch(group=group, request_ids=some, window=window)
            before = self.memory.get((group, some), SearchResult())
            found = self._find(search, known, before)
            if len(some) > 1 and not self._is_any_of_honoured(search, found):
                found = self._one_by_one(search, known, before)
            self.memory[group, some] = found
            all_found.take(found)
        return all_found

    def _is_any_of_honoured(self, search: GroupSearch, found: SearchResult) -> bool:
        """Whether a pattern of several IDs finds each of them.

        Checked where some ID was not found, with an event that has another: it must be found
        with its ID in the first place of a pattern and in the last.
        """
        missing_ids = set(search.request_ids) - {hit.request_id for hit in found.hits}
        if not missing_ids or search.group in self._insights or self.halted.is_set():
            return True
        sample = self._sample(search, found)
        if sample is None:
            return True
        request_id, at_ms = sample
        moment = TimeRange(since_ms=at_ms, until_ms=at_ms + 1)
        other = min(missing_ids)
        for both in ((request_id, other), (other, request_id)):
            pages = matching_pages(self.aws, search.group, moment, pattern(both))
            if not any(request_id in event.message for page in pages for event in page.events):
                return False
        return True

    def _sample(self, search: GroupSearch, found: SearchResult) -> tuple[str, int] | None:
        """Return the request ID and the time of an event in the group; a hit if there is one."""
        if found.hits:
            return found.hits[0].request_id, found.hits[0].timestamp_ms
        pages = matching_pages(self.aws, search.group, search.window, '"RequestId: "', limit=10)
        for event in next(pages).events:
            if name := _REQUEST_ID.search(event.message):
                return name[0], event.timestamp_ms
        return None

    def _one_by_one(
        self, search: GroupSearch, known: Description, before: SearchResult
    ) -> SearchResult:
        found = SearchResult(done=before.done)
        for request_id in search.request_ids:
            one = replace(search, request_ids=(request_id,))
            found.take(self._find(one, known, SearchResult()))
        return found

    def _find(self, search: GroupSearch, known: Description, before: SearchResult) -> SearchResult:
        group, auto = search.group, self.options.engine == "auto"
        needs_insights = self.options.engine == "insights" or (auto and known.needs_insights)
        if group in self._insights or (needs_insights and self._may_query(group)):
            return self._query(search, [search.window], before)
        most = self.options.most_pages if auto and not needs_insights else None
        size = estimate_bytes(known, [search.window], self.now_ms) or 0
        try:
            found = self._filter(search, before, most, is_busy=size > _BUSY_BYTES)
        except Refused as refused:
            if self.options.engine == "filter" or not refused.is_log_class:
                raise
            return self._query(search, [search.window], before)
        if not found.left or self._ended():
            return found
        if not self._may_query(group) or not self._is_worth_it(group, found):
            return self._filter(search, found)
        try:
            queried = self._query(search, found.left, found)
        except CouldNotRead as error:
            self.options.terms.warn(
                f"{error.what}. The search continues with about {found.pages_left:,.0f} calls of "
                "FilterLogEvents."
            )
            return self._filter(search, found)
        queried.unsearched += found.unsearched
        return queried

    def _ended(self) -> bool:
        return self.halted.is_set() or self.enough.is_set()

    def _may_query(self, group: LogGroup) -> bool:
        """Whether Insights may read the group, whose original text it may not return."""
        if group not in self._rewritten:
            self._rewritten[group] = is_rewritten(self.aws, group, self.options)
        return may_query(self._rewritten[group], self.options.engine)

    def _is_worth_it(self, group: LogGroup, found: SearchResult) -> bool:
        """Whether Insights may take over, by its cost; above a bound the user decides."""
        terms = self.options.terms
        size = estimate_bytes(self.options.describe(group), found.left, self.now_ms)
        cost = None if size is None else usd_of(size)
        choice = (
            f"About {found.pages_left:,.0f} or more calls of FilterLogEvents remain for "
            f"{group.name}, about {found.pages_left / _CALLS_PER_S:,.0f} s. "
            f"Logs Insights takes about {_QUERY_S} s and costs {_dollars(cost)}"
        )
        most = _AUTO_MOST_USD if terms.max_cost_usd is None else terms.max_cost_usd
        if cost is not None and cost <= most:
            terms.warn(f"{choice}: it is used.")
            return True
        if terms.max_cost_usd is not None:
            terms.warn(f"{choice}. FilterLogEvents continues: --max-cost allows ${most:g}.")
            return False
        if terms.confirm(f"{choice}. Use it?"):
            return True
        terms.warn(
            f"{choice}. FilterLogEvents continues: auto uses Logs Insights up to "
            f"${most:.2f}. Allow more with --max-cost, or choose --engine insights."
        )
        return False

    def _filter(
        self,
        search: GroupSearch,
        before: SearchResult,
        most_pages: int | None = None,
        *,
        is_busy: bool = True,
    ) -> SearchResult:
        return RequestSearch(
            aws=self.aws,
            search=search,
            spread=self.spread,
            now_ms=self.now_ms,
            plan=SlicePlanner(search.window, before.done, is_busy=is_busy, reach_ms=FARTHEST_MS),
            found=SearchResult(hits=list(before.hits)),
            on_page=partial(self.on_page, search.group),
            is_halted=self._ended,
            most_pages=most_pages,
        ).run()

    def _query(
        self, search: GroupSearch, windows: Sequence[TimeRange], before: SearchResult
    ) -> SearchResult:
        """Search by Insights, and the newest time by FilterLogEvents; if that is refused, a gap."""
        group, request_ids = search.group, search.request_ids
        insights = self._insights.get(group) or InsightsSearch(
            aws=self.aws,
            group=group,
            options=self.options,
            now_ms=self.now_ms,
            halted=self.halted,
        )
        found = insights.search(request_ids, windows, self.spread, before)
        self._insights[group] = insights
        fresh = TimeRange(since_ms=self.now_ms - FRESH_MS, until_ms=self.now_ms + 1)
        if max(window.until_ms for window in windows) <= fresh.since_ms:
            return found
        try:
            for page in matching_pages(self.aws, group, fresh, pattern(request_ids)):
                self.on_page(group, page)
                found.add(m for event in page.events for m in hits_in(event, request_ids))
        except CouldNotRead:
            self.on_fresh(group, fresh)
        return found

    def report_scanned(self) -> None:
        """To be called when all is read."""
        for insights in self._insights.values():
            insights.report_scanned()


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "an unknown amount"
    return f"about ${cost:.2f}" if cost >= _CENT else "less than $0.01"
