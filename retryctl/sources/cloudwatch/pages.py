"""The two calls that read log events, with token loops of our own.

botocore's paginators are of no use here: they raise on a token that comes twice, and know
nothing of a token that has expired. Tokens live 24 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any

from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import Unreachable
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.errors import Refused
from retryctl.sources.aws.log_groups import LogGroup

_DEFAULT_WINDOW_MS = 24 * 3_600_000
_MOST_RESTARTS = 20
_MOST_REPEATS = 20
# Events of the pages of a stream: an attempt of some lines fits in the first, which stays small
# where the stream is busy; the last number is for every later page.
FIRST_EVENTS = 60
_LATER_EVENTS = (300, 2_000, 10_000)


@value_class
class TimeRange:
    """[since_ms, until_ms) of a log group, or of one of its streams."""

    since_ms: int
    until_ms: int

    def has(self, at_ms: int) -> bool:
        """Whether the moment lies in it."""
        return self.since_ms <= at_ms < self.until_ms


@value_class
class StreamStretch:
    """The part of a log stream in which the lines of an attempt can stand."""

    log_stream: str | None
    window: TimeRange


def bounded_window(since_ms: int | None, until_ms: int | None, now_ms: int) -> TimeRange:
    """Return the window: up to now, and of 24 hours, where it is open."""
    until_ms = now_ms + 1 if until_ms is None else until_ms
    if since_ms is None:
        since_ms = max(0, min(until_ms, now_ms) - _DEFAULT_WINDOW_MS)
    return TimeRange(since_ms=since_ms, until_ms=until_ms)


@value_class
class Page:
    """Some events, or none; ``more`` is false on the last page."""

    events: list[LogEvent]
    more: bool


def matching_pages(
    aws: AwsClient,
    group: LogGroup,
    window: TimeRange,
    pattern: str = "",
    *,
    streams: Sequence[str] = (),
    limit: int | None = None,
) -> Iterator[Page]:
    """Yield the events of ``window`` that match, by FilterLogEvents, in time order.

    Of the whole group, or of some ``streams``. ``limit`` is the most events of a page. Where a
    token is refused, reading begins anew at the last event read; events already given are
    skipped. Raises like ``AwsClient.call``.
    """
    place = _Place(sent_ms=window.since_ms, since_ms=window.since_ms)
    request: dict[str, Any] = {
        **group.request,
        **_unmasked(aws),
        "endTime": window.until_ms - 1,  # inclusive there
    }
    if pattern:
        request["filterPattern"] = pattern
    if streams:
        request["logStreamNames"] = list(streams)
    if limit is not None:
        request["limit"] = limit
    while True:
        try:
            page = aws.call(
                "logs",
                "FilterLogEvents",
                request | place.request,
                expect="events",
                subject=group.name,
            )
        except Refused as refused:
            if not refused.is_bad_token or not place.may_restart():
                raise
            continue
        events = [_event(group, found["logStreamName"], found) for found in page["events"]]
        more = "nextToken" in page
        yield Page(events=place.fresh(events), more=more)
        if not more:
            return
        if not place.go_on(page["nextToken"]):
            raise Unreachable(
                f"logs:FilterLogEvents returns the same page token over and over for {group.name}",
                "Try again later.",
            )


@state_class
class _Place:
    """How far FilterLogEvents has been read.

    ``sent_ms`` is the start of the request that the token belongs to; ``since_ms`` the time of
    the last event, and ``given`` are the events of that very millisecond.
    """

    sent_ms: int
    since_ms: int
    given: set[str | None] = field(default_factory=set)
    token: str | None = None
    repeats: int = 0
    restarts: int = 0

    @property
    def request(self) -> dict[str, Any]:
        token = {"nextToken": self.token} if self.token else {}
        return {"startTime": self.sent_ms, **token}

    def may_restart(self) -> bool:
        """Start again at the last event; a token belongs to the request that began."""
        self.token, self.sent_ms = None, self.since_ms
        self.restarts += 1
        return self.restarts <= _MOST_RESTARTS

    def fresh(self, events: list[LogEvent]) -> list[LogEvent]:
        """Those of ``events`` that were not given before."""
        fresh = [event for event in events if event.event_id not in self.given]
        if fresh:
            reached_ms = max(event.timestamp_ms for event in fresh)
            there = {event.event_id for event in fresh if event.timestamp_ms == reached_ms}
            self.given = there | (self.given if reached_ms == self.since_ms else set())
            self.since_ms, self.restarts = reached_ms, 0
        return fresh

    def go_on(self, token: str) -> bool:
        """Take the next token; the same one may come several times, but not for ever."""
        self.repeats = self.repeats + 1 if token == self.token else 0
        self.token = token
        return self.repeats <= _MOST_REPEATS


def newest_first(
    aws: AwsClient,
    group: LogGroup,
    stream: str,
    window: TimeRange,
    enough: Callable[[list[LogEvent]], bool] = lambda page: False,
    *,
    first_events: int = FIRST_EVENTS,
) -> list[LogEvent]:
    """Return the newest events of ``window`` by GetLogEvents, in the order of the stream.

    Pages are read from the end until ``enough``, called with each page, is true: one call for an
    attempt, however busy its stream is. The events have no IDs. At the window's start the service
    returns the token that was sent. Raises the errors of ``AwsClient.call``.
    """
    request: dict[str, Any] = {
        **group.request,
        **_unmasked(aws),
        "logStreamName": stream,
        "startTime": window.since_ms,
        "endTime": window.until_ms,  # exclusive here
        "startFromHead": False,
    }
    newest: list[LogEvent] = []  # the last event first: an older page is appended
    token: str | None = None
    restarts = pages = 0
    limits = (first_events, *_LATER_EVENTS)
    while True:
        tokens = {"nextToken": token} if token else {}
        limit = {"limit": limits[min(pages, 3)]}
        try:
            page = aws.call(
                "logs",
                "GetLogEvents",
                request | limit | tokens,
                expect="events",
                subject=group.name,
            )
        except Refused as refused:
            restarts += 1
            if not refused.is_bad_token or restarts > _MOST_RESTARTS:
                raise
            newest, token, pages = [], None, 0
            continue
        pages += 1
        events = [_event(group, stream, found) for found in page["events"]]
        newest += reversed(events)
        if page["nextBackwardToken"] == token or enough(events):
            return newest[::-1]
        token = page["nextBackwardToken"]


def _unmasked(aws: AwsClient) -> dict[str, bool]:
    """Return the parameter that removes the masks; without it, no permission is needed."""
    return {"unmask": True} if aws.unmask else {}


def _event(group: LogGroup, stream: str, found: AwsResponse) -> LogEvent:
    return LogEvent(
        timestamp_ms=found["timestamp"],
        message=found["message"],
        log_stream=stream,
        log_group=group.name,
        event_id=found.get("eventId"),
    )
