"""The options that mean the same for several commands, in groups, each declared once.

The fields are what was typed; ``options/source.py`` reads what it means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from retryctl.app.options import Engine
from retryctl.cli.command_app import argument, option
from retryctl.cli.options import completions
from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import UsageError

source_option = partial(option, section="What to read")
shown_option = partial(option, section="What to show")
output_option = partial(option, section="Output")
aws_option = partial(option, section="AWS")


_OF_CI = "retryctl check and retryctl doctor have it."
_FORMS_OF = {
    "csv": "retryctl list and retryctl summary have it.",
    "html": "retryctl trace, list and summary have it.",
    "svg": "retryctl trace and retryctl summary have it.",
    "jsonl": "retryctl trace, list and summary have it.",
    "markdown": "retryctl trace, list, summary, check and doctor have it.",
    **dict.fromkeys(("junit", "sarif", "github", "gitlab", "tap"), _OF_CI),
}
"""The commands that have a format, for an error of another command."""


def refuse_unknown(
    name: str, known: Collection[str], option: str, elsewhere: Mapping[str, str] | None = None
) -> None:
    """Raise ``UsageError``, with the nearest of ``known``, where ``name`` is not one of them.

    ``elsewhere`` has the hint for a value of another command.
    """
    if name not in known:
        hint = (elsewhere or {}).get(name) or suggestions(name, known)
        known_values = f"Known: {', '.join(known)}."
        if not hint and option in ("--output", "--report") and name in _FORMS_OF:
            hint = f"{_FORMS_OF[name]} {known_values}"
        raise UsageError(f"{name!r} is not a value of {option}.", hint or known_values)


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


# --------------------------------------------------------------------------- fields


def functions_argument() -> Any:
    """Return the functions of ``list`` and ``summary``."""
    return argument(
        "[FUNCTION...]",
        "The functions, also as patterns: 'orders-*', or '*' for all of the account. Not needed "
        "with --from.",
    )


def form_option(help: str, *forms: str, section: str = "Output") -> Any:
    """Return ``--output`` of a command that has these ``forms``, the first by default."""
    complete = completions.one_of(*forms)
    return option(
        *(help, "--output", "-o"),
        section=section,
        default=forms[0],
        metavar="FORM",
        autocompletion=complete,
    )


def report_option(*forms: str) -> Any:
    """Return ``--report`` of a command whose output has these ``forms``."""
    return output_option(
        "Also write a file in any format of --output; without FORM, the format of its "
        "extension. Repeatable.",
        metavar="[FORM=]FILE",
        autocompletion=completions.report_of(*forms),
    )


def output_form_option() -> Any:
    """Return ``--output`` of a command whose result is that of ``trace``."""
    return output_option(
        "Output format. jsonl: one request per line; gaps and missing IDs go to stderr.",
        "-o",
        default=Output.TEXT,
    )


def wait_option() -> Any:
    """Return ``--wait``."""
    return source_option(
        "Read the log again until no attempt is running or due. Stop after this long.",
        metavar="[5m]",
        autocompletion=completions.waits,
    )


def timeout_option() -> Any:
    """Return ``--timeout``, the longest ``--wait``."""
    return source_option(
        "Stop waiting after this long. Needs --wait.",
        metavar="5m",
        autocompletion=completions.waits,
    )


def queue_option() -> Any:
    """Return ``--from-queue``."""
    return source_option(
        "Take the requests from the failure records in this SQS queue. No message is deleted.",
        metavar="URL",
    )


def color_option() -> Any:
    """Return ``--color``."""
    return output_option(
        "When to use colour. auto: by the terminal, NO_COLOR and CLICOLOR_FORCE.",
        default=Color.AUTO,
    )


def quiet_option() -> Any:
    """Return ``--quiet``."""
    help = "Print no progress and no warnings on stderr, only errors."
    return output_option(help, "--quiet", "-q", default=False)


def debug_option() -> Any:
    """Return ``--debug``."""
    return output_option("Print tracebacks and the AWS library's log on stderr.", default=False)


EXIT_CODE_HELP = "Exit with 1 if a verdict disagrees, with 5 if one is undetermined."


# --------------------------------------------------------------------------- groups


@value_class
class RelatedOptions:
    """Whether requests are shown by event, as it was typed."""

    related: bool = source_option(
        "Show the requests that belong to the same event under several request IDs.", default=False
    )
    key: str | None = source_option(
        "Relate requests by a key of the event in their lines: a regular expression with "
        "a group, or a path in JSON lines ($.detail.order). Default: the settings file, then "
        "executionArn, SQS message IDs, X-Ray traces, and the times of client retries.",
        metavar="PATTERN",
    )

    @property
    def wanted(self) -> bool:
        """Whether requests are related."""
        return self.related or bool(self.key)


@value_class
class ReadOptions:
    """What to read, as it was typed."""

    function: list[str] | None = source_option(
        "The Lambda function, also with a version or an alias; repeatable on CloudWatch. "
        "Default: RETRYCTL_FUNCTION, then the settings file.",
        *("--function", "-f"),
        metavar="NAME|ARN",
    )
    log_group: list[str] | None = source_option(
        "The log group to search: a name, a pattern such as '/aws/lambda/orders-*', or an "
        "ARN, which may be of another account. Repeatable.",
        *("--log-group", "-g"),
        metavar="NAME|ARN",
    )
    source: str = source_option(
        "cloudwatch, demo, or a saved log: a file, a folder, a glob, or - for stdin.",
        "--from",
        default="cloudwatch",
        metavar="SOURCE",
        autocompletion=completions.sources,
    )
    since: str | None = source_option(
        "Start of the window: 15m, 2h30m, '1h ago', 2026-11-23T03:00, epoch milliseconds. "
        "Default: 24h on CloudWatch, all of a saved log.",
        *("--since", "-s"),
        metavar="TIME",
        autocompletion=completions.times,
    )
    until: str | None = source_option(
        "End of the window, in the same forms. Default: now.",
        *("--until", "-u"),
        metavar="TIME",
        autocompletion=completions.times,
    )
    engine: Engine = source_option(
        "How to search CloudWatch. filter: FilterLogEvents, free; insights: Logs "
        "Insights, billed by the bytes scanned; auto: Insights for Infrequent Access groups "
        "and for long searches by request ID.",
        default=Engine.AUTO,
    )
    max_cost: float | None = source_option(
        "Run no Insights query that costs more than this per log group.", metavar="USD", min=0
    )
    unmask: bool = source_option(
        "Read lines without the masks of data protection. Needs the permission logs:Unmask.",
        default=False,
    )


@value_class
class AwsOptions:
    """How to reach AWS, as it was typed."""

    profile: str | None = aws_option(
        "The AWS profile. Default: AWS_PROFILE, then the settings file.",
        metavar="NAME",
        autocompletion=completions.profiles,
    )
    region: str | None = aws_option(
        "The AWS region. Default: AWS_REGION, then the settings file, then the profile.",
        metavar="NAME",
        autocompletion=completions.regions,
    )
    endpoint_url: str | None = aws_option("Send every AWS call to this endpoint.", metavar="URL")


@value_class
class ScreenOptions:
    """How to print, as it was typed."""

    color: Color = color_option()
    tz: str = output_option(
        "The time zone of the output, and of times given without one.",
        default="UTC",
        metavar="UTC|local|ZONE",
        autocompletion=completions.zones,
    )
    quiet: bool = quiet_option()
    debug: bool = debug_option()


@value_class
class OutputOptions(ScreenOptions):
    """How to show the attempts of requests, as it was typed."""

    lines: bool = shown_option("Show the log lines of each attempt.", default=False)
    attempt: int | None = shown_option("Show only attempt N (not in JSON).", metavar="N", min=1)
    failed: bool = shown_option(
        "Show only the attempts that failed (not in JSON). Without an ID: the newest "
        "request with an outcome other than succeeded and recovered.",
        default=False,
    )
    exit_code: bool = shown_option(EXIT_CODE_HELP, default=False)
    links: bool = shown_option(
        "Print the link to each attempt's log stream in the CloudWatch console.", default=False
    )
    web: bool = shown_option(
        "Open the log stream of the newest attempt in the browser.", default=False
    )
    output: Output = output_form_option()
    report: list[str] | None = report_option(*Output)


@value_class
class LogOptions:
    """The log that a command reads, how to reach AWS, and how to print."""

    read: ReadOptions
    aws: AwsOptions
    screen: ScreenOptions
