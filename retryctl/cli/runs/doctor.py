"""Run ``retryctl doctor``: examine the function, write the reports, and print the result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from retryctl import __version__
from retryctl.app.doctor import examine_function
from retryctl.app.options import wall_clock_ms
from retryctl.cli.options.params import ReadOptions, refuse_unknown
from retryctl.cli.options.source import refuse_request_id, source_options
from retryctl.cli.options.times import zone
from retryctl.cli.output.progress import TerminalFeedback
from retryctl.cli.output.report_files import annotate, report_files, write_reports
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.config import config_for
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.ci.formats import CHECK_FORMATS, CI_FORMATS
from retryctl.views.ci.report import configuration_report
from retryctl.views.json.documents import doctor_document
from retryctl.views.screen import Screen
from retryctl.views.text.check import doctor_blocks
from retryctl.views.text.layout import text_of

if TYPE_CHECKING:
    from retryctl.cli.doctor import DoctorArguments


class _ProgressOnly(TerminalFeedback):
    """Shows progress. Warnings are dropped: the checks state what could not be read."""

    def warn(self, sentence: str) -> None:
        pass


def run_doctor(given: DoctorArguments) -> ExitStatus:
    """Check the configuration of a function, by name or ARN, or of the configured one."""
    config, screen = config_for("cloudwatch"), given.screen
    options = source_options(ReadOptions(), given.aws, config)
    function = given.function if given.name is None else given.name
    function = options.function or config.function if function is None else function
    if function is None:
        raise UsageError(
            "no function given.", "Name it: retryctl doctor NAME. Or set function in retryctl.toml."
        )
    refuse_request_id(function, "cloudwatch")
    refuse_unknown(given.output, CHECK_FORMATS, "--output")
    files = report_files(given.report or (), CHECK_FORMATS, source="")
    found = examine_function(
        options,
        config,
        function,
        now_ms=wall_clock_ms(),
        feedback=_ProgressOnly(quiet=screen.quiet),
    )
    result = configuration_report(found, version=__version__, tz=zone(screen.tz))

    def view(form: str, screen: Screen) -> Iterable[str]:
        if form == "text":
            return text_of(doctor_blocks(found), screen)
        return doctor_document(found) if form == "json" else CI_FORMATS[form](result)

    write_reports(files, view, quiet=True)
    put(view(given.output, stdout_screen(screen.color)), document=given.output != "text")
    annotate(result, given.output)
    return result.status
