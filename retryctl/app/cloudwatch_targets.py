"""CloudWatch targets: which log groups to read, with which engine and function settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from retryctl.app.aws_clients import aws_for
from retryctl.app.options import (
    Feedback,
    ShowProgress,
    SourceOptions,
    Warn,
)
from retryctl.config import ProjectConfig
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.group_names import function_from_names as function_of
from retryctl.core.value_classes import value_class
from retryctl.errors import AccessDenied, UsageError
from retryctl.sources.aws.client import AwsClient
from retryctl.sources.aws.function_config import (
    read_listed_settings,
    read_settings,
    read_versions,
    with_warnings_in_order,
)
from retryctl.sources.aws.function_discovery import (
    Discovered,
    discover,
    is_pattern,
    matching_functions,
)
from retryctl.sources.aws.function_name import FunctionName, parse_function_name
from retryctl.sources.aws.log_groups import (
    Description,
    LogGroup,
    describe,
    find_log_groups,
    log_group,
    with_distinct_groups,
)
from retryctl.sources.cloudwatch.search_options import QueryBudget

# arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders-worker
_GROUP_ARN = re.compile(r"arn:([^:]*):logs:([^:]*):([^:]*):log-group:")


@value_class
class SearchPlace:
    """The function and the log groups; with ``elsewhere`` other groups may be searched too."""

    function: str | None = None
    groups: tuple[str, ...] = ()
    elsewhere: bool = False


def by_groups(
    options: SourceOptions, config: ProjectConfig, feedback: Feedback, show: ShowProgress
) -> SourceOptions:
    """Replace several functions by their log groups."""
    if any(parse_function_name(one).qualifier for one in options.functions if not is_pattern(one)):
        raise UsageError(
            "a version or an alias can be given for one function only.",
            "Name one function, or drop the version.",
        )
    _, targets = find_targets(options, config, feedback.warn, show)
    groups = (target.group.identifier or target.group.name for target in targets)
    return replace(options, functions=(), log_groups=tuple(groups))


def query_budget(options: SourceOptions, feedback: Feedback) -> QueryBudget:
    """Return what Logs Insights may cost; its price is reported as a warning."""
    return QueryBudget(max_cost_usd=options.max_cost, warn=feedback.warn, confirm=feedback.confirm)


def place_of(options: SourceOptions, config: ProjectConfig, *, any_group: bool) -> SearchPlace:
    """Return the place to search: from the options, else from the settings file.

    A log group without a function can name one: that of ``/aws/lambda/NAME``.
    """
    if options.log_groups:
        only = options.log_groups[0] if len(options.log_groups) == 1 else None
        return SearchPlace(
            function=options.one_function or (function_of_group(only) if only else None),
            groups=options.log_groups,
        )
    if options.function:
        return SearchPlace(function=options.function)
    if not any_group and not config.function and not config.log_groups:
        raise UsageError(
            "no function or log group given.",
            "Name the function with -f, or its log group with -g; or read a saved log with --from.",
        )
    return SearchPlace(function=config.function, groups=config.log_groups, elsewhere=any_group)


def function_of_group(group: str) -> str | None:
    """Return the function of ``/aws/lambda/NAME``; its ARN where the group is named by one."""
    known = log_group(group)
    name = None if "*" in known.name else function_of(known.name, None)
    arn = _GROUP_ARN.match(known.identifier or "")
    return f"arn:{arn[1]}:lambda:{arn[2]}:{arn[3]}:function:{name}" if name and arn else name


class KnownFunctions:
    """The settings of functions, each read once.

    ``known`` are the settings of the function that is named, ``groups`` the groups it logs to;
    ``described`` has the group's description where it is a single one.
    """

    def __init__(self, aws: AwsClient, place: SearchPlace, warn: Warn) -> None:
        self._warn = warn
        self.known = FunctionConfig()
        self.groups = place.groups
        self.described: dict[LogGroup, Description] = {}
        self._aws = aws
        self._arns = {each.name: each.identifier for each in map(log_group, place.groups)}
        self._read: dict[str | None, FunctionConfig] = {None: self.known}
        self._only: str | None = None
        if place.function:
            named = parse_function_name(place.function)
            describe_it = partial(self._describe, place, named)
            self.known, own = read_settings(aws, place.function, warn, beside=describe_it)
            self.groups = _groups_of(aws, place.groups, named, own)
            self._only = None if place.elsewhere else place.function
            self._read[named.name if place.elsewhere else place.function] = self.known

    def of(self, event: LogEvent) -> FunctionConfig:
        """Return the settings of the function that logged ``event``."""
        function = self._only
        if function is None:
            group = self._arns.get(event.log_group or "") or event.log_group or ""
            function = function_of_group(group) or function_of(event.log_group, event.log_stream)
        if function not in self._read and function is not None:
            self._read[function], _ = read_settings(self._aws, function, self._warn)
        return self._read[function]

    def discovered(self, first: Sequence[str], command: str) -> Discovered:
        """Return every log group of a Lambda function, the likeliest first.

        With ``-f`` no list of groups is needed.
        """
        try:
            return discover(self._aws, self._warn, first)
        except AccessDenied as error:
            step = "Name the function (-f NAME) or its log group (-g GROUP), or allow the action:"
            error.next_step = f"{step}\n{command}"
            raise

    def _describe(self, place: SearchPlace, named: FunctionName, own: str | None) -> None:
        names = _groups_of(self._aws, place.groups, named, own)
        if len(names) == 1 and not is_pattern(names[0]):
            group = log_group(names[0])
            self.described[group] = describe(self._aws, group)


def _groups_of(
    aws: AwsClient, groups: tuple[str, ...], named: FunctionName, own: str | None
) -> tuple[str, ...]:
    """Return ``groups``, or the log group of a function whose settings name ``own``, or none."""
    named = replace(named, region=named.region or aws.region)
    return groups or (named.log_group(own),)


@value_class
class Target:
    """A log group; of a ``function`` that is named only its own streams are read.

    ``versions`` are those that are selected, ``None`` for all. ``description`` is that of the
    group, where it was listed.
    """

    group: LogGroup
    function: str | None
    settings: FunctionConfig
    versions: frozenset[str] | None = None
    description: Description | None = None


def find_targets(
    options: SourceOptions,
    config: ProjectConfig,
    warn: Warn,
    show: ShowProgress,
    *,
    reserved: bool = False,
) -> tuple[AwsClient, tuple[Target, ...]]:
    """Return the log groups that the options name, and the client that reads them.

    With ``reserved`` the reserved concurrency of functions that match a pattern is read too.
    Raises ``UsageError`` where nothing is named, or where a name cannot be a function's, and
    NoSuchLogGroup where a pattern matches none.
    """
    if options.functions and not options.log_groups:
        aws = aws_for(options, *options.functions, show=show)
        finder = _TargetFinder(aws=aws, warn=warn, reserved=reserved)
        found = chain.from_iterable(map(finder.named, options.functions))
    else:
        place = place_of(options, config, any_group=False)
        aws = aws_for(options, place.function, *place.groups, show=show)
        finder = _TargetFinder(aws=aws, warn=warn, reserved=reserved)
        if place.function:
            found = chain(finder.of_function(place.function, place.groups))
        else:
            found = chain(finder.of_groups(place.groups))
    once: dict[object, Target] = {}
    for target in found:
        once.setdefault((target.group, target.function, target.versions), target)
    targets = once.values()
    groups = with_distinct_groups(target.group for target in targets)
    return aws, tuple(replace(t, group=group) for t, group in zip(targets, groups, strict=True))


@value_class
class _TargetFinder:
    aws: AwsClient
    warn: Warn
    reserved: bool

    def named(self, name: str) -> Iterator[Target]:
        """Return the targets of a function's name or of a pattern of names."""
        if not is_pattern(name):
            yield from self.of_function(name)
            return
        functions = matching_functions(self.aws, name, self.warn)
        read = read_listed_settings(self.aws, functions, self.warn, reserved=self.reserved)
        for function, known in zip(functions, read, strict=True):
            yield Target(
                group=LogGroup(name=function.group),
                function=function.name,
                settings=known,
                description=function.description,
            )

    def of_function(self, function: str, groups: tuple[str, ...] = ()) -> Iterator[Target]:
        """Return the targets of one function: ``groups``, or the group that its settings name."""
        named = parse_function_name(function)
        known, own = read_settings(self.aws, function, self.warn)
        versions = read_versions(self.aws, named, self.warn)
        for group in find_log_groups(self.aws, _groups_of(self.aws, groups, named, own)):
            yield Target(group=group, function=named.name, settings=known, versions=versions)

    def of_groups(self, groups: tuple[str, ...]) -> Iterator[Target]:
        """Return the targets of log groups, each with the settings of its function."""
        found = find_log_groups(self.aws, groups)
        read = with_warnings_in_order(self._settings_of, found, self.warn)
        for group, known in zip(found, read, strict=True):
            yield Target(group=group, function=None, settings=known)

    def _settings_of(self, group: LogGroup, warn: Warn) -> FunctionConfig:
        """Return the settings of a group's function."""
        function = function_of_group(group.identifier or group.name)
        return read_settings(self.aws, function, warn)[0] if function else FunctionConfig()
