"""A failure record compared with the attempts in the log: the rules and their findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from retryctl.core.crosscheck.checked_request import CheckedRequest, with_unseen_end
from retryctl.core.crosscheck.findings import Finding, Match, Rule, Severity
from retryctl.core.failure_records.documents import FailureRecord
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.core.value_classes import value_class
from retryctl.core.wording import number_of

_SUCCESS = "Success"
_TOO_OLD = "EventAgeExceeded"
_FUNCTION_ERROR = "200"
"""The ErrorCode of a dead-letter message where the function ran and failed."""
_FAILED = (RequestOutcome.EXHAUSTED, RequestOutcome.NOT_RETRIED)
_WELL = (RequestOutcome.SUCCEEDED, RequestOutcome.RECOVERED)
_MOST_QUOTED = 80
_UNSEEN_END = "the failure record shows that no attempt follows, and the log does not show the end"


@value_class
class RecordCase:
    """A record, and the request of its ID with at least one attempt."""

    record: FailureRecord
    checked: CheckedRequest
    coverage: Coverage

    @property
    def outcome(self) -> RequestOutcome:
        """The outcome in the log."""
        return self.checked.request.outcome

    @property
    def last(self) -> Attempt:
        """The last attempt in the log."""
        return self.checked.request.attempts[-1]


def compared_with(
    records: Sequence[FailureRecord], checked: CheckedRequest, coverage: Coverage
) -> CheckedRequest:
    """Return the request with the differences between its records and its attempts."""
    findings = [each for record in records for each in record_findings(record, checked, coverage)]
    return replace(checked, findings=(*checked.findings, *findings))


def with_recorded_end(records: Sequence[FailureRecord], checked: CheckedRequest) -> CheckedRequest:
    """Return the request as its records end it, once its log is not read again.

    A record of a failure is written when no attempt follows, so the request is not pending: the
    last attempt in the log is its last, unless the record counts more.
    """
    request = checked.request
    failures = [record for record in records if record.condition != _SUCCESS]
    if not failures or request.outcome is not RequestOutcome.PENDING:
        return checked
    counts = [record.invoke_count for record in failures if record.invoke_count is not None]
    if not counts or max(counts) > len(request.attempts):
        return with_unseen_end(checked, _UNSEEN_END)
    given_up = replace(request, outcome=RequestOutcome.NOT_RETRIED, next_attempt_due_ms=None)
    return replace(checked, request=given_up)


def record_findings(
    record: FailureRecord, checked: CheckedRequest, coverage: Coverage
) -> list[Finding]:
    """Return the differences between a record and the attempts of its request.

    A request without an attempt, or one that an event source retries, is not compared.
    """
    if not checked.request.attempts or not checked.request.asynchronous:
        return []
    case = RecordCase(record=record, checked=checked, coverage=coverage)
    return [finding for rule in RECORD_RULES for finding in rule.find(case)]


def _invoke_count(case: RecordCase) -> Iterator[Match]:
    """Compare the counts; a gap that hides attempts explains why the log has fewer."""
    counted, attempts = case.record.invoke_count, case.checked.request.attempts
    if counted is None or counted == len(attempts):
        return
    if counted > len(attempts) and _may_miss_attempts(case):
        return
    yield Match(
        None,
        f"The record states {number_of(counted, 'invocation')} (approximateInvokeCount), and the "
        f"log has {number_of(len(attempts), 'attempt')}.",
        tuple(attempt.start_event or attempt.events[0] for attempt in (attempts[0], attempts[-1])),
    )


def _may_miss_attempts(case: RecordCase) -> bool:
    hidden = any(gap.hides_attempts for gap in case.coverage.gaps)
    return hidden or any(each.rule == "logs-incomplete" for each in case.checked.findings)


def _condition(case: RecordCase) -> Iterator[Match]:
    for sentence in (_outcome_differs(case), _error_differs(case)):
        if sentence:
            start = case.last.start_event or case.last.events[0]
            yield Match(None, sentence, (start, case.last.error_event or case.last.last_event))


def _outcome_differs(case: RecordCase) -> str:
    """Compare the condition or the ErrorCode with the outcome; unsettled ones are not compared."""
    condition, code = case.record.condition, case.record.error_code
    stated = f"condition {condition}" if condition else "failure (a dead-letter message)"
    if condition == _SUCCESS and case.outcome in _FAILED:
        return f"The record states condition Success, and attempt {case.last.number} failed."
    if condition != _SUCCESS and case.outcome in _WELL:
        return f"The record states {stated}, and the log shows that the request {_ended(case)}."
    if condition == _TOO_OLD and case.outcome is RequestOutcome.EXHAUSTED:
        return (
            "The record states condition EventAgeExceeded, and the log shows that every attempt "
            "that Lambda allows ran and failed."
        )
    if code not in (None, _FUNCTION_ERROR) and case.outcome is RequestOutcome.EXHAUSTED:
        return (
            f"The record states ErrorCode {code}, with which Lambda could not run the function, "
            "and the log shows that every attempt that Lambda allows ran and failed."
        )
    return ""


def _ended(case: RecordCase) -> str:
    return "succeeded" if case.outcome is RequestOutcome.SUCCEEDED else "recovered"


def _error_differs(case: RecordCase) -> str:
    """Compare the error's text with that of the last attempt, whitespace aside."""
    stated, error = case.record.error_message, case.last.error
    if case.record.condition == _SUCCESS or stated is None or case.outcome not in _FAILED:
        return ""
    if case.last.outcome is AttemptOutcome.TIMEOUT and "timed out" not in stated:
        return f"The record states the error {_quoted(stated)}, and the last attempt timed out."
    logged = error.message if error and case.last.outcome is AttemptOutcome.ERROR else None
    if not logged or _agree(stated, logged):
        return ""
    return (
        f"The record states the error {_quoted(stated)}, and the last attempt logged "
        f"{_quoted(logged)}."
    )


def _agree(one: str, other: str) -> bool:
    """Whether one text contains the other: each may be cut, and have a request ID in front."""
    one, other = ("".join(text.split()) for text in (one, other))
    return one in other or other in one


def _quoted(text: str) -> str:
    short = text if len(text) <= _MOST_QUOTED else f"{text[: _MOST_QUOTED - 1]}…"
    return f"'{short}'"


RECORD_RULES = (
    Rule(
        id="invoke-count-differs",
        severity=Severity.WARNING,
        remedy=(
            "Search a wider window and every log group of the function for the other attempts; "
            "a delivery that was throttled leaves no log, and the record's count is approximate."
        ),
        matches=_invoke_count,
    ),
    Rule(
        id="condition-differs",
        severity=Severity.WARNING,
        remedy=(
            "Check whether the event was delivered twice or replayed before you replay it, and "
            "that the record is of this function."
        ),
        matches=_condition,
    ),
)
