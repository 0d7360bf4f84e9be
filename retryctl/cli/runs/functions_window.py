"""The window of a log that ``summary`` and ``list`` read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from retryctl.app.options import SourceOptions, wall_clock_ms
from retryctl.app.window import WindowReader, open_window
from retryctl.cli.options import params as options
from retryctl.cli.options.source import select_functions, source_options, time_window
from retryctl.cli.output.terminal import TerminalFeedback
from retryctl.config import ProjectConfig, config_for
from retryctl.core.value_classes import value_class


@value_class
class FunctionsWindow:
    """An open window; ``keep`` is true for the names of the wanted functions."""

    reader: WindowReader
    keep: Callable[[str | None], bool]
    source: SourceOptions
    config: ProjectConfig
    feedback: TerminalFeedback


@contextmanager
def open_functions(
    functions: Sequence[str],
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
) -> Iterator[FunctionsWindow]:
    """Open the requests of the functions in the window of the options."""
    config = config_for(read.source)
    source, keep = select_functions(functions, source_options(read, aws, config))
    window = time_window(read, screen.tz)
    feedback = TerminalFeedback(quiet=screen.quiet)
    opened = open_window(
        source,
        config,
        window,
        now_ms=wall_clock_ms(),
        feedback=feedback,
        since_ms=window.since_ms,
    )
    with opened as reader:
        yield FunctionsWindow(
            reader=reader, keep=keep, source=source, config=config, feedback=feedback
        )
