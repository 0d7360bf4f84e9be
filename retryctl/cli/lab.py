"""``retryctl lab``: run a handler here as Lambda would, or serve a log as CloudWatch Logs would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import choices
from retryctl.cli.options import params as options
from retryctl.core.model.limits import LONGEST_TIMEOUT_S

app = CommandApp(
    help="Run a handler locally as Lambda would, with its retries.",
)

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
SystemLevel = Literal["DEBUG", "INFO", "WARN"]

_FUNCTION = "The function"
_REQUEST = "The request and its retries"
_AWS = "AWS"
_SHOW = "How to show it"


@app.command()
def run(
    handler: Annotated[
        str | None,
        typer.Argument(
            metavar="HANDLER",
            help="file.py:function, or module.function as on Lambda. With --template: the "
            "function's name in it.",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        str,
        typer.Option(
            metavar="PLAN",
            autocompletion=choices.plans,
            help="same, fresh or env=N for each retry, each with +timeout, +kill, +exit or +oom "
            "(+kill=early, =late, @250ms: later), +throttle, +duplicate or +twin; first+… before "
            "them for attempt 1. Or all: every sequence.",
            rich_help_panel=_REQUEST,
            show_default="same for each",
        ),
    ] = "",
    event: Annotated[
        str,
        typer.Option(
            metavar="FILE|JSON|NAME|-",
            autocompletion=choices.events,
            help="The event: a file, JSON, stdin, or a sample: s3-put, sqs, sns, eventbridge, "
            "dynamodb-stream.",
            rich_help_panel=_REQUEST,
        ),
    ] = "{}",
    requests: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Run N requests by the plan.", rich_help_panel=_REQUEST
        ),
    ] = 1,
    retries: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=99,
            help="MaximumRetryAttempts. Default: the template's, else 2.",
            rich_help_panel=_REQUEST,
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        Literal["async", "sqs", "stream"],
        typer.Option(help="The event source, which retries the event.", rich_help_panel=_REQUEST),
    ] = "async",
    between: Annotated[
        str | None,
        typer.Option(
            metavar="CMD",
            help="Run this shell command before each retry; RETRYCTL_ATTEMPT is its number.",
            rich_help_panel=_REQUEST,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Repeat the IDs, streams, start and waits of every run with this seed.",
            rich_help_panel=_REQUEST,
            show_default=False,
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Read the function from a SAM or CloudFormation template or a serverless.yml. "
            "Options override it.",
            rich_help_panel=_FUNCTION,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Its name. Default: its file's.", rich_help_panel=_FUNCTION
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.1,
            max=LONGEST_TIMEOUT_S,
            help="Its timeout. Default: 3.",
            rich_help_panel=_FUNCTION,
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(
            metavar="MB",
            min=128,
            max=10240,
            help="Its memory. Default: 128.",
            rich_help_panel=_FUNCTION,
            show_default=False,
        ),
    ] = None,
    ephemeral_storage: Annotated[
        int | None,
        typer.Option(
            metavar="MB",
            min=512,
            max=10240,
            help="The size of its /tmp. Default: 512.",
            rich_help_panel=_FUNCTION,
            show_default=False,
        ),
    ] = None,
    log_format: Annotated[
        Literal["text", "json"] | None,
        typer.Option(
            help="Its log format. Default: text.", rich_help_panel=_FUNCTION, show_default=False
        ),
    ] = None,
    log_level: Annotated[
        Level | None,
        typer.Option(
            help="Its application log level (JSON format).",
            rich_help_panel=_FUNCTION,
            case_sensitive=False,
        ),
    ] = None,
    system_log_level: Annotated[
        SystemLevel | None,
        typer.Option(
            help="Its system log level (JSON format). Default: INFO.",
            rich_help_panel=_FUNCTION,
            case_sensitive=False,
            show_default=False,
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=V", help="An environment variable (repeatable).", rich_help_panel=_FUNCTION
        ),
    ] = None,
    env_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Environment variables, one a line.", rich_help_panel=_FUNCTION
        ),
    ] = None,
    layer: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="A layer, unpacked (repeatable).", rich_help_panel=_FUNCTION
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Its interpreter, with its packages and awslambdaric. Default: that of "
            "$VIRTUAL_ENV, else retryctl's own.",
            rich_help_panel=_FUNCTION,
        ),
    ] = None,
    isolation: Annotated[
        Literal["namespaces", "bubblewrap", "patched"] | None,
        typer.Option(
            help="Use only this isolation method. Default: the first that the host allows.",
            rich_help_panel=_FUNCTION,
            show_default=False,
        ),
    ] = None,
    real_time: Annotated[
        bool,
        typer.Option(
            "--real-time",
            help="Let the function use the host's clock.",
            rich_help_panel=_FUNCTION,
        ),
    ] = False,
    aws: Annotated[
        Literal["moto"] | None,
        typer.Option(
            help="Send the function's AWS calls to a local server, which also has its logs.",
            rich_help_panel=_AWS,
            show_default=False,
        ),
    ] = None,
    profile_through: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE",
            autocompletion=choices.profiles,
            help="Pass the credentials of this profile to the function.",
            rich_help_panel=_AWS,
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=choices.regions,
            help="Its region. Default: us-east-1.",
            rich_help_panel=_AWS,
            show_default=False,
        ),
    ] = None,
    expect_branches: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="Fail if a request runs other branches.",
            rich_help_panel=_SHOW,
        ),
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Exit with 1 if a verdict disagrees, with 5 if one is undetermined.",
            rich_help_panel=_SHOW,
        ),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Save the log, for any command's --from.", rich_help_panel=_SHOW
        ),
    ] = None,
    destination: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="Write the record that Lambda would send to a destination.",
            rich_help_panel=_SHOW,
        ),
    ] = None,
    dead_letter: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="Write the dead-letter message that Lambda would send.",
            rich_help_panel=_SHOW,
        ),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", help="Print the log on stderr as it is written.", rich_help_panel=_SHOW
        ),
    ] = False,
    lines: Annotated[
        bool,
        typer.Option("--lines", help="Also show each attempt's log lines.", rich_help_panel=_SHOW),
    ] = False,
    output: options.OutputForm = options.Output.TEXT,
    color: options.ColorChoice = options.Color.AUTO,
    tz: options.Tz = "UTC",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Run HANDLER through its retries: real runtime client, /tmp and signals, virtual waits.

    retryctl lab run app.py:handler --plan same,fresh --event '{"order": 1}'
    """
    from retryctl.cli.runs import lab as lab_runs

    return lab_runs.run(
        lab_runs.LabRunOptions(
            plan=plan,
            event=event,
            requests=requests,
            retries=retries,
            source=source,
            between=between,
            seed=seed,
            function={
                "handler": handler,
                "template": template,
                "name": name,
                "timeout": timeout,
                "memory": memory,
                "ephemeral_storage": ephemeral_storage,
                "log_format": log_format,
                "log_level": log_level,
                "system_log_level": system_log_level,
                "env": env,
                "env_file": env_file,
                "layer": layer,
                "region": region,
                "python": python,
                "isolation": isolation,
                "real_time": real_time or None,
                "aws": aws,
                "profile_through": profile_through,
            },
            expect_branches=expect_branches,
            save=save,
            destination=destination,
            dead_letter=dead_letter,
            follow=follow,
        ),
        options.OutputOptions(
            output=output, color=color, tz=tz, quiet=quiet, lines=lines, exit_code=exit_code
        ),
    )


@app.command()
def serve(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A log saved by lab run --save, any other saved log, or demo."
        ),
    ],
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="The port on loopback. 0: a free one."),
    ] = 0,
    debug: options.Debug = False,
) -> int:
    """Serve a saved log as CloudWatch Logs would, on loopback, until interrupted.

    Prints the line that points any client at it.
    """
    from retryctl.cli.runs import lab as lab_runs

    lab_runs.serve_saved(source, port)
