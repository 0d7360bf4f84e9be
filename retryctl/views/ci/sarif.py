"""SARIF 2.1.0: the findings of one kind in a request as one result, for code scanning.

A finding that does not fail is a note; one that is known has the baseline state ``unchanged``,
one that is allowed a suppression. What is undetermined is a result of the kind ``open``. The
place of a result is its log group, which stays the same from run to run as the fingerprint does;
the log events of its evidence are its related locations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote

from retryctl.core.check.request_results import JudgedFinding
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.events import LogEvent, stream_name
from retryctl.core.rules import ALL_RULES
from retryctl.views.ci.report import (
    CheckReport,
    Problem,
    findings_message,
    number_of_findings,
    same_kind,
)
from retryctl.views.inert_text import inert, lines_of
from retryctl.views.json.documents import ci_document
from retryctl.views.rule_texts import RuleText, rule_texts
from retryctl.views.times import iso

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_EXPLAIN = "retryctl explain"
_RULES = {rule.id: rule for rule in ALL_RULES}

Object = dict[str, Any]


def sarif_report(result: CheckReport) -> Iterator[str]:
    """Yield the log with its one run."""
    texts = rule_texts()
    checks = [p for p in result.problems if not p.findings]
    groups = same_kind(result.judgement.findings)
    ids = [judged.finding.rule for judged in result.judgement.findings]
    ids = sorted({*ids, *(problem.rule for problem in checks)})
    found = (_findings(group, ids, result.place) for group in groups)
    failed = (_check(problem, ids, result.place) for problem in checks)
    noted = [{"level": "note", "message": _message(each)} for each in result.notes]
    run = {
        "tool": {
            "driver": {
                "name": "retryctl",
                "version": result.version,
                "semanticVersion": result.version,
                "rules": [_rule(id, texts, result.command) for id in ids],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": result.status.value,
                "exitCodeDescription": inert(result.result_sentence),
                "toolExecutionNotifications": noted,
            }
        ],
        "results": chain(found, failed),
    }
    return ci_document({"$schema": _SCHEMA, "version": "2.1.0", "runs": iter([run])})


def _rule(id: str, texts: Mapping[str, RuleText], command: str) -> Object:
    """Return the fields of a rule or an expectation that GitHub's code scanning requires."""
    rule = _RULES.get(id)
    title = id.replace("-", " ").capitalize()
    if rule is None:
        full, help = f"{title}: what the check expects.", f"See retryctl {command} --help."
    else:
        full, help = texts[id].summary, f"{rule.remedy} More: {_EXPLAIN} {id}"
    return {
        "id": id,
        "name": "".join(word.capitalize() for word in id.split("-")),
        "shortDescription": {"text": f"{title}."},
        "fullDescription": {"text": full},
        "help": {"text": help},
        "defaultConfiguration": {"level": _LEVELS[rule.severity] if rule else "error"},
    }


def _findings(group: Sequence[JudgedFinding], ids: list[str], place: str) -> Object:
    judged = group[0]
    finding = judged.finding
    level = _LEVELS[finding.severity] if judged.failed else "note"
    who = f"{judged.request_id}: {findings_message(group)}"
    result = _result(finding.rule, ids, who, place, kind="fail", level=level)
    result["partialFingerprints"] = {"retryctlFinding/v1": judged.identity.fingerprint}
    result["baselineState"] = "unchanged" if judged.known else "new"
    result["occurrenceCount"] = number_of_findings(group)
    evidence = dict.fromkeys(event for each in group for event in each.finding.evidence)
    result["relatedLocations"] = [_evidence(event) for event in evidence]
    attempts = [each.finding.attempt for each in group]
    result["properties"] = {"requestId": judged.request_id, "attempt": finding.attempt}
    result["properties"]["attempts"] = [number for number in attempts if number is not None]
    if judged.allowed:
        result["suppressions"] = [{"kind": "external", "justification": f"--allow {finding.rule}"}]
    return result


def _check(problem: Problem, ids: list[str], place: str) -> Object:
    who = f"{problem.request_id}: " if problem.request_id else ""
    unsure = problem.passed is None
    kind, level = ("open", "none") if unsure else ("fail", "error")
    return _result(problem.rule, ids, who + problem.message, place, kind=kind, level=level)


def _result(
    rule: str, ids: list[str], message: str, place: str, *, kind: str, level: str
) -> Object:
    return {
        "ruleId": rule,
        "ruleIndex": ids.index(rule),
        "kind": kind,
        "level": level,
        "message": _message(message),
        "locations": [{"physicalLocation": _physical(place)}],
    }


def _evidence(event: LogEvent) -> Object:
    line = "\n".join(lines_of(event.message))
    text = f"{iso(event.timestamp_ms)} {line}"
    group = (event.log_group or "log").lstrip("/")
    located: Object = {"physicalLocation": _physical(group), "message": _message(text)}
    if name := stream_name(event.log_stream):
        located["logicalLocations"] = [{"name": name, "kind": "log stream"}]
    return located


def _physical(path: str) -> Object:
    return {
        "artifactLocation": {"uri": quote(path, safe="/", errors="backslashreplace")},
        "region": {"startLine": 1},
    }


def _message(text: str) -> Object:
    """Plain text: in SARIF brackets make links and braces stand for arguments."""
    return {"text": re.sub(r"([{}])", r"\1\1", re.sub(r"([\\\[\]])", r"\\\1", inert(text)))}
