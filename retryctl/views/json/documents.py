"""The JSON documents of the commands other than ``trace`` and ``summary``, and rows of ``list``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from retryctl.core.attempt_diff import AttemptDiff
from retryctl.core.check.request_results import JudgedFinding
from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.doctor.result import Diagnosis, DoctorReport
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.probe_report import ProbeReport
from retryctl.core.related.groups import RelatedRequests, counts_by_key
from retryctl.core.summary.request_row import RequestRow
from retryctl.views.ci.report import CheckReport
from retryctl.views.json.encoding import document_pieces, document_text, dumps, fields_of
from retryctl.views.json.objects import claim_fields, coverage_object, event_object, finding_object
from retryctl.views.json.schemas import DIFF, EXPLAIN
from retryctl.views.rule_texts import RuleText
from retryctl.views.times import iso


def check_document(result: CheckReport) -> Iterator[str]:
    """Yield one document with every check, not only those that failed."""
    judgement, counts = result.judgement, Counter[str]()
    for (_, rule), number in judgement.counts.items():
        counts[rule] += number
    document = {
        "schema": "retryctl/check/1",
        "passed": judgement.passed,
        "exit_status": result.status.value,
        "requests": judgement.requests,
        "retried_requests": judgement.retried,
        "checks": (
            fields_of(check, "name request_id function passed message")
            for check in judgement.checks
        ),
        "findings": (_finding(judged) for judged in judgement.findings),
        "finding_counts": dict(sorted(counts.items())),
        "not_found": list(judgement.not_found),
        "cross_checked": judgement.cross_checked,
        "coverage": coverage_object(result.coverage),
    }
    return ci_document(document)


def ci_document(value: Any) -> Iterator[str]:
    """Yield a document without ``##[command]``, which a CI runner would obey."""
    return (piece.replace("##[", r"##\u005b") for piece in document_pieces(value))


def _finding(judged: JudgedFinding) -> dict[str, Any]:
    return {
        **fields_of(judged, "request_id function"),
        **finding_object(judged.finding),
        **fields_of(judged, "branch branch_expected failed"),
        "baseline": judged.known,
        "allowed": judged.allowed,
        "fingerprint": judged.identity.fingerprint,
    }


KEYS = (
    *("request_id", "function", "started_at", "attempts", "outcome", "verdict", "findings"),
    *("branches", "wrong_branches", "environments", "error", "execution_arn"),
)
"""The keys of a request, in the order of the columns of CSV."""


def listed_object(listed: RequestRow) -> dict[str, Any]:
    """Return the JSON object of a request."""
    made = {
        "started_at": iso(listed.started_ms),
        "outcome": listed.outcome.value,
        "verdict": listed.verdict.value,
    }
    return {key: made[key] if key in made else getattr(listed, key) for key in KEYS}


def listed_line(listed: RequestRow) -> str:
    """Return a line of JSON."""
    return dumps(listed_object(listed)) + "\n"


def listed_document(listed: Iterable[RequestRow], coverage: dict[str, Any]) -> Iterator[str]:
    """Yield one document with all requests."""
    document = {
        "schema": "retryctl/list/1",
        "requests": (listed_object(each) for each in listed),
        "coverage": coverage,
    }
    return document_pieces(document)


def diff_document(
    found: AttemptDiff, checks: tuple[AttemptCheck, AttemptCheck], coverage: Coverage
) -> str:
    """Return one document with the lines of both attempts, stretch by stretch."""
    document = {
        "schema": DIFF,
        "left": _side(found.left, checks[0], found.starts_of_environments[0]),
        "right": _side(found.right, checks[1], found.starts_of_environments[1]),
        **fields_of(found, "same parts_after"),
        "lines": [
            {
                "same": stretch.same,
                "left": [event_object(event) for event in stretch.left],
                "right": [event_object(event) for event in stretch.right],
            }
            for stretch in found.stretches
        ],
        "coverage": coverage_object(coverage),
    }
    return document_text(document)


def _side(attempt: Attempt, check: AttemptCheck, start: Sequence[str]) -> dict[str, Any]:
    return {
        **fields_of(attempt, "request_id execution_arn"),
        "attempt": attempt.number,
        "outcome": attempt.outcome.value,
        "not_compared": list(start),
        **claim_fields(attempt, check),
    }


def related_document(groups: Sequence[RelatedRequests], coverage: Coverage) -> str:
    """One document with every event that has several request IDs."""
    document = {
        "schema": "retryctl/related/1",
        "counts": {
            name: {"events": events, "requests": requests}
            for name, (events, requests) in counts_by_key(groups).items()
        },
        "events": [_event(group) for group in groups],
        "coverage": coverage_object(coverage),
    }
    return document_text(document)


def _event(group: RelatedRequests) -> dict[str, Any]:
    return {
        "key": fields_of(group.key, "name value") if group.key else None,
        "finding": finding_object(group.finding) if group.finding else None,
        "requests": [_request(number, one) for number, one in enumerate(group.requests, start=1)],
    }


def _request(number: int, checked: CheckedRequest) -> dict[str, Any]:
    request = checked.request
    return {
        "delivery": number,
        **fields_of(request, "request_id function log_group"),
        "outcome": request.outcome.value,
        "attempts": [
            {
                "number": attempt.number,
                "started_at": iso(attempt.started_ms),
                "ended_at": iso(attempt.ended_ms),
                "outcome": attempt.outcome.value,
            }
            for attempt in request.attempts
        ],
    }


def doctor_document(report: DoctorReport) -> str:
    """One document with every check; ``passed`` is null where a check could not be made."""
    document = {
        "schema": "retryctl/doctor/1",
        **fields_of(report, "function passed"),
        "checks": [diagnosis_object(diagnosis) for diagnosis in report.diagnoses],
    }
    return document_text(document)


def diagnosis_object(diagnosis: Diagnosis) -> dict[str, object]:
    """Return one check."""
    return {**fields_of(diagnosis, "name passed evidence"), "remedy": diagnosis.remedy or None}


def probe_document(report: ProbeReport) -> str:
    """One document without account numbers; ``passed`` is null where nothing could be tested."""
    document = {
        "schema": "retryctl/probe/1",
        **fields_of(report, "region passed"),
        "seconds": round(report.seconds, 1),
        "api_calls": report.calls,
        **fields_of(report, "bytes_written bytes_scanned"),
        "usd": round(report.usd, 6),
        "kept_groups": report.kept_groups,
        "assumptions": [diagnosis_object(diagnosis) for diagnosis in report.diagnoses],
    }
    return document_text(document)


def explain_document(texts: Mapping[str, RuleText]) -> str:
    """Return one document with every topic."""
    topics = [
        {
            "name": name,
            "kind": text.kind,
            "severity": text.severity if text.kind == "finding" else None,
            "summary": text.summary,
            "sections": text.parts,
        }
        for name, text in texts.items()
    ]
    return document_text({"schema": EXPLAIN, "topics": topics})
