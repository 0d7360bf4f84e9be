"""Rows of Logs Insights in the order of their streams: by the records, else by GetLogEvents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field

from retryctl.core.history.event_order import EventOrder, Moment, moment_of
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import state_class
from retryctl.errors import CouldNotRead
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.daemon_pool import DaemonPool
from retryctl.sources.aws.log_groups import LogGroup
from retryctl.sources.cloudwatch.pages import TimeRange, newest_first

MOST_LOOKUPS = 400


@state_class
class StreamOrder:
    """Puts the rows of Insights in order, chunk by chunk, with lookups by GetLogEvents.

    Only milliseconds that leave a doubt are read, each with one call as a rule. Their number is
    bounded; nothing more is read once the service refuses one. No millisecond is in two chunks.
    ``ended``: more than ``most`` lookups were needed.
    """

    aws: AwsClient
    group: LogGroup
    order: EventOrder
    most: int
    ended: bool = False
    _refused: bool = False
    _tried: set[Moment] = field(default_factory=set)

    def ordered(self, events: Sequence[LogEvent]) -> list[LogEvent]:
        """Return the events in order; milliseconds that remain in doubt are noted."""
        while True:
            trial = self.order.copy()
            ordered = trial.ordered(events)
            doubts = trial.doubts[len(self.order.doubts) :]
            if not self._look_up([doubt.moment for doubt in doubts], events):
                self.order = trial
                return ordered

    def _look_up(self, moments: Iterable[Moment], events: Sequence[LogEvent]) -> bool:
        """Read milliseconds that were not tried before; whether the order of some is known now."""
        new = [one for one in moments if one[1] and one not in self._tried]
        left = max(0, self.most - len(self._tried))
        chosen = new[:left]
        if self._refused or not new:
            return False
        self.ended |= len(new) > left
        self._tried.update(chosen)
        rows: dict[Moment, list[LogEvent]] = {moment: [] for moment in chosen}
        for event in events:
            moment = moment_of(event)
            if moment in rows:
                rows[moment].append(event)
        with DaemonPool() as pool:
            found = list(pool.map(lambda moment: self._read(moment, rows[moment]), chosen))
        known = {m: lines for m, lines in zip(chosen, found, strict=True) if lines}
        self.order.known |= known
        return bool(known)

    def _read(self, moment: Moment, rows: Sequence[LogEvent]) -> list[str] | None:
        """Return the messages in the order of the stream; ``None`` unless it has just the rows."""
        if self._refused:
            return None
        at_ms, stream = moment
        wanted = Counter(row.message for row in rows)
        window = TimeRange(since_ms=at_ms, until_ms=at_ms + 1)
        try:
            lines = newest_first(
                self.aws,
                self.group,
                stream,
                window,
                lambda page: wanted <= Counter(line.message for line in page),
            )
        except CouldNotRead:
            self._refused = True
            return None
        messages = [line.message for line in lines if line.message in wanted]
        return messages if Counter(messages) == wanted else None
