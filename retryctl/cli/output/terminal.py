"""The properties of the terminal, and printing to stdout and stderr."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from io import TextIOWrapper
from textwrap import wrap
from types import TracebackType
from typing import Any

from retryctl.app.options import ProgressText
from retryctl.cli.options.params import Color
from retryctl.views.signs import NARROWEST, Screen


def colour_wanted(choice: Color, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to use colour.

    The first of these decides: ``--color``, NO_COLOR, CLICOLOR_FORCE, whether stdout is a
    terminal with colours.
    """
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def stdout_is_redrawable() -> bool:
    """Whether stdout is a terminal on which lines can be redrawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def width() -> int:
    """Return the columns of the terminal; COLUMNS, or else 80, in a pipe."""
    return shutil.get_terminal_size((80, 24)).columns


def shows_only_ascii() -> bool:
    """Whether the encoding of stdout lacks the signs that the views draw with."""
    try:
        "✗●─█·".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def put(text: Iterable[str], *, document: bool = False) -> None:
    """Print text unchanged, whole or in pieces. A closed pipe is not an error.

    A ``document`` is for programs, and is UTF-8 on every terminal.
    """
    if document and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    with suppress(BrokenPipeError):
        sys.stdout.writelines((text,) if isinstance(text, str) else text)
        sys.stdout.flush()


def remark(text: str, *, quiet: bool = False) -> None:
    """Print a sentence on stderr, unless ``--quiet`` was given.

    A line that begins with spaces is a command to copy.
    """
    if not quiet:
        from retryctl.views.inert_text import inert

        for line in text.splitlines():
            print("\n".join(_fitted(inert(line))), file=sys.stderr)


def _fitted(line: str) -> list[str]:
    """Return the line; on a terminal it is broken between words, unless it is a command to copy."""
    if line.startswith(" ") or not sys.stderr.isatty():
        return [line]
    return wrap(line, width(), break_long_words=False, break_on_hyphens=False)


def stdout_screen(color: Color) -> Screen:
    """Return the properties of stdout, with the colours of ``--color``."""
    return Screen(
        width=max(width(), NARROWEST),
        colour=colour_wanted(color, os.environ, is_terminal=sys.stdout.isatty()),
        ascii_only=shows_only_ascii(),
    )


_PATIENCE_S = 1.0
_ESCAPE = "\x1b"


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


class LiveRegion:
    """Lines at the end of a terminal's screen that are redrawn, and erased at the end.

    A terminal that becomes narrower breaks the lines that were drawn, so their rows are counted
    in the width of the moment in which they are erased.
    """

    def __init__(self) -> None:
        self._lengths: list[int] = []

    def draw(self, text: str, last_line: str) -> None:
        """Draw as much of ``text`` as fits, and the last line below it."""
        from rich.text import Text

        columns, rows = shutil.get_terminal_size((80, 24))
        lines = text.splitlines()
        room = rows - 3
        if len(lines) > room:
            lines[max(room - 1, 0) :] = [f"… {len(lines) - room + 1:,} more lines"]
        lines += wrap(last_line, columns)
        self.erase()
        put("\n".join(lines))
        self._lengths = [Text.from_ansi(line).cell_len for line in lines]

    def erase(self) -> None:
        """Erase what was drawn."""
        if self._lengths:
            above = sum(-(-max(length, 1) // width()) for length in self._lengths) - 1
            put(f"\r{f'{_ESCAPE}[{above}A' if above else ''}{_ESCAPE}[J")
            self._lengths = []


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
