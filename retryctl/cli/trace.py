"""``retryctl trace``: the story of every attempt of some requests."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli import params as options

app = typer.Typer(add_completion=False)

_WHICH = "What of it"

Lines = Annotated[
    bool,
    typer.Option("--lines", help="Each attempt's log lines too.", rich_help_panel=_WHICH),
]
AttemptNumber = Annotated[
    int | None,
    typer.Option(
        "--attempt",
        metavar="N",
        min=1,
        help="Show only attempt N (not in JSON).",
        rich_help_panel=_WHICH,
    ),
]
Failed = Annotated[
    bool,
    typer.Option(
        "--failed", help="Show only the attempts that failed (not in JSON).", rich_help_panel=_WHICH
    ),
]
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code",
        help="Exit with 1 where a verdict disagrees, with 5 where one is undetermined.",
        rich_help_panel=_WHICH,
    ),
]

Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Follow the request on CloudWatch until no attempt is running or due.",
        rich_help_panel=_WHICH,
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="5m",
        help="With --wait: for at most so long; then what there is by then.",
        rich_help_panel=_WHICH,
    ),
]
Web = Annotated[
    bool,
    typer.Option(
        "--web",
        help="The link to each attempt's log stream in the CloudWatch console.",
        rich_help_panel=_WHICH,
    ),
]


@app.command()
def trace(
    request_ids: options.RequestIds,
    function: options.Function = None,
    log_group: options.LogGroup = None,
    source: options.From = "cloudwatch",
    since: options.Since = None,
    until: options.Until = None,
    store: options.Store = None,
    engine: options.EngineChoice = options.Engine.AUTO,
    max_cost: options.MaxCost = None,
    lines: Lines = False,
    attempt: AttemptNumber = None,
    failed: Failed = False,
    exit_code: ExitCode = False,
    wait: Wait = False,
    timeout: Timeout = None,
    web: Web = False,
    profile: options.Profile = None,
    region: options.Region = None,
    endpoint_url: options.EndpointUrl = None,
    output: options.OutputForm = options.Output.TEXT,
    report: options.Report = None,
    color: options.ColorChoice = options.Color.AUTO,
    tz: options.Tz = "UTC",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Tell the story of each attempt of a request: when and where it ran, how it ended,
    what it counted and which branch it took, and whether that was right.

    retryctl trace 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Without -f or -g every log group of a Lambda function is searched.
    """
    from retryctl.app.follow import read_wait
    from retryctl.cli import telling

    look = options.look_of(locals())
    return telling.tell(
        request_ids,
        look,
        options.OutputOptions(
            output=output,
            color=color,
            tz=tz,
            quiet=quiet,
            lines=lines,
            attempt=attempt,
            failed=failed,
            exit_code=exit_code,
            web=web,
        ),
        read_wait(wait, timeout, look),
        reports=report or (),
    )
