"""The forms of a check's result by name; a form's module is loaded when it is asked for.

Each module has ``report(told: CheckReport) -> str``. A new form is one more line here.
"""

from __future__ import annotations

from importlib import import_module

from retryctl.views.check_report import CheckReport

REPORTS = {
    "text": "check_text",
    "json": "check_json",
    "junit": "junit",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "tap": "tap",
    "markdown": "markdown",
}


ELSEWHERE = {
    "html": "retryctl trace ID --report html=FILE makes a page of a request that fails, "
    "retryctl summary of all."
}
"""Forms that a check has not, and which command has them."""


def report(form: str, told: CheckReport) -> str:
    """The result in the form of that name."""
    text: str = import_module(f"retryctl.views.{REPORTS[form]}").report(told)
    return text
