"""How far reading has come: on stderr, where one waits longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

_PATIENCE_S = 1.0


class Progress:
    """A bar on stderr that appears after a second, and leaves nothing behind.

    It is called with what is done and what there is to do (``None`` where that is not
    known). Nothing is shown with ``quiet``, or where stderr is no terminal.
    """

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._clock = clock
        self._shown_from = clock() + _PATIENCE_S
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, done: int, total: int | None, text: str = "reading") -> None:
        """Tell how far it is; ``text`` says with what."""
        if not self._wanted or self._clock() < self._shown_from:
            return
        if not self._bar:
            self._start()
        self._bar.update(self._task, completed=done, total=total, description=text)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("reading", total=None)
        self._bar.start()
