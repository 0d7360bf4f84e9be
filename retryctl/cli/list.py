"""``retryctl list``: one line for each request."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli import params as options
from retryctl.cli.summary import Functions

app = typer.Typer(add_completion=False)

_WHICH = "Which of them"


def _names(flag: str, help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        flag, metavar="NAME,…", help=help, rich_help_panel=_WHICH
    )
    return option


Retried = Annotated[
    bool, typer.Option("--retried", help="Only those that were retried.", rich_help_panel=_WHICH)
]
Outcome = Annotated[str | None, _names("--outcome", "Only these outcomes: exhausted, pending, …")]
Verdict = Annotated[str | None, _names("--verdict", "Only these verdicts: disagrees, agrees, …")]
Finding = Annotated[str | None, _names("--finding", "Only those with one of these findings.")]
Error = Annotated[
    str | None,
    typer.Option(
        "--error",
        metavar="TEXT",
        help="Only those with this text in the type or the message of an error.",
        rich_help_panel=_WHICH,
    ),
]
MinAttempts = Annotated[
    int,
    typer.Option("--min-attempts", min=0, help="Only from so many on.", rich_help_panel=_WHICH),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=1,
        help="At most so many. Text shows the newest, 50 without this.",
        rich_help_panel=_WHICH,
    ),
]
Form = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FORM",
        help="text, json, jsonl (one request a line) or csv.",
        rich_help_panel="How to show it",
    ),
]


@app.command(name="list")
def list_requests(
    functions: Functions = None,
    function: options.Function = None,
    log_group: options.LogGroup = None,
    source: options.From = "cloudwatch",
    since: options.Since = None,
    until: options.Until = None,
    engine: options.EngineChoice = options.Engine.FILTER,
    max_cost: options.MaxCost = None,
    retried: Retried = False,
    outcome: Outcome = None,
    verdict: Verdict = None,
    finding: Finding = None,
    error: Error = None,
    min_attempts: MinAttempts = 0,
    limit: Limit = None,
    profile: options.Profile = None,
    region: options.Region = None,
    endpoint_url: options.EndpointUrl = None,
    output: Form = "text",
    color: options.ColorChoice = options.Color.AUTO,
    tz: options.Tz = "UTC",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """List the requests of a function, one line each, with whole IDs to hand to retryctl trace.

    retryctl list orders-worker --since 24h --retried --verdict disagrees
    """
    from retryctl.cli import listing

    look = options.look_of(locals())
    show = options.OutputOptions(color=color, tz=tz, quiet=quiet)
    wanted = listing.wanted(
        outcome=outcome,
        verdict=verdict,
        finding=finding,
        error=error,
        least_attempts=max(min_attempts, 2 if retried else 0),
    )
    return listing.list_requests(functions or (), look, show, wanted, form=output, limit=limit)
