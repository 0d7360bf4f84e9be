"""``retryctl summary``: how often a function is retried, and how well it counts its retries."""

from __future__ import annotations

from pathlib import Path

from retryctl.cli.command_app import CommandApp, option
from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

app = CommandApp()


@value_class
class SummaryArguments(options.LogOptions):
    """What to count, as it was typed."""

    functions: list[str] | None = options.functions_argument()
    compare: Path | None = option(
        "The JSON of an earlier summary: show what changed since. Not in jsonl or csv.",
        section="Options",
        metavar="FILE",
    )
    events: options.RelatedOptions
    output: str = options.form_option(
        "Output format: text, json, jsonl (one function per line), csv, html, svg or markdown.",
        *completions.SUMMARY_FORMS,
    )
    report: list[str] | None = options.report_option(*completions.SUMMARY_FORMS)


@app.command()
def summary(given: SummaryArguments) -> int:
    """Count the requests of a function: attempts, outcomes, branches, waits, errors and cost,\
 and how often the function counted its retries correctly.

    retryctl summary orders-worker --since 24h
    """
    functions = given.functions or ()
    if given.events.wanted:
        from retryctl.cli.runs.related import run_related

        key = given.events.key
        return run_related(given, key, given.output, shape="summary", functions=functions)
    from retryctl.cli.runs.summary import run_summary

    return run_summary(given)
