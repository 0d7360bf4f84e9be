"""The times of events: text, digits and places as the digits of canonical lines.

What many events share, a time or the name of a stream, is converted once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import add, itemgetter
from typing import TypeVar

from retryctl.core.model.events import UNTIMED_FILE_MS, UNTIMED_MS
from retryctl.core.timestamps import iso_ms
from retryctl.sources.saved.canonical_lines import line_start

_MOST_SECONDS = 1 << 12  # they mostly rise, and a small table is in the processor's cache
_FILES = 999
_MINUTE_BYTES, _SECOND_BYTES = len("2026-11-23T03:00"), len("2026-11-23T03:00:00")
_MILLI_BYTES = len("2026-11-23T03:00:00.123")

Times = tuple[Iterable[bytes], Iterable[bytes]]
"""Whole seconds since the epoch and milliseconds, in digits, of events one after another."""


Digits = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Makes 13 digits of times that are alike."""


def epoch_seconds(seconds: list[bytes], offsets: list[bytes]) -> Iterator[bytes]:
    """Yield the times in whole seconds since the epoch, in digits."""
    if len(set(offsets)) == 1:
        return map(_seconds_at(offsets[0]).__getitem__, seconds)
    return (_seconds_at(offset)[second] for second, offset in zip(seconds, offsets, strict=True))


def milliseconds(fractions: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the milliseconds of fractions of a second, in three digits."""
    return map(_MILLIS.__getitem__, fractions)


def digits_at(offset: bytes, first: bytes) -> Digits:
    """Return the conversion to 13 digits of times that are written as the first of them."""
    return _unchanged if first.isdigit() else _digits_of_text(offset)


def _unchanged(times: Sequence[bytes]) -> Sequence[bytes]:
    return times


@lru_cache(maxsize=64)
def _digits_of_text(offset: bytes) -> Digits:
    second, fraction = itemgetter(slice(_SECOND_BYTES)), itemgetter(slice(_SECOND_BYTES, None))
    milli = itemgetter(slice(_SECOND_BYTES + 1, _MILLI_BYTES))

    def digits(times: Sequence[bytes]) -> list[bytes]:
        seconds = map(_seconds_at(offset).__getitem__, map(second, times))
        if times and len(times[0]) >= _MILLI_BYTES:
            return list(map(add, seconds, map(milli, times)))
        return list(map(add, seconds, milliseconds(map(fraction, times))))

    return digits


def moment_ms(second: bytes, fraction: bytes, offset: bytes) -> int:
    """Return the epoch milliseconds of a time in text, given in its parts."""
    return int(_seconds_at(offset)[second] + _MILLIS[fraction])


def first_place(number: int) -> int:
    """Return the place of the first event of a file without times, behind those of the others."""
    return number % _FILES * UNTIMED_FILE_MS


def untimed(first: int, count: int) -> Times:
    """Return the places of events without times, as times."""
    places = [b"%d" % (UNTIMED_MS + place) for place in range(first, first + count)]
    return [place[:-3] for place in places], [place[-3:] for place in places]


K = TypeVar("K")


class Cache(dict[K, bytes]):
    """What a function gives for each of the few values that many events share."""

    def __init__(self, convert: Callable[[K], bytes], most: int = 1 << 16) -> None:
        super().__init__()
        self._convert, self._most = convert, most

    def __missing__(self, key: K) -> bytes:
        if len(self) > self._most:
            self.clear()
        value = self[key] = self._convert(key)
        return value


STREAM_STARTS = Cache[bytes](lambda stream: line_start(None, stream))
GROUP_STARTS = Cache[tuple[bytes, bytes | None]](lambda names: line_start(*names))
_MILLIS = Cache[bytes](lambda fraction: fraction.lstrip(b".,")[:3].ljust(3, b"0"))


@lru_cache(maxsize=64)
def _seconds_at(offset: bytes) -> Cache[bytes]:
    """Return the conversion of times with one offset, or of seconds since the epoch."""

    def convert(second: bytes) -> bytes:
        if second.isdigit():
            return second
        moment = _minute(second[:_MINUTE_BYTES], offset) + int(second[_MINUTE_BYTES + 1 :])
        return b"%010d" % max(moment, 10**9)

    return Cache(convert, _MOST_SECONDS)


@lru_cache(maxsize=4096)
def _minute(minute: bytes, offset: bytes) -> int:
    """Return the epoch seconds of a minute in text."""
    month = f"{min(max(int(minute[5:7]), 1), 12):02d}"
    month_ms = iso_ms(f"{minute[:4].decode()}-{month}-01T00:00:00{offset.decode()}") or 0
    day, hour, rest = (int(minute[at : at + 2]) for at in (8, 11, 14))
    return month_ms // 1000 + ((day - 1) * 24 + hour) * 3600 + rest * 60
