"""How far the looking has come: on stderr, where one waits longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

_PATIENCE_S = 1.0


class Progress:
    """A line on stderr that appears after a second, and leaves nothing behind.

    It is called with a function that tells how far it is, from any thread. Nothing is shown
    with ``quiet``, or where stderr is no terminal.
    """

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = not quiet and sys.stderr.isatty()
        self._clock = clock
        self._began = clock()
        self._status: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._wanted = False
            if self._status:
                self._status.stop()

    @property
    def seconds(self) -> float:
        """How long the looking has taken; where ``tell`` is called, some time."""
        return self._clock() - self._began

    def __call__(self, tell: Callable[[], str]) -> None:
        """Show what ``tell`` tells, where it is shown at all."""
        if not self._wanted or self.seconds < _PATIENCE_S:
            return
        with self._lock:
            if self._wanted:
                self._show(tell())

    def _show(self, line: str) -> None:
        from rich.console import Console
        from rich.status import Status
        from rich.text import Text

        if not self._status:
            self._status = Status("", console=Console(stderr=True))
            self._status.start()
        self._status.update(Text(line))
