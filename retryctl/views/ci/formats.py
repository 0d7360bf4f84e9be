"""The formats in which the result of a check is printed and written, by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from retryctl.views.ci.github import github_report
from retryctl.views.ci.gitlab import gitlab_report
from retryctl.views.ci.junit import junit_report
from retryctl.views.ci.markdown import markdown_report
from retryctl.views.ci.report import CheckReport
from retryctl.views.ci.sarif import sarif_report
from retryctl.views.ci.tap import tap_report
from retryctl.views.json.documents import check_document
from retryctl.views.text.check import check_text


class CiReport(Protocol):
    """Writes the result of a check in one format."""

    def __call__(self, result: CheckReport, /) -> Iterable[str]:
        """Return the text of the report, or yield it in pieces."""


CI_FORMATS: Mapping[str, CiReport] = {
    "junit": junit_report,
    "sarif": sarif_report,
    "github": github_report,
    "gitlab": gitlab_report,
    "tap": tap_report,
    "markdown": markdown_report,
}
"""Formats for CI systems, of ``check`` and of ``doctor``."""

CHECK_FORMATS: Mapping[str, CiReport] = {"text": check_text, "json": check_document, **CI_FORMATS}

ELSEWHERE = {
    "html": "retryctl trace and retryctl summary write pages: give --report html=FILE there."
}
"""Formats that a check does not have, and which command has them."""
