"""Show what happened on each attempt of requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from retryctl.app.options import (
    SILENT,
    WHOLE,
    Clock,
    Feedback,
    ShowProgress,
    SourceOptions,
    TimeWindow,
    bytes_progress,
    of_function,
    wall_clock_ms,
)
from retryctl.bulk.reader import TracedLog
from retryctl.config import ProjectConfig
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import (
    CheckedRequest,
    HistoryInput,
    check_history,
    cross_checked,
    lines_of_function,
    unmatched_patterns,
)
from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.model.coverage import Coverage, LogQuery, runs_version
from retryctl.core.model.events import LogEvent
from retryctl.core.model.request import Request
from retryctl.core.model.store_count import StoreCount
from retryctl.core.value_classes import value_class
from retryctl.core.wording import near_ids

if TYPE_CHECKING:
    from retryctl.core.failure_records.documents import FailureRecord
    from retryctl.sources.saved.files import SavedFile

SMALL_BYTES = 256 << 10
"""A saved log of at most this size is traced whole, which is faster than to read it twice."""


@value_class
class TraceResult:
    """The requests that were found, and what was read.

    ``not_found`` has a reason for each ID that was not found; ``branches`` are those that the
    handlers choose from, ``region`` is the AWS region of the log. ``unmatched`` explains that the
    configured markers match no line of the failed attempts; empty where one does. ``records`` are
    the failure records that the requests were compared with. ``skew_ms`` is how far the service's
    clock is ahead of this machine's. ``responses`` has the document that each attempt of a lab
    gave, by request ID. Of the requests that were not selected, ``others_wrong`` have a wrong
    counter, and ``others_exhausted`` are exhausted.
    """

    checked: Sequence[CheckedRequest]
    coverage: Coverage
    not_found: Mapping[str, str] = field(default_factory=dict)
    branches: Branches = field(default_factory=Branches)
    region: str | None = None
    records: tuple[FailureRecord, ...] = ()
    unmatched: str = ""
    skew_ms: int = 0
    responses: Mapping[str, Sequence[bytes | None]] | None = None
    others_wrong: int = 0
    others_exhausted: int = 0

    def only_retried(self) -> TraceResult:
        """Return the result with only those requests that were retried."""
        retried = [one for one in self.checked if len(one.request.attempts) > 1]
        return replace(self, checked=retried)

    def only_requests(self, request_ids: Collection[str], markers: Markers) -> TraceResult:
        """Return the result with only those requests."""
        checked = [one for one in self.checked if one.request.request_id in request_ids]
        return replace(self, checked=checked, unmatched=_unmatched(checked, markers))


def trace(
    request_ids: Sequence[str],
    options: SourceOptions,
    window: TimeWindow = WHOLE,
    *,
    config: ProjectConfig | None = None,
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
) -> TraceResult:
    """Show what happened on each attempt of the requests, or of all requests of a saved log.

    On CloudWatch, ``request_ids`` must name at least one. Raises the errors of
    ``retryctl.errors``: ``UsageError`` for options that contradict, ``CouldNotRead`` where
    nothing could be read.
    """
    return trace_reader(
        request_ids, options, window, config=config, feedback=feedback, clock=clock
    )()


def trace_reader(
    request_ids: Sequence[str],
    options: SourceOptions,
    window: TimeWindow = WHOLE,
    *,
    config: ProjectConfig | None = None,
    records: Sequence[FailureRecord] = (),
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
    stdin: Callable[[], SavedFile] | None = None,
) -> Callable[[], TraceResult]:
    """Return a function that reads the requests as they are by the time it is called.

    The requests are compared with the failure records. ``stdin`` gives a copy of standard input.
    """
    config = config or ProjectConfig()
    query = LogQuery(
        request_ids=tuple(request_ids), since_ms=window.since_ms, until_ms=window.until_ms
    )
    if options.source == "cloudwatch":
        read = _search_reader(options, config, query, window, feedback, clock)
    else:
        read = partial(_read_saved, options, config.markers, query, feedback, stdin)

    def traced() -> TraceResult:
        result = _compared(read(_read_store(options, request_ids, feedback)), records)
        given = replace(result.coverage, given_since_ms=window.since_ms, as_of_ms=window.until_ms)
        return replace(result, coverage=given)

    return traced


def _compared(result: TraceResult, records: Sequence[FailureRecord]) -> TraceResult:
    """Return the result with the differences between the records and the attempts."""
    if not records:
        return result
    from retryctl.core.failure_records.comparison import compared_with

    of_request = _by_request(records)
    checked = [
        compared_with(of_request[one.request.request_id], one, result.coverage)
        for one in result.checked
    ]
    return replace(result, checked=checked, records=tuple(records))


def with_recorded_ends(result: TraceResult) -> TraceResult:
    """Return the last result, with each request as its failure records end it."""
    if not result.records:
        return result
    from retryctl.core.failure_records.comparison import with_recorded_end

    of_request = _by_request(result.records)
    checked = [with_recorded_end(of_request[one.request.request_id], one) for one in result.checked]
    return replace(result, checked=checked)


def _by_request(records: Iterable[FailureRecord]) -> Mapping[str, list[FailureRecord]]:
    of_request: dict[str, list[FailureRecord]] = defaultdict(list)
    for record in records:
        of_request[record.request_id].append(record)
    return of_request


_Stored = Mapping[str, StoreCount]


def _search_reader(
    options: SourceOptions,
    config: ProjectConfig,
    query: LogQuery,
    window: TimeWindow,
    feedback: Feedback,
    clock: Clock,
) -> Callable[[_Stored], TraceResult]:
    from retryctl.app.aws_clients import warn_of_skew
    from retryctl.app.cloudwatch_search import open_search, read_by_service_clock

    shown: list[ShowProgress] = []  # where the search that is under way shows its progress
    with feedback.progress() as opening:
        shown[:] = [opening]
        search = open_search(
            options,
            config,
            query,
            feedback=feedback,
            show=lambda text: shown[-1](text),
            clock=clock,
        )

    def read(stored: _Stored) -> TraceResult:
        with feedback.progress() as show:
            shown[:] = [show]
            query, events = read_by_service_clock(search, window, clock)
        warn_of_skew(search.aws.skew_ms, feedback)
        found = _check(
            events,
            search.coverage(),
            HistoryInput(
                markers=config.markers,
                settings_of=search.settings_of,
                function=search.query.function,
                wanted=query.request_ids or None,
                stored=stored,
            ),
        )
        result = _result(found, query, config.markers, search.aws.region)
        return replace(result, skew_ms=search.aws.skew_ms)

    return read


def _read_saved(
    options: SourceOptions,
    markers: Markers,
    query: LogQuery,
    feedback: Feedback,
    stdin: Callable[[], SavedFile] | None,
    stored: _Stored,
) -> TraceResult:
    from retryctl.bulk.reader import BulkReader

    query = of_function(query, options, feedback)
    copy = stdin() if stdin else options.stdin
    log = BulkReader(options.source, stdin=copy)
    with feedback.progress() as show:
        found = log.trace(query, markers, stored=stored, progress=partial(bytes_progress, show))
    coverage = _with_wrong_requests(found, query, options.source, markers)
    found = replace(found, coverage=replace(coverage, given_names=options.names))
    region = options.region or options.default_region
    return _result(found, query, markers, region)


def _with_wrong_requests(
    found: TracedLog, query: LogQuery, source: str, markers: Markers
) -> Coverage:
    """Return the coverage with the number of requests of the log that have a wrong counter.

    The rest of a log is read for it only where a request that was found has one, and where the
    log is small.
    """
    from retryctl.bulk.reader import BulkReader
    from retryctl.sources.saved.files import find_files

    everything, requests = LogQuery(), found.requests
    if source == "-" or not any(one.verdict is Verdict.DISAGREES for one in requests):
        return found.coverage
    if query != everything:
        if sum(file.size for file in find_files(source, None)) > SMALL_BYTES:
            return found.coverage
        requests = BulkReader(source).trace(everything, markers).requests
    wrong = sum(one.verdict is Verdict.DISAGREES for one in requests)
    return replace(found.coverage, wrong_requests=wrong)


def _check(events: Sequence[LogEvent], coverage: Coverage, given: HistoryInput) -> TracedLog:
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


def _result(found: TracedLog, query: LogQuery, markers: Markers, region: str | None) -> TraceResult:
    versions = {
        one.request.request_id: [attempt.version for attempt in one.request.attempts]
        for one in found.requests
    }
    inside = [
        one
        for one in found.requests
        if _is_in_window(one.request, query)
        and runs_version(query.versions, versions[one.request.request_id])
    ]
    left_out = dict(found.coverage.left_out)
    ids_inside = {one.request.request_id for one in inside}
    return TraceResult(
        checked=inside,
        coverage=found.coverage,
        not_found={
            one: _why_left_out(one, left_out[one], query)
            if one in left_out
            else _why_not_found(one, found, query, ran=versions.get(one))
            for one in query.request_ids
            if one not in ids_inside
        },
        branches=markers.branches,
        region=region,
        unmatched=_unmatched(found.requests, markers),
    )


def _unmatched(requests: Sequence[CheckedRequest], markers: Markers) -> str:
    attempts = [attempt for one in requests for attempt in one.request.attempts]
    failed = sum(attempt.outcome.failed for attempt in attempts)
    return unmatched_patterns(failed, cross_checked(requests), markers, lines_of_function(requests))


def _is_in_window(request: Request, query: LogQuery) -> bool:
    """Whether some attempt started in the window; the others of its request belong to it."""
    since_ms, until_ms = query.since_ms, query.until_ms
    moments = [attempt.placed_ms for attempt in request.attempts]
    moments += [event.timestamp_ms for event in request.mentions]
    return any(
        (since_ms is None or since_ms <= ms) and (until_ms is None or ms < until_ms)
        for ms in moments
    )


def _why_left_out(request_id: str, place: str, query: LogQuery) -> str:
    requested = f"function {query.function}" if query.function else "the requested log group"
    return f"{request_id} is in this log, but not in {requested}: the log has it in {place}."


def _why_not_found(
    request_id: str, found: TracedLog, query: LogQuery, *, ran: Sequence[str | None] | None
) -> str:
    if ran and not runs_version(query.versions, ran):
        return f"{request_id} ran version {' and '.join(sorted({str(one) for one in ran}))}."
    if ran is not None:
        return f"{request_id} has no attempt between --since and --until."
    if request_id in found.web:
        return (
            f"{request_id} is a request to a web function. It has no event, and is never retried."
        )
    if request_id in found.mentioned:
        return f"{request_id} is mentioned, but no attempt of it is in the log that was read."
    return f"{request_id} was not found. {near_ids(request_id, found.near)}".rstrip()


def _read_store(options: SourceOptions, request_ids: Sequence[str], feedback: Feedback) -> _Stored:
    """Return the attempts in the durable store by request; empty where no store is named."""
    if options.store is None:
        return {}
    from retryctl.app.aws_clients import aws_for
    from retryctl.sources.aws.counter_stores import read_count

    with feedback.progress() as show:
        aws = aws_for(options, options.function, *options.log_groups, show=show)
        return read_count(options.store, request_ids, aws)
