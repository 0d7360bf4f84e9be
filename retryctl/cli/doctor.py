"""``retryctl doctor``: check a function's configuration before anything fails."""

from __future__ import annotations

import time
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params
from retryctl.errors import ExitStatus

app = CommandApp()


class DoctorForm(StrEnum):
    """The forms of ``retryctl doctor``."""

    TEXT = "text"
    JSON = "json"


@app.command()
@params.grouped
def doctor(
    aws: params.AwsOptions,
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="Name or ARN.", show_default=False)
    ],
    output: Annotated[DoctorForm, typer.Option("--output", "-o", help="Output format.")] = (
        DoctorForm.TEXT
    ),
    color: params.ColorChoice = params.Color.AUTO,
    debug: params.Debug = False,
) -> ExitStatus:
    """Check a function's configuration: retries, invokers, destinations, log and permissions.

    Each check passes, fails, or could not be made. Exit status: 0 all passed, 1 a check failed,
    5 a check could not be made, 3 the function could not be read.
    """
    from retryctl.app.doctor import examine_function
    from retryctl.cli.options.source import aws_client
    from retryctl.cli.output.terminal import put, stdout_screen

    client = aws_client(aws, function)
    report = examine_function(client, function, now_ms=time.time_ns() // 1_000_000)
    if output is DoctorForm.JSON:
        from retryctl.views.json.doctor import doctor_document

        put(doctor_document(report), document=True)
    else:
        from retryctl.views.text.doctor import doctor_text

        put(doctor_text(report, **asdict(stdout_screen(color))))
    return STATUSES[report.passed]


STATUSES = {
    True: ExitStatus.OK,
    False: ExitStatus.DID_NOT_HOLD,
    None: ExitStatus.UNDETERMINED,
}
