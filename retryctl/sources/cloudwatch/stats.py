"""Counts of what was read on CloudWatch Logs, while it is read."""

from __future__ import annotations

from dataclasses import field

from retryctl.core.grammar.masked_lines import MASK
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import LogsDropped
from retryctl.core.value_classes import state_class
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.gaps import dropped, found_first
from retryctl.sources.cloudwatch.pages import TimeRange


@state_class
class SearchStats:
    """What was read so far. ``masked`` counts the lines with a mask."""

    groups: list[LogGroup] = field(default_factory=list)
    since_ms: int = 0
    until_ms: int = 0
    horizon_ms: int = 0
    events: int = 0
    bytes: int = 0
    masked: int = 0
    pages: int = 0
    found: int = 0
    groups_done: int = 0
    bytes_scanned: float = 0.0
    gaps: list[Gap] = field(default_factory=list)

    def event(self, event: LogEvent) -> None:
        """One more event is given."""
        self.events += 1
        self.bytes += len(event.message.encode())
        self.masked += MASK in event.message
        if '"platform.logsDropped"' in event.message:
            record = parse_record(event)
            if isinstance(record, LogsDropped):
                self.gaps.append(dropped(event, record))

    @classmethod
    def of(cls, window: TimeRange, now_ms: int) -> SearchStats:
        """Nothing yet, of this window."""
        return cls(
            since_ms=window.since_ms,
            until_ms=window.until_ms,
            horizon_ms=min(now_ms, window.until_ms),
        )

    def progress(self, group: LogGroup, *, groups: int, api_calls: int, pages: int) -> str:
        """Return how far the search of ``groups`` groups is, while ``group`` is read."""
        where = group.name if groups == 1 else f"{groups:,} log groups, {self.groups_done:,} done"
        done = f"{pages:,} pages, {api_calls:,} calls, {self.found:,} lines found"
        return f"searching {where}: {done}"

    def merge(self, other: SearchStats) -> None:
        """Add the counts of another part, which may reach further back or end earlier."""
        for name in ("events", "bytes", "masked", "pages", "found", "bytes_scanned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.gaps += other.gaps
        self.since_ms = min(self.since_ms, other.since_ms)
        self.horizon_ms = min(self.horizon_ms, other.horizon_ms)

    def coverage(self, api_calls: int) -> Coverage:
        """Return the coverage of what was read."""
        return Coverage(
            source="cloudwatch",
            log_groups=tuple(group.name for group in self.groups),
            since_ms=self.since_ms,
            until_ms=self.until_ms,
            horizon_ms=self.horizon_ms,
            events_read=self.events,
            api_calls=api_calls,
            pages=self.pages,
            bytes_read=self.bytes,
            bytes_scanned=round(self.bytes_scanned),
            gaps=found_first(self.gaps),
        )
