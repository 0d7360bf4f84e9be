"""Logs Insights: the distributed engine, for groups that FilterLogEvents refuses or is slow in.

It is paid for by what it scans, finds what is older than about a minute, and takes whole seconds,
both ends included. Events of one millisecond come in no promised order, and without IDs; so where
GetLogEvents may read a group's streams, Insights only finds the attempts.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import field, replace
from typing import Any

from retryctl.core.history.event_order import Doubt, EventOrder
from retryctl.core.model.events import LogEvent
from retryctl.core.timestamps import iso_ms
from retryctl.core.value_classes import state_class
from retryctl.errors import CouldNotRead, RetryctlError, Throttled
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import Description, LogGroup
from retryctl.sources.cloudwatch.insights_features import FieldIndex
from retryctl.sources.cloudwatch.pages import TimeRange
from retryctl.sources.cloudwatch.search_options import SearchOptions

_USD_PER_GB = 0.005
FRESH_MS = 120_000
_GB = 1e9
_FIELDS = "fields @timestamp, @message, @logStream, @log"
_UNMASKED = "unmasked"
_NEEDED = {"@timestamp", "@message", "@logStream"}
_MOST_ROWS = 10_000
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 2.0
_NO_ROWS: AwsResponse = {"results": [], "statistics": {"recordsMatched": 0.0}}
_DEFAULT_AGE_MS = 30 * 24 * 3_600_000


@state_class
class InsightsClient:
    """Queries on one log group. ``bytes_scanned`` is what they were charged for so far.

    They may run in several threads; once ``halted`` is set, each ends soon and is stopped.
    ``unread`` are the ends of seconds with more rows than an answer has, ``incomplete`` the windows
    of answers with rows that lack a field. ``doubts`` are the
    milliseconds whose order is not settled (``event_order``). ``clamped``: a window reached back
    to before the group's creation or beyond its retention, where no query may end.
    """

    aws: AwsClient
    group: LogGroup
    options: SearchOptions
    now_ms: int
    halted: threading.Event
    bytes_scanned: float = 0.0
    unread: list[TimeRange] = field(default_factory=list)
    incomplete: list[tuple[TimeRange, RetryctlError]] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    clamped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def report_scanned(self) -> None:
        """To be called when all is read."""
        self.options.terms.warn(
            f"Logs Insights scanned {_amount(self.bytes_scanned)} of {self.group.name}."
        )

    def _announce(self, windows: Sequence[TimeRange], indexes: Sequence[FieldIndex] = ()) -> None:
        if self.options.describe(
            self.group
        ).is_delivery:  # StartQuery is refused: nothing is scanned
            return
        size = self._estimate(windows)
        self._refuse_above(size)
        about = "an unknown amount" if size is None else f"about {_amount(size)}"
        if indexes:
            names = " and ".join(index.name for index in indexes)
            about = f"less than {about}, by the index of {names},"
        self.options.terms.warn(f"Logs Insights will scan {about} of {self.group.name}.")

    def _refuse_above(self, size: float | None) -> None:
        """Raise CouldNotRead if ``size`` more bytes cost more than the budget allows."""
        allowed = self.options.terms.max_cost_usd
        if allowed is None or (size is not None and usd_of(self.bytes_scanned + size) <= allowed):
            return
        cost = (
            "an unknown amount" if size is None else f"about {_amount(self.bytes_scanned + size)}"
        )
        only = self.options.describe(self.group).needs_insights
        other = "" if only else ", or use --engine filter where the group's class allows it"
        raise CouldNotRead(
            f"Logs Insights would scan {cost} of {self.group.name}, "
            f"and --max-cost allows ${allowed:g}",
            f"Shorten the window with --since, or raise --max-cost{other}.",
        )

    def _estimate(self, windows: Sequence[TimeRange]) -> float | None:
        return estimate_bytes(self.options.describe(self.group), windows, self.now_ms)

    # ----------------------------------------------------------------------- one query

    def _rows(self, window: TimeRange, command: str) -> Iterator[LogEvent]:
        """Yield the events of ``window`` that ``command`` selects, oldest first; all without one.

        Where one answer has not all of them, the window is halved, down to a second.
        """
        selection = [command] if command else []
        answer = self._query(
            window, self._fields(), *selection, "sort @timestamp asc", f"limit {_MOST_ROWS}"
        )
        first_s, last_s = _seconds(window)
        if first_s < last_s and not _is_whole(answer):
            middle_ms = (first_s + last_s + 1) // 2 * 1000
            yield from self._rows(replace(window, until_ms=middle_ms), command)
            yield from self._rows(replace(window, since_ms=middle_ms), command)
            return
        events = self._events(window, [cells(row) for row in answer["results"]])
        if not _is_whole(answer):
            window = self._up_to_the_last(events, window)
        yield from (event for event in events if window.has(event.timestamp_ms))

    def _events(self, window: TimeRange, rows: Sequence[dict[str, str]]) -> list[LogEvent]:
        """Return the events of the rows, and note those without a field that every event has.

        Raises CouldNotRead where no row is whole.
        """
        whole = [row for row in rows if row.keys() >= _NEEDED]
        if len(whole) < len(rows):
            lost = CouldNotRead(
                f"{len(rows) - len(whole):,} of {len(rows):,} rows of Logs Insights lack one of "
                f"{', '.join(sorted(_NEEDED))}",
                "Use --engine filter, where the group's class allows it.",
            )
            if not whole:
                raise lost
            with self._lock:
                self.incomplete.append((window, lost))
        return [self._event(row) for row in whole]

    def _up_to_the_last(self, events: list[LogEvent], window: TimeRange) -> TimeRange:
        """Return the part of a second that is whole; of its last millisecond some are missing."""
        reached_ms = max((event.timestamp_ms for event in events), default=0)
        until_ms = min(max(reached_ms, window.since_ms), window.until_ms)
        if until_ms < window.until_ms:
            with self._lock:
                self.unread.append(replace(window, since_ms=until_ms))
        return replace(window, until_ms=until_ms)

    def _fields(self) -> str:
        """Return what to select of each event; only groups of the class Standard take unmask."""
        of_class = self.options.describe(self.group).log_class
        unmask = self.aws.unmask and of_class in (None, "STANDARD")
        return f"{_FIELDS}, unmask(@message) as {_UNMASKED}" if unmask else _FIELDS

    def _in_order(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        order = EventOrder(markers=self.options.markers)
        ordered = order.ordered(events)
        with self._lock:
            self.doubts += order.doubts
        return ordered

    def _query(self, window: TimeRange, *commands: str) -> AwsResponse:
        if self.halted.is_set():  # no further query is paid for
            raise CancelledError
        self._refuse_above(self._estimate([window]))
        kept = self._kept(window)
        if kept is None:
            return _NO_ROWS
        first_s, last_s = _seconds(kept)
        try:
            query_id = self._start(first_s, last_s, commands)
        except Refused as refused:
            if not refused.is_before_group:
                raise
            self.clamped = True
            return _NO_ROWS
        try:
            answer = self._result(query_id)
        except BaseException:  # also Ctrl-C: what runs on is paid for
            self._stop(query_id)
            raise
        if "statistics" not in answer:  # an emulator that may ignore the query
            raise CouldNotRead(
                f"the answer to the query on {self.group.name} has no statistics: this endpoint "
                "is not Logs Insights",
                "Use --engine filter.",
            )
        with self._lock:
            self.bytes_scanned += answer["statistics"].get("bytesScanned", 0.0)
        return answer

    def _kept(self, window: TimeRange) -> TimeRange | None:
        """Return the part of the window that the group can have: earlier queries are refused."""
        known = self.options.describe(self.group)
        since_ms = max(known.created_ms or 0, known.kept_since_ms(self.now_ms) or 0)
        if since_ms <= window.since_ms:
            return window
        self.clamped = True
        return replace(window, since_ms=since_ms) if since_ms < window.until_ms else None

    def _start(self, first_s: int, last_s: int, commands: Sequence[str]) -> str:
        """Start a query, and return its ID."""
        request = {
            "logGroupIdentifiers": [self.group.identifier or self.group.name],
            "startTime": first_s,
            "endTime": last_s,
            "queryString": "\n| ".join(commands),
        }
        return str(self._call("StartQuery", request, expect="queryId")["queryId"])

    def _result(self, query_id: str) -> AwsResponse:
        wait_s = _FIRST_WAIT_S
        while True:
            answer = self._call("GetQueryResults", {"queryId": query_id}, expect="status")
            if answer["status"] == "Complete":
                return answer
            if answer["status"] not in ("Scheduled", "Running"):
                raise Throttled(
                    f"the query on {self.group.name} ended with the status {answer['status']}",
                    "Try again, with a shorter --since or with --engine filter.",
                )
            self.options.terms.sleep(wait_s)
            if self.halted.is_set():
                raise CancelledError
            wait_s = min(_LONGEST_WAIT_S, wait_s * 1.5)

    def _stop(self, query_id: str) -> None:
        with contextlib.suppress(CouldNotRead):  # it may have ended by itself
            self._call("StopQuery", {"queryId": query_id})

    def _call(
        self, operation: str, request: dict[str, Any], *, expect: str | None = None
    ) -> AwsResponse:
        name, region = self.group.name, self.group.region
        return self.aws.call("logs", operation, request, expect=expect, subject=name, region=region)

    def _event(self, row: dict[str, str]) -> LogEvent:
        return LogEvent(
            timestamp_ms=utc_ms(row["@timestamp"]),
            message=row.get(_UNMASKED, row["@message"]),
            log_stream=row["@logStream"],
            log_group=self.group.name,
        )


def estimate_bytes(group: Description, windows: Sequence[TimeRange], now_ms: int) -> float | None:
    """Bytes in the windows, as if the group had grown evenly; ``None`` if its size is unknown."""
    if group.stored_bytes is None:
        return None
    began_ms = max(group.created_ms or now_ms - _DEFAULT_AGE_MS, group.kept_since_ms(now_ms) or 0)
    age_ms = max(1, now_ms - began_ms)
    shares = (min(1.0, (window.until_ms - window.since_ms) / age_ms) for window in windows)
    return group.stored_bytes * sum(shares)


def utc_ms(text: str) -> int:
    """``2026-11-23 03:00:00.123``, which is UTC, as epoch milliseconds."""
    ms = iso_ms(text)
    if ms is None:
        raise CouldNotRead(f"Logs Insights returned {text!r}, which is not a time")
    return ms


def _seconds(window: TimeRange) -> tuple[int, int]:
    """Return the first and the last second of it; a query reads both to their ends."""
    return window.since_ms // 1000, (window.until_ms - 1) // 1000


def _is_whole(answer: AwsResponse) -> bool:
    """Whether all that matched is among the rows."""
    rows = len(answer["results"])
    matched = answer.get("statistics", {}).get("recordsMatched")
    return rows < _MOST_ROWS if matched is None else bool(matched <= rows)


def cells(row: list[dict[str, str]]) -> dict[str, str]:
    """Return the fields of a row that have a value; the service leaves out the others."""
    return {cell["field"]: cell["value"] for cell in row if "field" in cell and "value" in cell}


def usd_of(size: float) -> float:
    """Return the price of ``size`` bytes that a query scans, in US dollars."""
    return size / _GB * _USD_PER_GB


def _amount(size: float) -> str:
    """``1.2 GB ($0.006)``."""
    unit, scale = ("GB", _GB) if size >= _GB else ("MB", 1e6)
    return f"{size / scale:.1f} {unit} (${usd_of(size):.3f})"
