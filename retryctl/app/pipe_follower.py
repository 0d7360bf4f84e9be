"""Follow requests in a log that comes through a pipe, until the pipe is closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from retryctl.app.trace import TraceResult
from retryctl.errors import UnreadableInput

if TYPE_CHECKING:
    from retryctl.sources.saved.live_pipe import LivePipe

_STEP_S, _QUIET_S, _BUSY_S = 0.1, 0.5, 5.0
_MOST_OF_TIME = 20  # reading takes at most a twentieth of the time, even without pauses


class PipeFollower:
    """Reads a pipe again after new content, once it pauses."""

    def __init__(self, pipe: LivePipe, read: Callable[[], TraceResult]) -> None:
        self._pipe, self._read = pipe, read
        self._size_read = 0
        self._next_s = time.monotonic() + _BUSY_S

    def follow(
        self, *, sleep: Callable[[float], None], on_wait: Callable[[TraceResult], None]
    ) -> TraceResult:
        """Return the requests of the whole log; ``on_wait`` gets them as they are before."""
        while not self._pipe.has_ended:
            sleep(_STEP_S)
            if self._pipe.quiet_s() > _QUIET_S or time.monotonic() > self._next_s:
                result = self.read_on()
                if result is not None and not self._pipe.has_ended:
                    on_wait(result)
        return self._read()

    def read_on(self) -> TraceResult | None:
        """Return the requests so far; ``None`` if nothing is new, or nothing can be read yet."""
        size, began_s = self._pipe.size, time.monotonic()
        if size == self._size_read:
            return None
        self._size_read = size
        result = None
        with suppress(UnreadableInput):
            result = self._read()
        took_s = time.monotonic() - began_s
        self._next_s = time.monotonic() + max(_BUSY_S, _MOST_OF_TIME * took_s)
        return result
