"""The requests of a function in a window: those whose first attempt started in it.

To tell a first attempt from a retry at the window's start, the log is read from as far back as
an earlier attempt can lie. Nothing is read beyond the window's end: what is open there is
pending or running.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from retryctl.cli.looking import Opened, open_source
from retryctl.cli.options import Look
from retryctl.cli.progress import Progress
from retryctl.core.claims import Markers
from retryctl.core.coverage import Coverage, Selection
from retryctl.core.crosscheck import CheckedRequest, check_request
from retryctl.core.history import read_history
from retryctl.core.known import FunctionSettings
from retryctl.core.records import LogEvent
from retryctl.settings import Settings

_DEFAULT_WINDOW_MS = 24 * 3_600_000
# Lambda's most: an event of six hours, an attempt of 15 minutes.
_REACH_MS = FunctionSettings().event_age_ms + FunctionSettings().timeout_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """[since_ms, until_ms), ``None`` where it is open."""

    since_ms: int | None
    until_ms: int | None

    @property
    def is_open(self) -> bool:
        """Whether it is open at both ends."""
        return self.since_ms is None and self.until_ms is None

    def has(self, moment_ms: int) -> bool:
        """Whether the moment lies in it."""
        return (self.since_ms is None or self.since_ms <= moment_ms) and self.is_before_end(
            moment_ms
        )

    def is_before_end(self, moment_ms: int) -> bool:
        """Whether the moment lies before its end."""
        return self.until_ms is None or moment_ms < self.until_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class InWindow:
    """The requests of a window, each checked when it is asked for, and what was looked at."""

    checked: Iterator[CheckedRequest]
    coverage: Coverage
    remarks: tuple[str, ...] = ()


def read_window_of(
    look: Look, settings: Settings, window: Window, *, now_ms: int, quiet: bool
) -> InWindow:
    """The requests of the function or the log that ``look`` names.

    On CloudWatch a window without a start is that of the last 24 hours.
    """
    since_ms = None  # a saved log is read whole, whatever the window
    if look.source == "cloudwatch":
        if window.since_ms is None:
            window = replace(window, since_ms=(window.until_ms or now_ms) - _DEFAULT_WINDOW_MS)
        since_ms = max(0, (window.since_ms or 0) - _REACH_MS)
    selection = Selection(since_ms=since_ms, until_ms=window.until_ms)
    with Progress(quiet=quiet) as progress:
        opened = open_source(look, settings, selection, progress, clock=lambda: now_ms, quiet=quiet)
        events = [event for event in opened.read() if window.is_before_end(event.timestamp_ms)]
    return _in_window(events, opened, settings.markers, window)


def _in_window(
    events: list[LogEvent], opened: Opened, markers: Markers, window: Window
) -> InWindow:
    coverage, function = opened.coverage(), opened.function
    history = read_history(
        events,
        horizon_ms=coverage.horizon_ms or 0,
        markers=markers,
        settings=function,
        function=opened.selection.function,
    )
    unrecognised = coverage.events_unrecognised + history.unrecognised
    coverage = replace(coverage, events_unrecognised=unrecognised)
    return InWindow(
        checked=(
            check_request(request, coverage, settings=function, markers=markers)
            for request in history.requests
            if window.has(request.placed_ms)
        ),
        coverage=coverage,
        remarks=opened.remarks,
    )
