"""All requests of a window, from a log of any size, for ``summary`` and ``list``.

A saved log is read in pieces and in several processes, and so are its parts judged; what
CloudWatch yields is judged here. Both give the same requests, those of ``cli.window``.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

from retryctl.cli.looking import tell_bytes
from retryctl.cli.options import Look
from retryctl.cli.progress import Progress
from retryctl.cli.window import Window, read_window_of
from retryctl.core.coverage import Coverage, Selection
from retryctl.core.crosscheck import CheckedRequest
from retryctl.core.gathering import Around, Part, Quiet, Reading, gathered
from retryctl.core.known import FunctionSettings
from retryctl.core.listing import Listed, Wanted, listed
from retryctl.core.summary import Tally
from retryctl.settings import Settings
from retryctl.sources.function import function_name

MOST_PROCESSES = 8

Tallies = dict["str | None", Tally]
"""A tally for each function; ``None`` for requests whose function is not known."""

T = TypeVar("T")
_Requests = Iterable["CheckedRequest | Quiet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What each part of the requests came to, one after another, and what was looked at."""

    coverage: Coverage
    remarks: tuple[str, ...] = ()


def counted(
    look: Look, settings: Settings, window: Window, *, now_ms: int, quiet: bool
) -> tuple[Whole, Tallies]:
    """The requests of a window, counted."""
    whole, parts = _parts(look, settings, window, _Count(), now_ms=now_ms, quiet=quiet)
    return whole, merged(parts)


def requests_listed(
    look: Look, settings: Settings, window: Window, wanted: Wanted, *, now_ms: int, quiet: bool
) -> tuple[Whole, Iterator[Listed]]:
    """The requests of a window that are wanted, as they are found."""
    whole, parts = _parts(look, settings, window, _List(wanted), now_ms=now_ms, quiet=quiet)
    return whole, chain.from_iterable(parts)


def merged(parts: Iterable[Tallies]) -> Tallies:
    """Tallies of several parts as one for each function."""
    tallies: Tallies = {}
    for part in parts:
        for function, tally in part.items():
            tallies.setdefault(function, Tally()).merge(tally)
    return tallies


@dataclass(frozen=True, slots=True)
class _Count:
    def __call__(self, requests: _Requests) -> Tallies:
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

    def __call__(self, requests: _Requests) -> list[Listed]:
        lines = chain.from_iterable(map(listed, requests))
        return [line for line in lines if self.wanted.has(line)]


def _parts(
    look: Look,
    settings: Settings,
    window: Window,
    make: Callable[[_Requests], T],
    *,
    now_ms: int,
    quiet: bool,
) -> tuple[Whole, Iterator[T]]:
    if look.source == "cloudwatch":
        seen = read_window_of(look, settings, window, now_ms=now_ms, quiet=quiet)
        whole = Whole(coverage=seen.coverage, remarks=seen.remarks)
        return whole, iter([make(seen.checked)])
    return _parts_of_saved(look, settings, window, make, quiet=quiet)


def _parts_of_saved(
    look: Look,
    settings: Settings,
    window: Window,
    make: Callable[[_Requests], T],
    *,
    quiet: bool,
) -> tuple[Whole, Iterator[T]]:
    from retryctl.sources.saved_whole import WholeLog

    name = function_name(look.function).name if look.function else None
    log = WholeLog(look.source)
    selection = Selection(until_ms=window.until_ms, function=name, log_groups=look.log_groups)
    processes = min(MOST_PROCESSES, _processors())
    with Progress(quiet=quiet) as progress:
        found = log.read(
            selection,
            settings.markers,
            FunctionSettings(),
            processes=processes,
            progress=lambda done, total: tell_bytes(progress, done, total),
        )
    found.looked.since_ms = window.since_ms
    coverage = found.looked.coverage()
    around = Around(
        coverage=coverage,
        settings=FunctionSettings(),
        markers=settings.markers,
        named=name,
        since_ms=window.since_ms,
        until_ms=window.until_ms,
    )
    parts = (found.part(number) for number in range(found.parts))
    whole = Whole(coverage=coverage)
    if found.parts > 1 and processes > 1:
        return whole, _in_processes(parts, found.readings, around, make, processes)
    return whole, (make(gathered(part, found.readings, around)) for part in parts)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --------------------------------------------------------------------------- in a process


def _in_processes(
    parts: Iterator[Part],
    readings: dict[int, Reading],
    around: Around,
    make: Callable[[_Requests], T],
    processes: int,
) -> Iterator[T]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(
        processes, initializer=_Judging.begin, initargs=(readings, around, make)
    ) as pool:
        waiting = [pool.submit(_Judging.judge, part) for part in islice(parts, 2 * processes)]
        while waiting:
            made = waiting.pop(0).result()
            waiting += [pool.submit(_Judging.judge, part) for part in islice(parts, 1)]
            yield made


class _Judging:
    """What a process that judges parts has to know; it is told once."""

    readings: dict[int, Reading]
    around: Around
    make: Callable[[_Requests], Any]

    @classmethod
    def begin(
        cls, readings: dict[int, Reading], around: Around, make: Callable[[_Requests], Any]
    ) -> None:
        cls.readings, cls.around, cls.make = readings, around, staticmethod(make)

    @classmethod
    def judge(cls, part: Part) -> Any:
        return cls.make(gathered(part, cls.readings, cls.around))
