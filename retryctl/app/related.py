"""The requests that belong to the same event under several request IDs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from retryctl.app.options import (
    SILENT,
    WHOLE,
    Clock,
    Feedback,
    SourceOptions,
    TimeWindow,
    wall_clock_ms,
)
from retryctl.app.trace import trace
from retryctl.config import ProjectConfig
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.related.groups import RelatedRequests, related_requests
from retryctl.core.related.keys import KeyReader, keys_of, known_keys
from retryctl.core.value_classes import value_class

AROUND_MS = 3_600_000
"""How far before and after a request its event is searched for, without a window."""


@value_class
class RelatedResult:
    """The groups that contain one of the requested names, or all groups; and what was read.

    ``events`` counts all groups, ``unknown`` are the names that the log does not contain, and
    ``matched`` of ``lines`` lines have a key. Lines and unknown names are for an empty result.
    """

    groups: Sequence[RelatedRequests]
    coverage: Coverage
    events: int = 0
    unknown: tuple[str, ...] = ()
    lines: int = 0
    matched: int = 0


def find_related(
    request_ids: Sequence[str],
    options: SourceOptions,
    window: TimeWindow = WHOLE,
    *,
    read_key: KeyReader = known_keys,
    keys: Sequence[str] = (),
    is_wanted: Callable[[str | None], bool] = lambda function: True,
    config: ProjectConfig | None = None,
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
) -> RelatedResult:
    """Group the requests of a window by event.

    On CloudWatch every line of the window is read, because any of them can have the key. With
    request IDs and without a window, that is an hour before and after each of them. An ID can
    also be the key, such as the ID of an SQS message; ``keys`` are further values of keys,
    or begin a request ID.
    ``is_wanted`` selects functions by name.
    """
    config = config or ProjectConfig()
    if options.source == "cloudwatch":
        if request_ids and window.is_open:
            options, window = _place(request_ids, options, config, feedback, clock)
        requests: Sequence[CheckedRequest]
        requests, coverage = _download(options, window, config, feedback, clock)
    else:
        found = trace((), options, window, config=config, feedback=feedback)
        requests, coverage = found.checked, found.coverage
    some = [one for one in requests if is_wanted(one.request.function)]
    keys = [_whole_id(key, some) for key in keys]
    wanted = {name.lower() for name in (*request_ids, *keys)}
    groups = related_requests(some, read_key)
    chosen = [group for group in groups if not wanted or wanted.intersection(group.ids)]
    result = RelatedResult(groups=chosen, coverage=coverage, events=len(groups))
    return result if chosen else _without_groups(result, some, (*request_ids, *keys), read_key)


def _without_groups(
    result: RelatedResult,
    requests: Sequence[CheckedRequest],
    names: Sequence[str],
    read_key: KeyReader,
) -> RelatedResult:
    """Add why the result has no group: unknown names, and how many lines have a key."""
    known = {one.request.request_id for one in requests}
    known |= {key.value.lower() for one in requests for key in keys_of(one, read_key)}
    lines = [event for one in requests for run in one.request.attempts for event in run.events]
    return replace(
        result,
        unknown=() if known.intersection(map(str.lower, names)) else tuple(names),
        lines=len(lines),
        matched=sum(any(True for _ in read_key(event.message)) for event in lines),
    )


_SHORTEST_PREFIX = 4


def _whole_id(key: str, requests: Iterable[CheckedRequest]) -> str:
    """Return the request ID that ``key`` begins, where it begins one alone; else ``key``."""
    ids = {one.request.request_id for one in requests}
    found = [each for each in ids if each.startswith(key.lower())]
    return found[0] if len(key) >= _SHORTEST_PREFIX and len(found) == 1 else key


def _place(
    request_ids: Sequence[str],
    options: SourceOptions,
    config: ProjectConfig,
    feedback: Feedback,
    clock: Clock,
) -> tuple[SourceOptions, TimeWindow]:
    """Return the log groups that have the requests, and the window around their attempts."""
    found = trace(request_ids, options, config=config, feedback=feedback, clock=clock)
    attempts = [attempt for one in found.checked for attempt in one.request.attempts]
    if not attempts:
        return options, WHOLE
    groups = dict.fromkeys(attempt.log_group for attempt in attempts if attempt.log_group)
    if not (options.function or options.functions or options.log_groups):
        options = replace(options, log_groups=tuple(groups))
    since_ms = min(attempt.placed_ms for attempt in attempts) - AROUND_MS
    until_ms = max(attempt.last_event.timestamp_ms for attempt in attempts) + AROUND_MS
    return options, TimeWindow(since_ms=since_ms, until_ms=until_ms if until_ms < clock() else None)


def _download(
    options: SourceOptions,
    window: TimeWindow,
    config: ProjectConfig,
    feedback: Feedback,
    clock: Clock,
) -> tuple[list[CheckedRequest], Coverage]:
    """Read every line of the window from CloudWatch, and check its requests."""
    from retryctl.app.download import download_groups
    from retryctl.bulk.reader import BulkReader

    downloading = download_groups(
        options,
        config,
        window,
        now_ms=clock(),
        feedback=feedback,
        every_line=True,
        verify_all=False,
        wrong_counters=lambda group: (),
    )
    requests: list[CheckedRequest] = []
    with downloading as downloaded:
        since_ms = downloaded.window.since_ms or 0
        for group in downloaded.groups:
            if not group.coverage.events_read:
                continue
            query = LogQuery(function=group.target.function, keeps_places=True)
            log = BulkReader(str(group.folder))
            found = log.trace(query, config.markers, group.target.settings)
            requests += (one for one in found.requests if one.request.placed_ms >= since_ms)
        return requests, downloaded.coverage
