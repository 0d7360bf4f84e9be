"""``retryctl list``: one line for each request."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.cli.summary import Functions

app = CommandApp()

_selection = partial(typer.Option, rich_help_panel="Which requests")


def _names(flag: str, names: completions.Names, help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = _selection(
        flag,
        metavar="NAME,…",
        help=help,
        autocompletion=completions.some_of(names),
    )
    return option


Retried = Annotated[bool, _selection("--retried", help="Only requests that were retried.")]
Failed = Annotated[
    bool, _selection("--failed", help="Only outcomes other than succeeded and recovered.")
]
Outcomes = Annotated[
    str | None,
    _names("--outcome", completions.outcomes, "Only these outcomes: exhausted, pending, …"),
]
Verdict = Annotated[
    str | None,
    _names("--verdict", completions.verdicts, "Only these verdicts: disagrees, agrees, …"),
]
Finding = Annotated[
    str | None,
    _names("--finding", completions.findings, "Only requests with one of these findings."),
]
Error = Annotated[
    str | None,
    _selection(
        "--error",
        metavar="TEXT",
        help="Only requests with this text in the type or the message of an error.",
    ),
]
MinAttempts = Annotated[
    int, _selection("--min-attempts", metavar="N", min=0, help="With at least N attempts.")
]
Limit = Annotated[
    int | None,
    _selection(
        "--limit",
        "-n",
        metavar="N",
        min=1,
        help="At most N requests. Text shows the newest 50 by default.",
    ),
]
Sort = Annotated[
    str | None,
    options.output_option(
        "--sort",
        metavar="ORDER",
        help="newest, oldest, attempts (most first), outcome or verdict (worst first). "
        "Default: newest.",
        autocompletion=completions.one_of("newest", "oldest", "attempts", "outcome", "verdict"),
    ),
]
Report = Annotated[list[str] | None, options.report_option(*completions.LIST_FORMS)]
Form = Annotated[
    str,
    options.output_option(
        "--output",
        "-o",
        metavar="FORM",
        help="text, json, jsonl (one request per line), csv, html or markdown.",
        autocompletion=completions.one_of(*completions.LIST_FORMS),
    ),
]


@app.command(name="list")
@options.grouped
def list_requests(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    functions: Functions = None,
    retried: Retried = False,
    outcome: Outcomes = None,
    verdict: Verdict = None,
    finding: Finding = None,
    error: Error = None,
    min_attempts: MinAttempts = 0,
    failed: Failed = False,
    limit: Limit = None,
    sort: Sort = None,
    related: options.Related = False,
    key: options.Key = None,
    output: Form = "text",
    report: Report = None,
) -> int:
    """List the requests of a function, one line each, with whole IDs for retryctl trace.

    retryctl list orders-worker --since 24h --retried --verdict disagrees
    """
    if related or key:
        from retryctl.cli.runs.related import RelatedOptions, run_related

        related_options = RelatedOptions(key=key, output=output, shape="list")
        return run_related(read, aws, screen, related_options, functions=functions or ())
    from retryctl.cli.runs.list import ListOptions, row_filter, run_list

    wanted = row_filter(
        outcome=outcome,
        verdict=verdict,
        finding=finding,
        error=error,
        least_attempts=max(min_attempts, 2 if retried else 0),
        failed=failed,
    )
    show = ListOptions(output=output, limit=limit, sort=sort, reports=tuple(report or ()))
    return run_list(functions or (), read, aws, screen, wanted, show)
