"""The formats in which the result of a check is printed and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from retryctl.views.ci import github, gitlab, junit, markdown, sarif, tap
from retryctl.views.ci.report import CheckReport
from retryctl.views.json import check as json_check
from retryctl.views.text.check import check_text


class CiReport(Protocol):
    """Writes the result of a check in one format."""

    def __call__(self, result: CheckReport, /) -> Iterable[str]:
        """Return the text of the report, or yield it in pieces."""


CI_REPORTS: Mapping[str, CiReport] = {
    "junit": junit.report,
    "sarif": sarif.report,
    "github": github.report,
    "gitlab": gitlab.report,
    "tap": tap.report,
    "markdown": markdown.report,
}
"""Formats for CI systems, of ``check`` and of ``doctor``."""

REPORTS: Mapping[str, CiReport] = {
    "text": check_text,
    "json": json_check.report,
    **CI_REPORTS,
}

ELSEWHERE = {
    "html": "retryctl trace and retryctl summary write pages: give --report html=FILE there."
}
"""Formats that a check does not have, and which command has them."""
