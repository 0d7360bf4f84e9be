"""``retryctl check``: a log as a test, for a pipeline that must fail when the function did."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli import params as options

app = typer.Typer(add_completion=False)

_WHAT = "What has to hold"
_REPORTS = "Reports"
_FORMS = "text, json, junit, sarif, github, gitlab, tap or markdown"

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FUNCTION | REQUEST_ID...]",
        help="The function whose requests in the window are checked, or the requests. "
        "With --from neither is needed.",
        show_default=False,
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="RULE,…|error|warning",
        help="The findings that fail: by rule or from a severity on. Without it: error.",
        rich_help_panel=_WHAT,
    ),
]
Allow = Annotated[
    str | None,
    typer.Option(
        "--allow",
        metavar="RULE,…",
        help="Rules that may be broken.",
        rich_help_panel=_WHAT,
    ),
]
ExpectBranches = Annotated[
    str | None,
    typer.Option(
        "--expect-branches",
        metavar="A,B,C",
        help="The branches that each retried request runs, or each that is named.",
        rich_help_panel=_WHAT,
    ),
]
ExpectOutcome = Annotated[
    str | None,
    typer.Option(
        "--expect-outcome",
        metavar="OUTCOME,…",
        help="What each request comes to that does not succeed at once, or each that is named.",
        rich_help_panel=_WHAT,
    ),
]
MinRequests = Annotated[
    int | None,
    typer.Option(
        "--min-requests",
        metavar="N",
        min=0,
        help="At least so many requests.",
        rich_help_panel=_WHAT,
    ),
]
MinRetried = Annotated[
    int | None,
    typer.Option(
        "--min-retried",
        metavar="N",
        min=0,
        help="At least so many of them retried.",
        rich_help_panel=_WHAT,
    ),
]
MaxExhausted = Annotated[
    str | None,
    typer.Option(
        "--max-exhausted",
        metavar="N|P%",
        help="At most so many requests that Lambda gave up.",
        rich_help_panel=_WHAT,
    ),
]
MaxWrongBranch = Annotated[
    str | None,
    typer.Option(
        "--max-wrong-branch",
        metavar="N|P%",
        help="At most so many wrong branches, of all that ran.",
        rich_help_panel=_WHAT,
    ),
]
MinAccuracy = Annotated[
    str | None,
    typer.Option(
        "--min-accuracy",
        metavar="P%",
        help="The counter right on at least so many of the retries that logged one.",
        rich_help_panel=_WHAT,
    ),
]
AllowEmpty = Annotated[
    bool | None,
    typer.Option(
        "--allow-empty",
        help="Pass where there is nothing to check.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
Wait = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="5m",
        help="Look again until every request has closed and everything can be judged, "
        "for at most so long.",
        rich_help_panel=_WHAT,
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="Findings that are known: told, but they do not fail.",
        rich_help_panel=_WHAT,
    ),
]
UpdateBaseline = Annotated[
    bool,
    typer.Option(
        "--update-baseline", help="Add what fails now to --baseline.", rich_help_panel=_WHAT
    ),
]
Form = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FORM",
        help=f"The form of the output: {_FORMS}.",
        rich_help_panel=_REPORTS,
    ),
]
Report = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORM=FILE",
        help="Write a file too, in any of these forms. May be given several times.",
        rich_help_panel=_REPORTS,
    ),
]


@app.command()
def check(
    targets: Targets = None,
    function: options.Function = None,
    log_group: options.LogGroup = None,
    source: options.From = "cloudwatch",
    since: options.Since = None,
    until: options.Until = None,
    engine: options.EngineChoice = options.Engine.FILTER,
    max_cost: options.MaxCost = None,
    fail_on: FailOn = None,
    allow: Allow = None,
    expect_branches: ExpectBranches = None,
    expect_outcome: ExpectOutcome = None,
    min_requests: MinRequests = None,
    min_retried: MinRetried = None,
    max_exhausted: MaxExhausted = None,
    max_wrong_branch: MaxWrongBranch = None,
    min_accuracy: MinAccuracy = None,
    allow_empty: AllowEmpty = None,
    wait: Wait = None,
    baseline: Baseline = None,
    update_baseline: UpdateBaseline = False,
    output: Form = "text",
    report: Report = None,
    profile: options.Profile = None,
    region: options.Region = None,
    endpoint_url: options.EndpointUrl = None,
    color: options.ColorChoice = options.Color.AUTO,
    tz: options.Tz = "UTC",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Pass or fail on what trace would find, in the requests of a function or a saved log.

    retryctl check orders-worker --since 15m --report junit=report.xml

    Exits with 0 where everything held, 1 where something did not, 5 where the logs do not allow\
 to tell, 4 where there was nothing to check. What has to hold can also stand in the settings\
 file, in its table "check".
    """
    from retryctl.app import check as checking
    from retryctl.cli.check_options import CheckOptions

    return checking.check(
        targets or (),
        options.look_of(locals()),
        options.OutputOptions(color=color, tz=tz, quiet=quiet),
        CheckOptions(
            fail_on=fail_on,
            allow=allow,
            expect_branches=expect_branches,
            expect_outcome=expect_outcome,
            min_requests=min_requests,
            min_retried=min_retried,
            max_exhausted=max_exhausted,
            max_wrong_branch=max_wrong_branch,
            min_accuracy=min_accuracy,
            allow_empty=allow_empty,
            baseline=baseline,
            wait=wait,
            report=tuple(report) if report else None,
        ),
        form=output,
        update=update_baseline,
    )
