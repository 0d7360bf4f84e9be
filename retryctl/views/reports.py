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


def report(form: str, told: CheckReport) -> str:
    """The result in the form of that name."""
    text: str = import_module(f"retryctl.views.{REPORTS[form]}").report(told)
    return text
