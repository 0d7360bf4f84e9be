"""The source that was asked for, opened, with what is known of the function whose log it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from retryctl.cli.options import Look
from retryctl.cli.progress import Progress
from retryctl.core.coverage import Coverage, Selection
from retryctl.core.known import FunctionSettings, StoreCount
from retryctl.core.records import LogEvent
from retryctl.settings import Settings, load_settings
from retryctl.sources.function import function_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source, ready to be read.

    ``read`` yields the events that ``selection`` asks for, ``coverage`` tells afterwards what
    was looked at. ``function`` are the settings of the function that was named, as far as they
    are known, ``settings_of`` those of the function whose log an event stands in. ``region`` is
    where it was looked, ``said`` grows by what should be said of all this.
    """

    read: Callable[[], Iterator[LogEvent]]
    coverage: Callable[[], Coverage]
    selection: Selection
    function: FunctionSettings = field(default_factory=FunctionSettings)
    settings_of: Callable[[LogEvent], FunctionSettings]
    region: Callable[[], str | None]
    said: list[str] = field(default_factory=list)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What should be said by now."""
        return tuple(self.said)


def settings_for(look: Look) -> Settings:
    """The settings of the working folder; the demo is what it is, whatever they make of a log."""
    return Settings() if look.source == "demo" else load_settings(Path.cwd())


def open_source(
    look: Look,
    settings: Settings,
    selection: Selection,
    progress: Progress,
    *,
    clock: Callable[[], int],
    quiet: bool = False,
) -> Opened:
    """The source that ``look`` names; ``selection`` has the IDs and the window.

    On CloudWatch there are IDs. ``clock`` gives epoch milliseconds. Raises ``UsageError`` where a
    function's name cannot be one.
    """
    if look.source == "cloudwatch":
        from retryctl.cli.on_cloudwatch import open_cloudwatch

        return open_cloudwatch(look, settings, selection, progress, clock=clock, quiet=quiet)
    return _saved(look, selection, progress)


def _saved(look: Look, selection: Selection, progress: Progress) -> Opened:
    from retryctl.sources.saved import SavedLog

    log = SavedLog(look.source)
    name = function_name(look.function).name if look.function else None
    selection = replace(selection, function=name, log_groups=look.log_groups)
    tell = partial(tell_bytes, progress)
    return Opened(
        read=lambda: log.read(selection, tell),
        coverage=log.coverage,
        selection=selection,
        settings_of=lambda event: FunctionSettings(),
        region=lambda: look.region or os.environ.get("AWS_DEFAULT_REGION"),
    )


def tell_bytes(progress: Progress, done: int, total: int | None) -> None:
    """Say how far the reading of a saved log is, and how fast it was so far."""
    of = f" of {total / 1e6:,.0f}" if total else ""
    mb = done / 1e6
    progress(lambda: f"reading: {mb:,.0f}{of} MB, {mb / progress.seconds:,.0f} MB/s")


def read_stored(look: Look, request_ids: Sequence[str]) -> Mapping[str, StoreCount]:
    """What the durable store of ``look`` holds of each request; empty where none is named."""
    if look.store is None:
        return {}
    from retryctl.cli.on_cloudwatch import aws_for
    from retryctl.sources.stores import read_count

    return read_count(look.store, request_ids, aws_for(look, look.function, *look.log_groups))
