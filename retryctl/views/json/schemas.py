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
from retryctl.core.model.attempt import AttemptOutcome
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


def _each(schema: Schema, names: str) -> dict[str, Schema]:
    """Return the keys ``names``, all with one schema."""
    return dict.fromkeys(names.split(), schema)


_MAYBE_TEXT, _MAYBE_TIME, _MAYBE_COUNT = _maybe(_TEXT), _maybe(_TIME), _maybe(_COUNT)
_MAYBE_NUMBER, _MAYBE_FLAG = _maybe(_NUMBER), _maybe(_FLAG)
_NUMBERED: Schema = {"type": "integer", "minimum": 1}

_EVENT = _object(timestamp=_MAYBE_TIME, message=_TEXT, event_id=_MAYBE_TEXT)
_EVIDENCE = _object(log_stream=_MAYBE_TEXT, **_EVENT["properties"])
_FINDING = _object(
    **_each(_TEXT, "rule message remedy"),
    severity=_one_of(Severity),
    attempt=_MAYBE_COUNT,
    evidence={**_list(_EVIDENCE), "minItems": 1},
)
_GAP = _object(
    kind={"type": "string", "enum": list(get_args(GapKind))},
    **_each(_TEXT, "what message"),
    **_each(_MAYBE_TEXT, "log_group log_stream settle"),
    **_each(_MAYBE_TIME, "since until"),
    hides_attempts=_FLAG,
)
_COVERAGE = _object(
    {"web_requests": _COUNT},
    source=_TEXT,
    where=_MAYBE_TEXT,
    log_groups=_list(_TEXT),
    **_each(_MAYBE_TIME, "since until as_of"),
    **_each(_COUNT, "events_read events_unrecognised api_calls pages bytes_read bytes_scanned"),
    complete=_FLAG,
    gaps=_list(_GAP),
)
_CLAIM = {
    "counter": _object(
        logged=_maybe({"type": "integer"}), **_each(_MAYBE_COUNT, "expected in_environment")
    ),
    "branch": _object(**_each(_MAYBE_TEXT, "logged expected")),
    "check": _one_of(AttemptVerdict),
}
_ATTEMPT = _object(
    {"console_url": _MAYBE_TEXT, "events": _list(_EVENT), "response": {}},
    number=_NUMBERED,
    **_each(_MAYBE_TEXT, "log_stream version xray_trace_id execution_arn"),
    **_each(_MAYBE_TIME, "started_at ended_at"),
    **_each(_MAYBE_NUMBER, "wait_s duration_ms billed_duration_ms init_duration_ms"),
    **_each(_MAYBE_COUNT, "memory_size_mb max_memory_used_mb"),
    cold_start=_MAYBE_FLAG,
    outcome=_one_of(AttemptOutcome),
    outcome_inferred=_FLAG,
    ambiguous_lines=_COUNT,
    error=_maybe(_object(**_each(_MAYBE_TEXT, "type message frame"))),
    **_CLAIM,
)
_REQUEST = _object(
    {"logs_url": _MAYBE_TEXT, "finding_counts": _map(_COUNT)},
    request_id=_TEXT,
    **_each(_MAYBE_TEXT, "function log_group"),
    outcome=_one_of(RequestOutcome),
    delivery=_one_of(Delivery),
    verdict=_one_of(Verdict),
    undetermined_because=_list(_TEXT),
    next_attempt_due_at=_MAYBE_TIME,
    attempts=_list(_ATTEMPT),
    findings=_list(_FINDING),
)
_RECORD = _object(
    request_id=_TEXT,
    **_each(_MAYBE_TEXT, "function_arn condition error_code error_type error_message"),
    invoke_count=_MAYBE_COUNT,
)
_ROW = _object(
    request_id=_TEXT,
    **_each(_MAYBE_TEXT, "function error execution_arn"),
    started_at=_MAYBE_TIME,
    attempts=_COUNT,
    outcome=_one_of(RequestOutcome),
    verdict=_one_of(Verdict),
    findings=_list(_TEXT),
    branches=_list(_MAYBE_TEXT),
    wrong_branches=_list(_COUNT),
    environments=_MAYBE_COUNT,
)
_FIGURES: dict[str, Schema] = {
    "function": _MAYBE_TEXT,
    **_each(_COUNT, "requests attempts retried_requests cross_checked"),
    **_each(_map(_COUNT), "by_attempts wrong_on_retries findings"),
    "outcomes": _object(**{each.value: _COUNT for each in RequestOutcome}),
    "attempt_outcomes": _object(**{each.value: _COUNT for each in AttemptOutcome}),
    "branches": _list(_map(_COUNT)),
    "counter": _object(
        **{each.value: _COUNT for each in AttemptVerdict}, accuracy_on_retries=_MAYBE_NUMBER
    ),
    "durable_executions": _list(_object(execution_arn=_TEXT, requests=_COUNT)),
    "retry_environment": _object(same=_COUNT, other=_COUNT),
    "waits_s": _list(_object(**_each(_COUNT, "retry count"), **_each(_NUMBER, "p50 p95 max"))),
    "errors": _list(_object(count=_COUNT, **_each(_MAYBE_TEXT, "type frame example"))),
    "cost": _object(**_each(_NUMBER, "billed_ms billed_ms_on_retries gb_s gb_s_on_retries")),
    "failed_over_time": _maybe(_object(since=_MAYBE_TIME, bucket_s=_COUNT, attempts=_list(_COUNT))),
}
_CHANGE = _object(
    {"unit": _TEXT},
    figure=_TEXT,
    **_each(_MAYBE_NUMBER, "before after"),
    verdict={"type": "string", "enum": ["same", "changed", "better", "worse"]},
)
_CHECK = _object(
    **_each(_TEXT, "name message"), **_each(_MAYBE_TEXT, "request_id function"), passed=_MAYBE_FLAG
)
_CHECK_FINDING = _object(
    **_FINDING["properties"],
    **_each(_TEXT, "request_id fingerprint"),
    **_each(_MAYBE_TEXT, "function branch branch_expected"),
    **_each(_FLAG, "failed baseline allowed"),
)
_RELATED_ATTEMPT = _object(
    number=_COUNT, **_each(_MAYBE_TIME, "started_at ended_at"), outcome=_one_of(AttemptOutcome)
)
_RELATED_REQUEST = _object(
    delivery=_NUMBERED,
    request_id=_TEXT,
    **_each(_MAYBE_TEXT, "function log_group"),
    outcome=_one_of(RequestOutcome),
    attempts=_list(_RELATED_ATTEMPT),
)
_RELATED = _object(
    key=_maybe(_object(**_each(_TEXT, "name value"))),
    finding=_maybe(_FINDING),
    requests=_list(_RELATED_REQUEST),
)
_DIAGNOSIS = _object(**_each(_TEXT, "name evidence"), passed=_MAYBE_FLAG, remedy=_MAYBE_TEXT)
_DIFF_SIDE = _object(
    request_id=_TEXT,
    attempt=_COUNT,
    outcome=_one_of(AttemptOutcome),
    execution_arn=_MAYBE_TEXT,
    not_compared=_list(_TEXT),
    **_CLAIM,
)
_TOPIC = _object(
    **_each(_TEXT, "name summary"),
    kind={"enum": ["finding", *TERM_KINDS]},
    severity=_maybe(_one_of(Severity)),
    sections=_map(_TEXT),
)


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
        passed=_MAYBE_FLAG,
        exit_status=_STATUS,
        **_each(_COUNT, "requests retried_requests cross_checked"),
        checks=_list(_CHECK),
        findings=_list(_CHECK_FINDING),
        finding_counts=_map(_COUNT),
        not_found=_list(_TEXT),
        coverage=_COVERAGE,
    ),
    "doctor": lambda: _document(
        "retryctl/doctor/1", function=_TEXT, passed=_MAYBE_FLAG, checks=_list(_DIAGNOSIS)
    ),
    "probe": lambda: _document(
        "retryctl/probe/1",
        region=_MAYBE_TEXT,
        passed=_MAYBE_FLAG,
        **_each(_NUMBER, "seconds usd"),
        **_each(_COUNT, "api_calls bytes_written bytes_scanned"),
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
        **_each(_DIFF_SIDE, "left right"),
        same=_FLAG,
        parts_after=_MAYBE_COUNT,
        lines=_list(_object(same=_FLAG, **_each(_list(_EVENT), "left right"))),
        coverage=_COVERAGE,
    ),
    "explain": lambda: _document(EXPLAIN, topics=_list(_TOPIC)),
    "baseline": lambda: _document(BASELINE, findings=_list({"type": "object"})),
    "error": lambda: _document(
        ERROR, **_each(_TEXT, "kind what"), status=_STATUS, next_step=_MAYBE_TEXT
    ),
}
"""The schema of each document by its name in ``retryctl schema``."""
