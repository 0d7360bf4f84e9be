"""A search by request ID with Logs Insights."""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.model.events import LogEvent
from retryctl.sources.cloudwatch.hits import Hit, StreamSlice, belonging, by_request, hits_in
from retryctl.sources.cloudwatch.insights import InsightsClient
from retryctl.sources.cloudwatch.insights_features import (
    FieldIndex,
    id_conditions,
    request_id_indexes,
)
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.request_search import AttemptSpread, SearchResult
from retryctl.sources.cloudwatch.time_slices import SlicePlanner, merged

_BESIDE_MS = 60_000  # late marks of a timeout or a crash follow REPORT


class InsightsSearch(InsightsClient):
    """The attempts of single requests in one group."""

    def search(
        self,
        request_ids: Sequence[str],
        windows: Sequence[TimeRange],
        spread: AttemptSpread,
        before: SearchResult,
    ) -> SearchResult:
        """Return the hits in ``windows``, and in all of the time that other attempts can take.

        What came of the search ``before`` is taken over. Raises CouldNotRead where a query would
        cost more than the terms allow.
        """
        found = SearchResult(hits=list(before.hits))
        plan = SlicePlanner(windows[0], before.done)
        plan.aim = tuple(merged(windows))
        indexes = self._indexes(plan.rest())
        self._announce(plan.rest(), indexes)
        while (part := plan.take()) is not None:
            if not indexes:
                found.add(self._mentions(part.window, request_ids))
            else:
                found.add(self._indexed(part.window, request_ids, indexes))
            plan.finished(part, pages=1)
            around = [spread.around(own, self.now_ms) for own in by_request(found.hits).values()]
            plan.aim = tuple(merged([*plan.aim, *around]))
        found.done = plan.done
        found.unsearched += self.incomplete
        return found

    def _indexes(self, windows: Sequence[TimeRange]) -> Sequence[FieldIndex]:
        if not windows or self.options.describe(self.group).needs_insights:
            return ()
        whole = TimeRange(since_ms=windows[0].since_ms, until_ms=windows[-1].until_ms)
        return request_id_indexes(self.aws, self.group, whole)

    def _mentions(self, window: TimeRange, request_ids: Sequence[str]) -> dict[Hit, None]:
        """Find the lines that have an ID anywhere."""
        likes = " or ".join(f'@message like "{request_id}"' for request_id in request_ids)
        rows = self._rows(window, f"filter {likes}")
        return dict.fromkeys(one for row in rows for one in hits_in(row, request_ids))

    def _indexed(
        self, window: TimeRange, request_ids: Sequence[str], indexes: Sequence[FieldIndex]
    ) -> dict[Hit, None]:
        """Find Lambda's records by the indexes, and beside them the other lines with an ID."""
        hits: dict[Hit, None] = {}
        for command in id_conditions(indexes, request_ids, window.since_ms):
            rows = self._rows(window, command)
            hits |= dict.fromkeys(one for row in rows for one in hits_in(row, request_ids))
        beside = (
            TimeRange(
                since_ms=max(window.since_ms, hit.timestamp_ms - _BESIDE_MS),
                until_ms=min(window.until_ms, hit.timestamp_ms + _BESIDE_MS),
            )
            for hit in hits
        )
        for near in merged(beside):
            hits |= self._mentions(near, request_ids)
        return hits

    def read(self, part: StreamSlice) -> list[LogEvent]:
        """Return the events of a part, for a group whose streams GetLogEvents refuses."""
        since_ms = max(part.since_ms, part.lead_ms, 0)
        window = TimeRange(since_ms=since_ms, until_ms=part.window.until_ms)
        command = f'filter @logStream in ["{part.log_stream}"]'
        known = len(self.incomplete)
        events = self._in_order(self._rows(window, command))
        if len(self.incomplete) > known:
            raise self.incomplete[-1][1]
        return belonging(events, part)
