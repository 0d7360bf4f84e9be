"""``retryctl lab``: run a handler here as Lambda would, or serve a log as CloudWatch Logs would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from retryctl.cli import params as options

app = typer.Typer(
    add_completion=False,
    help="Run a handler here as Lambda would, retries and all.",
)

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
SystemLevel = Literal["DEBUG", "INFO", "WARN"]

_FUNCTION = "The function"
_REQUEST = "The request and its retries"


@app.command()
def run(
    handler: Annotated[
        str,
        typer.Argument(
            metavar="HANDLER",
            help="file.py:function, or module.function as Lambda has it.",
            show_default=False,
        ),
    ],
    plan: Annotated[
        str,
        typer.Option(
            metavar="PLAN",
            help="same, fresh or env=N for each retry, each with +timeout, +kill, +exit or +oom, "
            "+throttle or +duplicate; first+… before them for attempt 1. Or all: every sequence.",
            rich_help_panel=_REQUEST,
            show_default="same for each",
        ),
    ] = "",
    event: Annotated[
        str,
        typer.Option(metavar="FILE|JSON", help="The event.", rich_help_panel=_REQUEST),
    ] = "{}",
    requests: Annotated[
        int,
        typer.Option(min=1, help="Run as many requests by the plan.", rich_help_panel=_REQUEST),
    ] = 1,
    retries: Annotated[
        int,
        typer.Option(min=0, max=2, help="MaximumRetryAttempts.", rich_help_panel=_REQUEST),
    ] = 2,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The same IDs, streams, start and waits as every other run with this seed.",
            rich_help_panel=_REQUEST,
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Its name. Without it: its file's.", rich_help_panel=_FUNCTION),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.1, max=900, help="Its timeout.", rich_help_panel=_FUNCTION
        ),
    ] = 3.0,
    memory: Annotated[
        int,
        typer.Option(
            metavar="MB", min=128, max=10240, help="Its memory.", rich_help_panel=_FUNCTION
        ),
    ] = 128,
    log_format: Annotated[
        Literal["text", "json"], typer.Option(help="Its log format.", rich_help_panel=_FUNCTION)
    ] = "text",
    log_level: Annotated[
        Level | None,
        typer.Option(
            help="Its application log level (JSON format).",
            rich_help_panel=_FUNCTION,
            case_sensitive=False,
        ),
    ] = None,
    system_log_level: Annotated[
        SystemLevel,
        typer.Option(
            help="Its system log level (JSON format).",
            rich_help_panel=_FUNCTION,
            case_sensitive=False,
        ),
    ] = "INFO",
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=V",
            help="An environment variable. May be given several times.",
            rich_help_panel=_FUNCTION,
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Its interpreter, with its packages and awslambdaric. Without it: retryctl's own.",
            rich_help_panel=_FUNCTION,
        ),
    ] = None,
    isolation: Annotated[
        Literal["namespaces", "bubblewrap", "patched"] | None,
        typer.Option(
            help="The only way to a private /tmp that may be taken. Without it: the first of these "
            "that the host allows.",
            rich_help_panel=_FUNCTION,
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the log, for any command's --from.",
            rich_help_panel="How to show it",
        ),
    ] = None,
    lines: Annotated[
        bool,
        typer.Option(
            "--lines", help="Each attempt's log lines too.", rich_help_panel="How to show it"
        ),
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
    from retryctl.cli import laboratory

    return laboratory.run(
        laboratory.LabRunOptions(
            handler=handler,
            plan=plan,
            event=event,
            requests=requests,
            retries=retries,
            seed=seed,
            name=name,
            timeout_s=timeout,
            memory_mb=memory,
            log_format=log_format,
            log_level=log_level,
            system_log_level=system_log_level,
            env=tuple(env or ()),
            python=python,
            isolation=isolation,
            save=save,
        ),
        options.OutputOptions(output=output, color=color, tz=tz, quiet=quiet, lines=lines),
    )


@app.command()
def serve(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A log that lab run --save kept, or any other saved log, or demo.",
        ),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port on loopback. 0: any that is free.")
    ] = 0,
    debug: options.Debug = False,
) -> int:
    """Serve a saved log as CloudWatch Logs would, on loopback, until interrupted.

    Prints the line that points any client at it.
    """
    from retryctl.cli import laboratory

    laboratory.serve_saved(source, port)
