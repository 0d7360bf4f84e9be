"""The lines of attempts that a search found: which call reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class
from retryctl.errors import AccessDenied, CouldNotRead
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.hits import StreamSlice, reaches_front
from retryctl.sources.cloudwatch.insights_search import InsightsSearch
from retryctl.sources.cloudwatch.pages import FIRST_EVENTS, TimeRange, matching_pages, newest_first

_LINES_OF_A_HIT = 3
# Parts of streams that one call reads: the time before the first and in all, and the events.
_LEAD_MS, _TOGETHER_MS = 180_000, 900_000
_MOST_STREAMS, _TOGETHER_EVENTS = 20, 250


@value_class
class AttemptReader:
    """Reads by GetLogEvents; by the other calls where they spare some, or where it is refused.

    ``insights`` has the groups that Insights searched.
    """

    aws: AwsClient
    insights: Mapping[LogGroup, InsightsSearch]

    def read_together(
        self, group: LogGroup, parts: Sequence[StreamSlice]
    ) -> dict[StreamSlice, list[LogEvent]]:
        """Read several parts that lie close together in time, by one call.

        A part whose front is not on that page is left out, and read by ``read``.
        """
        streams = sorted({part.log_stream for part in parts})
        since_ms = min(part.known[0].timestamp_ms for part in parts) - _LEAD_MS
        until_ms = max(part.window.until_ms for part in parts)
        near = until_ms - since_ms <= _TOGETHER_MS and len(streams) <= _MOST_STREAMS
        if len(parts) < 2 or not near or group in self.insights:
            return {}
        window = TimeRange(since_ms=max(0, since_ms), until_ms=until_ms)
        pages = matching_pages(self.aws, group, window, streams=streams, limit=_TOGETHER_EVENTS)
        try:
            page = next(pages)
        except CouldNotRead:
            return {}
        read = {} if page.more else {part: _of(part, page.events) for part in parts}
        return {p: events for p, events in read.items() if events and reaches_front(events, p)}

    def read(self, group: LogGroup, part: StreamSlice) -> list[LogEvent]:
        """Return the newest events of a part, back to before its first attempt."""
        try:
            return newest_first(
                self.aws,
                group,
                part.log_stream,
                part.window,
                lambda page: reaches_front(page, part),
                first_events=FIRST_EVENTS + _LINES_OF_A_HIT * len(part.known),
            )
        except AccessDenied as denied:
            return self._filtered(group, part, denied)
        except Refused as refused:
            if not refused.is_log_class:
                raise
            if group in self.insights:
                return self.insights[group].read(part)
            return self._filtered(group, part, refused)

    def _filtered(self, group: LogGroup, part: StreamSlice, error: CouldNotRead) -> list[LogEvent]:
        """Read by FilterLogEvents where GetLogEvents is refused: more pages, the same lines.

        Raises ``error`` where that is refused too.
        """
        since_ms = max(part.since_ms, part.lead_ms, 0)
        window = TimeRange(since_ms=since_ms, until_ms=part.window.until_ms)
        pages = matching_pages(self.aws, group, window, streams=[part.log_stream])
        try:
            return [event for page in pages for event in page.events]
        except AccessDenied:
            raise error from None


def _of(part: StreamSlice, events: Sequence[LogEvent]) -> list[LogEvent]:
    own = (event for event in events if event.log_stream == part.log_stream)
    return [event for event in own if part.window.has(event.timestamp_ms)]
