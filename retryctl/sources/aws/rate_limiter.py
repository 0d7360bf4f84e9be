"""How fast to call: a rate for each operation that follows what the service answers.

The quota differs by region (5 to 25 calls a second), is shared with everybody in the account, and
cannot be read. So the rate starts at 5, soon reaches the usual 10, and slowly grows beyond it
while every call is answered at its first try; once one was not, it goes back. botocore's adaptive
retries start without a limit, and fall to one call in two seconds when the first burst is refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_FIRST_RATE = 5.0
_LEAST_RATE = 1.0
_USUAL_QUOTA = 10.0
_MOST_RATE = 25.0
_GROWTH = 1.0
_SLOW_GROWTH = 0.005
_SHARE_AFTER_REFUSAL, _SHARE_AT_MOST = 0.85, 0.95
# Calls that were on their way together are refused together: that is one refusal.
_TOGETHER_S = 1.0


class AdaptiveRateLimiter:
    """A token bucket of one second. ``seconds`` and ``sleep`` are the clock. Thread-safe."""

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate = _FIRST_RATE
        self._seconds = seconds
        self._sleep = sleep
        self._left = _FIRST_RATE
        self._at = seconds()
        self._most = _MOST_RATE
        self._refused_at: float | None = None
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may be sent."""
        with self._lock:
            now = self._seconds()
            self._left = min(self.rate, self._left + (now - self._at) * self.rate) - 1
            self._at = now
            owed_s = max(0.0, -self._left / self.rate)
        if owed_s:
            self._sleep(owed_s)

    def answered(self, refusals: int) -> None:
        """Note that a call was answered after this number of refusals."""
        with self._lock:
            if refusals:
                now = self._seconds()
                if self._refused_at is None or now - self._refused_at >= _TOGETHER_S:
                    self._most = max(_LEAST_RATE, self.rate * _SHARE_AT_MOST)
                    self.rate = max(_LEAST_RATE, self.rate * _SHARE_AFTER_REFUSAL)
                    self._refused_at = now
            else:
                careful = self._refused_at is not None or self.rate >= _USUAL_QUOTA
                self.rate = min(self._most, self.rate + (_SLOW_GROWTH if careful else _GROWTH))
