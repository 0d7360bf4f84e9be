"""The formats in which the result of a check is printed and written; SARIF has its own file."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from retryctl.core.check.check_evaluator import REQUEST
from retryctl.core.check.expectations import CheckResult
from retryctl.core.check.request_results import JudgedFinding
from retryctl.core.crosscheck.findings import Severity
from retryctl.errors import ExitStatus
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.ci.sarif import sarif_report
from retryctl.views.coverage import first_gaps
from retryctl.views.inert_text import inert
from retryctl.views.json.documents import check_document, ci_document
from retryctl.views.markdown import markdown_escaped, table_lines
from retryctl.views.text.check import check_text

# --------------------------------------------------------------------------- JUnit
#
# As Jenkins, GitLab and most others read it: one test case for each check. A check that failed has
# a ``failure``, one that is undetermined an ``error``. The case of a request is named by its ID,
# that of an expectation by its option.


def junit_report(result: CheckReport) -> Iterator[str]:
    """Yield the whole document. Characters that XML forbids become escapes.

    It is in ASCII: other characters become references, which fit any encoding of stdout.
    """
    judgement = result.judgement
    failed = {id(check): some for check, some in result.failed_checks}
    findings: dict[tuple[str | None, str | None], list[JudgedFinding]] = {}
    for judged in judgement.findings:
        findings.setdefault((judged.request_id, judged.function), []).append(judged)
    counts = {
        "tests": str(len(judgement.checks)),
        "failures": str(sum(check.passed is False for check in judgement.checks.unpassed)),
        "errors": str(sum(check.passed is None for check in judgement.checks.unpassed)),
    }
    suites = Element("testsuites", {"name": f"retryctl {result.command}", **counts})
    suite = SubElement(suites, "testsuite", {"name": inert(f"retryctl {result.subject}".strip())})
    suite.attrib.update({**counts, "skipped": "0"})
    properties = SubElement(suite, "properties")
    facts = [("result", result.result_sentence), *(("note", each) for each in result.notes)]
    for name, words in facts:
        SubElement(properties, "property", {"name": name, "value": inert(words)})
    indent(suites)
    frame, end = _text(suites), "  </testsuite>\n</testsuites>"
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n{frame.removesuffix(end)}'
    for check in judgement.checks:
        case = _case(check, failed.get(id(check), ()), result)
        if check.name == REQUEST:
            _beside(case, findings.get((check.request_id, check.function), ()))
        indent(case, level=2)
        yield f"    {_text(case)}\n"
    yield f"{end}\n"


def _text(element: Element) -> str:
    """Return an element without text that a CI runner would obey as a command."""
    text: str = tostring(element, "us-ascii").decode()
    return text.replace("##[", "##&#91;")


def _case(check: CheckResult, problems: Sequence[Problem], result: CheckReport) -> Element:
    name = check.shown_name if check.name != REQUEST else ""
    about = {"name": inert(f"{check.request_id or ''} {name}".strip())}
    case = Element("testcase", {"classname": inert(check.function or "retryctl"), **about})
    if problems:
        kind = "failure" if check.passed is False else "error"
        summary = " ".join(problem.sentence for problem in problems)
        details = {"type": problems[0].rule, "message": inert(summary)}
        lines = _details(check, problems, result)
        SubElement(case, kind, details).text = "\n".join(map(inert, lines))
    return case


def _details(check: CheckResult, problems: Sequence[Problem], result: CheckReport) -> Iterator[str]:
    for problem in problems:
        yield problem.sentence
        yield from (f"    {line}" for line in problem.evidence(result.tz))
    if command := result.next_command(check):
        yield command


def _beside(case: Element, findings: Sequence[JudgedFinding]) -> None:
    """Add the findings that do not fail."""
    harmless = [judged.finding for judged in findings if not judged.failed]
    if harmless:
        lines = [f"{finding.rule}: {inert(finding.message)}" for finding in harmless]
        SubElement(case, "system-out").text = "\n".join(lines)


# --------------------------------------------------------------------------- Markdown


_MOST_ROWS, _MOST_NAMED = 100, 10
_SIGNS = {ExitStatus.OK: "✅", ExitStatus.CHECK_FAILED: "❌"}


def markdown_report(result: CheckReport) -> Iterator[str]:
    """Yield a heading, a table of what did not pass, and what was read."""
    return (f"{line}\n" for line in _markdown_lines(result))


def _markdown_lines(result: CheckReport) -> Iterator[str]:
    judgement = result.judgement
    is_whole = result.status is ExitStatus.CHECK_FAILED or not judgement.unchecked
    sign = _SIGNS.get(result.status, "❔") if is_whole else "❔"
    yield f"## {sign} retryctl {result.command}: {markdown_escaped(result.result_sentence)}"
    if result.command == "check":
        yield from ("", markdown_escaped(result.headline))
    found = [(checks, each) for checks, some in result.alike_checks for each in some]
    if found:
        yield ""
        yield from table_lines(
            ("", "request", "what", "why"), (_markdown_row(*each) for each in found[:_MOST_ROWS])
        )
    if len(found) > _MOST_ROWS:
        yield from ("", f"and {len(found) - _MOST_ROWS:,} more")
    for words in result.notes:
        yield from ("", markdown_escaped(words))
    if result.command == "check":
        yield from ("", markdown_escaped(result.coverage_sentence))
    gaps, more = first_gaps(result.coverage)
    yield from (
        f"- {markdown_escaped(words)}" for words in (*(gap.message for gap in gaps), more) if words
    )


def _markdown_row(checks: Sequence[CheckResult], problem: Problem) -> tuple[str, str, str, str]:
    sign = "❌" if problem.passed is False else "❔"
    named = [f"`{check.request_id}`" for check in checks[:_MOST_NAMED] if check.request_id]
    more = len(checks) - _MOST_NAMED
    who = ", ".join([*named, *([f"{more:,} more"] if more > 0 else [])])
    what = "" if problem.rule == REQUEST else problem.name.removeprefix("--")
    return sign, who, markdown_escaped(what), markdown_escaped(problem.message)


# --------------------------------------------------------------------------- GitHub


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
        yield f"# {_SPECIAL.sub(_tap_escaped, inert(words))}\n"


def _point(
    number: int, check: CheckResult, failed: Sequence[Problem], result: CheckReport
) -> Iterator[str]:
    about = inert(f"{check.shown_name} {check.request_id or ''}".strip())
    yield f"{'ok' if check.passed else 'not ok'} {number} - {_SPECIAL.sub(_tap_escaped, about)}"
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


def _tap_escaped(match: re.Match[str]) -> str:
    return f"\\{match.group()}"


# --------------------------------------------------------------------------- the table


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
