"""No calls for a while to an operation or a host that fails again and again: each takes as long."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from retryctl.errors import RetryctlError, Throttled, Unreachable

_FAILURES_IN_A_ROW = 4
_OPEN_S = 20.0


class CallPlace(NamedTuple):
    """The operation of a call. ``region`` is ``None`` for the client's own."""

    region: str | None
    service: str
    operation: str


ANYWHERE = CallPlace(None, "", "")
"""Every operation of every service."""


class CircuitBreaker:
    """The failures of a client. Safe to call from several threads.

    ``one_host``: a single host answers all services. ``seconds`` is the clock.
    """

    def __init__(self, seconds: Callable[[], float], *, one_host: bool) -> None:
        self.is_silent = False
        """Whether a service did not answer in time, and none has answered."""
        self._seconds = seconds
        self._one_host = one_host
        self._lock = threading.Lock()
        self._failures: dict[CallPlace, int] = defaultdict(int)
        self._open: dict[CallPlace, tuple[float, RetryctlError]] = {}
        self._answered: dict[CallPlace, float] = {}  # when each host answered last

    def refuse(self, place: CallPlace) -> None:
        """Raise the last error of ``place`` while its circuit is open."""
        with self._lock:
            for key in (place, self._host(place), ANYWHERE):
                until, error = self._open.get(key, (0.0, None))
                if error is not None and self._seconds() < until:
                    raise error

    def note_answer(self, place: CallPlace) -> None:
        """Note that the host of ``place`` answered, if only with an error."""
        with self._lock:
            self._answered[self._host(place)] = self._seconds()
            self.is_silent = False

    def note_success(self, place: CallPlace) -> None:
        """Note a whole answer of an operation."""
        with self._lock:
            self._failures[place] = 0

    def note_failure(self, place: CallPlace, error: RetryctlError) -> None:
        """Stop an operation that failed some times, and all of them without credentials."""
        with self._lock:
            self._failures[place] += 1
            if not isinstance(error, (Unreachable, Throttled)):
                place = ANYWHERE
            elif self._failures[place] < _FAILURES_IN_A_ROW:
                return
            self._open_at(place, error)

    def note_silence(self, place: CallPlace, sent_s: float, error: RetryctlError) -> None:
        """Stop calls to a host that has answered none since ``sent_s``."""
        host = self._host(place)
        with self._lock:
            if self._answered.get(host, sent_s - 1) < sent_s:
                self._open_at(host, error)
            self.is_silent = not self._answered

    def _host(self, place: CallPlace) -> CallPlace:
        """Return the place of all operations that the host of ``place`` answers."""
        if place == ANYWHERE:
            return ANYWHERE
        return CallPlace(None, "*", "*") if self._one_host else place._replace(operation="*")

    def _open_at(self, place: CallPlace, error: RetryctlError) -> None:
        now = self._seconds()
        if now >= self._open.get(place, (0.0, error))[0]:
            self._open[place] = (now + _OPEN_S, error)
