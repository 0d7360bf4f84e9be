"""``retryctl probe``: test what retryctl assumes of CloudWatch Logs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params
from retryctl.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from retryctl.core.probe_report import ProbeReport

app = CommandApp()


class ProbeForm(StrEnum):
    """The forms of ``retryctl probe``."""

    TEXT = "text"
    JSON = "json"


@app.command()
@params.grouped
def probe(
    aws: params.AwsOptions,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Create the two log groups. Without --yes nothing is done."),
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            "-f",
            metavar="NAME",
            help="Also read the newest records of this function. The function is not changed.",
        ),
    ] = None,
    skip_quota: Annotated[
        bool,
        typer.Option("--skip-quota", help="Skip the test of the call quota, a burst of 60 calls."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Also write the JSON document to a file; after Ctrl-C, with what was tested until "
            "then.",
        ),
    ] = None,
    output: Annotated[ProbeForm, typer.Option("--output", "-o", help="Output format.")] = (
        ProbeForm.TEXT
    ),
    color: params.ColorChoice = params.Color.AUTO,
    quiet: params.Quiet = False,
    debug: params.Debug = False,
) -> ExitStatus:
    """Test what retryctl assumes of CloudWatch Logs, with two log groups of its own.

    It creates a Standard and an Infrequent Access group, puts 12,046 short events into them, reads
    them with every call that retryctl uses, and deletes both groups, also after Ctrl-C. It names a
    group that it cannot delete, with the command that deletes it. It takes up to five minutes and
    costs less than $0.01. The report has no account number. It needs these actions on
    /retryctl/probe/*: logs:CreateLogGroup, CreateLogStream, PutLogEvents, PutRetentionPolicy,
    DeleteLogGroup, FilterLogEvents, GetLogEvents, DescribeLogGroups, StartQuery, GetQueryResults,
    StopQuery.

    Exit status: 0 if every assumption is right, 1 if one is wrong, 5 if one could not be tested,
    3 if the groups could not be created.
    """
    if not yes:
        raise UsageError(
            "retryctl probe creates two log groups in your account and deletes them. "
            "It takes up to five minutes and costs less than $0.01.",
            "Run it with --yes.",
        )
    from retryctl.app.probe.probe import probe as run_probe
    from retryctl.cli.options.source import aws_client
    from retryctl.cli.output.report_files import refuse_unwritable, write
    from retryctl.cli.output.terminal import (
        TerminalFeedback,
        progress_lines,
        put,
        stderr_is_terminal,
        stdout_screen,
    )
    from retryctl.views.json.probe import probe_document
    from retryctl.views.text.layout import text_of
    from retryctl.views.text.probe import probe_blocks

    if report:
        refuse_unwritable(report)

    def keep(found: ProbeReport) -> None:
        if report:
            write(report, probe_document(found))

    shown = TerminalFeedback(quiet=quiet)
    progress = shown.progress() if stderr_is_terminal() else progress_lines(quiet=quiet)
    with progress as show:
        found = run_probe(
            aws_client(aws, show=show),
            function=function,
            quota=not skip_quota,
            feedback=TerminalFeedback(quiet=False),  # groups that remain are named, also with -q
            show=show,
            keep=keep,
        )
    keep(found)
    if output is ProbeForm.JSON:
        put(probe_document(found), document=True)
    else:
        put(text_of(probe_blocks(found), stdout_screen(color)))
    return ExitStatus.of(found.passed)
