"""JUnit XML, as Jenkins, GitLab and most others read it: one test case for each request.

A request that failed has a ``failure``, one that is undetermined an ``error``. Expectations of
one request stand in its case; those of all requests are cases of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from retryctl.core.check.evaluate import REQUEST, JudgedFinding
from retryctl.core.check.expectations import CheckResult
from retryctl.views.ci.report import CheckReport
from retryctl.views.inert import inert

_Key = tuple[str, "str | None"]


def report(result: CheckReport) -> str:
    """The whole document. Characters that XML cannot hold are shown as their escapes."""
    judgement = result.judgement
    cases: dict[_Key, list[CheckResult]] = {}
    for check in judgement.checks:
        key = (check.request_id or f"--{check.name}", check.function)
        cases.setdefault(key, []).append(check)
    findings: dict[_Key, list[JudgedFinding]] = {}
    for judged in judgement.findings:
        findings.setdefault((judged.request_id, judged.function), []).append(judged)
    suite = Element("testsuite", {"name": inert(f"retryctl {result.subject}".strip())})
    for key, checks in cases.items():
        _case(suite, key, checks, findings.get(key, ()))
    counts = {
        "tests": str(len(cases)),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": str(len(suite.findall("testcase/error"))),
    }
    suite.attrib.update({**counts, "skipped": "0"})
    suites = Element("testsuites", {"name": "retryctl check", **counts})
    suites.append(suite)
    indent(suites)
    # ASCII alone: the rest stands as references, which any encoding of stdout carries
    text = tostring(suites, "us-ascii").decode()
    # where the document is printed in a CI job, its runner must find no command of its own in it
    text = text.replace("##[", "##&#91;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(
    suite: Element, key: _Key, checks: Sequence[CheckResult], findings: Sequence[JudgedFinding]
) -> None:
    name, function = key
    case = SubElement(
        suite, "testcase", {"classname": inert(function or "retryctl"), "name": inert(name)}
    )
    failed = [check for check in checks if check.passed is False]
    unsure = [check for check in checks if check.passed is None]
    for kind, some in (("failure", failed), ("error", [] if failed else unsure)):
        if some:
            details = {"type": _type(some[0], findings), "message": inert(some[0].message)}
            SubElement(case, kind, details).text = "\n".join(_said(check) for check in some)
    beside = [judged.finding for judged in findings if not judged.failed]
    if beside:
        harmless = [f"{finding.rule}: {inert(finding.message)}" for finding in beside]
        SubElement(case, "system-out").text = "\n".join(harmless)


def _type(check: CheckResult, findings: Sequence[JudgedFinding]) -> str:
    """The rule that failed, where it was a rule."""
    rules = [judged.finding.rule for judged in findings if judged.failed]
    return rules[0] if rules and check.name == REQUEST else check.name


def _said(check: CheckResult) -> str:
    name = "" if check.name == REQUEST else f"--{check.name}: "
    return f"{name}{inert(check.message)}"
