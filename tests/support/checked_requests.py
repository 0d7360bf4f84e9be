"""Requests as the cross-check hands them to a view, made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from retryctl.core.crosscheck.attempt_check import AttemptCheck, AttemptVerdict, Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Claim
from retryctl.core.crosscheck.findings import Finding, Severity
from retryctl.core.model.attempt import Attempt, AttemptOutcome, ErrorInfo
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.model.request import Request, RequestOutcome
from tests.support import lambda_log

ID = "5f0c1d2e-7a61-4b3c-9d84-2e6f80a1b7c3"
GROUP = "/aws/lambda/orders-worker"
STREAM = "2026/11/23/[$LATEST]1f3a9c0d5b7e2f4861a3c5e7092b4d6f"
OTHER_STREAM = "2026/11/23/[$LATEST]77c2e4a6081b3d5f7092b4d6f8a1c3e5"
NAME_ERROR = ErrorInfo(
    type="NameError", message="name 'total' is not defined", frame="app.py:11 lambda_handler"
)


def ms(clock: str, day: str = "2026-11-23") -> int:
    """Epoch milliseconds of a time of day in UTC."""
    when = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    return round(when.timestamp() * 1000)


def event(at_ms: int, message: str, stream: str | None = STREAM) -> LogEvent:
    return LogEvent(timestamp_ms=at_ms, message=message, log_stream=stream, log_group=GROUP)


def attempt(number: int, started_ms: int, **fields: Any) -> Attempt:
    """One that raised NameError after 54.6 ms, unless ``fields`` say otherwise."""
    counter, branch = fields.pop("counter", None), fields.pop("branch", None)
    stream = fields.get("log_stream", STREAM)
    said = [str(counter)] if counter is not None else []
    said += [f"process {branch}"] if branch else []
    claimed = tuple(event(started_ms + 3, line, stream) for line in said)
    made: dict[str, Any] = {
        "number": number,
        "request_id": ID,
        "placed_ms": started_ms,
        "log_group": GROUP,
        "log_stream": stream,
        "function": "orders-worker",
        "version": "$LATEST",
        "cold_start": False,
        "started_ms": started_ms,
        "ended_ms": started_ms + 57,
        "outcome": AttemptOutcome.ERROR,
        "error": NAME_ERROR,
        "duration_ms": 54.6,
        "billed_duration_ms": 55.0,
        "memory_size_mb": 128,
        "max_memory_used_mb": 36,
        "claim": Claim(counter=counter, branch=branch, evidence=claimed),
        "events": (
            event(started_ms, lambda_log.start(ID), stream),
            *claimed,
            event(started_ms + 57, lambda_log.end(ID), stream),
        ),
    }
    return Attempt(**{**made, **fields})


def check(
    verdict: AttemptVerdict,
    counter: int | None = None,
    branch: str | None = None,
    seen: int | None = None,
) -> AttemptCheck:
    return AttemptCheck(
        counter_expected=counter,
        counter_in_environment=counter if seen is None else seen,
        branch_expected=branch,
        branch_for_retries=branch,
        verdict=verdict,
    )


def _judged(attempt: Attempt, check: AttemptCheck) -> AttemptCheck:
    ran, due = attempt.claim.branch, check.branch_expected
    if ran is not None and due is not None:
        check = replace(check, branch_agrees=ran == due)
    logged, expected = attempt.claim.counter, check.counter_expected
    if logged is None or expected is None:
        return check
    return replace(check, counter_agrees=logged == expected or min(logged, expected) >= 2)


def checked(
    outcome: RequestOutcome,
    verdict: Verdict,
    *rows: tuple[Attempt, AttemptCheck],
    findings: tuple[Finding, ...] = (),
    because: tuple[str, ...] = (),
    due_ms: int | None = None,
) -> CheckedRequest:
    return CheckedRequest(
        request=Request(
            request_id=ID,
            log_group=GROUP,
            function="orders-worker",
            attempts=tuple(row[0] for row in rows),
            outcome=outcome,
            next_attempt_due_ms=due_ms,
        ),
        checks=tuple(_judged(*row) for row in rows),
        verdict=verdict,
        findings=findings,
        undetermined_because=because,
    )


COVERAGE = Coverage(
    source="cloudwatch",
    log_groups=(GROUP,),
    since_ms=ms("21:00", "2026-11-22"),
    until_ms=ms("03:05"),
    horizon_ms=ms("03:05"),
    events_read=42,
    api_calls=5,
)

GAP = Gap(
    kind="retention",
    message="Attempts may lie before 22 Nov 21:00: --since keeps them out.",
    settle=f"retryctl trace {ID} --function orders-worker --since 2026-11-22T15:00:00Z",
    hides_attempts=True,
)

FIRST = attempt(1, ms("03:00:00.123"), cold_start=True, counter=0, branch="A")
SECOND = attempt(2, ms("03:01:02.871"), counter=1, branch="B")
THIRD = attempt(
    3, ms("03:03:10.092"), log_stream=OTHER_STREAM, cold_start=True, counter=0, branch="A"
)
FIRST_ROW = (FIRST, check(AttemptVerdict.AGREES, 0, "A"))
SECOND_ROW = (SECOND, check(AttemptVerdict.AGREES, 1, "B"))

SWITCH = Finding(
    rule="environment-switch",
    severity=Severity.ERROR,
    attempt=3,
    message=(
        "Attempt 3 ran in environment 77c2, whose /tmp holds no file of this request: "
        "attempts 1 and 2 left theirs in 1f3a."
    ),
    remedy="Count where every environment can read it: retryctl counters, DynamoDB or S3.",
    evidence=THIRD.claim.evidence,
)

SWITCHED = checked(
    RequestOutcome.EXHAUSTED,
    Verdict.DISAGREES,
    FIRST_ROW,
    SECOND_ROW,
    (THIRD, check(AttemptVerdict.DISAGREES, 2, "C", seen=0)),
    findings=(SWITCH,),
)

OK_ALONE = attempt(1, ms("03:00:00.123"), cold_start=True, outcome=AttemptOutcome.OK, error=None)
SUCCEEDED = checked(
    RequestOutcome.SUCCEEDED, Verdict.NOT_COUNTED, (OK_ALONE, check(AttemptVerdict.SILENT, 0))
)

RECOVERED = checked(
    RequestOutcome.RECOVERED,
    Verdict.AGREES,
    FIRST_ROW,
    (replace(SECOND, outcome=AttemptOutcome.OK, error=None), check(AttemptVerdict.AGREES, 1)),
)

PENDING = checked(
    RequestOutcome.PENDING, Verdict.AGREES, FIRST_ROW, SECOND_ROW, due_ms=ms("03:03:02.928")
)

RUNNING = checked(
    RequestOutcome.RUNNING,
    Verdict.AGREES,
    FIRST_ROW,
    (
        attempt(
            2,
            ms("03:01:02.871"),
            ended_ms=None,
            outcome=AttemptOutcome.RUNNING,
            error=None,
            duration_ms=None,
            max_memory_used_mb=None,
        ),
        check(AttemptVerdict.SILENT, 1),
    ),
)

UNDETERMINED = checked(
    RequestOutcome.EXHAUSTED,
    Verdict.UNDETERMINED,
    (replace(FIRST, started_ms=None, cold_start=None), check(AttemptVerdict.UNDETERMINED)),
    (replace(SECOND, log_stream=None), check(AttemptVerdict.UNDETERMINED)),
    because=("The START of attempt 1 lies outside what was read.",),
)

MENTIONED = checked(
    RequestOutcome.UNKNOWN,
    Verdict.UNDETERMINED,
    because=("The system log level drops START and REPORT; set it to INFO.",),
)
