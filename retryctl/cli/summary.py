"""``retryctl summary``: how often a function is retried, and whether its count can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retryctl.cli import params as options

app = typer.Typer(add_completion=False)

Functions = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FUNCTION...]",
        help="The functions, also as patterns: 'orders-*', or '*' for all of the account. "
        "With --from none is needed.",
        show_default=False,
    ),
]
Form = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FORM",
        help="text, json, jsonl (one function a line), csv or html.",
        rich_help_panel="How to show it",
    ),
]
Compare = Annotated[
    Path | None,
    typer.Option(
        "--compare",
        metavar="FILE",
        help="The JSON of an earlier summary: tell what changed since, for better or worse. "
        "Shown in text, json and html.",
    ),
]


@app.command()
def summary(
    functions: Functions = None,
    function: options.Function = None,
    log_group: options.LogGroup = None,
    source: options.From = "cloudwatch",
    since: options.Since = None,
    until: options.Until = None,
    engine: options.EngineChoice = options.Engine.FILTER,
    max_cost: options.MaxCost = None,
    compare: Compare = None,
    profile: options.Profile = None,
    region: options.Region = None,
    endpoint_url: options.EndpointUrl = None,
    output: Form = "text",
    report: options.Report = None,
    color: options.ColorChoice = options.Color.AUTO,
    tz: options.Tz = "UTC",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Count the requests of a function: attempts, outcomes, branches, waits, errors and cost,\
 and how often the function's own count was right on a retry.

    retryctl summary orders-worker --since 24h
    """
    from retryctl.cli import summing

    look = options.look_of(locals())
    show = options.OutputOptions(color=color, tz=tz, quiet=quiet)
    return summing.summarise(
        functions or (), look, show, form=output, compare=compare, reports=report or ()
    )
