"""An attempt: one run of the function for a request."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from retryctl.core.crosscheck.claims import Claim
from retryctl.core.model.events import LogEvent, is_timed
from retryctl.core.value_classes import value_class


class AttemptOutcome(StrEnum):
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
        return self not in (AttemptOutcome.OK, AttemptOutcome.RUNNING, AttemptOutcome.UNKNOWN)


@value_class
class ErrorInfo:
    """What failed: ``type`` and ``message`` as the runtime or Lambda named them.

    ``frame`` is the innermost frame in the function's own code, where a traceback shows one.
    """

    type: str | None = None
    message: str | None = None
    frame: str | None = None


@value_class
class Attempt:
    """One run of the function for a request. ``number`` counts from 1 in order of start.

    ``placed_ms`` is its place among the attempts: its start or, without a START, its
    REPORT less its duration, or its end.
    ``in_json``: Lambda's records are in the JSON format.
    ``bare``: it has a START and no other line. ``unproved``: so few of its records are in the log
    that they may be printed text. ``execution_arn`` names the durable execution
    that its function logged.
    ``masked_error``: one of its lines may be the marker of an error that data protection masked,
    where no record of Lambda's says how it ended.
    ``masked_claim``: one of its lines may be a counter or a branch that data protection masked.
    ``shares_claims``: a counter or a branch in the log may be its own or that of another attempt
    that ran at the same time.
    ``may_be_two``: the REPORT of one attempt and the START of the next may be lost in it. The
    runtime reported two errors, and a counter or a branch between them, or its START and its
    REPORT are further apart than its duration.
    ``events`` are its log events in stream order, with those of its init and late lines;
    ``start_event``, ``report_event`` and ``error_event`` prove its start, its figures and its
    failure. ``report_cut``: its REPORT breaks off, so that a status may be missing.
    ``ambiguous`` are lines of it in the form of a record of another attempt, ``dropped``
    the records of lost ones.
    """

    number: int
    request_id: str
    placed_ms: int
    log_group: str | None
    log_stream: str | None
    function: str | None = None
    version: str | None = None
    cold_start: bool | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    outcome: AttemptOutcome = AttemptOutcome.UNKNOWN
    outcome_inferred: bool = False
    error: ErrorInfo | None = None
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    init_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    xray_trace_id: str | None = None
    runtime_version: str | None = None
    in_json: bool = False
    managed: bool = False
    starts_unseen: bool = False
    bare: bool = False
    unproved: bool = False
    shares_claims: bool = False
    may_be_two: bool = False
    masked_error: bool = False
    masked_claim: bool = False
    execution_arn: str | None = None
    start_event: LogEvent | None = None
    report_event: LogEvent | None = None
    report_cut: bool = False
    error_event: LogEvent | None = None
    claim: Claim = field(default_factory=Claim)
    events: tuple[LogEvent, ...] = ()
    ambiguous: tuple[LogEvent, ...] = ()
    dropped: tuple[LogEvent, ...] = ()

    @property
    def retries(self) -> int:
        """The number of attempts before it."""
        return self.number - 1

    @property
    def last_event(self) -> LogEvent:
        """The event that best proves its end."""
        return self.report_event or self.error_event or self.events[-1]

    @property
    def may_be_several(self) -> bool:
        """Whether lines in it may be another attempt's.

        Then it may be two attempts, or no stream and no time assigns a START, END or REPORT to one.
        """
        is_placed = self.log_stream is not None or is_timed(self.placed_ms)
        return self.may_be_two or (bool(self.ambiguous) and not is_placed)


def wait_ms(before: Attempt, after: Attempt) -> int | None:
    """From the end of one attempt to the start of the next; ``None`` if one is not logged."""
    if before.ended_ms is None or after.started_ms is None:
        return None
    return after.started_ms - before.ended_ms


def longest_wait_ms(before: Attempt, after: Attempt) -> int | None:
    """Return the wait or, where the end of the first attempt is not logged, its upper bound.

    The bound is from start to start.
    """
    wait = wait_ms(before, after)
    if wait is not None or after.started_ms is None or not is_timed(before.placed_ms):
        return wait
    return after.started_ms - before.placed_ms
