"""The options of ``check``: what is expected, what is known, and the reports."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

_expectation = partial(typer.Option, rich_help_panel="What to expect")
_report = partial(typer.Option, rich_help_panel="Reports")
_FORM_NAMES = ("text", "json", "junit", "sarif", "github", "gitlab", "tap", "markdown")
_FORMS = f"{', '.join(_FORM_NAMES[:-1])} or {_FORM_NAMES[-1]}"

Form = Annotated[
    str,
    _report(
        "--output",
        "-o",
        metavar="FORM",
        help=f"Output format: {_FORMS}.",
        autocompletion=completions.one_of(*_FORM_NAMES),
    ),
]
Report = Annotated[
    list[str] | None,
    _report(
        "--report",
        metavar="[FORM=]FILE",
        help="Also write a file in one of these formats; without FORM, the format of its "
        "extension (xml: junit, md: markdown). Repeatable.",
        autocompletion=completions.report_of(*_FORM_NAMES),
    ),
]


@value_class
class CheckOptions:
    """The expectations of a check as they were typed, ``None`` where they were not."""

    fail_on: Annotated[
        str | None,
        _expectation(
            "--fail-on",
            metavar="FINDING,…|error|warning",
            help="Which findings fail: names, or a minimum severity. Default: error. A wrong "
            "counter always fails.",
            autocompletion=completions.some_of(completions.failing),
        ),
    ] = None
    allow: Annotated[
        str | None,
        _expectation(
            "--allow",
            metavar="FINDING,…",
            help="Findings to ignore.",
            autocompletion=completions.some_of(completions.findings),
        ),
    ] = None
    expect_branches: Annotated[
        str | None,
        _expectation(
            "--expect-branches",
            metavar="A,B,C",
            help="Required branches of each retried request, or of each that is named, from the "
            "first attempt to the last: a request that recovered after A,B fails. To accept it: "
            "--max-wrong-branch 0.",
        ),
    ] = None
    expect_outcome: Annotated[
        str | None,
        _expectation(
            "--expect-outcome",
            metavar="OUTCOME,…",
            help="Required outcome of each request that did not succeed on attempt 1, or of each "
            "that is named.",
            autocompletion=completions.some_of(completions.outcomes),
        ),
    ] = None
    min_requests: Annotated[
        int | None, _expectation("--min-requests", metavar="N", min=0, help="At least N requests.")
    ] = None
    min_retried: Annotated[
        int | None,
        _expectation("--min-retried", metavar="N", min=0, help="At least N retried requests."),
    ] = None
    max_exhausted: Annotated[
        str | None,
        _expectation(
            "--max-exhausted",
            metavar="N|P%",
            help="Lambda gave up on at most N requests, or P % of them.",
        ),
    ] = None
    max_wrong_branch: Annotated[
        str | None,
        _expectation(
            "--max-wrong-branch",
            metavar="N|P%",
            help="At most N wrong branches, or P % of all branches that ran.",
        ),
    ] = None
    min_accuracy: Annotated[
        str | None,
        _expectation(
            "--min-accuracy",
            metavar="P%",
            help="The counter agrees on at least P % of the retries that logged one.",
        ),
    ] = None
    allow_empty: Annotated[
        bool | None,
        _expectation(
            "--allow-empty", help="Pass if there is nothing to check.", show_default=False
        ),
    ] = None
    wait: options.Wait = None
    timeout: options.Timeout = None
    baseline: Annotated[
        str | None,
        _expectation(
            "--baseline",
            metavar="FILE",
            help="Known findings: they are shown, but do not fail.",
            autocompletion=completions.files,
        ),
    ] = None
    update_baseline: Annotated[
        bool,
        _expectation("--update-baseline", help="Add the findings that fail now to --baseline."),
    ] = False
    output: Form = "text"
    report: Report = None
