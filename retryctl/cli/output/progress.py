"""Progress and warnings on stderr while a command reads."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any

from retryctl.app.options import ProgressText
from retryctl.cli.output.terminal import remark

_PATIENCE_S = 1.0


class Progress:
    """A line on stderr that appears after a second and is erased at the end.

    It is called with a function that returns the line, from any thread. Nothing is shown with
    ``quiet``, or where stderr is not a terminal.
    """

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = not quiet and sys.stderr.isatty()
        self._clock = clock
        self._began = clock()
        self._ended = False
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
            self._wanted, self._ended = False, True
            if self._status:
                self._status.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Erase the line, and show none meanwhile."""
        with self._lock:
            wanted, self._wanted = self._wanted, False
            if self._status:
                self._status.stop()
                self._status = None
        try:
            yield
        finally:
            with self._lock:
                self._wanted = wanted and not self._ended

    def __call__(self, text: ProgressText) -> None:
        """Show the line of ``text``."""
        seconds = self._clock() - self._began
        if not self._wanted or seconds < _PATIENCE_S:
            return
        with self._lock:
            if self._wanted:
                self._show(text(seconds))

    def _show(self, line: str) -> None:
        from rich.console import Console
        from rich.status import Status
        from rich.text import Text

        if not self._status:
            self._status = Status("", console=Console(stderr=True))
            self._status.start()
        self._status.update(Text(line))


_LINE_EVERY_S = 3.0
_PRINTER_END_S = 0.5


@contextmanager
def progress_lines(*, quiet: bool) -> Iterator[Callable[[ProgressText], None]]:
    """Print the latest progress every few seconds, for a stderr that is not a terminal.

    Yields a function that is called like ``Progress``.
    """
    latest: list[ProgressText] = [lambda seconds: "waiting for CloudWatch Logs"]
    began, ended = time.monotonic(), threading.Event()

    def print_lines() -> None:
        while not ended.wait(_LINE_EVERY_S):
            seconds = time.monotonic() - began
            remark(f"retryctl: {seconds:.0f} s: {latest[0](seconds)}")

    printer = threading.Thread(target=print_lines, daemon=True)
    if not quiet:
        printer.start()
    try:
        yield lambda text: latest.__setitem__(0, text)
    finally:
        ended.set()
        if not quiet:
            # No line follows the result. The wait is short, in case nobody reads stderr.
            printer.join(_PRINTER_END_S)


class TerminalFeedback:
    """Warnings and progress on stderr; each warning is printed once, none with ``quiet``.

    While something else is drawn on the terminal, ``shows_progress`` is off, and ``make_room`` is
    called before each warning.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._printed: set[str] = set()
        self._question, self._printing = threading.Lock(), threading.Lock()
        self._progress: Progress | None = None
        self.shows_progress = True
        self.make_room: Callable[[], None] = lambda: None

    def warn(self, sentence: str) -> None:
        """Print a warning, unless it was printed before."""
        with self._printing:  # searches of several log groups warn from their threads
            if sentence not in self._printed:
                self._printed.add(sentence)
                self.make_room()
                remark(f"retryctl: {sentence}", quiet=self._quiet)

    def confirm(self, question: str) -> bool:
        """Print a question and read the answer; false with ``quiet`` or without a terminal."""
        if self._quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        with self._question, self._progress.hidden() if self._progress else nullcontext():
            remark(f"retryctl: {question} [y/N]")
            return sys.stdin.readline().strip().lower() in ("y", "yes")

    def progress(self) -> Progress:
        """Return a line of progress for one piece of work."""
        self._progress = Progress(quiet=self._quiet or not self.shows_progress)
        return self._progress
