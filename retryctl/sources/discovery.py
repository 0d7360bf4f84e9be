"""Where a request could be, when nobody said: the log groups of Lambda functions.

Groups of the usual name (``/aws/lambda/NAME``), and those that a function's LoggingConfig names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retryctl.errors import CouldNotLook, NoSuchLogGroup
from retryctl.sources.aws import Answer, Aws
from retryctl.sources.log_groups import described_groups

_PREFIX = "/aws/lambda/"


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
        names.update(dict.fromkeys(_custom_groups(aws)))
    except CouldNotLook as error:
        notes.append(f"Functions with a log group of their own are not searched: {error.what}.")
    names.update(dict.fromkeys(sorted(sizes, key=lambda name: (-sizes[name], name))))
    if not names:
        raise NoSuchLogGroup(
            f"there is no log group {_PREFIX}* here",
            "Check --region and --profile, or name a group with --log-group.",
        )
    return tuple(names), tuple(notes)


def _custom_groups(aws: Aws) -> Iterator[str]:
    """Log groups that functions name, except those of the usual name."""
    for function in _functions(aws):
        group = (function.get("LoggingConfig") or {}).get("LogGroup")
        if group and not group.startswith(_PREFIX):
            yield group


def _functions(aws: Aws) -> Iterator[Answer]:
    request: dict[str, str] = {}
    while True:
        page = aws.call(
            "lambda", "ListFunctions", request, expect="Functions", subject="the functions"
        )
        yield from page["Functions"]
        if not page.get("NextMarker"):
            return
        request = {"Marker": page["NextMarker"]}
