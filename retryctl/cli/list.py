"""``retryctl list``: one row for each request."""

from __future__ import annotations

from functools import partial

from retryctl.cli.command_app import CommandApp, option
from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

app = CommandApp()

_selection = partial(option, section="Which requests")
_names = partial(_selection, metavar="NAME,…")


@value_class
class ListArguments(options.LogOptions):
    """Which requests are listed, in which order and format, as it was typed."""

    functions: list[str] | None = options.functions_argument()
    events: options.RelatedOptions
    retried: bool = _selection("Only requests that were retried.", default=False)
    outcome: str | None = _names(
        "Only these outcomes: exhausted, pending, …",
        autocompletion=completions.some_of(completions.outcomes),
    )
    verdict: str | None = _names(
        "Only these verdicts: disagrees, agrees, …",
        autocompletion=completions.some_of(completions.verdicts),
    )
    finding: str | None = _names(
        "Only requests with one of these findings.",
        autocompletion=completions.some_of(completions.findings),
    )
    error: str | None = _selection(
        "Only requests with this text in the type or the message of an error.", metavar="TEXT"
    )
    min_attempts: int = _selection("With at least N attempts.", default=0, metavar="N", min=0)
    failed: bool = _selection("Only outcomes other than succeeded and recovered.", default=False)
    limit: int | None = _selection(
        "Show at most N requests. Default: 50 as text, all in other formats.",
        *("--limit", "-n"),
        metavar="N",
        min=1,
    )
    sort: str | None = options.output_option(
        "Order: newest, oldest, attempts (most first), outcome or verdict (worst first). "
        "Default: newest.",
        metavar="ORDER",
        autocompletion=completions.one_of("newest", "oldest", "attempts", "outcome", "verdict"),
    )
    output: str = options.form_option(
        "Output format: text, json, jsonl (one request per line), csv, html or markdown.",
        *completions.LIST_FORMS,
    )
    report: list[str] | None = options.report_option(*completions.LIST_FORMS)


@app.command(name="list")
def list_requests(given: ListArguments) -> int:
    """List the requests of a function, one row each, with whole IDs for retryctl trace.

    retryctl list orders-worker --since 24h --retried --verdict disagrees
    """
    functions = given.functions or ()
    if given.events.wanted:
        from retryctl.cli.runs.related import run_related

        key = given.events.key
        return run_related(given, key, given.output, shape="list", functions=functions)
    from retryctl.cli.runs.list import run_list

    return run_list(given)
