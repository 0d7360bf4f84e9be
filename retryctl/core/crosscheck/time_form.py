"""What the check of a request depends on of the times of its attempts, in a log without gaps.

Two requests with equal attempts and equal time forms have equal checks, findings but for their
texts, and outcomes. The rules take the limits of waits from the tuples that the form divides
waits by.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from retryctl.core.crosscheck.hidden_attempts import is_near_start
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import (
    AFTER_END_MS,
    AFTER_USUAL_MS,
    USUAL_WAITS_MS,
    WAIT_TOLERANCE_MS,
)

TimeForm = tuple[object, ...]

_AFTER_END_MS, _AFTER_USUAL_MS = AFTER_END_MS, AFTER_USUAL_MS


def time_form(
    times: Sequence[tuple[int, int]], coverage: Coverage, settings: FunctionConfig
) -> TimeForm | None:
    """Return the form of the starts and ends of a request's attempts, in order.

    ``None`` where a time is only a place in a log without times.
    """
    (first_ms, _), (last_ms, end_ms) = times[0], times[-1]
    if not (is_timed(first_ms) and is_timed(last_ms)):
        return None
    usual = USUAL_WAITS_MS.get(len(times), 0)
    return (
        is_near_start(first_ms, coverage, settings),
        end_ms - first_ms + usual > settings.event_age_ms,
        (coverage.horizon_ms or 0) <= end_ms + usual + WAIT_TOLERANCE_MS,
        *(
            _wait_form(start_ms - ended_ms, USUAL_WAITS_MS.get(number))
            for number, ((_, ended_ms), (start_ms, _)) in enumerate(pairwise(times), 1)
        ),
    )


def _wait_form(wait_ms: int, usual_ms: int | None) -> tuple[int, int]:
    """Return between which of the waits that matter it lies."""
    after_usual = 0 if usual_ms is None else bisect_right(_AFTER_USUAL_MS, wait_ms - usual_ms)
    return bisect_right(_AFTER_END_MS, wait_ms), after_usual
