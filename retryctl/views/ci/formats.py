"""The formats in which the result of a check is printed and written; the smaller ones are here."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

from retryctl.core.check.expectations import CheckResult
from retryctl.core.crosscheck.findings import Severity
from retryctl.views.ci import junit, markdown, sarif
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.inert_text import inert
from retryctl.views.json.documents import check_document, ci_document
from retryctl.views.text.check import check_text

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


# --------------------------------------------------------------------------- GitLab
#
# GitLab compares the report of a branch with that of its target by the fingerprints, so they must
# survive the new request IDs of every run. Problems with one identity are numbered.


_GITLAB_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def gitlab_report(result: CheckReport) -> Iterator[str]:
    """Yield the array, one object for each problem."""
    return ci_document(_issues(result))


def _issues(result: CheckReport) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for problem in result.problems:
        identity = _identity(problem)
        yield _issue(problem, f"{identity}:{seen[identity]}", result.place)
        seen[identity] += 1


def _identity(problem: Problem) -> str:
    if problem.findings:
        return problem.findings[0].identity.fingerprint
    return f"{problem.rule}:{problem.function or ''}"


def _issue(problem: Problem, unique: str, place: str) -> dict[str, Any]:
    who = f"{problem.request_id}: " if problem.request_id else ""
    return {
        "description": inert(f"{who}{problem.message}"),
        "check_name": problem.rule,
        "fingerprint": sha256(unique.encode()).hexdigest()[:32],
        "severity": _severity(problem),
        "location": {"path": inert(place), "lines": {"begin": 1}},
    }


def _severity(problem: Problem) -> str:
    if problem.findings:
        return _GITLAB_SEVERITIES[problem.findings[0].finding.severity]
    return "info" if problem.passed is None else "major"


# --------------------------------------------------------------------------- TAP


_SPECIAL = re.compile(r"[\\#]")


def tap_report(result: CheckReport) -> Iterator[str]:
    """Yield the stream. What is undetermined is ``not ok``, with its own severity."""
    checks = result.judgement.checks
    failed = {id(check): some for check, some in result.failed_checks}
    yield "TAP version 14\n"
    yield f"1..{len(checks)}{'' if checks else ' # SKIP nothing to check'}\n"
    for number, check in enumerate(checks, start=1):
        yield from (
            f"{line}\n" for line in _point(number, check, failed.get(id(check), ()), result)
        )
    for words in (*result.notes, result.result_sentence):
        yield f"# {_SPECIAL.sub(_escaped, inert(words))}\n"


def _point(
    number: int, check: CheckResult, failed: Sequence[Problem], result: CheckReport
) -> Iterator[str]:
    about = f"{check.shown_name} {check.request_id or ''}".strip()
    yield f"{'ok' if check.passed else 'not ok'} {number} - {_SPECIAL.sub(_escaped, inert(about))}"
    if not check.passed:
        yield "  ---"
        yield f"  message: {_quoted(' '.join(problem.sentence for problem in failed))}"
        yield f"  severity: {'undetermined' if check.passed is None else 'fail'}"
        if evidence := [line for problem in failed for line in problem.evidence(result.tz)]:
            yield "  evidence:"
            yield from (f"    - {_quoted(line)}" for line in evidence)
        if command := result.next_command(check):
            yield f"  next: {_quoted(command)}"
        yield "  ..."


def _quoted(text: str) -> str:
    """Return a JSON string, which is a YAML one too. It has no ##[command] for a CI runner."""
    return json.dumps(inert(text)).replace("##[", r"##\u005b")


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match.group()}"


# --------------------------------------------------------------------------- the table


class CiReport(Protocol):
    """Writes the result of a check in one format."""

    def __call__(self, result: CheckReport, /) -> Iterable[str]:
        """Return the text of the report, or yield it in pieces."""


CI_REPORTS: Mapping[str, CiReport] = {
    "junit": junit.report,
    "sarif": sarif.report,
    "github": github_report,
    "gitlab": gitlab_report,
    "tap": tap_report,
    "markdown": markdown.report,
}
"""Formats for CI systems, of ``check`` and of ``doctor``."""

REPORTS: Mapping[str, CiReport] = {"text": check_text, "json": check_document, **CI_REPORTS}

ELSEWHERE = {
    "html": "retryctl trace and retryctl summary write pages: give --report html=FILE there."
}
"""Formats that a check does not have, and which command has them."""
