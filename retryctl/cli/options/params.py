"""The options that mean the same for every command, declared once.

A command decorated with ``grouped`` takes whole groups of options, each a dataclass of this
module, beside its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import partial, wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from retryctl.app.options import Engine
from retryctl.cli.options import completions
from retryctl.core.value_classes import value_class

_source = partial(typer.Option, rich_help_panel="What to read")
_aws = partial(typer.Option, rich_help_panel="AWS")
shown_option = partial(typer.Option, rich_help_panel="What to show")
output_option = partial(typer.Option, rich_help_panel="Output")


class Color(StrEnum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Output(StrEnum):
    """The output format."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"
    SVG = "svg"
    MARKDOWN = "markdown"


class CounterStore(StrEnum):
    """The four ways of counting."""

    TMP = "tmp"
    S3 = "s3"
    DYNAMODB = "dynamodb"
    LOGS = "logs"


RequestIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REQUEST_ID...]",
        help="AWS request IDs, or text that contains them: a log line, a URL, a failure record or "
        "a file or folder of records. - reads them from stdin. Of a saved log the first characters "
        "are enough. Without an ID: the newest request that failed or was retried, or all of a "
        "saved log with at most 3.",
        show_default=False,
    ),
]
Store = Annotated[
    str | None,
    _source(
        "--store",
        metavar="URL",
        autocompletion=completions.stores,
        help="The durable store of the function's counter, dynamodb://TABLE or "
        "s3://BUCKET/PREFIX, to compare with the log.",
    ),
]
FromQueue = Annotated[
    str | None,
    _source(
        "--from-queue",
        metavar="URL",
        help="Take the requests from the failure records in this SQS queue. No message is deleted.",
    ),
]
Related = Annotated[
    bool,
    _source(
        "--related",
        help="Show the requests that belong to the same event under several request IDs.",
    ),
]
Key = Annotated[
    str | None,
    _source(
        "--key",
        metavar="PATTERN",
        help="Relate requests by a key of the event in their lines: a regular expression with "
        "a group, or a path in JSON lines ($.detail.order). Default: the settings file, then "
        "executionArn, SQS message IDs, X-Ray traces, and the times of client retries.",
    ),
]
Wait = Annotated[
    str | None,
    _source(
        "--wait",
        metavar="[5m]",
        autocompletion=completions.waits,
        help="Read the log again until no attempt is running or due. Stop after this long.",
    ),
]
Timeout = Annotated[
    str | None,
    _source(
        "--timeout",
        metavar="5m",
        autocompletion=completions.waits,
        help="Stop waiting after this long. Needs --wait.",
    ),
]
OutputForm = Annotated[
    Output,
    output_option(
        "--output",
        "-o",
        help="Output format. jsonl: one request per line; gaps and missing IDs go to stderr.",
    ),
]


def report_option(*forms: str) -> typer.models.OptionInfo:
    """Return ``--report`` of a command whose output has these ``forms``."""
    option: typer.models.OptionInfo = output_option(
        "--report",
        metavar="[FORM=]FILE",
        help="Also write a file in any format of --output; without FORM, the format of its "
        "extension. Repeatable.",
        autocompletion=completions.report_of(*forms),
    )
    return option


Report = Annotated[list[str] | None, report_option(*(form.value for form in Output))]
ColorChoice = Annotated[
    Color,
    output_option(
        "--color", help="When to use colour. auto: by the terminal, NO_COLOR and CLICOLOR_FORCE."
    ),
]
Tz = Annotated[
    str,
    output_option(
        "--tz",
        metavar="UTC|local|ZONE",
        help="The time zone of the output, and of times given without one.",
        autocompletion=completions.zones,
    ),
]
Quiet = Annotated[
    bool,
    output_option(
        "--quiet", "-q", help="Print no progress and no warnings on stderr, only errors."
    ),
]
Debug = Annotated[
    bool, output_option("--debug", help="Print tracebacks and the AWS library's log on stderr.")
]


@value_class
class ReadOptions:
    """What to read, as it was typed."""

    function: Annotated[
        list[str] | None,
        _source(
            "--function",
            "-f",
            metavar="NAME|ARN",
            help="The Lambda function, also with a version or an alias; repeatable on CloudWatch. "
            "Default: RETRYCTL_FUNCTION, then the settings file.",
        ),
    ] = None
    log_group: Annotated[
        list[str] | None,
        _source(
            "--log-group",
            "-g",
            metavar="NAME|ARN",
            help="The log group to search: a name, a pattern such as '/aws/lambda/orders-*', or an "
            "ARN, which may be of another account. Repeatable.",
        ),
    ] = None
    source: Annotated[
        str,
        _source(
            "--from",
            metavar="SOURCE",
            help="cloudwatch, demo, or a saved log: a file, a folder, a glob, or - for stdin.",
            autocompletion=completions.sources,
        ),
    ] = "cloudwatch"
    since: Annotated[
        str | None,
        _source(
            "--since",
            "-s",
            metavar="TIME",
            autocompletion=completions.times,
            help="Start of the window: 15m, 2h30m, '1h ago', 2026-11-23T03:00, epoch milliseconds. "
            "Default: 24h on CloudWatch, all of a saved log.",
        ),
    ] = None
    until: Annotated[
        str | None,
        _source(
            "--until",
            "-u",
            metavar="TIME",
            autocompletion=completions.times,
            help="End of the window, in the same forms. Default: now.",
        ),
    ] = None
    engine: Annotated[
        Engine,
        _source(
            "--engine",
            help="How to search CloudWatch. filter: FilterLogEvents, free; insights: Logs "
            "Insights, billed by the bytes scanned; auto: Insights for Infrequent Access groups "
            "and for long searches by request ID.",
        ),
    ] = Engine.AUTO
    max_cost: Annotated[
        float | None,
        _source(
            "--max-cost",
            metavar="USD",
            min=0,
            help="Run no Insights query that costs more than this per log group.",
        ),
    ] = None
    unmask: Annotated[
        bool,
        _source(
            "--unmask",
            help="Read lines without the masks of data protection. Needs the permission "
            "logs:Unmask.",
        ),
    ] = False


@value_class
class AwsOptions:
    """How to reach AWS, as it was typed."""

    profile: Annotated[
        str | None,
        _aws(
            "--profile",
            metavar="NAME",
            help="The AWS profile. Default: AWS_PROFILE, then the settings file.",
            autocompletion=completions.profiles,
        ),
    ] = None
    region: Annotated[
        str | None,
        _aws(
            "--region",
            metavar="NAME",
            help="The AWS region. Default: AWS_REGION, then the settings file, then the profile.",
            autocompletion=completions.regions,
        ),
    ] = None
    endpoint_url: Annotated[
        str | None,
        _aws("--endpoint-url", metavar="URL", help="Send every AWS call to this endpoint."),
    ] = None


@value_class
class ScreenOptions:
    """How to print, as it was typed."""

    color: ColorChoice = Color.AUTO
    tz: Tz = "UTC"
    quiet: Quiet = False
    debug: Debug = False


@value_class
class OutputOptions(ScreenOptions):
    """How to show the attempts of requests, as it was typed."""

    lines: Annotated[bool, shown_option("--lines", help="Show the log lines of each attempt.")] = (
        False
    )
    attempt: Annotated[
        int | None,
        shown_option("--attempt", metavar="N", min=1, help="Show only attempt N (not in JSON)."),
    ] = None
    failed: Annotated[
        bool,
        shown_option(
            "--failed",
            help="Show only the attempts that failed (not in JSON). Without an ID: the newest "
            "request with an outcome other than succeeded and recovered.",
        ),
    ] = False
    exit_code: Annotated[
        bool,
        shown_option(
            "--exit-code", help="Exit with 1 if a verdict disagrees, with 5 if one is undetermined."
        ),
    ] = False
    links: Annotated[
        bool,
        shown_option(
            "--links", help="Print the link to each attempt's log stream in the CloudWatch console."
        ),
    ] = False
    web: Annotated[
        bool,
        shown_option("--web", help="Open the log stream of the newest attempt in the browser."),
    ] = False
    output: OutputForm = Output.TEXT
    report: Report = None


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
