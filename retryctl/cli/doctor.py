"""``retryctl doctor``: check a function's configuration before anything fails."""

from __future__ import annotations

import time
from enum import Enum
from typing import Annotated

import typer

from retryctl import __version__
from retryctl.cli import params
from retryctl.cli.help import CommandApp
from retryctl.errors import ExitStatus

app = CommandApp()


class DoctorForm(str, Enum):
    """The forms of ``retryctl doctor``."""

    TEXT = "text"
    JSON = "json"


@app.command()
def doctor(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="Name or ARN.", show_default=False)
    ],
    profile: params.Profile = None,
    region: params.Region = None,
    endpoint_url: params.EndpointUrl = None,
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
    from retryctl.cli.terminal import put, stdout_screen
    from retryctl.sources.aws.client import AwsClient

    aws = AwsClient(
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
        user_agent=f"retryctl/{__version__}",
    )
    report = examine_function(aws, function, now_ms=time.time_ns() // 1_000_000)
    if output is DoctorForm.JSON:
        from retryctl.views.json.doctor import doctor_document

        put(doctor_document(report), document=True)
    else:
        from retryctl.views.text.doctor import doctor_text

        screen = stdout_screen(color)
        put(
            doctor_text(
                report, width=screen.width, colour=screen.colour, ascii_only=screen.ascii_only
            )
        )
    return STATUSES[report.passed]


STATUSES = {
    True: ExitStatus.OK,
    False: ExitStatus.DID_NOT_HOLD,
    None: ExitStatus.UNDETERMINED,
}
