"""The options that mean the same for every command, as types to put in its signature.

A command takes ``since: options.Since = None`` and so on, and hands the values on: to
``look_of`` what says where to look, to ``OutputOptions`` what says how to show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import typer

WHERE = "Where to look"
_AWS = "AWS"
_SHOW = "How to show it"


class Color(str, Enum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Engine(str, Enum):
    """What searches CloudWatch."""

    AUTO = "auto"
    FILTER = "filter"
    INSIGHTS = "insights"


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
class SourceOptions:
    """Where to look, as it was asked for; ``functions`` are several, by name or by pattern."""

    source: str = "cloudwatch"
    function: str | None = None
    functions: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    store: str | None = None
    engine: Engine = Engine.FILTER  # the one that costs nothing, where nothing was asked
    max_cost: float | None = None


def look_of(parameters: Mapping[str, Any]) -> SourceOptions:
    """Where to look, by the parameters of a command: the ``locals()`` it begins with."""
    return SourceOptions(
        source=parameters["source"],
        function=parameters["function"],
        log_groups=tuple(parameters["log_group"] or ()),
        since=parameters["since"],
        until=parameters["until"],
        profile=parameters["profile"],
        region=parameters["region"],
        endpoint_url=parameters["endpoint_url"],
        store=parameters.get("store"),  # which is of one request: not every command takes one
        engine=parameters["engine"],
        max_cost=parameters["max_cost"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How to show it, as it was asked for."""

    output: Output = Output.TEXT
    color: Color = Color.AUTO
    tz: str = "UTC"
    quiet: bool = False
    lines: bool = False
    attempt: int | None = None
    failed: bool = False
    exit_code: bool = False
    web: bool = False
