"""``retryctl doctor``: check a function's configuration before anything fails."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params
from retryctl.cli.options.check_options import Form, Report
from retryctl.errors import ExitStatus, UsageError

app = CommandApp()


@app.command()
@params.grouped
def doctor(
    aws: params.AwsOptions,
    screen: params.ScreenOptions,
    function: Annotated[
        str | None,
        typer.Argument(
            metavar="[FUNCTION]",
            help="Name or ARN. Default: RETRYCTL_FUNCTION, then the settings file.",
            show_default=False,
        ),
    ] = None,
    named: Annotated[
        str | None,
        typer.Option("--function", "-f", metavar="NAME|ARN", help="The same as FUNCTION."),
    ] = None,
    output: Form = "text",
    report: Report = None,
) -> ExitStatus:
    """Check a function's configuration: retries, event sources, destinations, log and permissions.

    Each check passes, fails, or could not be made. Exit status: 0 if all passed, 1 if a
    check failed, 5 if a check could not be made, 3 if the function could not be read.
    """
    from retryctl.cli.runs.doctor import run_doctor

    if None not in (function, named):
        raise UsageError("the function is named twice.", "Drop FUNCTION or --function.")
    return run_doctor(
        named if function is None else function, aws, screen, output=output, files=report or ()
    )
