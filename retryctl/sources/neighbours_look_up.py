"""Looking between two selected lines of a log group, for one that was not selected."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from retryctl.core.brackets import LONGEST_BRACKET_MS
from retryctl.errors import CouldNotLook
from retryctl.sources.aws import Aws
from retryctl.sources.log_groups import LogGroup
from retryctl.sources.log_pages import Window, matching_pages
from retryctl.sources.neighbours import Pair, Pairs, is_parted

MOST_PAIRS = 1_000
_AT_ONCE = 4
# Of every so many pages one more is read to look between the lines.
_PAGES_FOR_A_PAIR, _LEAST_PAIRS = 10, 5
# To look up more pairs than that costs more than all the lines, of which about a quarter tell.
_MOST_SURE_PAIRS, _LINES_FOR_A_TELLING = 100, 3


class NeighboursLookUp:
    """Looks into ``window`` of a group, of which the lines that match ``telling`` are known."""

    def __init__(self, aws: Aws, group: LogGroup, window: Window, telling: str) -> None:
        self._aws = aws
        self._group = group
        self._window = window
        self._is_selected = re.compile(telling).search

    def held(self, pairs: Pairs, *, pages: int, sure: bool) -> int | None:
        """How many pairs were looked up and held; ``None`` where one did not, or stays unknown.

        Those with the most time between are looked up, by how many ``pages`` the lines took; all
        of them for whoever has to be ``sure``, unless all the lines are less work.
        """
        most = max(_LEAST_PAIRS, pages // _PAGES_FOR_A_PAIR)
        if sure:
            most = max(_MOST_SURE_PAIRS, pages * _LINES_FOR_A_TELLING)
            if pairs.found > min(most, MOST_PAIRS):
                return None
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = list(pool.map(self._is_parted, pairs.farthest(most)))
        held = results.count(False)
        return None if True in results or (sure and held < pairs.found) else held

    def _is_parted(self, pair: Pair) -> bool | None:
        """``None`` where that cannot be looked up."""
        since_ms = pair.first.timestamp_ms
        until_ms = pair.second.timestamp_ms + 1 if pair.second else since_ms + LONGEST_BRACKET_MS
        window = Window(since_ms=since_ms, until_ms=min(until_ms, self._window.until_ms))
        pages = matching_pages(self._aws, self._group, window, stream=pair.first.log_stream)
        lines = (event for page in pages for event in page.events)
        try:
            return is_parted(pair, lines, self._is_selected)
        except CouldNotLook:
            return None
