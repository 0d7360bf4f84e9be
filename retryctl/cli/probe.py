"""``retryctl probe``: test what retryctl assumes of CloudWatch Logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retryctl import __version__
from retryctl.cli import params
from retryctl.cli.doctor import STATUSES, DoctorForm
from retryctl.cli.help import CommandApp
from retryctl.errors import ExitStatus, UsageError

app = CommandApp()


@app.command()
@params.grouped
def probe(
    aws: params.AwsOptions,
    yes: Annotated[
        bool, typer.Option("--yes", help="Make the two log groups. Without it nothing is done.")
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            "-f",
            metavar="NAME",
            help="Read the newest records of this function too. Nothing of it is changed.",
        ),
    ] = None,
    skip_quota: Annotated[
        bool, typer.Option("--skip-quota", help="Send no burst of 60 calls.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Also write the JSON document to a file."),
    ] = None,
    output: Annotated[DoctorForm, typer.Option("--output", "-o", help="Output format.")] = (
        DoctorForm.TEXT
    ),
    color: params.ColorChoice = params.Color.AUTO,
    quiet: params.Quiet = False,
    debug: params.Debug = False,
) -> ExitStatus:
    """Test what retryctl assumes of CloudWatch Logs, with two log groups of its own.

    It makes a Standard and an Infrequent Access group, puts 12,046 short events into them, reads
    them back by every call that retryctl uses, and deletes both groups, also after Ctrl-C. It
    takes up to five minutes and costs less than $0.01. The report holds no account number.
    It needs these actions on /retryctl/probe/*: logs:CreateLogGroup, CreateLogStream,
    PutLogEvents, PutRetentionPolicy, DeleteLogGroup, FilterLogEvents, GetLogEvents,
    DescribeLogGroups, StartQuery, GetQueryResults, StopQuery.

    Exit status: 0 every assumption holds, 1 one is wrong, 5 one could not be tested, 3 the groups
    could not be made.
    """
    if not yes:
        raise UsageError(
            "retryctl probe makes two log groups in your account and deletes them again. "
            "It takes up to five minutes and costs less than $0.01.",
            "Run it with --yes.",
        )
    from retryctl.app.probe.probe import probe as run_probe
    from retryctl.cli.report_files import refuse_unwritable
    from retryctl.cli.terminal import TerminalFeedback, put, stdout_screen
    from retryctl.sources.aws.client import AwsClient
    from retryctl.views.json.probe import probe_document

    if report:
        refuse_unwritable(report)
    found = run_probe(
        AwsClient(
            profile=aws.profile,
            region=aws.region,
            endpoint_url=aws.endpoint_url,
            user_agent=f"retryctl/{__version__}",
        ),
        function=function,
        quota=not skip_quota,
        feedback=TerminalFeedback(quiet=quiet),
    )
    if report:
        report.write_text(probe_document(found), encoding="utf-8")
    if output is DoctorForm.JSON:
        put(probe_document(found), document=True)
    else:
        from retryctl.views.text.probe import probe_text

        screen = stdout_screen(color)
        put(
            probe_text(
                found, width=screen.width, colour=screen.colour, ascii_only=screen.ascii_only
            )
        )
    return STATUSES[found.passed]
