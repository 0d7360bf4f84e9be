"""A request: its attempts in order, how it came out, and when the next attempt is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from retryctl.core.history.outcome import Outcome
from retryctl.core.model.attempt import Attempt, function_from_names, wait_ms
from retryctl.core.model.events import LogEvent, is_event_source_id
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import USUAL_WAITS_MS, WAIT_TOLERANCE_MS


class RequestOutcome(str, Enum):
    """The outcome of a request."""

    SUCCEEDED = "succeeded"
    RECOVERED = "recovered"
    EXHAUSTED = "exhausted"
    PENDING = "pending"
    NOT_RETRIED = "not-retried"
    RUNNING = "running"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One event handed to Lambda, with all of its attempts that were seen.

    ``mentions`` are events that prove the request where no attempt can be told: error records
    of a runtime in a log whose level drops Lambda's own.
    """

    request_id: str
    log_group: str | None
    function: str | None
    attempts: tuple[Attempt, ...]
    outcome: RequestOutcome
    next_attempt_due_ms: int | None = None
    mentions: tuple[LogEvent, ...] = ()

    @property
    def placed_ms(self) -> int:
        """Its place among requests: that of its first attempt, else of its first mention."""
        return self.attempts[0].placed_ms if self.attempts else self.mentions[0].timestamp_ms

    @property
    def from_event_source(self) -> bool:
        """Whether Lambda's own asynchronous retries do not apply."""
        return is_event_source_id(self.request_id)


def request_of(
    key: tuple[str | None, str],
    attempts: Sequence[Attempt],
    mentions: Sequence[LogEvent],
    settings: FunctionConfig,
    horizon_ms: int,
    function: str | None,
) -> Request:
    """The request of ``key`` (log group and ID) with its attempts, as of ``horizon_ms``."""
    log_group, request_id = key
    ordered = sorted(attempts, key=_by_start)
    numbered = [a if a.number == n else replace(a, number=n) for n, a in enumerate(ordered, 1)]
    if not is_event_source_id(request_id):
        numbered = _infer_errors(numbered, settings)
    due = _next_due_ms(numbered, request_id, settings, horizon_ms)
    return Request(
        request_id=request_id,
        log_group=log_group,
        function=next(
            (a.function for a in numbered if a.function),
            function_from_names(log_group, None) or function,
        ),
        attempts=tuple(numbered),
        outcome=_request_outcome(numbered, request_id, settings, due),
        next_attempt_due_ms=due,
        mentions=tuple(mentions),
    )


def _by_start(attempt: Attempt) -> tuple[int, str]:
    return (attempt.placed_ms, attempt.log_stream or "")


def _infer_errors(attempts: list[Attempt], settings: FunctionConfig) -> list[Attempt]:
    """Some runtimes leave no marker of an error: there, what was retried had failed."""
    for at, (attempt, after) in enumerate(pairwise(attempts)):
        usual, wait = USUAL_WAITS_MS.get(attempt.number), wait_ms(attempt, after)
        if attempt.outcome is not Outcome.OK or usual is None or wait is None:
            continue
        if _leaves_no_marker(attempt, settings) and 0 <= wait - usual + 10_000 <= 310_000:
            attempts[at] = replace(attempt, outcome=Outcome.ERROR, outcome_inferred=True)
    return attempts


def _leaves_no_marker(attempt: Attempt, settings: FunctionConfig) -> bool:
    runtime = attempt.runtime_version or settings.runtime or ""
    silent_node = settings.application_log_level == "FATAL" and runtime.startswith("nodejs")
    return runtime.startswith("provided") or silent_node


def _next_due_ms(
    attempts: list[Attempt], request_id: str, settings: FunctionConfig, horizon_ms: int
) -> int | None:
    """When the next attempt is due, while one can still be expected."""
    if not attempts or is_event_source_id(request_id) or attempts[0].starts_unseen:
        return None
    last, wait = attempts[-1], USUAL_WAITS_MS.get(len(attempts))
    if not last.outcome.failed or wait is None or len(attempts) > settings.retries_allowed:
        return None
    failed_ms = last.ended_ms if last.ended_ms is not None else last.last_event.timestamp_ms
    age_ms = failed_ms - attempts[0].placed_ms + wait
    if settings.maximum_event_age_s is not None and age_ms > settings.event_age_ms:
        return None
    due = failed_ms + wait
    return due if horizon_ms <= due + WAIT_TOLERANCE_MS else None


def _request_outcome(
    attempts: list[Attempt], request_id: str, settings: FunctionConfig, due: int | None
) -> RequestOutcome:
    if not attempts:
        return RequestOutcome.UNKNOWN
    first, last = attempts[0].outcome, attempts[-1].outcome
    if first is Outcome.OK:
        return RequestOutcome.SUCCEEDED
    if first.failed and any(attempt.outcome is Outcome.OK for attempt in attempts):
        return RequestOutcome.RECOVERED
    if last is Outcome.RUNNING:
        return RequestOutcome.RUNNING
    if not last.failed or is_event_source_id(request_id):
        return RequestOutcome.UNKNOWN
    if len(attempts) > settings.retries_allowed:
        return RequestOutcome.EXHAUSTED
    if any(attempt.starts_unseen for attempt in attempts):
        return RequestOutcome.UNKNOWN  # a good attempt would have left nothing to see
    return RequestOutcome.PENDING if due is not None else RequestOutcome.NOT_RETRIED
