"""The options of ``list``: which requests, in which order and format."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

_selection = partial(typer.Option, rich_help_panel="Which requests")


def _names(flag: str, names: completions.Names, help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = _selection(
        flag,
        metavar="NAME,…",
        help=help,
        autocompletion=completions.some_of(names),
    )
    return option


@value_class
class ListOptions:
    """Which requests are listed, in which order and format, as it was typed."""

    retried: Annotated[bool, _selection("--retried", help="Only requests that were retried.")] = (
        False
    )
    outcome: Annotated[
        str | None,
        _names("--outcome", completions.outcomes, "Only these outcomes: exhausted, pending, …"),
    ] = None
    verdict: Annotated[
        str | None,
        _names("--verdict", completions.verdicts, "Only these verdicts: disagrees, agrees, …"),
    ] = None
    finding: Annotated[
        str | None,
        _names("--finding", completions.findings, "Only requests with one of these findings."),
    ] = None
    error: Annotated[
        str | None,
        _selection(
            "--error",
            metavar="TEXT",
            help="Only requests with this text in the type or the message of an error.",
        ),
    ] = None
    min_attempts: Annotated[
        int, _selection("--min-attempts", metavar="N", min=0, help="With at least N attempts.")
    ] = 0
    failed: Annotated[
        bool, _selection("--failed", help="Only outcomes other than succeeded and recovered.")
    ] = False
    limit: Annotated[
        int | None,
        _selection(
            "--limit",
            "-n",
            metavar="N",
            min=1,
            help="Show at most N requests. Default: 50 as text, all in other formats.",
        ),
    ] = None
    sort: Annotated[
        str | None,
        options.output_option(
            "--sort",
            metavar="ORDER",
            help="Order: newest, oldest, attempts (most first), outcome or verdict (worst first). "
            "Default: newest.",
            autocompletion=completions.one_of("newest", "oldest", "attempts", "outcome", "verdict"),
        ),
    ] = None
    output: Annotated[
        str,
        options.output_option(
            "--output",
            "-o",
            metavar="FORM",
            help="Output format: text, json, jsonl (one request per line), csv, html or markdown.",
            autocompletion=completions.one_of(*completions.LIST_FORMS),
        ),
    ] = "text"
    report: Annotated[list[str] | None, options.report_option(*completions.LIST_FORMS)] = None
