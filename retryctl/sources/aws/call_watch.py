"""Report slow calls, so that a hung service is not waited for in silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

_PATIENCE_S = 3.0
_EVERY_S = 1.0


class CallWatch:
    """Calls under way. One thread runs while there are any; without ``on_wait`` none does."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self.on_wait: Callable[[str, float], None] | None = None
        self._seconds = seconds
        self._lock = threading.Lock()
        self._since: dict[object, tuple[float, str]] = {}
        self._running = False

    def awaiting(self, action: str) -> AbstractContextManager[None]:
        """Watch the call that is made inside the ``with`` block."""
        return self._awaiting(action) if self.on_wait else nullcontext()

    @contextmanager
    def _awaiting(self, action: str) -> Iterator[None]:
        key = object()
        with self._lock:
            self._since[key] = (self._seconds(), action)
            if not self._running:
                with suppress(RuntimeError, MemoryError):  # no thread: the wait is not reported
                    threading.Thread(target=self._run, daemon=True).start()
                    self._running = True
        try:
            yield
        finally:
            with self._lock:
                del self._since[key]

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY_S)
            with self._lock:
                if not self._since:
                    self._running = False
                    return
                since, action = min(self._since.values())
            waited_s = self._seconds() - since
            if waited_s >= _PATIENCE_S and self.on_wait:
                self.on_wait(action, waited_s)
