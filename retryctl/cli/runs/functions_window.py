"""The window of a log that ``summary`` and ``list`` read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from retryctl.app.options import wall_clock_ms
from retryctl.app.window import WindowReader, open_window
from retryctl.cli.options.params import LogOptions
from retryctl.cli.options.source import Reading, reading_of, select_functions
from retryctl.core.value_classes import value_class


@value_class
class FunctionsWindow:
    """An open window; ``keep`` is true for the names of the wanted functions."""

    reader: WindowReader
    keep: Callable[[str | None], bool]
    reading: Reading


@contextmanager
def open_functions(functions: Sequence[str], given: LogOptions) -> Iterator[FunctionsWindow]:
    """Open the requests of the functions in the window of the options."""
    reading = reading_of(given.read, given.aws, given.screen)
    source, keep = select_functions(functions, reading.source)
    opened = open_window(
        source,
        reading.config,
        reading.window,
        now_ms=wall_clock_ms(),
        feedback=reading.feedback,
        since_ms=reading.window.since_ms,
    )
    with opened as reader:
        yield FunctionsWindow(reader=reader, keep=keep, reading=replace(reading, source=source))
