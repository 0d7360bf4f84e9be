"""The service's clock, compared with this machine's: read from the ``Date`` of its answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from email.utils import parsedate_to_datetime

LEAST_SKEW_MS = 2_000
"""A smaller difference is ignored: ``Date`` has whole seconds."""


class ServiceClock:
    """The bounds of the difference between the two clocks, narrower with each answer."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._least, self._most = -math.inf, math.inf

    def now_ms(self) -> int:
        """Return the time of this machine in epoch milliseconds."""
        return self._clock()

    def note(self, date: str | None, *, sent_ms: int) -> None:
        """Take the ``Date`` of the answer to a call that was sent at ``sent_ms``."""
        try:
            service_ms = parsedate_to_datetime(date or "").timestamp() * 1000
        except (ValueError, OverflowError):
            return
        least, most = service_ms - self._clock(), service_ms + 1000 - sent_ms
        self._least, self._most = max(self._least, least), min(self._most, most)
        if self._least > self._most:  # this machine's clock was set meanwhile
            self._least, self._most = least, most

    @property
    def skew_ms(self) -> int:
        """How far the service's clock is ahead of this machine's, at least; 0 if under 2 s."""
        nearest = self._least if self._least > 0 else min(self._most, 0)
        return int(nearest) if abs(nearest) > LEAST_SKEW_MS else 0
