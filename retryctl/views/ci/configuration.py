"""The checks of a function's configuration as the result of a check, for the CI formats."""

from __future__ import annotations

from datetime import tzinfo

from retryctl.core.check.check_evaluator import CheckOutcome
from retryctl.core.check.expectations import CheckResult
from retryctl.core.doctor.result import DoctorReport
from retryctl.core.model.coverage import Coverage
from retryctl.views.ci.report import CheckReport


def configuration_report(report: DoctorReport, *, version: str, tz: tzinfo) -> CheckReport:
    """Return each diagnosis as a check with its remedy; no request was read."""
    checks = tuple(
        CheckResult(
            name=each.name,
            passed=each.passed,
            message=each.evidence,
            function=report.function,
            remedy=each.remedy,
            is_option=False,
        )
        for each in report.diagnoses
    )
    judgement = CheckOutcome(
        checks=checks,
        findings=(),
        counts={},
        requests=0,
        retried=0,
        functions=(report.function,),
        not_found=(),
        empty=False,
    )
    coverage = Coverage(source="cloudwatch")
    return CheckReport(
        judgement=judgement, coverage=coverage, version=version, tz=tz, command="doctor"
    )
