"""Report slow calls, so that a hung service is not waited for in silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from retryctl.daemon_thread import start_daemon_thread

_PATIENCE_S = 3.0
_EVERY_S = 1.0


class CallWatch:
    """Calls under way, also those for credentials.

    One thread runs while there are any; without ``on_wait`` none does.
    """

    def __init__(
        self, seconds: Callable[[], float], on_wait: Callable[[str, float], None] | None
    ) -> None:
        self._seconds, self._on_wait = seconds, on_wait
        self._lock = threading.Lock()
        self._since: dict[int, tuple[float, str]] = {}
        self._running = False

    def observe(self, events: Any) -> None:
        """Watch every call of the botocore session whose event emitter is ``events``."""
        events.register("before-call", self._begin)
        events.register("after-call", self._end)
        events.register("after-call-error", self._end)

    def _begin(self, model: Any, context: MutableMapping[str, Any], **_: object) -> None:
        action = f"{model.service_model.endpoint_prefix}:{model.name}"
        with self._lock:
            self._since[id(context)] = (self._seconds(), action)
            if self._on_wait and not self._running:
                self._running = start_daemon_thread(self._run)  # else the wait is not reported

    def _end(self, context: MutableMapping[str, Any], **_: object) -> None:
        with self._lock:
            self._since.pop(id(context), None)

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY_S)
            with self._lock:
                if not self._since:
                    self._running = False
                    return
                since, action = min(self._since.values())
            waited_s = self._seconds() - since
            if waited_s >= _PATIENCE_S and self._on_wait:
                self._on_wait(action, waited_s)
