"""The requests of a window counted, listed or judged, for ``summary``, ``list`` and ``check``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from retryctl.cli.options import Look
from retryctl.cli.whole_log import Requests, Whole, open_log
from retryctl.cli.window import Window
from retryctl.core.gathering import Quiet
from retryctl.core.judging import Judge
from retryctl.core.listing import Listed, Wanted, listed
from retryctl.core.summary import Tally
from retryctl.settings import Settings

Tallies = dict["str | None", Tally]
"""A tally for each function; ``None`` for requests whose function is not known."""


def counted(
    look: Look, settings: Settings, window: Window, *, now_ms: int, quiet: bool
) -> tuple[Whole, Tallies]:
    """The requests of a window, counted."""
    log = open_log(look, settings, window, now_ms=now_ms, quiet=quiet, since_ms=window.since_ms)
    return log.whole, merged(log.made(_Count()))


def requests_listed(
    look: Look, settings: Settings, window: Window, wanted: Wanted, *, now_ms: int, quiet: bool
) -> tuple[Whole, Iterator[Listed]]:
    """The requests of a window that are wanted, as they are found."""
    log = open_log(look, settings, window, now_ms=now_ms, quiet=quiet, since_ms=window.since_ms)
    return log.whole, chain.from_iterable(log.made(_List(wanted)))


def requests_judged(
    look: Look, settings: Settings, window: Window, *, now_ms: int, quiet: bool
) -> tuple[Whole, Callable[[Judge], Iterator[Judge]]]:
    """The requests of a window, for judges of the kind that is given: each has judged some."""
    log = open_log(look, settings, window, now_ms=now_ms, quiet=quiet, sure=True)
    return log.whole, log.judges


def merged(parts: Iterable[Tallies]) -> Tallies:
    """Tallies of several parts as one for each function."""
    tallies: Tallies = {}
    for part in parts:
        for function, tally in part.items():
            tallies.setdefault(function, Tally()).merge(tally)
    return tallies


@dataclass(frozen=True, slots=True)
class _Count:
    def __call__(self, requests: Requests) -> Tallies:
        tallies: Tallies = defaultdict(Tally)
        for one in requests:
            if isinstance(one, Quiet):
                tallies[one.function].add_quiet(one.attempts)
            else:
                tallies[one.request.function].add(one)
        return tallies


@dataclass(frozen=True, slots=True)
class _List:
    wanted: Wanted

    def __call__(self, requests: Requests) -> list[Listed]:
        lines = chain.from_iterable(map(listed, requests))
        return [line for line in lines if self.wanted.has(line)]
