"""Blocks of a log as they stand in a file. Only those with a line that matters are converted.

A block shows its number of events and the limits of their times by a few searches of its bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple, Protocol

from retryctl.sources.saved.canonical import HEADER
from retryctl.sources.saved.tie_order import is_newest_first, ties_in_order

MOST_STREAMS = 16
"""The lines of a block with more streams than this are not sorted by stream."""

_FIRST_KEY = re.compile(rb'\{"[A-Za-z]+": ?"')
# "timestamp": 1795402800123
_TIME = re.compile(rb'"timestamp": ?(\d{13})\b')


class BlockSpan(NamedTuple):
    """The number of events of a block, and their times in epoch milliseconds.

    All times lie between ``earliest_ms`` and ``latest_ms``; ``first_ms`` and ``last_ms`` are the
    least and the greatest of those that were read. ``streams`` are those that it names, where
    they are known.
    """

    events: int
    first_ms: int
    last_ms: int
    earliest_ms: int
    latest_ms: int
    streams: frozenset[bytes] | None = None


class RawBlock(Protocol):
    """A block of whole events."""

    @property
    def raw(self) -> bytes:
        """Its bytes in the file, in UTF-8."""

    @property
    def start(self) -> int | None:
        """Where its bytes stand in the file, if they do as they are."""

    @property
    def names_streams(self) -> bool:
        """Whether its bytes have the names of all streams of its events."""

    def canonical(self) -> bytes:
        """Its events as canonical lines."""

    def span(self) -> BlockSpan | None:
        """Its events and times; ``None`` where only its canonical lines show them."""


@dataclass(frozen=True, slots=True)
class CanonicalBlock:
    """A block of canonical lines, or of JSON lines of any layout."""

    raw: bytes
    start: int | None = None

    @property
    def names_streams(self) -> bool:
        """True, but for lines that escape a name, which have no span."""
        return True

    def canonical(self) -> bytes:
        """Return the lines as they are."""
        return self.raw

    def span(self) -> BlockSpan | None:
        """Return the span, if each line ends as an event and begins as the first does."""
        block = self.raw
        header, key = HEADER.match(block), _FIRST_KEY.match(block)
        if not header or not key or not block.endswith(b"}\n"):
            return None
        lines = BytesIO(block).readlines()
        if block.count(b"}\n" + key[0]) + 1 != len(lines):
            return None
        return _span_of_streams(lines) or _span_of_columns(lines, header)


def _span_of_streams(lines: list[bytes]) -> BlockSpan | None:
    """Return the span of lines of few streams.

    Sorted lines are in order of streams, then of time. Where the first and the last line of a
    stream begin alike, all between them do.
    """
    lines = sorted(lines)
    streams: set[bytes] = set()
    times: list[int] = []
    stop = 0
    while stop < len(lines):
        first = HEADER.match(lines[stop])
        if not first or len(streams) == MOST_STREAMS:
            return None
        stop = bisect_left(lines, first[1] + b":", stop)  # a digit is less
        last = HEADER.match(lines[stop - 1])
        if not last or last[1] != first[1]:
            return None
        streams.add(first[1].split(b'"')[-4])
        times += int(first[2]), int(last[2])
    first_ms, last_ms = min(times), max(times)
    return BlockSpan(len(lines), first_ms, last_ms, first_ms, last_ms, frozenset(streams))


def _span_of_columns(lines: list[bytes], header: re.Match[bytes]) -> BlockSpan | None:
    """Return the span of lines that all have their time where the first, of ``header``, has it.

    Where the least and the greatest of some byte strings begin alike, all of them do.
    """
    label = header[1][header[1].rindex(b'"timestamp"') :]
    column = itemgetter(slice(header.end(1) - len(label), header.end(2)))
    labelled = sorted(map(column, lines))  # one pass where they are in order
    least, greatest = labelled[0], labelled[-1]
    first, last = least[len(label) :], greatest[len(label) :]
    if not (least.startswith(label) and greatest.startswith(label)):
        return None
    if not (first.isdigit() and last.isdigit()):
        return None
    return BlockSpan(len(lines), int(first), int(last), int(first), int(last))


@dataclass(frozen=True, slots=True)
class ConvertibleBlock:
    """A block of another format, which ``convert`` turns into canonical lines."""

    raw: bytes
    convert: Callable[[bytes], bytes]
    measure: Callable[[bytes], BlockSpan | None]
    names_streams: bool = True
    start: None = None

    def canonical(self) -> bytes:
        """Its events as canonical lines."""
        return self.convert(self.raw)

    def span(self) -> BlockSpan | None:
        """Its span."""
        return self.measure(self.raw)


class Clock(NamedTuple):
    """How a log writes times, all of one length: they sort as text.

    A time that goes on as ``least`` (``greatest``) behind its first bytes is the least (greatest)
    of those that begin so. ``read`` gives epoch milliseconds. ``steps`` are the numbers of first
    bytes that are compared, the largest first.
    """

    least: bytes
    greatest: bytes
    read: Callable[[bytes], int]
    steps: tuple[int, ...]

    def earliest(self, start: bytes) -> int:
        """Return the least time that begins so."""
        return self.read(start + self.least[len(start) :])

    def latest(self, start: bytes) -> int:
        """Return the greatest time that begins so."""
        return self.read(start + self.greatest[len(start) :])


EPOCH = Clock(b"0" * 13, b"9" * 13, int, tuple(range(11, 0, -1)))
"""Milliseconds since the epoch."""


def labelled_span(
    block: bytes, count: int, label: bytes, times: tuple[bytes, bytes], clock: Clock
) -> BlockSpan | None:
    """Return the span of a block of which ``count`` events each have ``label`` before their time.

    ``times`` are those of two of the events. As many events must begin their times as one of the
    two does, or there is no span.
    """
    low, high = sorted(times)
    if not len(low) == len(high) == len(clock.least):
        return None
    if clock is not EPOCH and low[10:11] != high[10:11]:  # "T" and " " are not in order of time
        return None
    steps = (n for n in clock.steps if clock.earliest(high[:n]) - clock.latest(low[:n]) < 2)
    for kept in islice(steps, 2):
        starts = {low[:kept], high[:kept]}
        if sum(block.count(label + start) for start in starts) == count:
            bounds = clock.earliest(low[:kept]), clock.latest(high[:kept])
            return BlockSpan(count, clock.read(low), clock.read(high), *bounds)
    return None


def times_in(block: RawBlock) -> list[bytes]:
    """Return the times of all events of a block, in digits."""
    return _TIME.findall(block.canonical())


def raw_ties_in_order(blocks: Iterable[RawBlock]) -> Iterator[RawBlock]:
    """Yield the blocks; if they are newest first, with the lines of one time in reverse order."""
    rest = iter(blocks)
    first = next((block for block in rest if block.raw), None)
    if first is None:
        return
    if is_newest_first(first.canonical()):
        lines = (block.canonical() for block in chain([first], rest))
        yield from map(CanonicalBlock, ties_in_order(lines))
    else:
        yield first
        yield from (block for block in rest if block.raw)
