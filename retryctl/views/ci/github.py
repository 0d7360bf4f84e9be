"""GitHub workflow commands: what did not pass, as annotations of the run."""

from __future__ import annotations

from retryctl.views.ci.report import CheckReport, Problem, notes, problems
from retryctl.views.inert_text import inert

_MOST_SHOWN = 10
"""GitHub shows no more errors, and no more warnings, of one step."""


def report(result: CheckReport) -> str:
    """One line for each annotation: an error for a failure, a warning for what is unsure."""
    found = problems(result.judgement)
    failed = [problem for problem in found if problem.passed is False]
    unsure = [problem for problem in found if problem.passed is None]
    noted = "".join(f"{_command('notice', 'retryctl', each)}\n" for each in notes(result))
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
    return f"::{kind} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Escape ``%`` and newlines for the runner; ``inert`` has removed every newline."""
    return inert(text).replace("%", "%25").replace("##[", "## [")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
