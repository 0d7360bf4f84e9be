"""Tables of events: columns found by their names, and rows as canonical lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import repeat

from retryctl.core.value_classes import value_class
from retryctl.sources.saved.canonical_lines import canonical_block, json_escaped, line_start
from retryctl.sources.saved.formats import event_times

_TIME = ("@timestamp", "timestamp", "event time", "time")
_MESSAGE = ("@message", "message", "event")
_STREAM = ("@logstream", "logstreamname", "logstream", "log stream name", "log stream")
_GROUP = ("@log", "loggroupname", "loggroup", "log group name", "log group")

NEEDED = "a time (@timestamp or timestamp) and a message (@message or message)"

# 1795402800123
_ALL_MILLIS = re.compile(rb"1\d{12}(?:\n1\d{12})*")
# 2026-11-23 03:00:00.123, 2026-11-23T04:00:00.123+01:00
_ISO = (
    rb"20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d"
    rb"(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
)
_ALL_ISO = re.compile(_ISO + rb"(?:\n" + _ISO + b")*")
_SECONDS = 19
# 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef
_WHOLE_NAME = re.compile(r"\][0-9a-f]{32}\Z")
# .123 +01:00
_REST = re.compile(rb"([.,]\d+)? ?(.*)")


@value_class
class Columns:
    """The places of the columns of an event; ``None`` where the table has no such column.

    ``of_insights``: one of them has a name that only Logs Insights gives. A query can name the
    others (``@message as message``).
    """

    message: int
    width: int
    time: int | None = None
    stream: int | None = None
    group: int | None = None
    known_group: str | None = None
    of_insights: bool = False

    @classmethod
    def named(cls, names: Sequence[str]) -> Columns | None:
        """Return the columns of a header; ``None`` without a message."""
        folded = [name.strip().strip("*`").strip().casefold() for name in names]

        def place(wanted: tuple[str, ...]) -> int | None:
            return next((folded.index(name) for name in wanted if name in folded), None)

        message = place(_MESSAGE)
        if message is None:
            return None
        return cls(
            message=message,
            width=len(names),
            time=place(_TIME),
            stream=place(_STREAM),
            group=place(_GROUP),
            of_insights=any(name.startswith("@") for name in folded),
        )

    def is_row(self, row: Sequence[str]) -> bool:
        """Whether a row is an event: of the table's width, with a time where it has times."""
        return len(row) == self.width and (self.time is None or is_time(row[self.time]))

    def block(self, rows: Sequence[Sequence[str]], first: int) -> bytes | None:
        """Rows as canonical lines; ``None`` where one of them is not an event.

        ``first`` counts the events before them: their places are the times of rows without.
        """
        if not rows:
            return b""
        if set(map(len, rows)) != {self.width}:
            return None
        table = [
            [cell.encode(errors="replace") for cell in cells] for cells in zip(*rows, strict=True)
        ]
        return self.lines(table, first=first)

    def lines(self, table: Sequence[list[bytes]], first: int = 0) -> bytes | None:
        """Return the columns of events as canonical lines; ``None`` if a time is malformed."""
        count = len(table[self.message])
        times = event_times.untimed(first, count) if self.time is None else _times(table[self.time])
        if not times:
            return None
        messages = json_escaped(table[self.message])
        return canonical_block(self._starts(table), *times, messages)

    def blocks(self, rows: Sequence[Sequence[str]], first: int) -> bytes:
        """Rows that are events as canonical lines, though their times may be of two kinds."""
        whole = self.block(rows, first)
        if whole is not None:
            return whole
        return b"".join(self.block([row], first + at) or b"" for at, row in enumerate(rows))

    def start(self, cells: Sequence[bytes]) -> bytes:
        """Return the start of the canonical line of a row."""
        return next(iter(self._starts([[cell] for cell in cells])))

    def _starts(self, table: Sequence[list[bytes]]) -> Iterable[bytes]:
        if self.stream is None:
            known = self.known_group and self.known_group.encode(errors="replace")
            return repeat(line_start(known or None, None), len(table[0]))
        if self.group is None:
            return map(event_times.STREAM_STARTS.__getitem__, table[self.stream])
        names = zip(table[self.group], table[self.stream], strict=True)
        return map(event_times.GROUP_STARTS.__getitem__, names)

    @property
    def name_at_end(self) -> int | None:
        """The place of the stream or the group, where that is the last column."""
        last = self.width - 1
        return last if last in (self.stream, self.group) else None


def breaks_off(name: str, others: Collection[str]) -> bool:
    """Whether the name of a stream or a group is cut: another is longer, or all have its end."""
    if not others or name in others:
        return False
    is_whole = _WHOLE_NAME.search(name) is not None
    whole = not is_whole and all(map(_WHOLE_NAME.search, others))
    return whole or any(other.startswith(name) for other in others)


def is_time(text: str) -> bool:
    """Whether a cell is a time."""
    return _times([text.encode(errors="replace")]) is not None


def _times(times: Sequence[bytes]) -> event_times.Times | None:
    """Return the times of a column; ``None`` where they are not all of one kind."""
    joined = b"\n".join(times)
    if _ALL_MILLIS.fullmatch(joined):
        return [time[:-3] for time in times], [time[-3:] for time in times]
    if not _ALL_ISO.fullmatch(joined):
        return None
    seconds = [time[:_SECONDS] for time in times]
    rests = [time[_SECONDS:] for time in times]
    return (
        event_times.epoch_seconds(seconds, list(map(_OFFSETS.__getitem__, rests))),
        map(_FRACTIONS.__getitem__, rests),
    )


def _fraction(rest: bytes) -> bytes:
    found = _REST.fullmatch(rest)
    return next(iter(event_times.milliseconds([found[1] or b""]))) if found else b"000"


def _offset(rest: bytes) -> bytes:
    found = _REST.fullmatch(rest)
    return found[2].replace(b"UTC", b"Z") if found else b""


_FRACTIONS = event_times.Cache(_fraction)
_OFFSETS = event_times.Cache(_offset)
