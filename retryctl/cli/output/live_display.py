"""The output while a log grows: a table that is redrawn, JSON lines, or sentences."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import tzinfo
from textwrap import wrap

from retryctl.app.options import Clock, wall_clock_ms
from retryctl.app.trace import TraceResult
from retryctl.cli.options.params import Output, OutputOptions
from retryctl.cli.options.times import zone
from retryctl.cli.output import terminal
from retryctl.cli.output.progress import TerminalFeedback
from retryctl.cli.output.report_files import ReportFile
from retryctl.cli.output.trace_output import show_trace, trace_view
from retryctl.core.model.request import RequestOutcome
from retryctl.errors import ExitStatus
from retryctl.views.screen import Screen
from retryctl.views.sentences import outcome_sentence
from retryctl.views.times import duration

_CAN_END = "Ctrl-C ends with what is known."


_ESCAPE = "\x1b"


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
        terminal.put("\n".join(lines))
        self._lengths = [Text.from_ansi(line).cell_len for line in lines]

    def erase(self) -> None:
        """Erase what was drawn."""
        if self._lengths:
            above = sum(-(-max(length, 1) // terminal.width()) for length in self._lengths) - 1
            terminal.put(f"\r{f'{_ESCAPE}[{above}A' if above else ''}{_ESCAPE}[J")
            self._lengths = []


class Display:
    """Prints a sentence on stderr for each new state of a request, and the result at the end.

    ``latest`` is the last result that was shown. The times of waits are epoch milliseconds.
    """

    def __init__(
        self,
        show: OutputOptions,
        clock: Clock = wall_clock_ms,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.latest: TraceResult | None = None
        self._show, self._tz = show, zone(show.tz)
        self._clock, self._sleep = clock, sleep
        self._printed: set[object] = set()
        self._latest_lines: dict[tuple[str | None, str], str] = {}

    def show(self, result: TraceResult, until_ms: int | None = None) -> None:
        """Print the changes in a result, which is the latest until ``until_ms``."""
        self.latest = result
        self._print(result)

    def sleep(self, seconds: float) -> None:
        """Wait for the next result."""
        self._sleep(seconds)

    def finish(self, result: TraceResult, files: Sequence[ReportFile] = ()) -> ExitStatus:
        """Print the answer."""
        return show_trace(result, self._show, files)

    def close(self) -> None:
        """Erase everything that is not part of the result."""

    def _print(self, result: TraceResult) -> None:
        for key, sentence in _awaited(result, self._tz):
            if self._is_new(key):
                terminal.remark(f"retryctl: {sentence}", quiet=self._show.quiet)

    def _is_new(self, key: object) -> bool:
        is_new = key not in self._printed
        self._printed.add(key)
        return is_new


class LinesDisplay(Display):
    """Prints the JSON line of a request each time that it has changed.

    The last line of a request has its current state, even if an earlier line had the same.
    """

    def finish(self, result: TraceResult, files: Sequence[ReportFile] = ()) -> ExitStatus:
        """Print the changed lines, and the requests that were not found."""
        self._print(result)
        return show_trace(result, self._show, files, is_printed=True)

    def _print(self, result: TraceResult) -> None:
        for one in result.checked:
            line = "".join(trace_view(replace(result, checked=[one]), self._show, self._tz))
            if self._latest_lines.get(one.request.key) != line:
                self._latest_lines[one.request.key] = line
                terminal.put(line, document=True)


class TableDisplay(Display):
    """Redraws the table of attempts each second, with a countdown below it."""

    def __init__(
        self,
        show: OutputOptions,
        feedback: TerminalFeedback,
        clock: Clock = wall_clock_ms,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(show, clock, sleep)
        self._feedback, self._region = feedback, LiveRegion()
        feedback.make_room = self._region.erase
        self._until_ms: int | None = None
        self._table: tuple[TraceResult, Screen, str] | None = None

    def show(self, result: TraceResult, until_ms: int | None = None) -> None:
        """Draw a result."""
        self._until_ms = until_ms
        super().show(result, until_ms)

    def sleep(self, seconds: float) -> None:
        """Wait, and count down."""
        while seconds > 0:
            self._sleep(min(seconds, 1))
            seconds -= 1
            if self.latest is not None:
                self._print(self.latest)

    def finish(self, result: TraceResult, files: Sequence[ReportFile] = ()) -> ExitStatus:
        """Print the answer where the table was."""
        self.close()
        return super().finish(result, files)

    def close(self) -> None:
        """Erase the table."""
        self._region.erase()
        self._feedback.shows_progress = True

    def _print(self, result: TraceResult) -> None:
        self._feedback.shows_progress = False
        self._region.draw(self._text(result), countdown(result, self._clock(), self._until_ms))

    def _text(self, result: TraceResult) -> str:
        """Return the table; it is made again if the result or the terminal has changed."""
        screen = terminal.stdout_screen(self._show.color)
        if self._table is None or self._table[0] is not result or self._table[1] != screen:
            text = trace_view(result, self._show, self._tz, screen) if result.checked else ""
            self._table = (result, screen, "".join(text))
        return self._table[2]


@contextmanager
def live_display(show: OutputOptions, feedback: TerminalFeedback) -> Iterator[Display]:
    """Open the display that suits the format and the terminal."""
    display = Display(show)
    if show.output is Output.JSONL:
        display = LinesDisplay(show)
    elif show.output is Output.TEXT and not show.quiet and terminal.stdout_is_redrawable():
        display = TableDisplay(show, feedback)
    try:
        yield display
    finally:
        display.close()


def countdown(result: TraceResult, now_ms: int, until_ms: int | None) -> str:
    """Return a line with the next due attempt, the next reading, and the way to end."""
    due = [
        (request.next_attempt_due_ms, len(request.attempts) + 1)
        for request in (checked.request for checked in result.checked)
        if request.outcome is RequestOutcome.PENDING and request.next_attempt_due_ms is not None
    ]
    parts: list[str] = []
    if due:
        due_ms, number = min(due)
        parts.append(f"attempt {number} {_until(due_ms, now_ms, 'is overdue since', 'is due in')}")
    elif not result.checked:
        parts.append(f"no log line of {', '.join(result.not_found)} yet")
    if until_ms is not None:
        is_over = until_ms <= now_ms
        parts.append(
            "reading" if is_over else f"next reading in {_whole_seconds(until_ms - now_ms)}"
        )
    return f"{'; '.join(parts) or 'reading'}. {_CAN_END}"


def _until(ms: int, now_ms: int, past: str, future: str) -> str:
    return f"{future if ms > now_ms else past} {_whole_seconds(abs(ms - now_ms))}"


def _whole_seconds(ms: int) -> str:
    return duration(max(1000, round(ms, -3)))


def _awaited(result: TraceResult, tz: tzinfo) -> Iterator[tuple[object, str]]:
    """Yield a key and a sentence for each request that is open."""
    for checked in result.checked:
        request = checked.request
        if request.outcome in (RequestOutcome.PENDING, RequestOutcome.RUNNING):
            sentence = outcome_sentence(request, result.coverage, tz).words
            state = (*request.key, request.outcome, len(request.attempts))
            yield state, f"waiting: {request.request_id} {sentence}"
    for request_id in result.not_found:
        yield (request_id,), f"waiting: no log line of {request_id} yet"
