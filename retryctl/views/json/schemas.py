"""JSON Schemas (draft 2020-12) of the documents that the commands print with ``-o json``.

Keys can be added within a version: a schema names the keys that are always there and allows
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, get_args

from retryctl.core.check.baseline import SCHEMA as BASELINE
from retryctl.core.crosscheck.attempt_check import AttemptVerdict, Verdict
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.history.outcome import AttemptOutcome
from retryctl.core.model.coverage import GapKind
from retryctl.core.model.request import Delivery, RequestOutcome
from retryctl.errors import ExitStatus
from retryctl.views.rule_texts import TERM_KINDS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ERROR = "retryctl/error/1"
EXPLAIN = "retryctl/explain/1"
DIFF = "retryctl/diff/1"

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "number"}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {
    "type": "string",
    "description": "ISO 8601 in UTC with milliseconds",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}


def _maybe(schema: Schema) -> Schema:
    """Allow null, which stands for what the log does not give."""
    if isinstance(schema.get("type"), str):
        nullable: Schema = {**schema, "type": [schema["type"], "null"]}
        return {**nullable, "enum": [*schema["enum"], None]} if "enum" in schema else nullable
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(values: Iterable[Enum] | type[Enum]) -> Schema:
    return {"type": "string", "enum": [each.value for each in values]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _object(optional: dict[str, Schema] | None = None, /, **required: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


_EVENT = _object(timestamp=_maybe(_TIME), message=_TEXT, event_id=_maybe(_TEXT))
_EVIDENCE = _object(
    log_stream=_maybe(_TEXT), timestamp=_maybe(_TIME), message=_TEXT, event_id=_maybe(_TEXT)
)
_FINDING = _object(
    rule=_TEXT,
    severity=_one_of(Severity),
    attempt=_maybe(_COUNT),
    message=_TEXT,
    remedy=_TEXT,
    evidence={**_list(_EVIDENCE), "minItems": 1},
)
_GAP = _object(
    kind={"type": "string", "enum": list(get_args(GapKind))},
    what=_TEXT,
    message=_TEXT,
    log_group=_maybe(_TEXT),
    log_stream=_maybe(_TEXT),
    since=_maybe(_TIME),
    until=_maybe(_TIME),
    settle=_maybe(_TEXT),
    hides_attempts=_FLAG,
)
_COVERAGE = _object(
    {"web_requests": _COUNT},
    source=_TEXT,
    where=_maybe(_TEXT),
    log_groups=_list(_TEXT),
    since=_maybe(_TIME),
    until=_maybe(_TIME),
    as_of=_maybe(_TIME),
    events_read=_COUNT,
    events_unrecognised=_COUNT,
    api_calls=_COUNT,
    pages=_COUNT,
    bytes_read=_COUNT,
    bytes_scanned=_COUNT,
    complete=_FLAG,
    gaps=_list(_GAP),
)
_CLAIM = {
    "counter": _object(
        logged=_maybe({"type": "integer"}), expected=_maybe(_COUNT), in_environment=_maybe(_COUNT)
    ),
    "branch": _object(logged=_maybe(_TEXT), expected=_maybe(_TEXT)),
    "check": _one_of(AttemptVerdict),
}
_ATTEMPT = _object(
    {"console_url": _maybe(_TEXT), "events": _list(_EVENT), "response": {}},
    number={"type": "integer", "minimum": 1},
    log_stream=_maybe(_TEXT),
    version=_maybe(_TEXT),
    cold_start=_maybe(_FLAG),
    started_at=_maybe(_TIME),
    ended_at=_maybe(_TIME),
    wait_s=_maybe(_NUMBER),
    outcome=_one_of(AttemptOutcome),
    outcome_inferred=_FLAG,
    ambiguous_lines=_COUNT,
    error=_maybe(_object(type=_maybe(_TEXT), message=_maybe(_TEXT), frame=_maybe(_TEXT))),
    duration_ms=_maybe(_NUMBER),
    billed_duration_ms=_maybe(_NUMBER),
    init_duration_ms=_maybe(_NUMBER),
    memory_size_mb=_maybe(_COUNT),
    max_memory_used_mb=_maybe(_COUNT),
    xray_trace_id=_maybe(_TEXT),
    execution_arn=_maybe(_TEXT),
    **_CLAIM,
)
_REQUEST = _object(
    {"logs_url": _maybe(_TEXT), "finding_counts": _map(_COUNT)},
    request_id=_TEXT,
    function=_maybe(_TEXT),
    log_group=_maybe(_TEXT),
    outcome=_one_of(RequestOutcome),
    delivery=_one_of(Delivery),
    verdict=_one_of(Verdict),
    undetermined_because=_list(_TEXT),
    next_attempt_due_at=_maybe(_TIME),
    attempts=_list(_ATTEMPT),
    findings=_list(_FINDING),
)
_RECORD = _object(
    request_id=_TEXT,
    function_arn=_maybe(_TEXT),
    condition=_maybe(_TEXT),
    invoke_count=_maybe(_COUNT),
    error_code=_maybe(_TEXT),
    error_type=_maybe(_TEXT),
    error_message=_maybe(_TEXT),
)
_ROW = _object(
    request_id=_TEXT,
    function=_maybe(_TEXT),
    started_at=_maybe(_TIME),
    attempts=_COUNT,
    outcome=_one_of(RequestOutcome),
    verdict=_one_of(Verdict),
    findings=_list(_TEXT),
    branches=_list(_maybe(_TEXT)),
    wrong_branches=_list(_COUNT),
    environments=_maybe(_COUNT),
    error=_maybe(_TEXT),
    execution_arn=_maybe(_TEXT),
)
_FIGURES: dict[str, Schema] = {
    "function": _maybe(_TEXT),
    "requests": _COUNT,
    "attempts": _COUNT,
    "retried_requests": _COUNT,
    "cross_checked": _COUNT,
    "by_attempts": _map(_COUNT),
    "outcomes": _object(**{each.value: _COUNT for each in RequestOutcome}),
    "attempt_outcomes": _object(**{each.value: _COUNT for each in AttemptOutcome}),
    "branches": _list(_map(_COUNT)),
    "counter": _object(
        **{each.value: _COUNT for each in AttemptVerdict}, accuracy_on_retries=_maybe(_NUMBER)
    ),
    "wrong_on_retries": _map(_COUNT),
    "findings": _map(_COUNT),
    "durable_executions": _list(_object(execution_arn=_TEXT, requests=_COUNT)),
    "retry_environment": _object(same=_COUNT, other=_COUNT),
    "waits_s": _list(_object(retry=_COUNT, count=_COUNT, p50=_NUMBER, p95=_NUMBER, max=_NUMBER)),
    "errors": _list(
        _object(type=_maybe(_TEXT), count=_COUNT, frame=_maybe(_TEXT), example=_maybe(_TEXT))
    ),
    "cost": _object(
        billed_ms=_NUMBER, billed_ms_on_retries=_NUMBER, gb_s=_NUMBER, gb_s_on_retries=_NUMBER
    ),
    "failed_over_time": _maybe(
        _object(since=_maybe(_TIME), bucket_s=_COUNT, attempts=_list(_COUNT))
    ),
}
_CHANGE = _object(
    {"unit": _TEXT},
    figure=_TEXT,
    before=_maybe(_NUMBER),
    after=_maybe(_NUMBER),
    verdict={"type": "string", "enum": ["same", "changed", "better", "worse"]},
)
_CHECK = _object(
    name=_TEXT,
    request_id=_maybe(_TEXT),
    function=_maybe(_TEXT),
    passed=_maybe(_FLAG),
    message=_TEXT,
)
_CHECK_FINDING = _object(
    **_FINDING["properties"],
    request_id=_TEXT,
    function=_maybe(_TEXT),
    branch=_maybe(_TEXT),
    branch_expected=_maybe(_TEXT),
    failed=_FLAG,
    baseline=_FLAG,
    allowed=_FLAG,
    fingerprint=_TEXT,
)
_RELATED = _object(
    key=_maybe(_object(name=_TEXT, value=_TEXT)),
    finding=_maybe(_FINDING),
    requests=_list(
        _object(
            delivery={"type": "integer", "minimum": 1},
            request_id=_TEXT,
            function=_maybe(_TEXT),
            log_group=_maybe(_TEXT),
            outcome=_one_of(RequestOutcome),
            attempts=_list(
                _object(
                    number=_COUNT,
                    started_at=_maybe(_TIME),
                    ended_at=_maybe(_TIME),
                    outcome=_one_of(AttemptOutcome),
                )
            ),
        )
    ),
)
_DIAGNOSIS = _object(name=_TEXT, passed=_maybe(_FLAG), evidence=_TEXT, remedy=_maybe(_TEXT))
_DIFF_SIDE = _object(
    request_id=_TEXT,
    attempt=_COUNT,
    outcome=_one_of(AttemptOutcome),
    execution_arn=_maybe(_TEXT),
    **_CLAIM,
)
_DIFF_LINES = _object(same=_FLAG, left=_list(_EVENT), right=_list(_EVENT))


def _document(name: str, optional: dict[str, Schema] | None = None, /, **keys: Schema) -> Schema:
    return {"$schema": DIALECT, "title": name, **_object(optional, schema={"const": name}, **keys)}


_STATUS = {"type": "integer", "enum": [each.value for each in ExitStatus]}
SCHEMAS: dict[str, Callable[[], Schema]] = {
    "trace": lambda: _document(
        "retryctl/trace/1",
        {"records": _list(_RECORD)},
        requests=_list(_REQUEST),
        not_found=_list(_TEXT),
        cross_checked=_COUNT,
        coverage=_COVERAGE,
    ),
    "trace-line": lambda: {"$schema": DIALECT, "title": "a line of trace -o jsonl", **_REQUEST},
    "list": lambda: _document("retryctl/list/1", requests=_list(_ROW), coverage=_COVERAGE),
    "list-line": lambda: {"$schema": DIALECT, "title": "a line of list -o jsonl", **_ROW},
    "summary": lambda: _document(
        "retryctl/summary/1",
        {"functions": _list(_object(**_FIGURES)), "changes": _list(_CHANGE)},
        **_FIGURES,
        coverage=_COVERAGE,
    ),
    "check": lambda: _document(
        "retryctl/check/1",
        passed=_maybe(_FLAG),
        exit_status=_STATUS,
        requests=_COUNT,
        retried_requests=_COUNT,
        checks=_list(_CHECK),
        findings=_list(_CHECK_FINDING),
        finding_counts=_map(_COUNT),
        not_found=_list(_TEXT),
        cross_checked=_COUNT,
        coverage=_COVERAGE,
    ),
    "doctor": lambda: _document(
        "retryctl/doctor/1",
        function=_TEXT,
        passed=_maybe(_FLAG),
        checks=_list(_DIAGNOSIS),
    ),
    "probe": lambda: _document(
        "retryctl/probe/1",
        region=_maybe(_TEXT),
        passed=_maybe(_FLAG),
        seconds=_NUMBER,
        api_calls=_COUNT,
        bytes_written=_COUNT,
        bytes_scanned=_COUNT,
        usd=_NUMBER,
        kept_groups=_list(_TEXT),
        assumptions=_list(_DIAGNOSIS),
    ),
    "related": lambda: _document(
        "retryctl/related/1",
        counts=_map(_object(events=_COUNT, requests=_COUNT)),
        events=_list(_RELATED),
        coverage=_COVERAGE,
    ),
    "diff": lambda: _document(
        DIFF,
        left=_DIFF_SIDE,
        right=_DIFF_SIDE,
        same=_FLAG,
        parts_after=_maybe(_COUNT),
        lines=_list(_DIFF_LINES),
        coverage=_COVERAGE,
    ),
    "explain": lambda: _document(
        EXPLAIN,
        topics=_list(
            _object(
                name=_TEXT,
                kind={"enum": ["finding", *TERM_KINDS]},
                severity=_maybe(_one_of(Severity)),
                summary=_TEXT,
                sections=_map(_TEXT),
            )
        ),
    ),
    "baseline": lambda: _document(BASELINE, findings=_list({"type": "object"})),
    "error": lambda: _document(
        ERROR, kind=_TEXT, status=_STATUS, what=_TEXT, next_step=_maybe(_TEXT)
    ),
}
"""The schema of each document by its name in ``retryctl schema``."""
