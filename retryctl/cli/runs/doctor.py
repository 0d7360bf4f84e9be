"""Run ``retryctl doctor``: examine the function, write the reports, and print the result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from retryctl import __version__
from retryctl.app.doctor import examine_function
from retryctl.app.options import wall_clock_ms
from retryctl.cli.options.choices import refuse_unknown
from retryctl.cli.options.params import AwsOptions, ReadOptions, ScreenOptions
from retryctl.cli.options.source import refuse_request_id, source_options
from retryctl.cli.options.times import zone
from retryctl.cli.output.report_files import annotate, report_files, write
from retryctl.cli.output.terminal import TerminalFeedback, put, stdout_screen
from retryctl.config import config_for
from retryctl.core.doctor.result import DoctorReport
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.ci.configuration import configuration_report
from retryctl.views.ci.formats import CI_REPORTS, REPORTS
from retryctl.views.ci.report import CheckReport
from retryctl.views.json.doctor import doctor_document
from retryctl.views.screen import A_FILE, Screen
from retryctl.views.text.doctor import doctor_blocks
from retryctl.views.text.layout import text_of


class _ProgressOnly(TerminalFeedback):
    """Shows progress. Warnings are dropped: the checks state what could not be read."""

    def warn(self, sentence: str) -> None:
        pass


def run_doctor(
    function: str | None,
    aws: AwsOptions,
    screen: ScreenOptions,
    *,
    output: str,
    files: Sequence[str],
) -> ExitStatus:
    """Check the configuration of ``function``, by name or ARN, or of the configured one."""
    config = config_for("cloudwatch")
    options = source_options(ReadOptions(), aws, config)
    function = options.function or config.function if function is None else function
    if function is None:
        raise UsageError(
            "no function given.", "Name it: retryctl doctor NAME. Or set function in retryctl.toml."
        )
    refuse_request_id(function, "cloudwatch")
    refuse_unknown(output, REPORTS, "--output")
    reports = report_files(files, REPORTS, source="")
    found = examine_function(
        options,
        config,
        function,
        now_ms=wall_clock_ms(),
        feedback=_ProgressOnly(quiet=screen.quiet),
    )
    result = configuration_report(found, version=__version__, tz=zone(screen.tz))
    for file in reports:
        write(file.path, _rendered(file.form, found, result, A_FILE))
    text = _rendered(output, found, result, stdout_screen(screen.color))
    put(text, document=output != "text")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        annotations = "" if output == "github" else CI_REPORTS["github"](result)
        annotate(annotations, CI_REPORTS["markdown"](result))
    return result.status


def _rendered(form: str, found: DoctorReport, result: CheckReport, screen: Screen) -> Iterable[str]:
    if form == "text":
        return text_of(doctor_blocks(found), screen)
    return doctor_document(found) if form == "json" else CI_REPORTS[form](result)
