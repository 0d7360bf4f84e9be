"""Build the source and the window from the options."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from fnmatch import fnmatchcase
from shlex import quote
from typing import TYPE_CHECKING

from retryctl.app.options import ShowProgress, SourceOptions, TimeWindow, wall_clock_ms
from retryctl.cli.options.params import AwsOptions, LogOptions, ReadOptions, ScreenOptions
from retryctl.cli.options.times import is_ago, read_window, zone
from retryctl.cli.output.progress import TerminalFeedback
from retryctl.config import ProjectConfig, config_for
from retryctl.core.model.events import REQUEST_ID
from retryctl.core.model.group_names import function_name
from retryctl.core.value_classes import value_class
from retryctl.errors import UsageError

if TYPE_CHECKING:
    from retryctl.app.window import WindowReader
    from retryctl.sources.aws.client import AwsClient

# The service's clock decides on CloudWatch. AWS refuses calls from a clock with a larger error.
_MOST_SKEW_MS = 300_000


@value_class
class Reading:
    """What a command reads, and how it reports on that."""

    config: ProjectConfig
    source: SourceOptions
    window: TimeWindow
    feedback: TerminalFeedback
    tz: tzinfo


def reading_of(
    read: ReadOptions, aws: AwsOptions, screen: ScreenOptions, *, store: str | None = None
) -> Reading:
    """Return what the options mean. Raises ``UsageError`` where they cannot be read."""
    config = config_for(read.source)
    return Reading(
        config=config,
        source=source_options(read, aws, config, store=store),
        window=time_window(read, screen.tz),
        feedback=TerminalFeedback(quiet=screen.quiet),
        tz=zone(screen.tz),
    )


def source_options(
    read: ReadOptions, aws: AwsOptions, config: ProjectConfig, *, store: str | None = None
) -> SourceOptions:
    """Return where to read. Raises ``UsageError`` for an empty value, or an ID as a function.

    Without ``-f`` and ``-g``, RETRYCTL_FUNCTION names the function on CloudWatch. The
    environment outranks the settings file.
    """
    environ = os.environ.get
    groups = tuple(read.log_group or ())
    functions = tuple(dict.fromkeys(read.function or ()))
    for option, value in (
        *(("--function", function) for function in functions),
        *(("--log-group", group) for group in groups),
        ("--profile", aws.profile),
        ("--region", aws.region),
        ("--endpoint-url", aws.endpoint_url),
    ):
        if value is not None and not value.strip():
            raise UsageError(f"{option} is empty.", f"Give {option} a value, or drop it.")
    for name in functions:
        refuse_request_id(name, read.source)
    function = None
    if read.source == "cloudwatch" and not functions and not groups:
        function = environ("RETRYCTL_FUNCTION") or None
    options = SourceOptions(
        source=read.source,
        function=function,
        functions=functions,
        log_groups=groups,
        profile=aws.profile or (None if environ("AWS_PROFILE") else config.profile),
        region=aws.region,
        default_region=environ("AWS_REGION") or environ("AWS_DEFAULT_REGION") or config.region,
        endpoint_url=aws.endpoint_url,
        store=store,
        engine=read.engine,
        max_cost=read.max_cost,
        unmask=read.unmask,
    )
    return with_function(options, functions[0]) if len(functions) == 1 else options


def refuse_request_id(function: str, source: str) -> None:
    """Raise ``UsageError`` where a request ID is given as a function."""
    if re.fullmatch(REQUEST_ID, function):
        place = "" if source == "cloudwatch" else f" --from {quote(source)}"
        raise UsageError(
            f"{function} is a request ID, not a function.",
            f"To show it: retryctl trace {function}{place}",
        )


def with_function(options: SourceOptions, name: str) -> SourceOptions:
    """Return the options with the function of that name, or those that match the pattern."""
    # not at the top: commands that name no function start without AWS modules
    from retryctl.sources.aws.function_discovery import is_pattern

    if is_pattern(name):
        return replace(options, function=None, functions=(name,))
    return replace(options, function=name, functions=())


def select_functions(
    functions: Sequence[str], options: SourceOptions
) -> tuple[SourceOptions, Callable[[str | None], bool]]:
    """Return where to read, and whether a function that is found there is wanted.

    Raises ``UsageError`` for a name that cannot be a function's, and for a request ID.
    """
    # not at the top: trace and demo, which share this file, start without AWS modules
    from retryctl.sources.aws.function_discovery import is_pattern
    from retryctl.sources.aws.function_name import parse_function_name

    for name in functions:
        refuse_request_id(name, options.source)
    also = options.functions or ((options.function,) if options.function else ())
    names, options = tuple(dict.fromkeys([*functions, *also])), replace(options, functions=())
    if len(names) == 1 and not is_pattern(names[0]):
        return replace(options, function=names[0]), lambda _: True
    if options.source == "cloudwatch" and not options.log_groups:
        return replace(options, functions=names), lambda _: True
    named = [parse_function_name(each) for each in names if not is_pattern(each)]
    if any(each.qualifier for each in named):
        raise UsageError(
            "a version or an alias can be given for one function only.",
            "Name one function, or drop the version.",
        )
    patterns = [each for each in names if is_pattern(each)]

    def keep(name: str | None) -> bool:
        bare = function_name(name or "")
        return (
            not names
            or any(fnmatchcase(bare, each) for each in patterns)
            or any(one.may_be(parse_function_name(name or "")) for one in named if one.name == bare)
        )

    return options, keep


def aws_client(aws: AwsOptions, *names: str, show: ShowProgress) -> AwsClient:
    """Return the client of a command that reads no log; an ARN among ``names`` gives the region.

    Raises ``UsageError`` for an empty value, and where an option contradicts an ARN.
    """
    from retryctl.app.aws_clients import aws_for

    return aws_for(source_options(ReadOptions(), aws, config_for("cloudwatch")), *names, show=show)


def time_window(read: ReadOptions, tz: str) -> TimeWindow:
    """Return the window of ``--since`` and ``--until``; times without a zone are in ``tz``."""
    since_ms, until_ms = read_window(
        read.since,
        read.until,
        now_ms=wall_clock_ms(),
        tz=zone(tz),
        tolerance_ms=_MOST_SKEW_MS if read.source == "cloudwatch" else 0,
    )
    return TimeWindow(
        since_ms=since_ms,
        until_ms=until_ms,
        is_since_ago=is_ago(read.since),
        is_until_ago=is_ago(read.until),
    )


# --------------------------------------------------------------------------- windows of functions


@value_class
class FunctionsWindow:
    """An open window; ``keep`` is true for the names of the wanted functions."""

    reader: WindowReader
    keep: Callable[[str | None], bool]
    reading: Reading


@contextmanager
def open_functions(functions: Sequence[str], given: LogOptions) -> Iterator[FunctionsWindow]:
    """Open the requests of the functions in the window of the options."""
    from retryctl.app.window import open_window  # loads the engine of whole windows

    reading = reading_of(given.read, given.aws, given.screen)
    source, keep = select_functions(functions, reading.source)
    opened = open_window(
        source,
        reading.config,
        reading.window,
        now_ms=wall_clock_ms(),
        feedback=reading.feedback,
        since_ms=reading.window.since_ms,
    )
    with opened as reader:
        yield FunctionsWindow(reader=reader, keep=keep, reading=replace(reading, source=source))
