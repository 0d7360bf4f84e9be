"""Parameters of every use case: the source, the window, and a channel to the caller."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from retryctl.core.model.coverage import Coverage, LogQuery
from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import UsageError

if TYPE_CHECKING:
    from retryctl.sources.saved.files import SavedFile

Clock = Callable[[], int]
"""Returns epoch milliseconds."""

ProgressText = Callable[[float], str]
"""Returns a line of progress for the number of seconds since the start."""

ShowProgress = Callable[[ProgressText], None]
"""Shows a line of progress. May be called from any thread."""

Warn = Callable[[str], None]
"""Reports a sentence about what was read."""


class Engine(StrEnum):
    """What searches CloudWatch."""

    AUTO = "auto"
    FILTER = "filter"
    INSIGHTS = "insights"


@value_class
class SourceOptions:
    """Where to read.

    ``source`` is ``cloudwatch``, ``demo``, or a saved log: a file, a folder, a glob or ``-``.
    ``stdin`` is a copy of standard input, where ``-`` is read more than once.
    ``functions`` are several functions, by name or by pattern. ``default_region`` is used where
    neither ``region`` nor an ARN names one. ``store`` is the URL of a durable
    counter to compare with the log. ``max_cost`` is in US dollars for each log group.
    ``unmask`` reads log events without the masks of data protection.
    """

    source: str = "cloudwatch"
    stdin: SavedFile | None = None
    function: str | None = None
    functions: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    profile: str | None = None
    region: str | None = None
    default_region: str | None = None
    endpoint_url: str | None = None
    store: str | None = None
    engine: Engine = Engine.AUTO
    max_cost: float | None = None
    unmask: bool = False

    @property
    def one_function(self) -> str | None:
        """The function that is named. Raises ``UsageError`` where several are."""
        if len(self.functions) == 1:
            raise UsageError(
                f"{self.functions[0]} stands for several functions, of which one is needed here.",
                "Name one function, or none.",
            )
        if self.functions:
            raise UsageError(
                f"{' and '.join(self.functions)} are both named as the function.",
                "Name one function.",
            )
        return self.function

    @property
    def names(self) -> str:
        """The functions and log groups for a shell, each after a blank."""
        functions = (self.function, *self.functions) if self.function else self.functions
        given = [("-f", name) for name in functions] + [("-g", name) for name in self.log_groups]
        return "".join(f" {option} {shlex.quote(name)}" for option, name in given)

    @property
    def aws_options(self) -> str:
        """The profile, region, endpoint and ``--unmask`` for a shell, each after a blank."""
        given = (
            ("--profile", self.profile),
            ("--region", self.region),
            ("--endpoint-url", self.endpoint_url),
        )
        place = "".join(f" {name} {shlex.quote(value)}" for name, value in given if value)
        return f"{place} --unmask" if self.unmask else place


@value_class
class TimeWindow:
    """The window [since_ms, until_ms) in epoch milliseconds; ``None`` where it is open.

    ``is_since_ago`` and ``is_until_ago``: given as a time before now, by this machine's clock.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    is_since_ago: bool = False
    is_until_ago: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the window is open at both ends."""
        return self.since_ms is None and self.until_ms is None

    def shifted(self, skew_ms: int) -> TimeWindow:
        """Return the window by a clock that is ``skew_ms`` ahead of this machine's."""
        since_ms, until_ms = self.since_ms, self.until_ms
        if since_ms is not None and self.is_since_ago:
            since_ms += skew_ms
        if until_ms is not None and self.is_until_ago:
            until_ms += skew_ms
        return replace(self, since_ms=since_ms, until_ms=until_ms)

    def refuse_future(self, now_ms: int) -> None:
        """Raise ``UsageError`` where the window is in the future."""
        if self.since_ms is not None and self.since_ms > now_ms:
            raise UsageError("--since is in the future.", "Give a time in the past.")


WHOLE = TimeWindow()
"""The whole of a saved log; the default window on CloudWatch."""


class Feedback(Protocol):
    """The one channel of warnings and progress while a use case runs."""

    def warn(self, sentence: str) -> None:
        """Report a sentence about what was read. The same one may come more than once."""

    def confirm(self, question: str) -> bool:
        """Request consent; false if nobody answers."""

    def progress(self) -> AbstractContextManager[ShowProgress]:
        """Return a context in which progress is shown."""


class Silent:
    """Feedback that is dropped."""

    def warn(self, sentence: str) -> None:
        """Drop the sentence."""

    def confirm(self, question: str) -> bool:
        """Return false."""
        return False

    def progress(self) -> AbstractContextManager[ShowProgress]:
        """Return a context that shows nothing."""
        return nullcontext(lambda text: None)


SILENT: Feedback = Silent()


@state_class
class LateWarnings:
    """Warnings that are reported once something was read: an error before that stands alone."""

    pass_on: Warn
    _waiting: list[str] | None = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Report the sentence, now or later."""
        if self._waiting is None:
            self.pass_on(sentence)
        else:
            self._waiting.append(sentence)

    def after(self, coverage: Coverage) -> Coverage:
        """Report what waits for ``coverage``, and return that."""
        waiting, self._waiting = self._waiting or (), None
        for sentence in waiting:
            self.pass_on(sentence)
        return coverage


def of_function(query: LogQuery, options: SourceOptions, feedback: Feedback) -> LogQuery:
    """Return the query of a saved log, for the function and the log groups of the options."""
    query = replace(query, log_groups=options.log_groups)
    if not options.one_function:
        return query
    from retryctl.sources.aws.function_name import parse_function_name

    named = parse_function_name(options.one_function)
    if named.alias:
        feedback.warn(
            "A log does not name aliases, so requests of all versions are shown, not only those of "
            f"{named.name}:{named.alias}. Name a version to select it: {named.name}:7"
        )
    place = (named.account, named.region)
    return replace(query, function=named.name, versions=named.versions, place=place)


def wall_clock_ms() -> int:
    """Return the time of this machine in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def bytes_progress(show: ShowProgress, done: int, total: int | None) -> None:
    """Show how much of a saved log was read, and how fast."""
    of = f" of {total / 1e6:,.0f}" if total else ""
    mb = done / 1e6
    show(lambda seconds: f"reading: {mb:,.0f}{of} MB, {mb / max(seconds, 1e-3):,.0f} MB/s")
