"""Functions that log, with their log groups: of a whole account, or by a pattern of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import takewhile

from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotRead, NoSuchLogGroup
from retryctl.sources.aws.client import AwsClient, AwsResponse
from retryctl.sources.aws.log_groups import Description, Warn, described_groups

_PREFIX = "/aws/lambda/"
_SIGNS = re.compile(r"[*?\[]")
_OWN_GROUPS = "Functions with a log group of their own are not searched: {}."


def is_pattern(name: str) -> bool:
    """Whether it can stand for several functions."""
    return bool(_SIGNS.search(name))


@value_class
class LoggingFunction:
    """A function and its log group; without a ``configuration`` the function was deleted.

    ``description`` is that of the group, where it was listed too.
    """

    name: str
    group: str
    configuration: AwsResponse | None = None
    description: Description | None = None


Discovered = Mapping[str, Description | None]
"""Log groups by name, the likeliest first; ``None`` where the description is not known."""


def discover(aws: AwsClient, warn: Warn, first: Iterable[str] = ()) -> Discovered:
    """Find log groups of functions; warn of what could not be listed.

    ``first`` are those that settings name. Then come the others by size: a request is most
    likely where most was logged. Raises NoSuchLogGroup where there is none, and the errors of
    ``retryctl.errors`` where the groups may not be listed and ``first`` is empty.
    """
    names: dict[str, Description | None] = dict.fromkeys(first)
    try:
        listed = dict(described_groups(aws, _PREFIX))
    except CouldNotRead as error:
        if not names:
            raise
        warn(f"Only the groups of the settings are searched: {error.what}.")
        return names
    try:
        own = (function.group for function in listed_functions(aws))
        names.update(dict.fromkeys(group for group in own if not group.startswith(_PREFIX)))
    except CouldNotRead as error:
        warn(_OWN_GROUPS.format(error.what))
    for name in sorted(listed, key=lambda name: (-(listed[name].stored_bytes or 0), name)):
        names[name] = listed[name]
    if not names:
        raise NoSuchLogGroup(
            f"no log group {_PREFIX}* exists in this account and region",
            "Check --region and --profile, or name a group with --log-group.",
        )
    return names


def larger_than_the_rest(described: Sequence[Description | None]) -> int:
    """Return how many of the first groups have more logs each than all groups behind it."""
    sizes = [each.stored_bytes or 0 if each else 0 for each in described]
    behind = (sum(sizes[place + 1 :]) for place in range(len(sizes)))
    alone = takewhile(lambda pair: pair[0] > pair[1], zip(sizes, behind, strict=True))
    return sum(1 for _ in alone)


def matching_functions(aws: AwsClient, pattern: str, warn: Warn) -> tuple[LoggingFunction, ...]:
    """List the functions that match ``pattern`` (``*``, ``?``) and that have logged, by name.

    Raises NoSuchLogGroup where there is none, and the errors of ``retryctl.errors`` where the
    groups may not be listed.
    """
    not_listed = ""
    fixed = _SIGNS.split(pattern)[0]
    groups = dict(described_groups(aws, _PREFIX + fixed))
    found = {
        name: LoggingFunction(name=name, group=group, description=known)
        for group, known in groups.items()
        if fnmatchcase(name := group.removeprefix(_PREFIX), pattern)
    }
    try:
        for function in listed_functions(aws):
            usual = function.group == _PREFIX + function.name
            if fnmatchcase(function.name, pattern) and (not usual or function.group in groups):
                known = groups.get(function.group)
                found[function.name] = replace(function, description=known)
    except CouldNotRead as error:
        not_listed = _OWN_GROUPS.format(error.what)
    if not found:
        raise NoSuchLogGroup(
            f"no function with a log group matches {pattern}",
            "Check --region and --profile, and the pattern.",
        )
    if not_listed:
        warn(not_listed)
    return tuple(found[name] for name in sorted(found))


def listed_functions(aws: AwsClient) -> Iterator[LoggingFunction]:
    """Yield the functions of the account in the region."""
    options = {"subject": "the functions"}
    return map(_logging, aws.items("lambda", "ListFunctions", {}, "Functions", **options))


def _logging(function: AwsResponse) -> LoggingFunction:
    name = function["FunctionName"]
    group = (function.get("LoggingConfig") or {}).get("LogGroup")
    return LoggingFunction(name=name, group=group or _PREFIX + name, configuration=function)
