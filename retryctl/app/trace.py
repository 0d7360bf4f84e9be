"""Reading the story of some requests: settings → source → events → history → cross-check."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from retryctl.bulk.reader import BulkReader, TracedLog
from retryctl.cli.params import OutputOptions, SourceOptions
from retryctl.cli.terminal import Progress, remark
from retryctl.cli.times import read_window, zone
from retryctl.config import ProjectConfig, load_settings
from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.crosscheck.verdict import CheckedRequest, HistoryInput, check_history
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.core.model.request import Request
from retryctl.sources.aws.function_config import parse_function_name


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceResult:
    """The answer: the requests that were found, and what was looked at.

    ``not_found`` has the IDs of which there was nothing to tell, each with the reason;
    ``branches`` are those that the handlers choose from, ``region`` is where it was looked.
    """

    checked: Sequence[CheckedRequest]
    coverage: Coverage
    not_found: Mapping[str, str] = field(default_factory=dict)
    branches: Branches = field(default_factory=Branches)
    region: str | None = None

    def only_retried(self) -> TraceResult:
        """The same of those requests alone that were retried."""
        retried = [one for one in self.checked if len(one.request.attempts) > 1]
        return replace(self, checked=retried)


def story_reader(
    ids: Sequence[str], look: SourceOptions, show: OutputOptions, *, clock: Callable[[], int]
) -> Callable[[], TraceResult]:
    """What reads the stories of the requests ``ids``, or of all there are where none is given.

    Called again, it reads what is there by then. ``clock`` gives epoch milliseconds.
    """
    settings = settings_for(look)
    since_ms, until_ms = read_window(look.since, look.until, now_ms=clock(), tz=zone(show.tz))
    window = LogQuery(request_ids=tuple(ids), since_ms=since_ms, until_ms=until_ms)
    progress = Progress(quiet=show.quiet)
    opened = open_source(look, settings, window, progress, clock=clock, quiet=show.quiet)
    told: set[str] = set()

    def read() -> TraceResult:
        stored = read_stored(look, ids)
        with progress:
            found = opened.trace(settings.markers, stored)
            story = _story_of(found, opened, settings.markers)
        for sentence in opened.remarks:
            if sentence not in told:
                remark(f"retryctl: {sentence}", quiet=show.quiet)
                told.add(sentence)
        return story

    return read


def read_story(
    ids: Sequence[str], look: SourceOptions, show: OutputOptions, *, now_ms: int
) -> TraceResult:
    """The stories of the requests ``ids``, or of all there are where none is given."""
    return story_reader(ids, look, show, clock=lambda: now_ms)()


def traced(events: Sequence[LogEvent], given: HistoryInput, coverage: Coverage) -> TracedLog:
    """Check the requests in some events, and note which IDs these contain."""
    history = check_history(events, coverage, given)
    mentioned = {
        one for one in given.wanted or () if any(one in event.message.lower() for event in events)
    }
    return TracedLog(
        requests=history.requests,
        coverage=history.coverage,
        mentioned=frozenset(mentioned),
        web=history.web,
    )


def _story_of(found: TracedLog, opened: OpenedSource, markers: Markers) -> TraceResult:
    selection = opened.selection
    told = [one for one in found.requests if _is_in_window(one.request, selection)]
    left_out = dict(found.coverage.left_out)
    ids_there, ids_told = (
        {one.request.request_id for one in some} for some in (found.requests, told)
    )
    return TraceResult(
        checked=told,
        coverage=found.coverage,
        not_found={
            one: _why_left_out(one, left_out[one], selection)
            if one in left_out
            else _why_not_found(one, found, ran=one in ids_there)
            for one in selection.request_ids
            if one not in ids_told
        },
        branches=markers.branches,
        region=opened.region(),
    )


def _is_in_window(request: Request, selection: LogQuery) -> bool:
    """Whether some attempt started in the window; the others of its request belong to it."""
    since_ms, until_ms = selection.since_ms, selection.until_ms
    moments = [attempt.placed_ms for attempt in request.attempts]
    moments += [event.timestamp_ms for event in request.mentions]
    return any(
        (since_ms is None or since_ms <= ms) and (until_ms is None or ms < until_ms)
        for ms in moments
    )


def _why_left_out(request_id: str, place: str, selection: LogQuery) -> str:
    asked = f"function {selection.function}" if selection.function else "the log group asked for"
    return f"{request_id} is in this log, but not in {asked}: the log holds it in {place}."


def _why_not_found(request_id: str, found: TracedLog, *, ran: bool) -> str:
    if ran:
        return f"{request_id} has no attempt between --since and --until."
    if request_id in found.web:
        return f"{request_id} is a request to a web function: no event, and never retried."
    if request_id in found.mentioned:
        return f"{request_id} is mentioned, but no attempt of it is in what was looked at."
    return f"{request_id} was not found."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSource:
    """A source, ready to be read.

    ``trace`` checks the requests of ``selection``, given the markers and what a durable store
    recorded of each. ``function`` are the settings of the function that was named, as far as they
    are known, ``region`` is
    where it was looked, ``said`` grows by what should be said of all this.
    """

    trace: Callable[[Markers, Mapping[str, StoreCount]], TracedLog]
    selection: LogQuery
    function: FunctionConfig = field(default_factory=FunctionConfig)
    region: Callable[[], str | None]
    said: list[str] = field(default_factory=list)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What should be said by now."""
        return tuple(self.said)


def settings_for(look: SourceOptions) -> ProjectConfig:
    """The settings of the working folder; the demo is what it is, whatever they make of a log."""
    return ProjectConfig() if look.source == "demo" else load_settings(Path.cwd())


def open_source(
    look: SourceOptions,
    settings: ProjectConfig,
    selection: LogQuery,
    progress: Progress,
    *,
    clock: Callable[[], int],
    quiet: bool = False,
) -> OpenedSource:
    """The source that ``look`` names; ``selection`` has the IDs and the window.

    On CloudWatch there are IDs. ``clock`` gives epoch milliseconds. Raises ``UsageError`` where a
    function's name cannot be one.
    """
    if look.source == "cloudwatch":
        from retryctl.app.cloudwatch_targets import open_cloudwatch

        return open_cloudwatch(look, settings, selection, progress, clock=clock, quiet=quiet)
    return _saved(look, selection, progress)


def _saved(look: SourceOptions, selection: LogQuery, progress: Progress) -> OpenedSource:
    name = parse_function_name(look.function).name if look.function else None
    selection = replace(selection, function=name, log_groups=look.log_groups)
    log = BulkReader(look.source, progress=partial(tell_bytes, progress))
    return OpenedSource(
        trace=lambda markers, stored: log.trace(selection, markers, stored=stored),
        selection=selection,
        region=lambda: look.region or os.environ.get("AWS_DEFAULT_REGION"),
    )


def tell_bytes(progress: Progress, done: int, total: int | None) -> None:
    """Say how far the reading of a saved log is, and how fast it was so far."""
    of = f" of {total / 1e6:,.0f}" if total else ""
    mb = done / 1e6
    progress(lambda: f"reading: {mb:,.0f}{of} MB, {mb / progress.seconds:,.0f} MB/s")


def read_stored(look: SourceOptions, request_ids: Sequence[str]) -> Mapping[str, StoreCount]:
    """What the durable store of ``look`` holds of each request; empty where none is named."""
    if look.store is None:
        return {}
    from retryctl.app.cloudwatch_targets import aws_for
    from retryctl.sources.aws.counter_stores import read_count

    return read_count(look.store, request_ids, aws_for(look, look.function, *look.log_groups))
