"""The rules about the store of a counter: its errors, and its number of attempts."""

from __future__ import annotations

from collections.abc import Iterator

from retryctl.core.crosscheck.findings import Match, Rule, RuleInput, Severity
from retryctl.core.crosscheck.hidden_attempts import hidden_before
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import LogEvent
from retryctl.core.model.store_count import StoreCount

_MOST_SHOWN = 10


def _counter_failed(case: RuleInput) -> Iterator[Match]:
    for attempt in case.request.attempts:
        claim, error = attempt.claim, attempt.claim.store_error
        if error is None:
            continue
        if claim.counter is None:
            fallback = f", and it fell back to branch {claim.branch}" if claim.branch else ""
            message = f"The store {claim.store} refused attempt {attempt.number}{fallback}"
        elif claim.recorded is False:
            message = f"The store {claim.store} did not record attempt {attempt.number}"
        else:
            message = f"The first store refused attempt {attempt.number}, and {claim.store} counted"
        yield Match(
            attempt.number, f"{message}: {error}", claim.evidence, _remedy(error, claim.store)
        )


_REMEDIES = (
    (
        ("ResourceNotFoundException", "NoSuchBucket"),
        "Create the table or bucket (retryctl counters template {}).",
    ),
    (
        ("Throttl", "ProvisionedThroughputExceeded", "SlowDown", "RequestLimitExceeded"),
        "The store was throttled: raise its capacity, or use on-demand mode.",
    ),
    (
        ("AccessDenied", "UnrecognizedClient", "InvalidClientToken", "ExpiredToken"),
        "Give the function's role what the store needs (retryctl counters iam {}).",
    ),
    (
        ("ConnectTimeout", "ReadTimeout", "EndpointConnection", "TimeoutError"),
        "The store cannot be reached in time: check the VPC's route or endpoint.",
    ),
    (("No space left", "Read-only file system"), "Free space and inodes in /tmp."),
)


_WITH_TEMPLATES = ("dynamodb", "s3", "logs")


def _remedy(error: str, store: str | None) -> str:
    """Return the remedy for the cause that an error names; empty where it is not a known one.

    The error of a ``FallbackCounter`` begins with the name of the store that failed.
    """
    names_of_stores = (error.partition(":")[0], store)
    name = next((one for one in names_of_stores if one in _WITH_TEMPLATES), "STORE")
    found = (remedy for names, remedy in _REMEDIES if any(one in error for one in names))
    return next(found, "").format(name)


def agreeing_store(case: RuleInput) -> StoreCount | None:
    """Return what the durable store recorded, where the log shows the same number of attempts."""
    stored = case.around.stored
    if stored is None or not case.request.attempts or not case.countable:
        return None
    least, most = _expected_count(case)
    return stored if least <= stored.count <= most else None


def _store_differs(case: RuleInput) -> Iterator[Match]:
    stored, attempts = case.around.stored, case.request.attempts
    if stored is None or not attempts or not case.countable or agreeing_store(case):
        return
    least, most = _expected_count(case)
    if stored.count > most and hidden_before(case.given, attempts[-1], ahead=True):
        return  # an attempt missing from the log may be the one in the store
    due = f"{least}" if least == most else f"{least} to {most}"
    yield Match(
        None,
        f"{stored.store} has {stored.count} attempt{'s' * (stored.count != 1)} of this request; "
        f"by the log it should have {due}.",
        (
            *_recorded(stored, attempts[-1]),
            *(_shown(attempt) for attempt in attempts[:_MOST_SHOWN]),
        ),
    )


def _expected_count(case: RuleInput) -> tuple[int, int]:
    """Return the least and the most attempts that the store should have by the log.

    With markers: those marked as recorded, and perhaps those whose lines are missing. Without
    markers: a function may record the attempts that fail with an error, or all.
    """
    attempts = case.request.attempts
    if any(attempt.claim.recorded is not None for attempt in attempts):
        least = sum(attempt.claim.recorded is True for attempt in attempts)
        return least, least + sum(_may_have_recorded(attempt) for attempt in attempts)
    return sum(attempt.outcome is AttemptOutcome.ERROR for attempt in attempts), len(attempts)


def _may_have_recorded(attempt: Attempt) -> bool:
    unseen = attempt.start_event is None or attempt.report_event is None
    return attempt.claim.recorded is None and (unseen or bool(attempt.dropped))


def _recorded(stored: StoreCount, last: Attempt) -> tuple[LogEvent, ...]:
    """Return the attempts in the store, or an event for an empty store."""
    nothing = LogEvent(
        timestamp_ms=last.last_event.timestamp_ms,
        message=f"{stored.store} {stored.request_id}: no attempt",
    )
    return stored.evidence[:_MOST_SHOWN] or (nothing,)


def _shown(attempt: Attempt) -> LogEvent:
    evidence = attempt.claim.evidence
    return evidence[-1] if evidence else attempt.start_event or attempt.last_event


STORE_RULES = (
    Rule(
        id="counter-failed",
        severity=Severity.WARNING,
        remedy="Give the function what the store needs (retryctl counters iam STORE).",
        matches=_counter_failed,
    ),
    Rule(
        id="store-differs",
        severity=Severity.ERROR,
        remedy="Check what else writes to the store or deletes from it, and when entries expire.",
        matches=_store_differs,
    ),
)
