"""Which functions there are and where they log, when nobody said or a pattern says it.

Groups of the usual name (``/aws/lambda/NAME``), and those that a function's LoggingConfig names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from retryctl.errors import CouldNotLook, NoSuchLogGroup
from retryctl.sources.aws import Answer, Aws
from retryctl.sources.log_groups import described_groups

_PREFIX = "/aws/lambda/"
_SIGNS = re.compile(r"[*?\[]")


def is_pattern(name: str) -> bool:
    """Whether it can stand for several functions."""
    return bool(_SIGNS.search(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingFunction:
    """A function and its log group; ``exists`` is false where the group has outlived it."""

    name: str
    group: str
    exists: bool = True


def discover(aws: Aws, first: Iterable[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of log groups, most likely first, and sentences on what could not be asked.

    ``first`` are those that settings name. Then come the others by size: a request is most
    likely where most was logged. Raises NoSuchLogGroup where there is none, and the errors of
    ``retryctl.errors`` where the groups may not be listed and ``first`` is empty.
    """
    notes: list[str] = []
    names = dict.fromkeys(first)
    try:
        sizes = dict(described_groups(aws, _PREFIX))
    except CouldNotLook as error:
        if not names:
            raise
        notes.append(f"Only the groups of the settings are searched: {error.what}.")
        return tuple(names), tuple(notes)
    try:
        own = (function.group for function in _functions(aws))
        names.update(dict.fromkeys(group for group in own if not group.startswith(_PREFIX)))
    except CouldNotLook as error:
        notes.append(f"Functions with a log group of their own are not searched: {error.what}.")
    names.update(dict.fromkeys(sorted(sizes, key=lambda name: (-sizes[name], name))))
    if not names:
        raise NoSuchLogGroup(
            f"there is no log group {_PREFIX}* here",
            "Check --region and --profile, or name a group with --log-group.",
        )
    return tuple(names), tuple(notes)


def matching_functions(
    aws: Aws, pattern: str
) -> tuple[tuple[LoggingFunction, ...], tuple[str, ...]]:
    """The functions whose name matches ``pattern`` (``*``, ``?``) and that have logged, by name.

    With them sentences on what could not be asked. Raises NoSuchLogGroup where there is none, and
    the errors of ``retryctl.errors`` where the groups may not be listed.
    """
    notes: list[str] = []
    fixed = _SIGNS.split(pattern)[0]
    groups = [name for name, _ in described_groups(aws, _PREFIX + fixed)]
    found = {
        name: LoggingFunction(name=name, group=group, exists=False)
        for group in groups
        if fnmatchcase(name := group.removeprefix(_PREFIX), pattern)
    }
    try:
        for function in _functions(aws):
            usual = function.group == _PREFIX + function.name
            if fnmatchcase(function.name, pattern) and (not usual or function.group in groups):
                found[function.name] = function
    except CouldNotLook as error:
        notes.append(f"Functions with a log group of their own are not looked at: {error.what}.")
    if not found:
        raise NoSuchLogGroup(
            f"no function that has logged matches {pattern}",
            "Check --region and --profile, and the pattern.",
        )
    return tuple(found[name] for name in sorted(found)), tuple(notes)


def _functions(aws: Aws) -> Iterator[LoggingFunction]:
    request: dict[str, str] = {}
    while True:
        page = aws.call(
            "lambda", "ListFunctions", request, expect="Functions", subject="the functions"
        )
        yield from map(_logging, page["Functions"])
        if not page.get("NextMarker"):
            return
        request = {"Marker": page["NextMarker"]}


def _logging(function: Answer) -> LoggingFunction:
    name = function["FunctionName"]
    group = (function.get("LoggingConfig") or {}).get("LogGroup")
    return LoggingFunction(name=name, group=group or _PREFIX + name)
