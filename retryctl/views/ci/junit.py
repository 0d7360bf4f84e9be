"""JUnit, as Jenkins, GitLab and most others read it: one test case for each check.

A check that failed has a ``failure``, one that is undetermined an ``error``. The case of a request
is named by its ID, that of an expectation by its option.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from retryctl.core.check.check_evaluator import REQUEST
from retryctl.core.check.expectations import CheckResult
from retryctl.core.check.request_results import JudgedFinding
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.inert_text import inert


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
