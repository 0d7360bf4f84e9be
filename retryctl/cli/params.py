"""The options that mean the same for every command, declared once.

A command decorated with ``grouped`` takes whole groups of options, each a dataclass of this
module, beside its own.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from retryctl.app.options import Engine, SourceOptions, TimeWindow, wall_clock_ms
from retryctl.cli.times import read_window, zone
from retryctl.errors import UsageError

WHERE = "Where to look"
_AWS = "AWS"
_SHOW = "How to show it"


class Color(str, Enum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Output(str, Enum):
    """The form of what is printed."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"
    SVG = "svg"


RequestIds = Annotated[
    list[str],
    typer.Argument(
        metavar="REQUEST_ID...",
        help="AWS request IDs, also pasted as 'RequestId: …' or with their whole log line; "
        "- reads them from stdin.",
        show_default=False,
    ),
]
Function = Annotated[
    str | None,
    typer.Option(
        "--function",
        "-f",
        metavar="NAME|ARN",
        help="The Lambda function, also with a version or an alias. On CloudWatch, "
        "RETRYCTL_FUNCTION or the settings file names it where this does not.",
        rich_help_panel=WHERE,
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The durable store of the function's counter, dynamodb://TABLE or "
        "s3://BUCKET/PREFIX, to hold against the log.",
        rich_help_panel=WHERE,
    ),
]
LogGroup = Annotated[
    list[str] | None,
    typer.Option(
        "--log-group",
        "-g",
        metavar="NAME|ARN",
        help="A log group to look in, also a pattern such as '/aws/lambda/orders-*', or of another "
        "account by its ARN. May be given several times.",
        rich_help_panel=WHERE,
    ),
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="SOURCE",
        help="cloudwatch, demo, or a saved log: a file, a folder, a glob, or - for stdin.",
        rich_help_panel=WHERE,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        "-s",
        metavar="TIME",
        help="From when: 15m, 2h30m, '1h ago', 2026-11-23T03:00, epoch milliseconds. "
        "Without it: 24h on CloudWatch, everything of a saved log.",
        rich_help_panel=WHERE,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        "-u",
        metavar="TIME",
        help="Until when, in the same forms. Without it: now.",
        rich_help_panel=WHERE,
    ),
]
EngineChoice = Annotated[
    Engine,
    typer.Option(
        "--engine",
        help="What searches CloudWatch: filter (FilterLogEvents, free), insights (Logs Insights, "
        "paid for by what it scans), or auto: insights where the group's class demands it and, "
        "with request IDs, where much remains to be searched.",
        rich_help_panel=WHERE,
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="USD",
        min=0,
        help="No query of Logs Insights where those on a log group would cost more.",
        rich_help_panel=WHERE,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="The profile of the AWS configuration.",
        rich_help_panel=_AWS,
    ),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="NAME", help="The AWS region.", rich_help_panel=_AWS),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        metavar="URL",
        help="Another endpoint for every AWS call.",
        rich_help_panel=_AWS,
    ),
]
OutputForm = Annotated[
    Output,
    typer.Option(
        "--output",
        "-o",
        help="The form of the output. jsonl: one request a line; what was not found or not "
        "seen is said on stderr.",
        rich_help_panel=_SHOW,
    ),
]
Report = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORM=FILE",
        help="Write a file too, in any form of --output. May be given several times.",
        rich_help_panel=_SHOW,
    ),
]
ColorChoice = Annotated[
    Color,
    typer.Option(
        "--color",
        help="Colour. auto heeds the terminal, NO_COLOR and CLICOLOR_FORCE.",
        rich_help_panel=_SHOW,
    ),
]
Tz = Annotated[
    str,
    typer.Option(
        "--tz",
        metavar="UTC|local|ZONE",
        help="The time zone of the text that is shown, and of times given without one.",
        rich_help_panel=_SHOW,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="No progress and no remarks on stderr, only errors.",
        rich_help_panel=_SHOW,
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="A traceback with an error, and the AWS library's log on stderr.",
        rich_help_panel=_SHOW,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What to read, as it was typed."""

    function: Function = None
    log_group: LogGroup = None
    source: From = "cloudwatch"
    since: Since = None
    until: Until = None
    engine: EngineChoice = Engine.AUTO
    max_cost: MaxCost = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    """How to reach AWS, as it was typed."""

    profile: Profile = None
    region: Region = None
    endpoint_url: EndpointUrl = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenOptions:
    """How to print, as it was typed."""

    color: ColorChoice = Color.AUTO
    tz: Tz = "UTC"
    quiet: Quiet = False
    debug: Debug = False


def source_options(
    read: ReadOptions, aws: AwsOptions = AwsOptions(), *, store: str | None = None
) -> SourceOptions:
    """Return where to read. Raises ``UsageError`` for an empty value.

    Without ``-f`` and ``-g``, RETRYCTL_FUNCTION names the function on CloudWatch.
    """
    groups = tuple(read.log_group or ())
    for option, value in (
        ("--function", read.function),
        *(("--log-group", group) for group in groups),
        ("--profile", aws.profile),
        ("--region", aws.region),
    ):
        if value is not None and not value.strip():
            raise UsageError(f"{option} is empty.", f"Give {option} a value, or drop it.")
    function = read.function
    if read.source == "cloudwatch" and not function and not groups:
        function = os.environ.get("RETRYCTL_FUNCTION") or None
    return SourceOptions(
        source=read.source,
        function=function,
        log_groups=groups,
        profile=aws.profile,
        region=aws.region,
        endpoint_url=aws.endpoint_url,
        store=store,
        engine=read.engine,
        max_cost=read.max_cost,
    )


def time_window(read: ReadOptions, tz: str) -> TimeWindow:
    """Return the window of ``--since`` and ``--until``; times without a zone are in ``tz``."""
    since_ms, until_ms = read_window(read.since, read.until, now_ms=wall_clock_ms(), tz=zone(tz))
    return TimeWindow(since_ms=since_ms, until_ms=until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How to show the attempts of requests."""

    output: Output = Output.TEXT
    color: Color = Color.AUTO
    tz: str = "UTC"
    quiet: bool = False
    lines: bool = False
    attempt: int | None = None
    failed: bool = False
    exit_code: bool = False
    web: bool = False


Command = TypeVar("Command", bound=Callable[..., Any])


def grouped(command: Command) -> Command:
    """Replace each parameter that is a group of options by the options of the group."""
    groups: dict[str, tuple[type, list[str]]] = {}
    parameters: list[inspect.Parameter] = []
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        kind = hints[parameter.name]
        if not is_dataclass(kind):
            parameters.append(parameter.replace(annotation=kind))
            continue
        assert isinstance(kind, type)
        types = get_type_hints(kind, include_extras=True)
        groups[parameter.name] = (kind, [field.name for field in fields(kind)])
        parameters += (
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=types[field.name],
            )
            for field in fields(kind)
        )

    @wraps(command)
    def run(**values: Any) -> Any:
        made = {
            name: kind(**{key: values.pop(key) for key in keys})
            for name, (kind, keys) in groups.items()
        }
        return command(**values, **made)

    only_keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    run.__signature__ = inspect.Signature(only_keywords)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run  # type: ignore[return-value]
