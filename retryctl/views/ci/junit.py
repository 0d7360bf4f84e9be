"""JUnit XML, as Jenkins, GitLab and most others read it: one test case for each check.

A check that failed has a ``failure``, one that is undetermined an ``error``. The case of a
request is named by its ID, that of an expectation by its option.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from retryctl.core.check.evaluate import REQUEST, JudgedFinding
from retryctl.core.check.expectations import CheckResult
from retryctl.views.ci.report import (
    CheckReport,
    Problem,
    failed_checks,
    next_command,
    result_sentence,
)
from retryctl.views.inert import inert


def report(result: CheckReport) -> str:
    """Return the whole document. Characters that XML does not allow are shown as escapes."""
    judgement = result.judgement
    failed = {id(check): some for check, some in failed_checks(judgement)}
    findings: dict[tuple[str | None, str | None], list[JudgedFinding]] = {}
    for judged in judgement.findings:
        findings.setdefault((judged.request_id, judged.function), []).append(judged)
    suite = Element("testsuite", {"name": inert(f"retryctl {result.subject}".strip())})
    properties = SubElement(suite, "properties")
    SubElement(properties, "property", {"name": "result", "value": inert(result_sentence(result))})
    for check in judgement.checks:
        case = _case(suite, check, failed.get(id(check), ()), result)
        if check.name == REQUEST:
            _beside(case, findings.get((check.request_id, check.function), ()))
    counts = {
        "tests": str(len(judgement.checks)),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": str(len(suite.findall("testcase/error"))),
    }
    suite.attrib.update({**counts, "skipped": "0"})
    suites = Element("testsuites", {"name": f"retryctl {result.command}", **counts})
    suites.append(suite)
    indent(suites)
    # ASCII alone: the rest stands as references, which any encoding of stdout carries
    text = tostring(suites, "us-ascii").decode()
    # where the document is printed in a CI job, its runner must find no command of its own in it
    text = text.replace("##[", "##&#91;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(
    suite: Element, check: CheckResult, problems: Sequence[Problem], result: CheckReport
) -> Element:
    name = check.shown_name if check.name != REQUEST else ""
    about = {"name": inert(f"{check.request_id or ''} {name}".strip())}
    case = SubElement(
        suite, "testcase", {"classname": inert(check.function or "retryctl"), **about}
    )
    if problems:
        kind = "failure" if check.passed is False else "error"
        details = {"type": problems[0].rule, "message": inert(_summary(problems))}
        lines = _details(check, problems, result)
        SubElement(case, kind, details).text = "\n".join(map(inert, lines))
    return case


def _summary(problems: Sequence[Problem]) -> str:
    return " ".join(problem.sentence for problem in problems)


def _details(check: CheckResult, problems: Sequence[Problem], result: CheckReport) -> Iterator[str]:
    for problem in problems:
        yield problem.sentence
        yield from (f"    {line}" for line in problem.evidence(result.tz))
    if command := next_command(check, result.coverage):
        yield command


def _beside(case: Element, findings: Sequence[JudgedFinding]) -> None:
    """Add the findings that do not fail."""
    harmless = [judged.finding for judged in findings if not judged.failed]
    if harmless:
        lines = [f"{finding.rule}: {inert(finding.message)}" for finding in harmless]
        SubElement(case, "system-out").text = "\n".join(lines)
