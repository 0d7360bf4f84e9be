"""A search of CloudWatch by request ID, made ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from retryctl.app.aws_clients import aws_for, with_place
from retryctl.app.cloudwatch_targets import KnownFunctions, by_groups, place_of, query_budget
from retryctl.app.options import (
    Clock,
    Feedback,
    LateWarnings,
    ShowProgress,
    SourceOptions,
    TimeWindow,
)
from retryctl.config import ProjectConfig
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.value_classes import value_class
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_config import read_versions
from retryctl.sources.aws.function_name import parse_function_name
from retryctl.sources.aws.service_clock import LEAST_SKEW_MS
from retryctl.sources.cloudwatch.request_source import RequestSource


@value_class
class OpenedSearch:
    """A search of CloudWatch by request ID, ready to run.

    ``query`` names the groups and the function it reads. ``settings_of`` gives the settings of
    the function that logged an event.
    """

    aws: AwsClient
    source: RequestSource
    query: LogQuery
    settings_of: Callable[[LogEvent], FunctionConfig]
    coverage: Callable[[], Coverage]


def open_search(
    options: SourceOptions,
    config: ProjectConfig,
    query: LogQuery,
    *,
    feedback: Feedback,
    show: ShowProgress,
    clock: Clock,
) -> OpenedSearch:
    """Open the search for the requests of ``query`` on CloudWatch.

    Raises ``UsageError`` for a name that cannot be a function's.
    """
    if options.functions and not options.log_groups:
        options = by_groups(options, config, feedback, show)
    place = place_of(options, config, any_group=True)
    aws = aws_for(options, place.function, *place.groups, show=show, clock=clock)
    late = LateWarnings(pass_on=feedback.warn)
    functions = KnownFunctions(aws, place, late.warn)
    groups = functions.groups
    known = FunctionConfig() if place.elsewhere else functions.known
    command = f"retryctl trace {' '.join(query.request_ids[:5])} -f NAME{options.aws_options}"
    source = RequestSource(
        aws,
        groups=groups,
        otherwise=partial(functions.discovered, groups, command) if place.elsewhere else None,
        described=functions.described,
        clock=lambda: clock() + aws.skew_ms,
        timeout_ms=known.timeout_ms,
        event_age_ms=known.event_age_ms,
        progress=lambda text: show(lambda _: text),
        engine=options.engine.value,
        terms=query_budget(options, feedback),
        markers=config.markers,
        given_function="" if options.log_groups else options.names,
    )
    named = parse_function_name(place.function) if place.function and not place.elsewhere else None
    names = (place.function, *place.groups)
    return OpenedSearch(
        aws=aws,
        source=source,
        query=replace(
            query,
            log_groups=groups,
            function=named.name if named else None,
            versions=read_versions(aws, named, late.warn) if named else None,
        ),
        settings_of=functions.of,
        coverage=lambda: with_place(late.after(source.coverage()), options, *names),
    )


def read_by_service_clock(
    search: OpenedSearch, window: TimeWindow, clock: Clock
) -> tuple[LogQuery, list[LogEvent]]:
    """Read the events; read them again if the responses show that this machine's clock is wrong."""
    while True:
        skew_ms = search.aws.skew_ms
        shifted = window.shifted(skew_ms)
        query = replace(search.query, since_ms=shifted.since_ms, until_ms=shifted.until_ms)
        events = list(search.source.read(query))
        shifted.refuse_future(clock() + search.aws.skew_ms)
        if abs(search.aws.skew_ms - skew_ms) <= LEAST_SKEW_MS:
            return query, events
