"""CloudWatch as it was asked for: where to look, by which engine, and whose settings count."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from retryctl.app.trace import OpenedSource, traced
from retryctl.bulk.reader import TracedLog
from retryctl.cli.params import SourceOptions
from retryctl.cli.terminal import Progress, remark
from retryctl.config import ProjectConfig
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.verdict import HistoryInput
from retryctl.core.model.attempt import function_from_names as function_of
from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.errors import UsageError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_config import parse_function_name, read_settings
from retryctl.sources.aws.log_groups import (
    LogGroup,
    discover,
    find_log_groups,
    is_pattern,
    log_group,
    matching_functions,
)
from retryctl.sources.cloudwatch.insights import QueryBudget
from retryctl.sources.cloudwatch.requests import RequestSource
from retryctl.sources.cloudwatch.stats import SearchProgress as Calls

# arn:aws:lambda:eu-west-1:123456789012:function:orders-worker
_REGION_OF_ARN = re.compile(r"arn:[^:]*:(?:lambda|logs):([^:]+):")
# arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders-worker
_GROUP_ARN = re.compile(r"arn:([^:]*):logs:([^:]*):([^:]*):log-group:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The function and the log groups; ``elsewhere`` tells that others may be searched too."""

    function: str | None = None
    groups: tuple[str, ...] = ()
    elsewhere: bool = False


def open_cloudwatch(
    look: SourceOptions,
    settings: ProjectConfig,
    selection: LogQuery,
    progress: Progress,
    *,
    clock: Callable[[], int],
    quiet: bool,
) -> OpenedSource:
    """The requests of ``selection`` on CloudWatch, ready to be read.

    Raises ``UsageError`` where a function's name cannot be one.
    """
    place = place_of(look, settings, any_group=True)
    aws = aws_for(look, place.function, *place.groups)
    functions = _Functions(aws, place)
    groups = functions.groups
    known = FunctionConfig() if place.elsewhere else functions.known
    source = RequestSource(
        aws,
        groups=groups,
        otherwise=partial(functions.discovered, groups) if place.elsewhere else None,
        clock=clock,
        timeout_ms=known.timeout_ms,
        event_age_ms=known.event_age_ms,
        progress=partial(tell_calls, progress),
        engine=look.engine.value,
        terms=terms_of(look, quiet=quiet),
    )
    name = (
        parse_function_name(place.function).name if place.function and not place.elsewhere else None
    )
    selection = replace(selection, log_groups=groups, function=name)

    def trace(markers: Markers, stored: Mapping[str, StoreCount]) -> TracedLog:
        events = list(source.read(selection))
        given = HistoryInput(
            markers=markers,
            settings_of=functions.of,
            function=selection.function,
            wanted=selection.request_ids or None,
            stored=stored,
        )
        return traced(events, given, with_place(source.coverage(), look))

    return OpenedSource(
        trace=trace,
        selection=selection,
        function=known,
        region=lambda: aws.region,
        said=functions.said,
    )


def aws_for(look: SourceOptions, *names: str | None) -> AwsClient:
    """The door to AWS; the region is the one of an ARN among ``names`` where none was given."""
    from retryctl import __version__

    found = (_REGION_OF_ARN.match(name) for name in names if name)
    return AwsClient(
        profile=look.profile,
        region=look.region or next((match[1] for match in found if match), None),
        endpoint_url=look.endpoint_url,
        user_agent=f"retryctl/{__version__}",
    )


def terms_of(look: SourceOptions, *, quiet: bool) -> QueryBudget:
    """What Logs Insights may cost, and that it is said on stderr."""
    return QueryBudget(
        max_cost_usd=look.max_cost,
        say=lambda sentence: remark(f"retryctl: {sentence}", quiet=quiet),
    )


def place_of(look: SourceOptions, settings: ProjectConfig, *, any_group: bool) -> Place:
    """Where to look: what was given counts alone; what is set comes before all the others.

    A log group without a function can name one: that of ``/aws/lambda/NAME``.
    """
    if look.log_groups:
        only = look.log_groups[0] if len(look.log_groups) == 1 else None
        return Place(
            function=look.function or (function_of_group(only) if only else None),
            groups=look.log_groups,
        )
    if function := look.function or os.environ.get("RETRYCTL_FUNCTION"):
        return Place(function=function)
    if not any_group and not settings.function and not settings.log_groups:
        raise UsageError(
            "it is not said where on CloudWatch to look.",
            "Name the function with -f, or its log group with -g; or read a saved log with --from.",
        )
    return Place(function=settings.function, groups=settings.log_groups, elsewhere=any_group)


def function_of_group(group: str) -> str | None:
    """The function of ``/aws/lambda/NAME``; its ARN where the group is named by one."""
    known = log_group(group)
    name = None if "*" in known.name else function_of(known.name, None)
    arn = _GROUP_ARN.match(known.identifier or "")
    return f"arn:{arn[1]}:lambda:{arn[2]}:{arn[3]}:function:{name}" if name and arn else name


class _Functions:
    """The settings of functions, each read once. ``said`` are sentences on what is not known.

    ``known`` are those of the function that is named, ``groups`` where it logs.
    """

    def __init__(self, aws: AwsClient, place: Place) -> None:
        self.said: list[str] = []
        self.known = FunctionConfig()
        self.groups = place.groups
        self._aws = aws
        self._arns = {log_group(group).name: group for group in place.groups}
        self._read: dict[str | None, FunctionConfig] = {None: self.known}
        self._only: str | None = None
        if place.function:
            self.known, own = self._settings(place.function)
            name = parse_function_name(place.function)
            self.groups = place.groups or (own or name.default_log_group,)
            self._only = None if place.elsewhere else place.function
            self._read[name.name if place.elsewhere else place.function] = self.known

    def of(self, event: LogEvent) -> FunctionConfig:
        """The settings of the function whose log ``event`` stands in."""
        function = self._only
        if function is None:
            group = self._arns.get(event.log_group or "", event.log_group or "")
            function = function_of_group(group) or function_of(event.log_group, event.log_stream)
        if function not in self._read and function is not None:
            self._read[function], _ = self._settings(function)
        return self._read[function]

    def discovered(self, first: Sequence[str]) -> Sequence[str]:
        """Every group of a Lambda function, most likely first."""
        groups, notes = discover(self._aws, first)
        self.said += notes
        return groups

    def _settings(self, function: str) -> tuple[FunctionConfig, str | None]:
        settings, group, notes = read_settings(self._aws, function)
        self.said += notes
        return settings, group


def with_place(coverage: Coverage, look: SourceOptions) -> Coverage:
    """The commands that settle a gap go where this one went."""
    options = (
        ("--profile", look.profile),
        ("--region", look.region),
        ("--endpoint-url", look.endpoint_url),
    )
    place = "".join(f" {name} {shlex.quote(value)}" for name, value in options if value)
    return replace(
        coverage,
        gaps=tuple(
            replace(gap, settle=gap.settle + place)
            if gap.settle and gap.settle.startswith("retryctl ")
            else gap
            for gap in coverage.gaps
        ),
    )


def tell_calls(progress: Progress, at: Calls) -> None:
    """Say how far the looking is."""
    where = at.log_group if at.groups == 1 else f"{at.groups:,} log groups, {at.groups_done:,} done"
    done = f"{at.pages:,} pages, {at.api_calls:,} calls, {at.found:,} lines found"
    progress(lambda: f"searching {where}: {done}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A log group; of a ``function`` that is named only its own streams are asked for."""

    group: LogGroup
    function: str | None
    settings: FunctionConfig


class Targets:
    """The targets that ``look`` means, through ``aws``; ``said`` is what is not known of them.

    Raises ``UsageError`` where nothing is named, or where a name cannot be a function's, and
    NoSuchLogGroup where a pattern matches none.
    """

    def __init__(self, look: SourceOptions, settings: ProjectConfig) -> None:
        self.said: list[str] = []
        found: Iterator[Target]
        if look.functions:
            self.aws = aws_for(look, *look.functions)
            found = chain.from_iterable(map(self._named, look.functions))
        else:
            place = place_of(look, settings, any_group=False)
            self.aws = aws_for(look, place.function, *place.groups)
            found = (
                self._of(place.function, place.groups)
                if place.function
                else self._of_groups(place.groups)
            )
        self.targets = tuple(dict.fromkeys(found))

    def _named(self, name: str) -> Iterator[Target]:
        if not is_pattern(name):
            yield from self._of(name)
            return
        functions, notes = matching_functions(self.aws, name)
        self.said += notes
        for function in functions:
            known = self._settings(function.name)[0] if function.exists else FunctionConfig()
            group = LogGroup(name=function.group)
            yield Target(group=group, function=function.name, settings=known)

    def _of(self, function: str, groups: tuple[str, ...] = ()) -> Iterator[Target]:
        name = parse_function_name(function)
        known, own = self._settings(function)
        for group in find_log_groups(self.aws, groups or (own or name.default_log_group,)):
            yield Target(group=group, function=name.name, settings=known)

    def _of_groups(self, groups: tuple[str, ...]) -> Iterator[Target]:
        for group in find_log_groups(self.aws, groups):
            function = function_of_group(group.identifier or group.name)
            known = self._settings(function)[0] if function else FunctionConfig()
            yield Target(group=group, function=None, settings=known)

    def _settings(self, function: str) -> tuple[FunctionConfig, str | None]:
        settings, group, notes = read_settings(self.aws, function)
        self.said += notes
        return settings, group
