"""The parts of a request that gaps hide: attempts, their lines, and their outcomes.

An outcome or a verdict that a hidden attempt or a hidden line could change is unknown. One that no
gap can change stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from retryctl.core.crosscheck.context import JudgingContext
from retryctl.core.history.lost_lines import LOST_IN_OWN_STREAM, LOST_LINES
from retryctl.core.model.attempt import Attempt, AttemptOutcome, wait_ms
from retryctl.core.model.coverage import UNORDERED, Gap
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import INFERRED_WAITS_MS, USUAL_WAITS_MS
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.value_classes import value_class

# These runtimes put the request ID into their error marker in the text format.
_MARKED_WITH_ID = ("nodejs", "dotnet")
# In the JSON format the error marker of others is one only as the last line of its attempt.
_MARKED_ANYWHERE = ("python", "java")
ONE_STREAM = "one-stream"
"""The gap of a log that is one environment's: attempts in others are hidden, its own are whole."""

_UNSETTLED = (
    RequestOutcome.SUCCEEDED,
    RequestOutcome.PENDING,
    RequestOutcome.NOT_RETRIED,
    RequestOutcome.RUNNING,
)


@value_class
class HiddenParts:
    """The gaps that matter to one request.

    Attempts may lie in ``anywhere``: ``before`` the first, between two, or ``after`` the last
    one. ``lines`` hide lines of attempts that were read.
    """

    before: tuple[Gap, ...] = ()
    after: tuple[Gap, ...] = ()
    anywhere: tuple[Gap, ...] = ()
    lines: tuple[Gap, ...] = ()

    @property
    def unordered(self) -> bool:
        """Whether lines are there, and their order is not known."""
        return any(gap.kind == UNORDERED for gap in self.lines)


def hidden_parts(request: Request, around: JudgingContext) -> HiddenParts:
    """Select the gaps in which attempts or lines of ``request`` could lie."""
    gaps = _gaps_around(request, around)
    if not request.attempts or not gaps:
        return HiddenParts()
    first, last = request.attempts[0].placed_ms, request.attempts[-1].placed_ms
    (since_ms, until_ms), horizon_ms = span_ms(request, around), around.coverage.horizon_ms
    until_ms = until_ms if horizon_ms is None else min(until_ms, horizon_ms + 1)
    hiding = [gap for gap in gaps if gap.hides_attempts or gap.hides_lines]
    attempts = [gap for gap in hiding if gap.hides_attempts]

    def those(gaps: Sequence[Gap], since_ms: int, until_ms: int) -> tuple[Gap, ...]:
        return tuple(gap for gap in gaps if may_hide(gap, request, since_ms, until_ms))

    return HiddenParts(
        before=those(attempts, since_ms, first),
        after=those(attempts, last, until_ms),
        lines=those([gap for gap in hiding if _hides_lines(gap, request)], first, last + 1),
        anywhere=those(attempts, since_ms, until_ms),
    )


def span_ms(request: Request, around: JudgingContext) -> tuple[int, int]:
    """Return the span in which attempts of the request can lie, to the end of the last.

    An attempt that starts within the maximum event age may end after it.
    """
    first_ms, age_ms = request.attempts[0].placed_ms, around.settings.event_age_ms
    ends_ms = (_end_ms(attempt, around) for attempt in request.attempts)
    return first_ms - age_ms, max(first_ms + age_ms, *ends_ms)


def _end_ms(attempt: Attempt, around: JudgingContext) -> int:
    """Return when the attempt ended or, where its end was not read, its timeout is over."""
    if attempt.report_event is None and attempt.ended_ms is None:
        return attempt.placed_ms + around.settings.timeout_ms
    return max(attempt.last_event.timestamp_ms, attempt.ended_ms or 0)


def _gaps_around(request: Request, around: JudgingContext) -> tuple[Gap, ...]:
    gaps, torn = around.coverage.gaps, around.coverage.torn_streams
    if any(gap.kind == LOST_LINES and gap.hides_attempts for gap in gaps):
        return gaps
    if torn and any((each.log_group, each.log_stream) in torn for each in request.attempts):
        return (*gaps, LOST_IN_OWN_STREAM)
    return gaps


def _hides_lines(gap: Gap, request: Request) -> bool:
    streams = {attempt.log_stream for attempt in request.attempts}
    return gap.hides_lines and (gap.log_stream is None or gap.log_stream in streams)


def may_hide(gap: Gap, request: Request, since_ms: int, until_ms: int) -> bool:
    """Whether an attempt of ``request`` in that span could lie in the gap."""
    return (
        gap.log_group in (None, request.log_group)
        and (gap.since_ms is None or gap.since_ms < until_ms)
        and (gap.until_ms is None or gap.until_ms > since_ms)
    )


# --------------------------------------------------------------------------- outcomes


def without_hidden_outcomes(
    request: Request, around: JudgingContext, hidden: HiddenParts, *, cut: bool
) -> Request:
    """Return the request with each outcome that a gap could change set to unknown.

    ``cut``: the log shows that attempts before the first may be missing.
    """
    attempts = tuple(_known(request, attempt, around, hidden) for attempt in request.attempts)
    queued = not hidden.anywhere or _waits_as_queued(request.attempts, around.settings)
    queued = queued and not (cut and _counts_beyond_queue(request.attempts, around.settings))
    now = replace(request, attempts=attempts)
    outcome = _outcome(now, request.attempts, hidden, cut=cut, queued=queued)
    if outcome is request.outcome and attempts == request.attempts:
        return request
    due = None if outcome is RequestOutcome.UNKNOWN else request.next_attempt_due_ms
    return replace(request, attempts=attempts, outcome=outcome, next_attempt_due_ms=due)


def _known(
    request: Request, attempt: Attempt, around: JudgingContext, hidden: HiddenParts
) -> Attempt:
    """Return the attempt, unknown where its end or its error marker may be missing."""
    if attempt.outcome is AttemptOutcome.OK:
        lost = hidden.lines and not _keeps_error(attempt, around, hidden)
        masked = attempt.masked_error and is_masked(request, around)
        known = not (
            lost
            or masked
            or attempt.dropped
            or attempt.may_be_several
            or _lost_its_start(attempt)
            or _reaches_gap(request, attempt, around, hidden)
        )
    elif attempt.outcome is AttemptOutcome.ERROR:  # the error may be another attempt's
        known = not hidden.unordered or _keeps_error(attempt, around, hidden)
    else:  # a START may be printed text
        is_open = attempt.outcome is AttemptOutcome.RUNNING
        known = not (is_open and (hidden.after or hidden.unordered))
    return attempt if known else replace(attempt, outcome=AttemptOutcome.UNKNOWN)


def _lost_its_start(attempt: Attempt) -> bool:
    """Whether the log begins before the attempt and lacks its START, and names no log stream.

    In a log that does, the stream shows whether its lines were lost.
    """
    has_start = attempt.start_event or attempt.starts_unseen or attempt.managed
    return attempt.log_stream is None and attempt.number > 1 and not has_start


def is_masked(request: Request, around: JudgingContext) -> bool:
    """Whether data protection masks lines of the request's log group."""
    return any(
        gap.kind == "masked" and gap.log_group in (None, request.log_group)
        for gap in around.coverage.gaps
    )


def _reaches_gap(
    request: Request, attempt: Attempt, around: JudgingContext, hidden: HiddenParts
) -> bool:
    """Whether lines between its START and its end may lie in a gap."""
    ended_ms = max(attempt.last_event.timestamp_ms, attempt.ended_ms or 0)
    longest_ms = around.settings.timeout_ms
    began_ms = ended_ms - longest_ms if attempt.started_ms is None else attempt.started_ms
    return any(
        (gap.kind != ONE_STREAM or attempt.start_event is None)
        and gap.log_stream in (None, attempt.log_stream)
        and may_hide(gap, request, began_ms, ended_ms)
        for gap in hidden.anywhere
    )


def _keeps_error(attempt: Attempt, around: JudgingContext, hidden: HiddenParts) -> bool:
    """Whether no gap in lines can change whether the attempt has an error.

    Some runtimes write what an application can write too: that is an error as the last line only.
    """
    runtime = attempt.runtime_version or around.settings.runtime or ""
    anywhere = runtime.startswith(_MARKED_ANYWHERE)
    in_json = attempt.in_json or around.settings.log_format == "JSON"
    by_place = not anywhere if in_json else "dotnet" in runtime
    return _marked_with_id(attempt, around) and not (hidden.unordered and by_place)


def _marked_with_id(attempt: Attempt, around: JudgingContext) -> bool:
    """Whether the runtime's error marker has the request ID, so that a search by ID finds it."""
    runtime = attempt.runtime_version or around.settings.runtime or ""
    return around.settings.log_format == "JSON" or runtime.startswith(_MARKED_WITH_ID)


def _outcome(
    request: Request, before: Sequence[Attempt], hidden: HiddenParts, *, cut: bool, queued: bool
) -> RequestOutcome:
    """Return the outcome, unless a hidden attempt or a hidden line could change it.

    As many failed attempts as are allowed, or a failed one and a good one, are enough.
    """
    outcome = request.outcome
    earlier = bool(hidden.before or hidden.unordered or request.mentions) or cut
    if outcome is RequestOutcome.SUCCEEDED and not earlier:
        return (
            outcome if request.attempts[0].outcome is AttemptOutcome.OK else RequestOutcome.UNKNOWN
        )
    if outcome is RequestOutcome.RECOVERED:
        good = any(attempt.outcome is AttemptOutcome.OK for attempt in request.attempts)
        return outcome if good else RequestOutcome.UNKNOWN
    if outcome in _UNSETTLED and (earlier or hidden.anywhere or _may_have_lost_lines(request)):
        return RequestOutcome.UNKNOWN
    pairs = list(zip(before, request.attempts, strict=True))
    if outcome is RequestOutcome.EXHAUSTED:
        failed = all(now.outcome.failed for was, now in pairs if was.outcome.failed)
        return outcome if failed and queued else RequestOutcome.UNKNOWN
    changed = any(was.outcome is not now.outcome for was, now in pairs)
    return RequestOutcome.UNKNOWN if changed else outcome


def _may_have_lost_lines(request: Request) -> bool:
    """Whether an attempt lacks its START, or has records that may be those of another one."""
    return any(
        attempt.may_be_two
        or (attempt.ambiguous and attempt.outcome is AttemptOutcome.UNKNOWN)
        or not (attempt.start_event or attempt.starts_unseen or attempt.managed)
        for attempt in request.attempts
    )


def _counts_beyond_queue(attempts: Sequence[Attempt], settings: FunctionConfig) -> bool:
    """Whether a counter has more retries than the asynchronous queue makes."""
    counters = (attempt.claim.counter or 0 for attempt in attempts)
    return any(counter > settings.retries_allowed for counter in counters)


def _waits_as_queued(attempts: Sequence[Attempt], settings: FunctionConfig) -> bool:
    """Whether no retry starts sooner than the asynchronous queue starts it, nor may do so.

    Else an event source retries the request, and has more attempts in a gap.
    """
    for before, after in pairwise(attempts):
        wait, usual = wait_ms(before, after), USUAL_WAITS_MS.get(before.number)
        if usual is not None and (wait is None or wait - usual < INFERRED_WAITS_MS.start):
            return False
    return not settings.stream_source
