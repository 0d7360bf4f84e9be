"""The marks that attempts leave for later ones to count, and those that an attempt could see.

A mark in /tmp is seen only in the execution environment in which it was left; in a durable
store every later attempt sees it.
"""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.history.outcome import Outcome
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.request import Request


def was_recorded(attempt: Attempt, branches: Branches) -> bool | None:
    """Whether it left a mark to be counted; ``None`` where its lines do not allow to tell.

    A marker says so itself. The original way leaves a file in every branch but the last. A
    function that logs only its counter is taken to leave one when it fails with an error.
    """
    claim = attempt.claim
    if claim.recorded is not None:
        return claim.recorded
    if claim.branch is not None:
        return branches.numbers.get(claim.branch, 0) < branches.last
    unended = attempt.report_event is None and not attempt.outcome.failed
    if attempt.start_event is None or attempt.dropped or unended:
        return None
    if claim.counter is not None:
        return attempt.outcome is Outcome.ERROR and claim.counter < branches.last
    return False


def earlier_here(request: Request, attempt: Attempt) -> list[Attempt]:
    """The earlier attempts of the request in the same execution environment."""
    return [
        other
        for other in request.attempts[: attempt.retries]
        if other.log_stream is not None and other.log_stream == attempt.log_stream
    ]


def earlier_in_reach(request: Request, attempt: Attempt) -> list[Attempt]:
    """The earlier attempts whose marks its counter could see: all, or those in its /tmp."""
    if counts_in_tmp(attempt):
        return earlier_here(request, attempt)
    return list(request.attempts[: attempt.retries])


def counts_in_tmp(attempt: Attempt) -> bool:
    """Whether it counts files in /tmp: it says so, or does not say where it counts."""
    return attempt.claim.store in (None, "tmp")


def recorded_attempts(earlier: Sequence[Attempt], branches: Branches) -> tuple[int, int]:
    """The least and the most marks that these attempts left."""
    marks = [was_recorded(attempt, branches) for attempt in earlier]
    least = sum(mark is True for mark in marks)
    return least, least + sum(mark is None for mark in marks)


def marks_in_reach(
    request: Request, attempt: Attempt, branches: Branches
) -> tuple[int, int] | None:
    """The least and the most marks that its counter could see.

    ``None`` where that hangs on the environment and the log does not name its streams.
    """
    if counts_in_tmp(attempt) and attempt.log_stream is None:
        return None
    return recorded_attempts(earlier_in_reach(request, attempt), branches)
