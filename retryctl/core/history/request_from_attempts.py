"""From attempts to a request: their order, its outcome, and when the next attempt is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from retryctl.core.model.attempt import Attempt, AttemptOutcome, longest_wait_ms, wait_ms
from retryctl.core.model.events import LogEvent, is_event_source_id, is_timed, stream_name
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.group_names import function_from_names
from retryctl.core.model.limits import (
    INFERRED_WAITS_MS,
    QUICK_WAITS_MS,
    SHORTEST_RETRY_MS,
    USUAL_WAITS_MS,
    WAIT_TOLERANCE_MS,
)
from retryctl.core.model.request import Delivery, Request, RequestOutcome
from retryctl.core.value_classes import replaced


def request_of(
    key: tuple[str | None, str],
    attempts: Sequence[Attempt],
    mentions: Sequence[LogEvent],
    settings: FunctionConfig,
    horizon_ms: int,
    function: str | None,
) -> Request:
    """Build the request of ``key`` (log group and ID) from its attempts, as of ``horizon_ms``."""
    log_group, request_id = key
    proved, ambiguous = _proved(_without_copies(sorted(attempts, key=_by_start)), settings)
    numbered = [a if a.number == n else replaced(a, number=n) for n, a in enumerate(proved, 1)]
    delivery = _delivery(numbered, request_id, settings)
    if delivery is Delivery.ASYNCHRONOUS:
        numbered = _infer_errors(numbered, settings)
    due = _next_due_ms(numbered, delivery, settings, horizon_ms)
    return Request(
        request_id=request_id,
        log_group=log_group,
        function=next(
            (a.function for a in numbered if a.function),
            function_from_names(log_group, None) or function,
        ),
        attempts=tuple(numbered),
        outcome=_request_outcome(numbered, delivery, settings, due),
        delivery=delivery,
        next_attempt_due_ms=due,
        mentions=tuple(mentions),
        ambiguous=ambiguous,
    )


def _by_start(attempt: Attempt) -> tuple[int, str]:
    return (attempt.placed_ms, attempt.log_stream or "")


def _without_copies(ordered: list[Attempt]) -> list[Attempt]:
    """Put together the records of one attempt that several files of the same log have.

    No two attempts of one request start at the same moment. Files differ in what they lack:
    streams, milliseconds, or lines.
    """
    kept: list[Attempt] = []
    for attempt in ordered:
        near = range(len(kept) - 1, max(len(kept) - 1 - _NEAR, -1), -1)
        copy = next((at for at in near if _are_copies(kept[at], attempt)), None)
        if copy is None:
            kept.append(attempt)
        else:
            kept[copy] = _together(kept[copy], attempt)
    return kept


def _are_copies(one: Attempt, other: Attempt) -> bool:
    """Whether two records are of one attempt: one lacks its stream, or the milliseconds.

    Both are where two answers of GetLogEvents, which name no stream, have the same times.
    """
    start, start_of_other = one.started_ms, other.started_ms
    if _are_of_unnamed_streams(one, other):
        return (start, one.ended_ms) == (start_of_other, other.ended_ms) != (None, None)
    if start is None or start_of_other is None or start // 1000 != start_of_other // 1000:
        return False
    names = {one.log_stream, other.log_stream}
    names_one = len(names) == 2 and None in names
    if start == start_of_other:
        return names_one
    rounded = [_in_seconds(each) for each in (one, other)]
    same_place = len(names) == 1 and not all(rounded)
    return any(rounded) and (names_one or same_place) and _figures(one) == _figures(other)


def _are_of_unnamed_streams(one: Attempt, other: Attempt) -> bool:
    names = {one.log_stream, other.log_stream}
    return len(names) == 2 and None not in names and not any(map(stream_name, names))


def _together(one: Attempt, other: Attempt) -> Attempt:
    """Return what two records show of one attempt: a failure and a claim are in one of them."""
    fuller, lesser = (one, other) if _shows(one) >= _shows(other) else (other, one)
    exact = lesser if _in_seconds(fuller) else fuller
    return replaced(
        fuller,
        log_stream=fuller.log_stream or lesser.log_stream,
        cold_start=lesser.cold_start if fuller.cold_start is None else fuller.cold_start,
        placed_ms=exact.placed_ms,
        started_ms=exact.started_ms,
        ended_ms=exact.ended_ms or fuller.ended_ms,
        claim=lesser.claim if fuller.claim.silent else fuller.claim,
    )


def _shows(attempt: Attempt) -> tuple[bool, ...]:
    """Return how much a record shows: a failure, its end, a claim, milliseconds, its stream."""
    return (
        attempt.outcome.failed,
        attempt.outcome is AttemptOutcome.OK,
        not attempt.claim.silent,
        not _in_seconds(attempt),
        attempt.log_stream is not None,
    )


def _in_seconds(attempt: Attempt) -> bool:
    return not any(ms % 1000 for ms in (attempt.started_ms or 0, attempt.ended_ms or 0))


def _figures(attempt: Attempt) -> tuple[float | None, int | None]:
    return attempt.billed_duration_ms, attempt.memory_size_mb


def _proved(
    ordered: list[Attempt], settings: FunctionConfig
) -> tuple[list[Attempt], tuple[LogEvent, ...]]:
    """Return the attempts without START lines that cannot be a retry, and these lines.

    A START with no other line, sooner after an attempt than any retry starts, or after as many
    failed attempts as are allowed, is text that something printed.
    """
    if len(ordered) < 2 or not any(attempt.bare for attempt in ordered):
        return ordered, ()
    proved: list[Attempt] = []
    ambiguous: list[LogEvent] = []
    for attempt in ordered:
        last = proved[-1] if proved else None
        retry = last is None or (_may_retry(last, attempt) and not _is_spent(proved, settings))
        if attempt.bare and attempt.start_event and not retry:
            ambiguous.append(attempt.start_event)
        else:
            proved.append(attempt)
    return proved, tuple(ambiguous)


_MORE_THAN_ALLOWED = 3
_NEAR = 4


def _is_spent(attempts: list[Attempt], settings: FunctionConfig) -> bool:
    """Whether as many attempts as the asynchronous queue allows have failed."""
    attempts = attempts[: settings.retries_allowed + _MORE_THAN_ALLOWED]
    failed = sum(attempt.outcome.failed for attempt in attempts)
    if failed <= settings.retries_allowed:
        return False
    return _delivery(attempts, attempts[0].request_id, settings) is Delivery.ASYNCHRONOUS


def _may_retry(last: Attempt, attempt: Attempt) -> bool:
    """Whether Lambda may have started it again: after its usual wait, or in a reset environment."""
    if last.bare:
        return True
    reset = last.outcome.failed and last.outcome is not AttemptOutcome.ERROR
    if reset and attempt.log_stream == last.log_stream:
        return True
    if not is_timed(attempt.placed_ms):
        return last.outcome is not AttemptOutcome.OK
    ended_ms = last.placed_ms if last.ended_ms is None else last.ended_ms
    return (
        last.outcome is not AttemptOutcome.OK and attempt.placed_ms - ended_ms >= SHORTEST_RETRY_MS
    )


def _delivery(attempts: Sequence[Attempt], request_id: str, settings: FunctionConfig) -> Delivery:
    """Return who retries the request, by its ID, its waits and the function's event sources."""
    if is_event_source_id(request_id):
        return Delivery.EVENT_SOURCE
    if len(attempts) > settings.retries_allowed + 1 and not is_timed(attempts[0].placed_ms):
        return Delivery.UNKNOWN  # only times show an event source
    quick = sum(_is_quick(before, after) for before, after in pairwise(attempts))
    if quick > 1 or (quick and settings.stream_source):
        return Delivery.EVENT_SOURCE
    return Delivery.UNKNOWN if quick else Delivery.ASYNCHRONOUS


def _is_quick(before: Attempt, after: Attempt) -> bool:
    """Whether it starts sooner after a failed attempt than the asynchronous queue retries."""
    wait = longest_wait_ms(before, after)
    return wait is not None and before.outcome.failed and wait in QUICK_WAITS_MS


def _infer_errors(attempts: list[Attempt], settings: FunctionConfig) -> list[Attempt]:
    """Mark as failed what was retried, for runtimes that leave no marker of an error."""
    for at, (attempt, after) in enumerate(pairwise(attempts)):
        usual, wait = USUAL_WAITS_MS.get(attempt.number), wait_ms(attempt, after)
        if attempt.outcome is not AttemptOutcome.OK or usual is None or wait is None:
            continue
        if wait - usual in INFERRED_WAITS_MS and _leaves_no_marker(attempt, settings):
            attempts[at] = replace(attempt, outcome=AttemptOutcome.ERROR, outcome_inferred=True)
    return attempts


def _leaves_no_marker(attempt: Attempt, settings: FunctionConfig) -> bool:
    runtime = attempt.runtime_version or settings.runtime or ""
    silent_node = settings.application_log_level == "FATAL" and runtime.startswith("nodejs")
    return runtime.startswith("provided") or silent_node


def _next_due_ms(
    attempts: list[Attempt], delivery: Delivery, settings: FunctionConfig, horizon_ms: int
) -> int | None:
    """Return when the next attempt is due; ``None`` where none is to be expected any more."""
    if not attempts or delivery is not Delivery.ASYNCHRONOUS or attempts[0].starts_unseen:
        return None
    last, wait = attempts[-1], USUAL_WAITS_MS.get(len(attempts))
    if not last.outcome.failed or wait is None or len(attempts) > settings.retries_allowed:
        return None
    if not is_timed(last.placed_ms):
        return None
    failed_ms = last.ended_ms if last.ended_ms is not None else last.last_event.timestamp_ms
    age_ms = failed_ms - attempts[0].placed_ms + wait
    if settings.maximum_event_age_s is not None and age_ms > settings.event_age_ms:
        return None
    due = failed_ms + wait
    return due if horizon_ms <= due + WAIT_TOLERANCE_MS else None


def _request_outcome(
    attempts: list[Attempt], delivery: Delivery, settings: FunctionConfig, due: int | None
) -> RequestOutcome:
    if not attempts:
        return RequestOutcome.UNKNOWN
    first, last = attempts[0].outcome, attempts[-1].outcome
    if delivery is not Delivery.ASYNCHRONOUS and last.failed:
        return RequestOutcome.UNKNOWN
    if first is AttemptOutcome.OK:
        return RequestOutcome.SUCCEEDED
    if first.failed and any(attempt.outcome is AttemptOutcome.OK for attempt in attempts):
        return RequestOutcome.RECOVERED
    if last is AttemptOutcome.RUNNING:
        return RequestOutcome.RUNNING
    if not last.failed:
        return RequestOutcome.UNKNOWN
    if len(attempts) > settings.retries_allowed:
        proved = sum(not attempt.unproved for attempt in attempts)
        known = proved > settings.retries_allowed
        return RequestOutcome.EXHAUSTED if known else RequestOutcome.UNKNOWN
    if any(attempt.starts_unseen for attempt in attempts):
        return RequestOutcome.UNKNOWN  # a good attempt would have left no record
    if not is_timed(attempts[-1].placed_ms):
        return RequestOutcome.UNKNOWN  # nothing shows how long the log goes on after it
    return RequestOutcome.PENDING if due is not None else RequestOutcome.NOT_RETRIED
