"""Annotations of GitHub."""

from __future__ import annotations

from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.inert_text import inert

_MOST_SHOWN = 10
"""GitHub shows no more errors, and no more warnings, of one step."""


def github_report(result: CheckReport) -> str:
    """One line for each annotation: an error for a failure, a warning for what is unsure."""
    found = result.problems
    failed = [problem for problem in found if problem.passed is False]
    unsure = [problem for problem in found if problem.passed is None]
    noted = "".join(f"{_command('notice', 'retryctl', each)}\n" for each in result.notes)
    return _lines("error", failed) + _lines("warning", unsure) + noted


def _lines(kind: str, some: list[Problem]) -> str:
    shown = some if len(some) <= _MOST_SHOWN else some[: _MOST_SHOWN - 1]
    lines = [_command(kind, problem.rule, _message(problem)) for problem in shown]
    if more := len(some) - len(shown):
        lines.append(_command(kind, "retryctl", f"and {more:,} more"))
    return "".join(f"{line}\n" for line in lines)


def _message(problem: Problem) -> str:
    words = f"{problem.name}: {problem.message}" if len(problem.findings) > 1 else problem.message
    return f"{problem.request_id}: {words}" if problem.request_id else words


def _command(kind: str, title: str, message: str) -> str:
    named = _data(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={named}::{_data(message)}"


def _data(text: str) -> str:
    """Escape ``%`` and newlines for the runner; ``inert`` has removed every newline."""
    return inert(text).replace("%", "%25").replace("##[", "## [")
