"""``retryctl check``: a log as a test, for a CI job that must fail when retries went wrong.

Mistakes in the options, the settings, the baseline or the report files are refused before
anything is read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from retryctl import __version__
from retryctl.app.check import CheckPlan, CheckRun
from retryctl.app.check import check as run_check
from retryctl.app.options import SourceOptions, TimeWindow
from retryctl.cli import params as options
from retryctl.cli.answers import nothing_found
from retryctl.cli.check_options import CheckOptions, read_expected
from retryctl.cli.report_files import (
    annotate,
    known_form,
    read_known,
    report_files,
    update_known,
    write,
)
from retryctl.cli.terminal import TerminalFeedback, put, remark, stdout_screen
from retryctl.cli.times import zone
from retryctl.config import config_for
from retryctl.core.model.events import request_id_in
from retryctl.errors import ExitStatus, NothingFound, UsageError
from retryctl.views.ci.report import ELSEWHERE, REPORTS, CheckReport
from retryctl.views.ci.report import report as make_report

app = typer.Typer(add_completion=False)

_WHAT = "What must hold"
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
        metavar="FINDING,…|error|warning",
        help="Which findings fail: names, or a minimum severity. Default: error.",
        rich_help_panel=_WHAT,
    ),
]
Allow = Annotated[
    str | None,
    typer.Option(
        "--allow",
        metavar="FINDING,…",
        help="Findings to ignore.",
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
        help="Required outcome of each request that did not succeed at once, or of each request "
        "that is named.",
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
        help="The counter is right on at least P % of the retries that logged one.",
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
Wait = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="5m",
        help="Read the log again until every request has closed, at most this long.",
        rich_help_panel=_WHAT,
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="Known findings: they are shown, but do not fail.",
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
        rich_help_panel=_REPORTS,
    ),
]
Report = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORM=FILE",
        help="Also write a file in one of these formats. Repeatable.",
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
) -> int:
    """Check requests; exit non-zero if anything is wrong.

    retryctl check orders-worker --since 15m --report junit=report.xml

    Exit status: 0 if everything held, 1 if something did not, 5 if the logs do not allow a\
 verdict, 4 if there was nothing to check. What must hold can also stand in the settings file,\
 in its table "check".
    """
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
        wait=wait,
        report=tuple(report) if report else None,
    )
    request_ids, source = _targets(targets or (), options.source_options(read, aws))
    config = config_for(source.source)
    window = options.time_window(read, screen.tz)
    expected = read_expected(chosen, config, request_ids)
    _refuse_waiting(expected.wait_ms, source)
    files = report_files(
        expected.reports, REPORTS, ELSEWHERE, source=source.source, baseline=expected.baseline
    )
    plan = CheckPlan(
        request_ids=request_ids,
        options=source,
        window=window,
        config=config,
        expectations=expected.expectations,
        wait_ms=expected.wait_ms,
        baseline=read_known(expected.baseline, update=update_baseline),
        learns=update_baseline,
    )
    known_form(output, REPORTS, ELSEWHERE)
    run = run_check(plan, feedback=TerminalFeedback(quiet=screen.quiet), sleep=time.sleep)
    result = CheckReport(
        judgement=run.outcome,
        coverage=run.coverage,
        version=__version__,
        tz=zone(screen.tz),
        reports=tuple(str(file.path) for file in files),
    )
    for file in files:
        write(file.path, make_report(file.form, result))
    if update_baseline and expected.baseline:
        found = {judged.identity for judged in run.outcome.findings if judged.known}
        update_known(expected.baseline, plan.baseline | found)
    _print(result, output, screen)
    for why in run.not_found.values():
        remark(f"retryctl: {why}")
    if result.status is ExitStatus.NOTHING_FOUND:
        raise _nothing_to_check(result, run, window)
    return result.status


def _targets(
    arguments: Sequence[str], source: SourceOptions
) -> tuple[tuple[str, ...], SourceOptions]:
    """Split the arguments into request IDs and the function: all that has not the form of an ID."""
    ids: dict[str, None] = {}
    for argument in arguments:
        if request_id := request_id_in(argument):
            ids[request_id] = None
        elif source.function in (None, argument):
            source = replace(source, function=argument)
        else:
            raise UsageError(
                f"both {source.function} and {argument} are named as the function.",
                "Name one function; a request ID has 36 characters.",
            )
    return tuple(ids), source


def _refuse_waiting(wait_ms: int, source: SourceOptions) -> None:
    if wait_ms and source.source in ("-", "demo"):
        raise UsageError(
            f"--wait has nothing to wait for with --from {source.source}: it does not change.",
            "Drop --wait.",
        )


# --------------------------------------------------------------------------- the answer


def _print(result: CheckReport, form: str, screen: options.ScreenOptions) -> None:
    """Print the result, and annotate the change where GitHub Actions runs the check."""
    if form != "text":
        put(make_report(form, result), document=True)
    elif result.status is not ExitStatus.NOTHING_FOUND:
        put(_text(result, screen))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        annotate(
            "" if form == "github" else make_report("github", result),
            make_report("markdown", result),
        )


def _text(result: CheckReport, screen: options.ScreenOptions) -> str:
    from retryctl.views.text import check as check_text

    stdout = stdout_screen(screen.color)
    return check_text.report(
        result, width=stdout.width, colour=stdout.colour, ascii_only=stdout.ascii_only
    )


def _nothing_to_check(result: CheckReport, run: CheckRun, window: TimeWindow) -> NothingFound:
    if run.not_found:
        return nothing_found(
            "none of these requests was found.",
            run.coverage,
            result.tz,
            "--wait 5m waits for logs that are late.",
        )
    bounded = run.coverage.source == "cloudwatch" or not window.is_open
    first = "Widen the window with --since." if bounded else "Is it the right file?"
    return nothing_found(
        "there is no request to check.",
        run.coverage,
        result.tz,
        f"{first} --allow-empty lets a check of nothing pass.",
    )
