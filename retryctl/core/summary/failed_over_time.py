"""Failed attempts over time, in a few dozen stretches of equal length."""

from __future__ import annotations

from retryctl.core.model.events import is_timed
from retryctl.core.summary.tally import MINUTE_MS, SummaryTally
from retryctl.core.value_classes import value_class

_MOST_BUCKETS = 48
_BUCKETS_MIN = (1, 5, 15, 60, 180, 360, 720, 1_440, 10_080, 43_200, 525_600)


@value_class
class FailedOverTime:
    """How many attempts failed in each stretch of ``bucket_ms``, from ``since_ms`` on."""

    since_ms: int
    bucket_ms: int
    counts: tuple[int, ...]

    def start_ms(self, place: int) -> int:
        """Return the start of the stretch at ``place``, counted from 0."""
        return self.since_ms + place * self.bucket_ms


def failed_over_time(tally: SummaryTally, offset_ms: int = 0) -> FailedOverTime | None:
    """Count the failed attempts from the first to the last; ``None`` where none has a time.

    Stretches begin at round times of the zone that is ``offset_ms`` ahead of UTC.
    """
    if tally.first_ms is None or tally.last_ms is None or not is_timed(tally.first_ms):
        return None
    for minutes in _BUCKETS_MIN:
        bucket_ms = minutes * MINUTE_MS
        first, last = ((ms + offset_ms) // bucket_ms for ms in (tally.first_ms, tally.last_ms))
        if last - first < _MOST_BUCKETS:
            break
    counts = [0] * (last - first + 1)
    for minute, count in tally.failed_by_minute.items():
        counts[(minute * MINUTE_MS + offset_ms) // bucket_ms - first] += count
    since_ms = first * bucket_ms - offset_ms
    return FailedOverTime(since_ms=since_ms, bucket_ms=bucket_ms, counts=tuple(counts))
