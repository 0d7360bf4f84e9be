"""Blocks of a log as they stand in a file. Only those with a line that matters are converted.

A block shows its number of events, the limits of their times and their streams by a few
operations on all of its bytes: its events are sorted as they are. Where the first and the last of
those that begin with a stream begin alike, all between them do.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from io import BytesIO
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from retryctl.core.late_regex import late_regex
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.canonical_lines import HEADER, EventColumns

BLOCK_BYTES = 1 << 17
"""The least size of a block; it fits in a processor's cache, and so is read twice as fast.

It is read from this module whenever a block is cut.
"""
MOST_STREAMS = 16
"""The events of a block with more streams than this are not sorted by stream."""

_BEFORE_END = itemgetter(-2)
_FIRST_KEY = late_regex(rb'\{"[A-Za-z]+": ?"')
# {"logStreamName":"2026/11/23/[$LATEST]0123…","timestamp":1795402800123,"message":"…
_LINE = late_regex(
    rb'(\{(?:"logGroupName": ?"[^"\\]*", ?)?"logStreamName": ?"([^"\\]*)", ?"timestamp": ?)'
    rb'(\d{13}), ?"message": ?"'
)

MESSAGE_LABEL = b'"message":'
"""Each event has it once: in a text JSON escapes the quotation marks."""
STREAM_KEY, GROUP_KEY = (b'{"logStreamName"', b"S"), (b'{"logGroupName"', b"G")
"""The keys that begin an event, each with its rarest byte."""
_FEW = 50
_LINES_TRIED = 1000
# {"logStreamName":"…","timestamp":1795402800123,"message":"…
_TIME = late_regex(rb'"timestamp": ?(\d{13})\b')
# …"message":"0"}{"logStreamName":"…
_INNER = late_regex(rb'(?<=[^\n])(?=\{"log(?:Stream|Group)Name")')


class BlockSpan(NamedTuple):
    """The number of events of a block, their least and greatest time in epoch milliseconds.

    ``streams`` are those of the events, where they are known.
    """

    events: int
    first_ms: int
    last_ms: int
    streams: frozenset[bytes] | None = None


Convert = Callable[[bytes, Collection[bytes]], bytes]
"""Makes canonical lines of events; with streams it may leave out the events of all others."""


@value_class
class RawBlock:
    """A block of whole events: canonical lines, unless ``convert`` makes those of its bytes.

    ``raw`` are its bytes in the file, in UTF-8. They stand at ``start`` in the chunk, if they can
    be read from there once more. ``names_streams``: they have the names of all streams of the
    events. ``measure`` gives the span of bytes that are converted, and ``deal`` puts their events
    in columns.
    """

    raw: bytes
    convert: Convert | None = None
    measure: Callable[[bytes], BlockSpan | None] = lambda _: None
    deal: Callable[[], EventColumns | None] = lambda: None
    names_streams: bool = True
    start: int | None = None

    def canonical(self, streams: Collection[bytes] = ()) -> bytes:
        """Return its events as canonical lines, those of the streams at least."""
        return self.convert(self.raw, streams) if self.convert else separated(self.raw)

    def columns(self) -> EventColumns | None:
        """Its events in columns, which saves the conversion of most; ``None`` where it has none."""
        return self.deal() if self.names_streams else None

    def span(self) -> BlockSpan | None:
        """Its events and times; ``None`` where only its canonical lines show them."""
        return self.measure(self.raw) if self.convert else _span_of_lines(self.raw)


def _span_of_lines(block: bytes) -> BlockSpan | None:
    """Return the span, if each line ends as an event and begins as the first does."""
    header, key = HEADER.match(block), _FIRST_KEY.match(block)
    if not header or not key or not block.endswith(b"}\n"):
        return None
    lines = BytesIO(block).readlines()
    if block.count(b'"logStreamName"') != len(lines):  # two events stand on one line
        return None
    if span := span_of_streams(lines, _LINE):
        return span if set(map(_BEFORE_END, lines)) == {ord("}")} else None
    if block.count(b"}\n" + key[0]) + 1 != len(lines):
        return None
    return _span_of_columns(lines, header)


def span_of_streams(events: list[bytes], header: re.Pattern[bytes]) -> BlockSpan | None:
    """Return the span of events of few streams; ``None`` where one has no such ``header``.

    The groups of the header are what stands before the time, the stream (or nothing), the time.
    """
    events = sorted(events)
    streams: set[bytes] = set()
    times: list[int] = []
    stop = 0
    while stop < len(events):
        first = header.match(events[stop])
        if not first or len(streams) == MOST_STREAMS:
            return None
        stop = bisect_left(events, first[1] + b":", stop)  # a digit is less
        last = header.match(events[stop - 1])
        if not last or last[1] != first[1]:
            return None
        streams.add(first[2])
        times += int(first[3]), int(last[3])
    named = frozenset(filter(None, streams))
    known = named if len(named) == len(streams) else None
    return BlockSpan(len(events), min(times), max(times), known)


def _span_of_columns(lines: list[bytes], header: re.Match[bytes]) -> BlockSpan | None:
    """Return the span of lines that all have their time where the first, of ``header``, has it."""
    label = header[1][header[1].rindex(b'"timestamp"') :]
    column = itemgetter(slice(header.end(1) - len(label), header.end(2)))
    labelled = sorted(map(column, lines))
    least, greatest = labelled[0], labelled[-1]
    first, last = least[len(label) :], greatest[len(label) :]
    if not (least.startswith(label) and greatest.startswith(label)):
        return None
    if not (first.isdigit() and last.isdigit()):
        return None
    return BlockSpan(len(lines), int(first), int(last))


def separated(block: bytes, _: Collection[bytes] = ()) -> bytes:
    """Return JSON lines with a line break between events that have none: files were joined.

    The first of such events may be cut.
    """
    if _is_separated(block):
        return block
    return b"".join(_separated_line(line) for line in BytesIO(block))


def _is_separated(block: bytes) -> bool:
    """Whether each event begins a line."""
    return not any(
        contains_key(block, key, rare)
        and block.count(key) != block.count(b"\n" + key) + block.startswith(key)
        for key, rare in (STREAM_KEY, GROUP_KEY)
    )


def has_one_event_a_line(block: bytes, lines: int) -> bool:
    """Whether each line of the block, of this number, is one event and has no other in it."""
    of_stream = block.startswith(STREAM_KEY[0])
    (key, _), other = (STREAM_KEY, GROUP_KEY) if of_stream else (GROUP_KEY, STREAM_KEY)
    return (
        block.count(b"}\n" + key) + 1 == lines
        and block.startswith(key)
        and block.endswith(b"}\n")
        and block.count(MESSAGE_LABEL) == lines
        and not contains_key(block, *other)
    )


def contains_key(block: bytes, key: bytes, rare: bytes) -> bool:
    """Whether a block contains a key; one byte of it is found fast, and often is rare."""
    before, at = key.index(rare), -1
    for _ in range(_FEW):
        at = block.find(rare, at + 1)
        if at < 0:
            return False
        if block.startswith(key, max(at - before, 0)):
            return True
    return key in block


def _separated_line(line: bytes) -> bytes:
    if not _INNER.search(line):
        return line
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return _INNER.sub(b"\n", line)
    return line


def ties_in_order(blocks: Iterable[RawBlock]) -> Iterator[RawBlock]:
    """Yield the blocks; if they are newest first, with the lines of one time in reverse order.

    Events are sorted by their time, and those of one millisecond by their place in the file. In a
    log that is newest first, as Logs Insights exports it, their places are the wrong way round.
    """
    rest = (block for block in blocks if block.raw)
    first = next(rest, None)
    if first is None:
        return
    if not _is_newest_first(first.canonical()):
        yield first
        yield from rest
        return
    lines = (line for block in chain([first], rest) for line in BytesIO(block.canonical()))
    groups = groupby(lines, _time)
    while some := [list(group)[::-1] for _, group in islice(groups, _LINES_TRIED)]:
        yield RawBlock(raw=b"".join(chain.from_iterable(some)))


def _is_newest_first(block: bytes) -> bool:
    """Whether the first lines are newest first."""
    times = [_time(line) for line in islice(BytesIO(block), _LINES_TRIED)]
    return len(times) > 1 and times[0] > times[-1] and times == sorted(times, reverse=True)


def _time(line: bytes) -> bytes:
    found = _TIME.search(line)
    return found[1] if found else b""
