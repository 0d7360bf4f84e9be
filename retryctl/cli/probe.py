"""``retryctl probe``: test what retryctl assumes of CloudWatch Logs."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retryctl.cli.command_app import CommandApp, option
from retryctl.cli.options import params
from retryctl.core.value_classes import value_class
from retryctl.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from retryctl.core.probe_report import ProbeReport

app = CommandApp()

_option = partial(option, section="Options")


class ProbeForm(StrEnum):
    """The forms of ``retryctl probe``."""

    TEXT = "text"
    JSON = "json"


@value_class
class ProbeArguments:
    """What to test, as it was typed."""

    aws: params.AwsOptions
    yes: bool = _option("Create the two log groups. Without --yes nothing is done.", default=False)
    function: str | None = _option(
        "Also read the newest records of this function. The function is not changed.",
        *("--function", "-f"),
        metavar="NAME",
    )
    skip_quota: bool = _option(
        "Skip the test of the call quota, a burst of 60 calls.", default=False
    )
    report: Path | None = _option(
        "Also write the JSON document to a file; after Ctrl-C, with what was tested until then.",
        metavar="FILE",
    )
    output: ProbeForm = _option("Output format.", "--output", "-o", default=ProbeForm.TEXT)
    color: params.Color = params.color_option()
    quiet: bool = params.quiet_option()
    debug: bool = params.debug_option()


@app.command()
def probe(given: ProbeArguments) -> ExitStatus:
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
    if not given.yes:
        raise UsageError(
            "retryctl probe creates two log groups in your account and deletes them. "
            "It takes up to five minutes and costs less than $0.01.",
            "Run it with --yes.",
        )
    from retryctl.app.probe.probe import probe as run_probe
    from retryctl.cli.options.source import aws_client
    from retryctl.cli.output import terminal
    from retryctl.cli.output.progress import TerminalFeedback, progress_lines
    from retryctl.cli.output.report_files import refuse_unwritable, write
    from retryctl.views.json.documents import probe_document
    from retryctl.views.text.check import probe_blocks
    from retryctl.views.text.layout import text_of

    if given.report:
        refuse_unwritable(given.report)

    def keep(found: ProbeReport) -> None:
        if given.report:
            write(given.report, probe_document(found))

    shown = TerminalFeedback(quiet=given.quiet)
    is_terminal = sys.stderr.isatty()
    progress = shown.progress() if is_terminal else progress_lines(quiet=given.quiet)
    with progress as show:
        found = run_probe(
            aws_client(given.aws, show=show),
            function=given.function,
            quota=not given.skip_quota,
            feedback=TerminalFeedback(quiet=False),  # also with -q it names lasting groups
            show=show,
            keep=keep,
        )
    keep(found)
    if given.output is ProbeForm.JSON:
        terminal.put(probe_document(found), document=True)
    else:
        terminal.put(text_of(probe_blocks(found), terminal.stdout_screen(given.color)))
    return ExitStatus.of(found.passed)
