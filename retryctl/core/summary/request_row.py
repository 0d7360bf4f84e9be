"""Rows of a list of requests, and the filter that selects them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, cross_checked
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import is_timed
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.summary.alike_requests import AlikeRequests
from retryctl.core.summary.silent_successes import SilentSuccesses, id_of
from retryctl.core.value_classes import replaced, value_class

ENDED_WELL = (RequestOutcome.SUCCEEDED, RequestOutcome.RECOVERED)


@value_class
class RequestRow:
    """A request in one line. ``findings`` are the names of rules, each once, in their order.

    ``placed_ms`` orders it in time, and ``latest_ms`` is the time of its latest attempt;
    ``started_ms`` is ``None`` without a START.
    ``errors`` are the types (or outcomes) and messages of its failed attempts, and ``error`` is
    the type of the last one. ``branches`` has the branch of each attempt, ``None`` where it logged
    none, and ``wrong_branches`` the numbers of the attempts that ran another branch than expected.
    ``environments`` counts the execution environments; ``None`` where streams have no names.
    ``failed_attempts`` failed, and ``cross_checked`` attempts logged a counter or a branch.
    ``execution_arn`` names the durable execution that its function logged.
    """

    request_id: str
    function: str | None
    placed_ms: int
    latest_ms: int
    started_ms: int | None
    attempts: int
    outcome: RequestOutcome
    verdict: Verdict
    findings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    error: str | None = None
    branches: tuple[str | None, ...] = (None,)
    wrong_branches: tuple[int, ...] = ()
    environments: int | None = 1
    execution_arn: str | None = None
    failed_attempts: int = 0
    cross_checked: int = 0


@value_class
class RowFilter:
    """Which requests a list shows; ``None`` and an empty tuple select all.

    ``error`` is a text in the types and messages of errors; upper and lower case are equal.
    ``failed`` selects requests that neither succeeded nor recovered.
    """

    outcomes: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    error: str | None = None
    least_attempts: int = 0
    failed: bool = False

    def has(self, request_rows: RequestRow) -> bool:
        """Whether the request is to be shown."""
        return (
            request_rows.attempts >= self.least_attempts
            and (not self.outcomes or request_rows.outcome.value in self.outcomes)
            and (not self.verdicts or request_rows.verdict.value in self.verdicts)
            and (not self.findings or not set(self.findings).isdisjoint(request_rows.findings))
            and (self.error is None or self._names_error(request_rows))
            and not (self.failed and request_rows.outcome in ENDED_WELL)
        )

    def _names_error(self, request_rows: RequestRow) -> bool:
        sought = (self.error or "").casefold()
        return any(sought in error.casefold() for error in request_rows.errors)


def request_rows(one: CheckedRequest | SilentSuccesses | AlikeRequests) -> list[RequestRow]:
    """Return a row for each request."""
    if isinstance(one, CheckedRequest):
        return [_checked(one)]
    if isinstance(one, AlikeRequests):
        return list(_alike(one))
    return [
        RequestRow(
            request_id=str(UUID(bytes=request_id)),
            function=one.function,
            placed_ms=start_ms,
            latest_ms=start_ms,
            started_ms=start_ms if is_timed(start_ms) else None,
            attempts=1,
            outcome=RequestOutcome.SUCCEEDED,
            verdict=Verdict.NOT_COUNTED,
        )
        for request_id, start_ms, *_ in one.attempts
    ]


def _checked(one: CheckedRequest) -> RequestRow:
    request = one.request
    first = request.attempts[0] if request.attempts else None
    texts = [text for each in request.attempts for text in _error_texts(each)]
    return RequestRow(
        request_id=request.request_id,
        function=request.function,
        placed_ms=request.placed_ms,
        latest_ms=max((each.placed_ms for each in request.attempts), default=request.placed_ms),
        started_ms=first.started_ms if first else None,
        attempts=len(request.attempts),
        outcome=request.outcome,
        verdict=one.verdict,
        findings=tuple(dict.fromkeys(finding.rule for finding in one.findings)),
        errors=tuple(dict.fromkeys(texts)),
        error=_last_error(request),
        branches=tuple(attempt.claim.branch for attempt in request.attempts),
        wrong_branches=tuple(
            attempt.number
            for attempt, check in zip(request.attempts, one.checks, strict=True)
            if check.branch_agrees is False
        ),
        environments=_environments(request),
        execution_arn=request.execution_arn,
        failed_attempts=sum(attempt.outcome.failed for attempt in request.attempts),
        cross_checked=cross_checked([one]),
    )


def _alike(alike: AlikeRequests) -> Iterator[RequestRow]:
    """Yield the rows of requests that differ in ID and times only."""
    checked = _checked(alike.checked)
    for attempts in alike.attempts:
        request_id, start_ms, *_ = attempts[0]
        _, latest_ms, *_ = attempts[-1]
        yield replaced(
            checked,
            request_id=id_of(request_id),
            placed_ms=start_ms,
            latest_ms=latest_ms,
            started_ms=start_ms,
        )


def _last_error(request: Request) -> str | None:
    failed = (attempt for attempt in reversed(request.attempts) if attempt.outcome.failed)
    return next((_error_texts(attempt)[0] for attempt in failed), None)


def _error_texts(attempt: Attempt) -> tuple[str, ...]:
    """Return the type of the error, or the outcome if it has none, and its message."""
    error = attempt.error
    outcome = attempt.outcome
    kind = (error and error.type) or (outcome.value if outcome.failed else None)
    return tuple(text for text in (kind, error and error.message) if text)


def _environments(request: Request) -> int | None:
    streams = {attempt.log_stream for attempt in request.attempts}
    return len(streams) if None not in streams or len(request.attempts) == 1 else None
