"""The table of truth of the counters: each store, way to count, plan, fault and its moment.

``expected`` is the truth, reasoned from what each store sees; ``rows_of`` is what the lab gives.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retryctl.app.lab import LabOrder, run_lab
from retryctl.lab.function_options import make_function
from retryctl.lab.inside.virtual_time import FAULTS
from retryctl.lab.local_aws import LocalAws
from retryctl.lab.plan import Plan, PlannedFault, read
from tests.support.counters_world import ROOT, Aws, make_table
from tests.support.light_aws_client import SOURCE

STORES = {
    "tmp": "TmpCounter()",
    "dynamodb": "DynamoDBCounter('retries', client=LightAws())",
    "s3": "S3Counter('retries', client=LightAws())",
    "logs": "LogsCounter(client=LightAws())",
    "fallback": "FallbackCounter(DynamoDBCounter('retries', client=LightAws()), TmpCounter())",
    "fallback, no table": (
        "FallbackCounter(DynamoDBCounter('absent', client=LightAws()), TmpCounter())"
    ),
}
COUNTS = ("failures", "starts")
MOMENTS = ("none", "before", "early", "late")

_ONE_ENVIRONMENT = ("tmp", "fallback, no table")
_HANDLER = """
import os, sys, time
sys.path.insert(0, {root!r})
from retryctl.counters import (
    DynamoDBCounter, FallbackCounter, LogsCounter, S3Counter, TmpCounter, retries
)
{client}
def branch(name):
    return lambda event, context: print("process", name)

@retries({counter}, a=branch("A"), b=branch("B"), c=branch("C"), count={count!r})
def handler(event, context):
    print("begins")
    first_s = int(os.environ["_X_AMZN_TRACE_ID"].split("-")[1], 16)
    if event["early"] and time.time() - first_s < 30:
        time.sleep(60)  # until the planned fault of attempt 1
    raise RuntimeError("fails on purpose")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthRow:
    """One request: its plan, the counters that its attempts logged, and the verdict."""

    plan: Plan
    counters: tuple[int | None, ...]
    verdict: str


def make_stores(url: str) -> None:
    """Make the bucket and the table; the servers of one process share a state, which is emptied."""
    aws = Aws(url)
    aws.reset()
    aws.client("s3").create_bucket(Bucket="retries")
    make_table(aws, "retries")


def plan_texts(moment: str, plan: str = "all") -> list[str]:
    """Return the plan once for each fault, which attempt 1 has at the moment."""
    if moment == "none":
        return [plan]
    suffix = "" if moment == "before" else f"={moment}"
    return [f"first+{fault}{suffix},{plan}" for fault in FAULTS]


def rows_of(store: str, count: str, plan: str, folder: Path, aws: LocalAws) -> Iterator[TruthRow]:
    """Run a handler that counts in ``store`` by each of the plans."""
    source = _HANDLER.format(root=str(ROOT), client=SOURCE, counter=STORES[store], count=count)
    (folder / "app.py").write_text(source, encoding="utf-8")
    options = {
        "handler": "app.handler",
        "env": aws.variables(),
        "timeout": 8,  # less than lies between two requests, so that each begins in time
        "memory": 512,
        "python": sys.executable,
        "name": f"f-{os.urandom(8).hex()}",
    }
    order = LabOrder(
        plans=read(plan, 2),
        event={"early": "=early" in plan},
        on_event=lambda one: aws.add(one.event),
    )
    done = run_lab(make_function(options, folder), order)
    for one in done.checked:
        yield TruthRow(
            plan=done.plans[one.request.request_id],
            counters=tuple(attempt.claim.counter for attempt in one.request.attempts),
            verdict=one.verdict.value,
        )


def expected(store: str, count: str, plan: Plan) -> TruthRow:
    """Return the row as it must be.

    ``failures`` records an attempt once its work has raised, so also one that ends late;
    ``starts`` records it before its work. Nothing but Lambda's log has an attempt that ends before
    its handler. /tmp has the attempts of its own environment only.
    """
    counters: list[int | None] = []
    recorded: list[int] = []  # the environment of each recorded attempt
    for step in plan.steps:
        seen = [one for one in recorded if store not in _ONE_ENVIRONMENT or one == step.environment]
        counts = {"before": False, "early": count == "starts"}.get(_moment(step.fault), True)
        counters.append(len(seen) if counts else None)
        recorded += [step.environment] * (counts or store == "logs")
    right = all(one in (None, number) for number, one in enumerate(counters))
    verdict = "agrees" if right else "disagrees"
    return TruthRow(plan=plan, counters=tuple(counters), verdict=verdict)


def _moment(fault: PlannedFault | None) -> str:
    if fault is None:
        return "none"
    return "early" if fault.early else "late" if fault.late else "before"


def markdown() -> str:
    """Return how many of the rows are right, as the table of the documentation."""
    lines = [
        "| store | `count=` | no fault | before the handler | early | late |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for store in STORES:
        for count in COUNTS:
            cells = [_cell(store, count, moment) for moment in MOMENTS]
            lines.append(f"| {store} | {count} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(store: str, count: str, moment: str) -> str:
    plans = [plan for text in plan_texts(moment) for plan in read(text, 2)]
    right = sum(expected(store, count, plan).verdict == "agrees" for plan in plans)
    return f"{right} of {len(plans)}"
