"""``retryctl summary``: how often a function is retried, and how well it counts its retries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import completions
from retryctl.cli.options import params as options

app = CommandApp()

Functions = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FUNCTION...]",
        help="The functions, also as patterns: 'orders-*', or '*' for all of the account. "
        "Not needed with --from.",
        show_default=False,
    ),
]
Report = Annotated[list[str] | None, options.report_option(*completions.SUMMARY_FORMS)]
Form = Annotated[
    str,
    options.output_option(
        "--output",
        "-o",
        metavar="FORM",
        help="Output format: text, json, jsonl (one function per line), csv, html, svg or "
        "markdown.",
        autocompletion=completions.one_of(*completions.SUMMARY_FORMS),
    ),
]
Compare = Annotated[
    Path | None,
    typer.Option(
        "--compare",
        metavar="FILE",
        help="The JSON of an earlier summary: show what changed since. Not in jsonl or csv.",
    ),
]


@app.command()
@options.grouped
def summary(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    functions: Functions = None,
    compare: Compare = None,
    related: options.Related = False,
    key: options.Key = None,
    output: Form = "text",
    report: Report = None,
) -> int:
    """Count the requests of a function: attempts, outcomes, branches, waits, errors and cost,\
 and how often the function counted its retries correctly.

    retryctl summary orders-worker --since 24h
    """
    if related or key:
        from retryctl.cli.runs.related import RelatedOptions, run_related

        wanted = RelatedOptions(key=key, output=output, shape="summary")
        return run_related(read, aws, screen, wanted, functions=functions or ())
    from retryctl.cli.runs.summary import run_summary

    return run_summary(
        functions or (), read, aws, screen, compare=compare, output=output, reports=report or ()
    )
