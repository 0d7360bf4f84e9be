"""A program for a terminal of its own: ``retryctl trace --wait`` in virtual time.

An endpoint in this process serves three requests whose attempts come within an hour. Sleeping
moves the clock, so the hour passes in seconds. ``argv``: seed of the faults, then options.
"""

from __future__ import annotations

import sys
import threading
import time

import pytest

from tests.endpoint.server import Endpoint
from tests.support.aws_program import GROUP, HERE, attempt

IDS = tuple(f"0000000{n}-1111-4222-8333-0123456789ab" for n in (1, 2, 3))
MINUTE = 60_000
RATES = {"error": 0.1, "reset": 0.05, "cut": 0.05, "empty-page": 0.1}


class VirtualClock:
    """Epoch time that moves when the main thread sleeps; other threads sleep a little."""

    def __init__(self) -> None:
        self.began_ms = self._now_ms = 1_795_402_800_000
        self._sleep = time.sleep

    def now_ms(self) -> int:
        return self._now_ms

    def sleep(self, seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            self._now_ms += round(seconds * 1000)
        else:
            self._sleep(min(seconds, 0.02))


def fill(endpoint: Endpoint, began_ms: int) -> None:
    """Put three attempts of each request, the last of which ends after about an hour."""
    endpoint.group(GROUP)
    endpoint.function("orders-worker", Timeout=900)
    for number, request_id in enumerate(IDS):
        at_ms = began_ms - 20_000 + number * MINUTE // 2
        for count in range(3):
            took_ms = 14 * MINUTE + number * 10_000
            events = attempt(request_id, at_ms, count)
            late = [(ms if place < 3 else ms + took_ms, text) for place, (ms, text) in
                    enumerate(events)]  # fmt: skip
            endpoint.put(GROUP, f"{HERE}{number}{count}", late, lag_ms=5_000)
            at_ms += took_ms + (4 + 2 * count) * MINUTE


def main() -> None:
    from retryctl.cli import main as program

    clock = VirtualClock()
    patch = pytest.MonkeyPatch()
    patch.setattr(time, "time_ns", lambda: clock.now_ms() * 1_000_000)
    patch.setattr(time, "sleep", clock.sleep)
    seed, *options = sys.argv[1:]
    with Endpoint(clock=clock.now_ms, seed=int(seed)) as endpoint:
        endpoint.dates_by_clock = True
        endpoint.faults.rates = RATES
        fill(endpoint, clock.began_ms)
        arguments = ["trace", *IDS, "-g", GROUP, "--wait", "--endpoint-url", endpoint.url]
        status = program.run([*arguments, *options])
        print(f"\nminutes {(clock.now_ms() - clock.began_ms) / MINUTE:.0f}", flush=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
