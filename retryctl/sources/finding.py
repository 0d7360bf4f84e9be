"""Which engine finds the attempts of a request, and which call reads their lines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Literal

from retryctl.core.records import Gap, LogEvent
from retryctl.errors import CouldNotLook
from retryctl.sources.aws import Aws
from retryctl.sources.aws_errors import Refused
from retryctl.sources.cloudwatch_gaps import too_fresh
from retryctl.sources.insights import FRESH_MS, Insights, Terms
from retryctl.sources.log_groups import LogGroup
from retryctl.sources.log_pages import Page, Window, matching_pages, newest_first
from retryctl.sources.mentions import Stretch, is_whole, mentions
from retryctl.sources.request_search import (
    MOST_IDS,
    Found,
    Reach,
    RequestSearch,
    pattern,
)

Engine = Literal["auto", "filter", "insights"]


class Finder:
    """FilterLogEvents and GetLogEvents where they serve, Logs Insights where they do not.

    With ``auto``, Insights takes over where the class of a group refuses the others, and after
    ``most_pages`` of a search. ``on_page`` is called after every page, from any thread. What is
    under way ends soon once ``halted`` is set.
    """

    def __init__(
        self,
        aws: Aws,
        *,
        engine: Engine,
        terms: Terms,
        reach: Reach,
        now_ms: int,
        most_pages: int,
        on_page: Callable[[LogGroup, Page], None],
        on_gap: Callable[[Gap], None],
    ) -> None:
        self._aws = aws
        self._engine = engine
        self._terms = terms
        self._reach = reach
        self._now_ms = now_ms
        self._most_pages = most_pages
        self._on_page = on_page
        self._on_gap = on_gap
        self._insights: dict[LogGroup, Insights] = {}
        self.halted = threading.Event()

    def find_all(self, group: LogGroup, request_ids: Sequence[str], window: Window) -> Found:
        """``find``, for as many requests as there are."""
        found = Found()
        for first in range(0, len(request_ids), MOST_IDS):
            part = self.find(group, request_ids[first : first + MOST_IDS], window)
            found.mentions += part.mentions
            found.unsearched += part.unsearched
        return found

    def find(self, group: LogGroup, request_ids: Sequence[str], window: Window) -> Found:
        """The mentions of these requests, in all of the time that their attempts can take."""
        if self._engine == "insights" or group in self._insights:
            return self._query(group, request_ids, [window])
        search = RequestSearch(
            self._aws,
            group,
            request_ids,
            window,
            reach=self._reach,
            now_ms=self._now_ms,
            on_page=lambda page: self._on_page(group, page),
            most_pages=self._most_pages if self._engine == "auto" else None,
            halted=self.halted,
        )
        try:
            found = search.run()
        except Refused as refused:
            if self._engine == "filter" or not refused.is_log_class:
                raise
            return self._query(group, request_ids, [window])
        if found.left:
            found.mentions += self._query(group, request_ids, found.left).mentions
        return found

    def lines(self, group: LogGroup, stretch: Stretch) -> list[LogEvent]:
        """The newest events of a stretch, back to before its first attempt."""
        try:
            return newest_first(
                self._aws,
                group,
                stretch.log_stream,
                stretch.window,
                lambda events: is_whole(events, stretch),
            )
        except Refused as refused:
            if not refused.is_log_class or group not in self._insights:
                raise
            return self._insights[group].read(stretch)

    def _query(
        self, group: LogGroup, request_ids: Sequence[str], windows: Sequence[Window]
    ) -> Found:
        """By Insights; what it cannot see yet is asked of FilterLogEvents, or is a gap."""
        if group not in self._insights:
            self._insights[group] = Insights(
                self._aws, group, self._terms, now_ms=self._now_ms, halted=self.halted
            )
        found = self._insights[group].search(request_ids, windows, self._reach)
        fresh = Window(since_ms=self._now_ms - FRESH_MS, until_ms=self._now_ms + 1)
        if max(window.until_ms for window in windows) <= fresh.since_ms:
            return found
        try:
            for page in matching_pages(self._aws, group, fresh, pattern(request_ids)):
                self._on_page(group, page)
                for event in page.events:
                    found.mentions += mentions(event, request_ids)
        except CouldNotLook:
            self._on_gap(too_fresh(group, fresh))
        return found
