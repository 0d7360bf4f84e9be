"""``retryctl doctor``: check a function's configuration before anything fails."""

from __future__ import annotations

from retryctl.cli.check import form_option, report_option
from retryctl.cli.command_app import CommandApp, argument, option
from retryctl.cli.options.params import AwsOptions, ScreenOptions
from retryctl.core.value_classes import value_class
from retryctl.errors import ExitStatus, UsageError

app = CommandApp()


@value_class
class DoctorArguments:
    """Which function to check, as it was typed."""

    aws: AwsOptions
    screen: ScreenOptions
    name: str | None = argument(
        "[FUNCTION]", "Name or ARN. Default: RETRYCTL_FUNCTION, then the settings file."
    )
    function: str | None = option(
        "The same as FUNCTION.", "--function", "-f", section="Options", metavar="NAME|ARN"
    )
    output: str = form_option()
    report: list[str] | None = report_option()


@app.command()
def doctor(given: DoctorArguments) -> ExitStatus:
    """Check a function's configuration: retries, event sources, destinations, log and permissions.

    Each check passes, fails, or could not be made. Exit status: 0 if all passed, 1 if a
    check failed, 5 if a check could not be made, 3 if the function could not be read.
    """
    from retryctl.cli.runs.doctor import run_doctor

    if None not in (given.name, given.function):
        raise UsageError("the function is named twice.", "Drop FUNCTION or --function.")
    return run_doctor(given)
