"""``retryctl doctor``: check a function's configuration before anything fails."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli.check import Form, Report
from retryctl.cli.help import CommandApp
from retryctl.cli.options import params
from retryctl.errors import ExitStatus

app = CommandApp()


@app.command()
@params.grouped
def doctor(
    aws: params.AwsOptions,
    screen: params.ScreenOptions,
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="Name or ARN.", show_default=False)
    ],
    output: Form = "text",
    report: Report = None,
) -> ExitStatus:
    """Check a function's configuration: retries, invokers, destinations, log and permissions.

    Each check passes, fails, or could not be made. Exit status: 0 all passed, 1 a check failed,
    5 a check could not be made, 3 the function could not be read.
    """
    from retryctl.cli.runs.doctor import run_doctor

    return run_doctor(function, aws, screen, output=output, files=report or ())
