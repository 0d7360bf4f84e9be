"""From log events to requests and attempts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from retryctl.core.claims import Claim
from retryctl.core.records import LogEvent


class Outcome(str, Enum):
    """The outcome of an attempt."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    CRASH = "crash"
    INIT_ERROR = "init-error"
    RUNNING = "running"
    UNKNOWN = "unknown"

    @property
    def failed(self) -> bool:
        """Whether Lambda would retry after it."""
        return self not in (Outcome.OK, Outcome.RUNNING, Outcome.UNKNOWN)


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
class ErrorInfo:
    """What failed: ``type`` and ``message`` as the runtime or Lambda named them."""

    type: str | None = None
    message: str | None = None
    frame: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of the function for a request. ``number`` counts from 1 in order of start.

    ``events`` are its log events in stream order, those of its init and late lines included.
    """

    number: int
    request_id: str
    log_group: str | None
    log_stream: str | None
    function: str | None
    version: str | None
    cold_start: bool | None
    started_ms: int | None
    ended_ms: int | None
    outcome: Outcome
    outcome_inferred: bool
    error: ErrorInfo | None
    duration_ms: float | None
    billed_duration_ms: float | None
    init_duration_ms: float | None
    memory_size_mb: int | None
    max_memory_used_mb: int | None
    xray_trace_id: str | None
    start_seen: bool
    report_seen: bool
    claim: Claim
    events: tuple[LogEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One event handed to Lambda, with all of its attempts that were seen."""

    request_id: str
    log_group: str | None
    function: str | None
    attempts: tuple[Attempt, ...]
    outcome: RequestOutcome
    next_attempt_due_ms: int | None
