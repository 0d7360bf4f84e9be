"""Blocks of a log as they stand in a file. Only those with a line that matters are converted.

A block shows its number of events and the limits of their times by a few searches of its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from typing import NamedTuple, Protocol

from retryctl.sources.saved.canonical import HEADER
from retryctl.sources.saved.tie_order import is_newest_first, ties_in_order

_TIME_DIGITS = 13
_SHARED_DIGITS = 8  # all times within 100 seconds
_FIRST_KEY = re.compile(rb'\{"[A-Za-z]+": ?"')
# "timestamp": 1795402800123
_TIME = re.compile(rb'"timestamp": ?(\d{13})\b')


class BlockSpan(NamedTuple):
    """The number of events of a block, and their times in epoch milliseconds.

    All times lie between ``earliest_ms`` and ``latest_ms``; ``first_ms`` and ``last_ms`` are the
    least and the greatest of those that were read.
    """

    events: int
    first_ms: int
    last_ms: int
    earliest_ms: int
    latest_ms: int


class RawBlock(Protocol):
    """A block of whole events."""

    @property
    def raw(self) -> bytes:
        """Its bytes in the file, in UTF-8."""

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

    @property
    def names_streams(self) -> bool:
        """True, but for lines that escape a name, which have no span."""
        return True

    def canonical(self) -> bytes:
        """Return the lines as they are."""
        return self.raw

    def span(self) -> BlockSpan | None:
        """Return the span, if each line ends as an event, begins as the first, has its time there.

        Where the least and the greatest of some byte strings begin alike, all of them do.
        """
        block = self.raw
        header, key = HEADER.match(block), _FIRST_KEY.match(block)
        if not header or not key or not block.endswith(b"}\n"):
            return None
        lines = BytesIO(block).readlines()
        if block.count(b"}\n" + key[0]) + 1 != len(lines):
            return None
        label = header[1][header[1].rindex(b'"timestamp"') :]
        begin, end = header.end(1) - len(label), header.end(2)
        labelled = [line[begin:end] for line in lines]
        labelled.sort()  # one pass where they are in order
        least, greatest = labelled[0], labelled[-1]
        first, last = least[len(label) :], greatest[len(label) :]
        if not (least.startswith(label) and greatest.startswith(label)):
            return None
        if not (first.isdigit() and last.isdigit()):
            return None
        first_ms, last_ms = int(first), int(last)
        return BlockSpan(len(lines), first_ms, last_ms, first_ms, last_ms)


@dataclass(frozen=True, slots=True)
class ConvertibleBlock:
    """A block of another format, which ``convert`` turns into canonical lines."""

    raw: bytes
    convert: Callable[[bytes], bytes]
    measure: Callable[[bytes], BlockSpan | None]
    names_streams: bool = True

    def canonical(self) -> bytes:
        """Its events as canonical lines."""
        return self.convert(self.raw)

    def span(self) -> BlockSpan | None:
        """Its span."""
        return self.measure(self.raw)


def labelled_span(
    block: bytes, count: int, label: bytes, first: bytes, last: bytes
) -> BlockSpan | None:
    """Return the span of a block of which ``count`` events each have ``label`` before their time.

    ``first`` and ``last`` are times of two of them. The times share their first digits, or these
    are one of two numbers that follow each other: that many events have such digits, or ``None``.
    """
    low, high = sorted((first, last))
    alike = next((n for n in range(_TIME_DIGITS - 2) if low[n] != high[n]), _TIME_DIGITS - 2)
    if alike < _SHARED_DIGITS:  # or the times are too far apart for one number to limit them
        alike = next(n for n in range(_TIME_DIGITS - 2, 0, -1) if int(high[:n]) - int(low[:n]) < 2)
    for kept in (alike, alike - 1):
        starts = {low[:kept], high[:kept]}
        if kept > 0 and sum(block.count(label + start) for start in starts) == count:
            unit = 10 ** (_TIME_DIGITS - kept)
            earliest, latest = int(low[:kept]) * unit, (int(high[:kept]) + 1) * unit - 1
            return BlockSpan(count, int(low), int(high), earliest, latest)
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
