"""``summary`` for programs: the JSON of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.failed_over_time import failed_over_time
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.json.encoding import document_text, dumps, fields_of
from retryctl.views.json.objects import coverage_object
from retryctl.views.summary_answer import SummaryAnswer
from retryctl.views.summary_figures import durable_executions
from retryctl.views.times import iso

SCHEMA = "retryctl/summary/1"

Object = dict[str, Any]


def summary_document(answer: SummaryAnswer) -> str:
    """Return the whole answer as one document: one function's figures, or those of all together.

    Of several functions ``functions`` has each one's.
    """
    branches = answer.branches
    document = {"schema": SCHEMA, **summary_object(answer.only, answer.total, branches)}
    if len(answer.tallies) > 1:
        document["functions"] = [summary_object(*each, branches) for each in answer.tallies]
    if answer.changes is not None:
        document["changes"] = [
            fields_of(change, "figure before after unit verdict") for change in answer.changes
        ]
    document["coverage"] = coverage_object(answer.coverage)
    return document_text(document)


def summary_lines(answer: SummaryAnswer) -> str:
    """Return one line, a whole document, for each function."""
    read = {"coverage": coverage_object(answer.coverage)}
    return "".join(
        dumps({"schema": SCHEMA, **summary_object(*each, answer.branches), **read}) + "\n"
        for each in answer.tallies
    )


def summary_object(function: str | None, tally: SummaryTally, branches: Branches) -> Object:
    """Return the figures of one function."""
    return {
        "function": function,
        **fields_of(tally, "requests attempts"),
        "retried_requests": tally.retried,
        "cross_checked": tally.cross_checked,
        "by_attempts": {
            str(count): tally.by_attempts[count] for count in sorted(tally.by_attempts)
        },
        "outcomes": {each.value: tally.outcomes[each] for each in RequestOutcome},
        "attempt_outcomes": {each.value: tally.attempt_outcomes[each] for each in AttemptOutcome},
        "branches": branch_rows(tally, branches),
        "counter": {
            **{each.value: tally.checks[each] for each in AttemptVerdict},
            "accuracy_on_retries": tally.accuracy_on_retries(),
        },
        "wrong_on_retries": dict(sorted(tally.wrong_retries.items())),
        "findings": dict(sorted(tally.findings.items())),
        "durable_executions": [
            {"execution_arn": arn, "requests": count} for arn, count in durable_executions(tally)
        ],
        "retry_environment": {"same": tally.same_environment, "other": tally.other_environment},
        "waits_s": [
            {
                **fields_of(waits, "retry count"),
                "p50": waits.p50_ms / 1000,
                "p95": waits.p95_ms / 1000,
                "max": waits.max_ms / 1000,
            }
            for waits in tally.wait_figures()
        ],
        "errors": [fields_of(each, "type count frame example") for each in tally.error_groups()],
        "cost": fields_of(tally.cost(), "billed_ms billed_ms_on_retries gb_s gb_s_on_retries"),
        "failed_over_time": _over_time(tally),
    }


def branch_rows(tally: SummaryTally, branches: Branches) -> list[Mapping[str, int]]:
    """Count the runs of each branch, by attempt number; ``none`` are attempts that logged none."""
    logged = {name for _, name in tally.branches if name is not None}
    names = [*branches.numbers, *sorted(logged - branches.numbers.keys())]
    return [
        {
            "attempt": number,
            **{name: tally.branches[number, name] for name in names},
            "none": tally.branches[number, None],
        }
        for number in sorted({number for number, _ in tally.branches})
    ]


def _over_time(tally: SummaryTally) -> Object | None:
    span = failed_over_time(tally)
    if span is None:
        return None
    return {
        "since": iso(span.since_ms),
        "bucket_s": span.bucket_ms // 1000,
        "attempts": list(span.counts),
    }
