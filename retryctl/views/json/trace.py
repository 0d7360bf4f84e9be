"""``trace`` for programs: the JSON of the contract, and the same as JSON lines.

Keys may be added; none is renamed or dropped within a version of the schema.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.crosscheck.checked_request import CheckedRequest, cross_checked
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import stream_name
from retryctl.views.console_links import attempt_link
from retryctl.views.json.encoding import document_pieces, fields_of, line_pieces
from retryctl.views.json.objects import (
    Object,
    _number,
    claim_fields,
    coverage_object,
    event_object,
    finding_object,
)
from retryctl.views.times import iso, waits_ms
from retryctl.views.trace_answer import TraceAnswer

SCHEMA = "retryctl/trace/1"
_OF_A_RECORD = "request_id function_arn condition invoke_count error_code error_type error_message"


def trace_document(answer: TraceAnswer) -> Iterator[str]:
    """Yield the whole answer as one document, attempt by attempt."""
    document: Object = {
        "schema": SCHEMA,
        "requests": (_request(one, answer) for one in answer.checked),
        "not_found": list(answer.not_found),
        "cross_checked": cross_checked(answer.checked),
        "coverage": coverage_object(answer.coverage),
    }
    if answer.records:
        document["records"] = [fields_of(record, _OF_A_RECORD) for record in answer.records]
    return document_pieces(document)


def trace_lines(answer: TraceAnswer) -> Iterator[str]:
    """Yield one request a line, each as in ``requests`` of the document."""
    for one in answer.checked:
        yield from line_pieces(_request(one, answer))


def _request(checked: CheckedRequest, answer: TraceAnswer) -> Object:
    request = checked.request
    rows = zip(request.attempts, checked.checks, waits_ms(request.attempts), strict=True)
    shown: Object = {
        **fields_of(request, "request_id function log_group"),
        "outcome": request.outcome.value,
        "delivery": request.delivery.value,
        "verdict": checked.verdict.value,
        "undetermined_because": list(checked.undetermined_because),
        "next_attempt_due_at": iso(request.next_attempt_due_ms),
        "attempts": (_attempt(*row, answer) for row in rows),
        "findings": [finding_object(finding) for finding in checked.findings],
    }
    if checked.unlisted:
        counts = Counter(finding.rule for finding in checked.every_finding)
        shown["finding_counts"] = dict(sorted(counts.items()))
    if answer.responses is not None:
        shown["attempts"] = list(shown["attempts"])
        add_responses(shown, answer.responses_of(checked))
    return shown


def _attempt(
    attempt: Attempt, check: AttemptCheck, wait_ms: int | None, answer: TraceAnswer
) -> Object:
    error = attempt.error
    shown: Object = {
        "number": attempt.number,
        "log_stream": stream_name(attempt.log_stream),
        **fields_of(attempt, "version cold_start"),
        "started_at": iso(attempt.started_ms),
        "ended_at": iso(attempt.ended_ms),
        "wait_s": None if wait_ms is None else wait_ms / 1000,
        "outcome": attempt.outcome.value,
        "outcome_inferred": attempt.outcome_inferred,
        "ambiguous_lines": len(attempt.ambiguous),
        "error": error and fields_of(error, "type message frame"),
        "duration_ms": _number(attempt.duration_ms),
        "billed_duration_ms": _number(attempt.billed_duration_ms),
        "init_duration_ms": _number(attempt.init_duration_ms),
        **fields_of(attempt, "memory_size_mb max_memory_used_mb xray_trace_id execution_arn"),
        **claim_fields(attempt, check),
    }
    if answer.region:
        shown["console_url"] = attempt_link(attempt, answer.region)
    if answer.lines:
        shown["events"] = [event_object(event) for event in attempt.events]
    return shown


def add_responses(request: dict[str, Any], bodies: Sequence[bytes | None]) -> None:
    """Add ``response`` to each attempt of a request, null where the attempt gave none."""
    for attempt, body in zip(request["attempts"], bodies, strict=False):
        attempt["response"] = _document(body)


def _document(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return json.loads(body, parse_constant=str)  # NaN is not JSON
    except ValueError:
        return body.decode("utf-8", "replace")
