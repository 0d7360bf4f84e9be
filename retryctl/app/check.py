"""Check requests: evaluate expectations on the requests of a window, or on some request IDs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace

from retryctl.app.follow import UNSEEN_FOR_MS, poll
from retryctl.app.options import (
    SILENT,
    Clock,
    Feedback,
    SourceOptions,
    TimeWindow,
    wall_clock_ms,
)
from retryctl.app.trace import trace_reader
from retryctl.app.window import evaluate_requests, open_window
from retryctl.config import ProjectConfig
from retryctl.core.check.baseline import Identity
from retryctl.core.check.check_evaluator import CheckEvaluator, CheckOutcome
from retryctl.core.check.expectations import Expectations
from retryctl.core.failure_records.documents import FailureRecord
from retryctl.core.model.coverage import Coverage
from retryctl.core.value_classes import value_class
from retryctl.errors import CouldNotRead

_READ_AGAIN_MS = 10_000


@value_class
class CheckPlan:
    """A check, before anything is read.

    Without ``request_ids`` the requests of the window are checked. ``not_found`` has a sentence for
    each other ID that is known to be missing. The requests are compared with the failure records
    ``records``. ``wait_ms`` is the longest wait in milliseconds, ``None`` a wait without a limit.
    ``baseline`` are the known findings; with ``learns`` the failing findings are collected.
    """

    request_ids: tuple[str, ...] = ()
    not_found: Mapping[str, str] = field(default_factory=dict)
    records: tuple[FailureRecord, ...] = ()
    options: SourceOptions
    window: TimeWindow = field(default_factory=TimeWindow)
    config: ProjectConfig = field(default_factory=ProjectConfig)
    expectations: Expectations
    wait_ms: int | None = 0
    baseline: frozenset[Identity] = frozenset()
    learns: bool = False


@value_class
class CheckRun:
    """The result of a check. ``not_found`` has a sentence for each ID that was not found."""

    outcome: CheckOutcome
    coverage: Coverage
    not_found: Mapping[str, str]


AddRequests = Callable[[CheckEvaluator], tuple[Coverage, Mapping[str, str]]]
"""Reads the requests again into an evaluator; returns the coverage and the IDs not found."""


def check(
    plan: CheckPlan,
    *,
    feedback: Feedback = SILENT,
    clock: Clock = wall_clock_ms,
    sleep: Callable[[float], None],
) -> CheckRun:
    """Run a check. With ``wait_ms`` the log is read until nothing more is awaited.

    The window stays as it is while the check waits. Raises the errors of ``retryctl.errors``.
    """
    add = _by_id(plan, feedback, clock) if plan.request_ids else _of_window(plan, feedback, clock)
    return check_when_settled(
        plan,
        add,
        deadline_ms=None if plan.wait_ms is None else clock() + plan.wait_ms,
        clock=clock,
        sleep=sleep,
        warn=feedback.warn,
    )


def _by_id(plan: CheckPlan, feedback: Feedback, clock: Clock) -> AddRequests:
    read = trace_reader(
        plan.request_ids,
        plan.options,
        plan.window,
        config=plan.config,
        records=plan.records,
        feedback=feedback,
        clock=clock,
    )

    def add(evaluator: CheckEvaluator) -> tuple[Coverage, Mapping[str, str]]:
        result = read()
        for checked in result.checked:
            evaluator.add(checked)
        return result.coverage, {**result.not_found, **plan.not_found}

    return add


def _of_window(plan: CheckPlan, feedback: Feedback, clock: Clock) -> AddRequests:
    def add(evaluator: CheckEvaluator) -> tuple[Coverage, Mapping[str, str]]:
        opened = open_window(
            plan.options,
            plan.config,
            plan.window,
            now_ms=clock(),
            feedback=feedback,
            since_ms=plan.window.since_ms,
            verify_all=True,
        )
        with opened as reader:
            evaluate_requests(reader, evaluator)
            return reader.coverage, {}

    return add


def check_when_settled(
    plan: CheckPlan,
    add: AddRequests,
    *,
    deadline_ms: int | None,
    clock: Clock,
    sleep: Callable[[float], None],
    warn: Callable[[str], None],
) -> CheckRun:
    """Read, and read again until nothing more is awaited or ``deadline_ms`` is over.

    Without request IDs, the check waits for the requests that existed when the minimum number was
    reached. It does not wait for newer ones: on a busy function it would never end.
    """
    expectations = plan.expectations
    if plan.options.source != "cloudwatch":
        ends = "log" if plan.window.until_ms is None else "window"
        expectations = replace(expectations, ends=ends)
    waited, began_ms = False, clock()
    evaluator: CheckEvaluator

    def read() -> CheckRun:
        nonlocal evaluator
        latest = CheckEvaluator(
            expectations, plan.baseline, learns=plan.learns, markers=plan.config.markers
        )
        coverage, not_found = add(latest)
        evaluator = latest
        return judged(coverage, not_found)

    def judged(coverage: Coverage, not_found: Mapping[str, str]) -> CheckRun:
        outcome = evaluator.judgement(tuple(not_found), coverage.gaps)
        return CheckRun(outcome=outcome, coverage=coverage, not_found=not_found)

    def cut_short(run: CheckRun, error: CouldNotRead) -> CheckRun:
        from retryctl.sources.cloudwatch.gaps import not_read_again

        gap = not_read_again(run.coverage, error, plan.request_ids)
        return judged(replace(run.coverage, gaps=(*run.coverage.gaps, gap)), run.not_found)

    def on_wait(run: CheckRun, until_ms: int) -> None:
        nonlocal expectations, waited
        outcome = run.outcome
        short = any(each.passed is False and each.awaits for each in outcome.checks.unpassed)
        if expectations.awaited is None and outcome.requests and not short:
            expectations = replace(expectations, awaited=outcome.request_ids)
        if not waited:
            warn(f"waiting: {'; '.join(outcome.awaits[:3]) or 'no request yet'}")
        waited = True

    def next_read_ms(run: CheckRun, now_ms: int) -> int | None:
        may_come = deadline_ms is not None or now_ms - began_ms < UNSEEN_FOR_MS
        awaited = run.outcome.awaits or (run.outcome.empty and may_come)
        return now_ms + _READ_AGAIN_MS if awaited else None

    return poll(
        read,
        next_read_ms,
        deadline_ms=deadline_ms,
        clock=clock,
        sleep=sleep,
        on_wait=on_wait,
        on_failure=lambda error: warn(f"reading again after: {error.what}"),
        cut_short=cut_short,
    )
