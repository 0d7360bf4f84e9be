"""Run a handler through its retries in the lab, and check what it logged."""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from retryctl.core.crosscheck.checked_request import (
    CheckedHistory,
    CheckedRequest,
    HistoryInput,
    check_history,
)
from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.value_classes import value_class
from retryctl.errors import UsageError
from retryctl.lab.delivery import EventSource
from retryctl.lab.environment import LabAttempt
from retryctl.lab.function import Function
from retryctl.lab.lab import SEEDED_START_S, Lab, LabEvent, most_skipped_s
from retryctl.lab.limitations import remarks
from retryctl.lab.plan import Plan

LARGEST_EVENT = 1024 * 1024
"""Bytes of an asynchronous event that Lambda accepts."""

_IMPORT_ERROR = "Runtime.ImportModuleError"
_BETWEEN_REQUESTS_S = 10.0
# The last event is this old, so that a client finds all. Not older: three attempts begin four
# minutes ago, and a request to AWS that is signed five minutes from now is refused.
_OVER_BEFORE_S = 45.0


@value_class
class LabOrder:
    """The order of a run: ``requests`` requests for each plan, all with one event.

    ``retries`` is the function's MaximumRetryAttempts, or how often an event ``source`` delivers
    again. With a ``seed`` the run has the IDs, the
    stream names and the waits of every other run with it. ``between`` is called before each retry
    with the attempt's number, ``on_event`` with each log event.
    """

    plans: Sequence[Plan]
    event: Any = field(default_factory=dict)
    requests: int = 1
    retries: int = 2
    source: EventSource = "async"
    seed: int | None = None
    markers: Markers = field(default_factory=Markers)
    between: Callable[[int], object] | None = None
    on_event: Callable[[LabEvent], None] | None = None


@value_class
class LabRun:
    """The result: checked requests in order of their first attempt, and all that was logged.

    Requests whose only records are printed text are left out of ``checked``.
    ``plans`` and ``attempts`` are by request ID; ``warnings`` are sentences about differences from
    Lambda. ``seed`` repeats the run.
    """

    checked: tuple[CheckedRequest, ...]
    coverage: Coverage
    branches: Branches
    events: Sequence[LabEvent]
    plans: Mapping[str, Plan]
    attempts: Mapping[str, Sequence[LabAttempt]]
    warnings: tuple[str, ...]
    seed: int


def run_lab(
    function: Function, order: LabOrder, *, clock_s: Callable[[], float] = time.time
) -> LabRun:
    """Run every request of ``order``, and check what it logged.

    :raises UsageError: the event is larger than Lambda accepts.
    :raises CouldNotRead: the function's process cannot be set up.
    """
    _check_size(order.event)
    seed = random.getrandbits(32) if order.seed is None else order.seed
    each = (plan for plan in order.plans for _ in range(order.requests))
    due = [(number * _BETWEEN_REQUESTS_S, plan) for number, plan in enumerate(each)]
    ago_s = most_skipped_s(due, function.timeout_s, order.source) + _OVER_BEFORE_S
    start_s = clock_s() - ago_s if order.seed is None else SEEDED_START_S
    alone = len(order.plans) > 1
    with Lab(
        function, seed=seed, start_s=start_s, between=order.between, on_event=order.on_event
    ) as lab:
        plans = {
            lab.submit(order.event, plan, after_s=at, alone=alone, source=order.source): plan
            for at, plan in due
        }
        lab.run()
    history = _history(lab, order)
    ran = _by_request(lab.attempts)
    return LabRun(
        checked=tuple(one for one in history.requests if one.request.request_id in ran),
        coverage=history.coverage,
        branches=order.markers.branches,
        events=lab.events,
        plans=plans,
        attempts=ran,
        warnings=(*dict.fromkeys(remarks(lab)), *_import_hint(history.requests, function)),
        seed=seed,
    )


def _history(lab: Lab, order: LabOrder) -> CheckedHistory:
    """Check what the lab logged; only what a log level drops is missing."""
    function = lab.function
    settings = FunctionConfig(
        maximum_retry_attempts=order.retries,
        timeout_s=math.ceil(function.timeout_s),
        log_format="JSON" if function.log_format == "json" else "Text",
        application_log_level=function.application_level,
        system_log_level=function.system_level if function.log_format == "json" else None,
    )
    logged = [one.event for one in lab.events]
    horizon_ms = max((event.timestamp_ms for event in logged), default=0)
    coverage = Coverage(
        source="lab",
        log_groups=(function.log_group,),
        since_ms=min((event.timestamp_ms for event in logged), default=None),
        until_ms=horizon_ms + 1,
        horizon_ms=horizon_ms,
        events_read=len(logged),
    )
    given = HistoryInput(
        markers=order.markers, settings_of=lambda _: settings, function=function.name
    )
    return check_history(logged, coverage, given)


def _check_size(event: Any) -> None:
    size = len(json.dumps(event).encode())
    if size > LARGEST_EVENT:
        raise UsageError(
            f"the event has {size:,} bytes; an asynchronous event has at most {LARGEST_EVENT:,}",
            "Put the data in a store, and its key in the event.",
        )


def _by_request(attempts: Iterable[LabAttempt]) -> dict[str, list[LabAttempt]]:
    found: dict[str, list[LabAttempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.request_id, []).append(attempt)
    return found


def _import_hint(checked: Iterable[CheckedRequest], function: Function) -> Iterator[str]:
    """Name --python where imports failed under retryctl's own interpreter."""
    errors = (a.error for one in checked for a in one.request.attempts if a.error)
    if function.python == sys.executable and any(e.type == _IMPORT_ERROR for e in errors):
        yield (
            f"the handler's imports failed under retryctl's own interpreter, {sys.executable}. "
            "Name the function's interpreter with --python, or activate its virtual environment."
        )
