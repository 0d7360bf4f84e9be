"""``retryctl check``: a log as a test, for a CI job that must fail when retries went wrong.

Mistakes in the options, the settings, the baseline or the report files are refused before
anything is read.
"""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import choices
from retryctl.cli.options import params as options

app = CommandApp()

_WHAT = "What to expect"
_REPORTS = "Reports"
_FORM_NAMES = ("text", "json", "junit", "sarif", "github", "gitlab", "tap", "markdown")
_FORMS = f"{', '.join(_FORM_NAMES[:-1])} or {_FORM_NAMES[-1]}"

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FUNCTION | REQUEST_ID...]",
        help="The function whose requests in the window are checked, or the requests: IDs, failure "
        "records, or a file or folder of records. "
        "With --from neither is needed.",
        show_default=False,
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="FINDING,…|error|warning",
        help="Which findings fail: names, or a minimum severity. Default: error.",
        autocompletion=choices.some_of(choices.failing),
        rich_help_panel=_WHAT,
    ),
]
Allow = Annotated[
    str | None,
    typer.Option(
        "--allow",
        metavar="FINDING,…",
        help="Findings to ignore.",
        autocompletion=choices.some_of(choices.findings),
        rich_help_panel=_WHAT,
    ),
]
ExpectBranches = Annotated[
    str | None,
    typer.Option(
        "--expect-branches",
        metavar="A,B,C",
        help="Required branches of each retried request, or of each request that is named.",
        rich_help_panel=_WHAT,
    ),
]
ExpectOutcome = Annotated[
    str | None,
    typer.Option(
        "--expect-outcome",
        metavar="OUTCOME,…",
        help="Required outcome of each request that did not succeed on attempt 1, or of each "
        "that is named.",
        autocompletion=choices.some_of(choices.outcomes),
        rich_help_panel=_WHAT,
    ),
]
MinRequests = Annotated[
    int | None,
    typer.Option(
        "--min-requests",
        metavar="N",
        min=0,
        help="At least N requests.",
        rich_help_panel=_WHAT,
    ),
]
MinRetried = Annotated[
    int | None,
    typer.Option(
        "--min-retried",
        metavar="N",
        min=0,
        help="At least N retried requests.",
        rich_help_panel=_WHAT,
    ),
]
MaxExhausted = Annotated[
    str | None,
    typer.Option(
        "--max-exhausted",
        metavar="N|P%",
        help="At most N or P % requests that Lambda gave up on.",
        rich_help_panel=_WHAT,
    ),
]
MaxWrongBranch = Annotated[
    str | None,
    typer.Option(
        "--max-wrong-branch",
        metavar="N|P%",
        help="At most N or P % wrong branches, of all that ran.",
        rich_help_panel=_WHAT,
    ),
]
MinAccuracy = Annotated[
    str | None,
    typer.Option(
        "--min-accuracy",
        metavar="P%",
        help="The counter agrees on at least P % of the retries that logged one.",
        rich_help_panel=_WHAT,
    ),
]
AllowEmpty = Annotated[
    bool | None,
    typer.Option(
        "--allow-empty",
        help="Pass if there is nothing to check.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="Known findings: they are shown, but do not fail.",
        autocompletion=choices.files,
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
        help=f"Output format: {_FORMS}.",
        autocompletion=choices.one_of(*_FORM_NAMES),
        rich_help_panel=_REPORTS,
    ),
]
Report = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="[FORM=]FILE",
        help="Also write a file in one of these formats; without FORM, the format of its "
        "extension (xml: junit, md: markdown). Repeatable.",
        autocompletion=choices.report_of(*_FORM_NAMES),
        rich_help_panel=_REPORTS,
    ),
]


@app.command()
@options.grouped
def check(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    targets: Targets = None,
    from_queue: options.FromQueue = None,
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
    wait: options.Wait = None,
    timeout: options.Timeout = None,
    baseline: Baseline = None,
    update_baseline: UpdateBaseline = False,
    output: Form = "text",
    report: Report = None,
) -> int:
    """Check requests; exit non-zero if anything is wrong.

    retryctl check orders-worker --since 15m --report junit=report.xml

    Exit status: 0 if every check passed, 1 if one failed, 5 if the logs do not allow a\
 verdict, 4 if there was nothing to check. The settings file can set expectations too,\
 in its table "check".
    """
    from retryctl.cli.options.check_options import CheckOptions
    from retryctl.cli.options.times import wait_limit
    from retryctl.cli.runs.check import run_check

    chosen = CheckOptions(
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
        wait=wait_limit(wait, timeout),
        report=tuple(report) if report else None,
    )
    return run_check(
        targets or (),
        read,
        aws,
        screen,
        chosen,
        queue=from_queue,
        update_baseline=update_baseline,
        output=output,
    )
