"""Objects that all JSON views share."""

from __future__ import annotations

from math import isfinite
from typing import Any

from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.crosscheck.findings import Finding
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.events import LogEvent, stream_name
from retryctl.views.json.encoding import fields_of
from retryctl.views.times import iso

Object = dict[str, Any]


def claim_fields(attempt: Attempt, check: AttemptCheck) -> Object:
    """Return the counter and the branch of an attempt, and the result of their comparison."""
    return {
        "counter": {
            "logged": attempt.claim.counter,
            "expected": check.counter_expected,
            "in_environment": check.counter_in_environment,
        },
        "branch": {"logged": attempt.claim.branch, "expected": check.branch_expected},
        "check": check.verdict.value,
    }


def finding_object(finding: Finding) -> Object:
    """Return a finding as every JSON view shows it."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        **fields_of(finding, "attempt message remedy"),
        "evidence": [
            {"log_stream": stream_name(event.log_stream), **event_object(event)}
            for event in finding.evidence
        ],
    }


def event_object(event: LogEvent) -> Object:
    """Return a log event as every JSON view shows it."""
    return {"timestamp": iso(event.timestamp_ms), **fields_of(event, "message event_id")}


def coverage_object(coverage: Coverage) -> Object:
    """Return what was read, as every JSON view shows it."""
    return {
        **fields_of(coverage, "source where"),
        "log_groups": list(coverage.log_groups),
        "since": iso(coverage.since_ms),
        "until": iso(coverage.until_ms),
        "as_of": iso(coverage.horizon_ms),
        **fields_of(coverage, "events_read events_unrecognised"),
        **({"web_requests": coverage.web_requests} if coverage.web_requests else {}),
        **fields_of(coverage, "api_calls pages bytes_read bytes_scanned complete"),
        "gaps": [_gap(gap) for gap in coverage.gaps],
    }


def _gap(gap: Gap) -> Object:
    return {
        "kind": gap.kind,
        "what": gap.message,
        **fields_of(gap, "message log_group log_stream"),
        "since": iso(gap.since_ms),
        "until": iso(gap.until_ms),
        **fields_of(gap, "settle hides_attempts"),
    }


def _number(value: float | None) -> float | None:
    """``1e999`` in a log is infinite; JSON has no infinity."""
    return value if value is not None and isfinite(value) else None
