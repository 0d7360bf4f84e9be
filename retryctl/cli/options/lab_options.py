"""The options of ``lab run``: the request, the function, and how the result is shown."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from retryctl.cli.options import completions
from retryctl.core.model.limits import LONGEST_TIMEOUT_S
from retryctl.core.value_classes import value_class

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
SystemLevel = Literal["DEBUG", "INFO", "WARN"]

_function = partial(typer.Option, rich_help_panel="The function")
_request = partial(typer.Option, rich_help_panel="The request and its retries")
_aws = partial(typer.Option, rich_help_panel="AWS")
_show = partial(typer.Option, rich_help_panel="How to show it")


@value_class
class LabRequestOptions:
    """The request of ``lab run`` and its retries, as they were typed."""

    plan: Annotated[
        str,
        _request(
            metavar="PLAN",
            autocompletion=completions.plans,
            help="same, fresh or env=N for each retry, each with +timeout, +kill, +exit or +oom "
            "(+kill=early, =late, @250ms: later), +throttle, +duplicate or +twin; first+… before "
            "them for attempt 1. Or all: every sequence.",
            show_default="same for each",
        ),
    ] = ""
    event: Annotated[
        str,
        _request(
            metavar="FILE|JSON|NAME|-",
            autocompletion=completions.events,
            help="The event: a file, JSON, - for stdin, or a sample: s3-put, sqs, sns, "
            "eventbridge, dynamodb-stream.",
        ),
    ] = "{}"
    requests: Annotated[
        int, _request(metavar="N", min=1, help="Run N requests, each by the plan.")
    ] = 1
    retries: Annotated[
        int | None,
        _request(
            metavar="N",
            min=0,
            max=99,
            help="MaximumRetryAttempts. Default: the template's, else 2.",
            show_default=False,
        ),
    ] = None
    source: Annotated[
        Literal["async", "sqs", "stream"],
        _request(help="The event source, which retries the event."),
    ] = "async"
    between: Annotated[
        str | None,
        _request(
            metavar="CMD",
            help="Run this shell command before each retry; RETRYCTL_ATTEMPT is its number.",
        ),
    ] = None
    seed: Annotated[
        int | None,
        _request(
            metavar="N",
            help="Use the IDs, log streams, start time and waits of this seed, the same in every "
            "run.",
            show_default=False,
        ),
    ] = None


@value_class
class LabFunctionOptions:
    """The function of ``lab run``, as it was typed."""

    template: Annotated[
        Path | None,
        _function(
            metavar="FILE",
            help="Read the function from a SAM or CloudFormation template or a serverless.yml. "
            "Options override it.",
        ),
    ] = None
    name: Annotated[
        str | None,
        _function(metavar="NAME", help="Function name. Default: the name of the handler's file."),
    ] = None
    timeout: Annotated[
        float | None,
        _function(
            metavar="SECONDS",
            min=0.1,
            max=LONGEST_TIMEOUT_S,
            help="Timeout. Default: 3.",
            show_default=False,
        ),
    ] = None
    memory: Annotated[
        int | None,
        _function(
            metavar="MB", min=128, max=10240, help="Memory. Default: 128.", show_default=False
        ),
    ] = None
    ephemeral_storage: Annotated[
        int | None,
        _function(
            metavar="MB",
            min=512,
            max=10240,
            help="Size of /tmp. Default: 512.",
            show_default=False,
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"] | None,
        _function(help="Log format. Default: text.", show_default=False),
    ] = None
    log_level: Annotated[
        Level | None,
        _function(help="Application log level (JSON format).", case_sensitive=False),
    ] = None
    system_log_level: Annotated[
        SystemLevel | None,
        _function(
            help="System log level (JSON format). Default: INFO.",
            case_sensitive=False,
            show_default=False,
        ),
    ] = None
    env: Annotated[
        list[str] | None, _function(metavar="K=V", help="An environment variable (repeatable).")
    ] = None
    env_file: Annotated[
        Path | None,
        _function(metavar="FILE", help="A file of environment variables, one per line."),
    ] = None
    layer: Annotated[
        list[Path] | None, _function(metavar="DIR", help="A layer, unpacked (repeatable).")
    ] = None
    python: Annotated[
        str | None,
        _function(
            metavar="PATH",
            help="Its interpreter, with its packages and awslambdaric. Default: that of "
            "$VIRTUAL_ENV, else retryctl's own.",
        ),
    ] = None
    isolation: Annotated[
        Literal["namespaces", "bubblewrap", "patched"] | None,
        _function(
            help="Use only this isolation method. Default: the first that the host allows.",
            show_default=False,
        ),
    ] = None
    real_time: Annotated[
        bool | None, _function("--real-time", help="Let the function use the host's clock.")
    ] = None
    aws: Annotated[
        Literal["moto"] | None,
        _aws(
            help="Send the function's AWS calls to a local server, which also has its logs.",
            show_default=False,
        ),
    ] = None
    profile_through: Annotated[
        str | None,
        _aws(
            metavar="PROFILE",
            autocompletion=completions.profiles,
            help="Pass the credentials of this profile to the function.",
        ),
    ] = None
    region: Annotated[
        str | None,
        _aws(
            metavar="NAME",
            autocompletion=completions.regions,
            help="The function's region. Default: us-east-1.",
            show_default=False,
        ),
    ] = None


@value_class
class LabShowOptions:
    """How ``lab run`` shows its result, as it was typed."""

    expect_branches: Annotated[
        str | None, _show(metavar="A,B,C", help="Exit with 1 if a request runs other branches.")
    ] = None
    exit_code: Annotated[
        bool,
        _show(
            "--exit-code", help="Exit with 1 if a verdict disagrees, with 5 if one is undetermined."
        ),
    ] = False
    save: Annotated[
        Path | None, _show(metavar="FILE", help="Save the log, for any command's --from.")
    ] = None
    destination: Annotated[
        str | None,
        _show(metavar="FILE|-", help="Write the record that Lambda would send to a destination."),
    ] = None
    dead_letter: Annotated[
        str | None,
        _show(metavar="FILE|-", help="Write the dead-letter message that Lambda would send."),
    ] = None
    follow: Annotated[bool, _show("--follow", help="Print the log on stderr as it is written.")] = (
        False
    )
    lines: Annotated[bool, _show("--lines", help="Also show each attempt's log lines.")] = False
