"""Log groups, streams and events, held in columns.

Five million events as Python objects take more than 2 GB. Here a group is one run of bytes and
five arrays, which takes about 40 bytes an event beside its text, and a phrase is found with one
``bytearray.find`` over a stretch of it.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

EVENT_OVERHEAD = 26  # bytes that CloudWatch Logs counts for each event beside its message
OWN_ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass(slots=True, kw_only=True)
class LogStream:
    """``rows`` are the places of its events in the group's columns, in order."""

    name: str
    number: int
    created_ms: int
    first_ms: int | None = None
    last_ms: int | None = None
    ingested_ms: int | None = None
    rows: array[int] = field(default_factory=lambda: array("Q"))


class LogGroup:
    """One group. Row numbers are places in time order, once it is settled after a put.

    It is in ``region``, or in every one without it. ``inherited`` are properties of its account.
    ``masks`` is a regular expression of what data protection hides. ``transformed`` tells whose
    transformer it has. ``indexes`` are the indexed fields, each with the time in epoch
    milliseconds since when its events are indexed.
    """

    def __init__(
        self,
        name: str,
        *,
        created_ms: int,
        account: str = OWN_ACCOUNT,
        region: str | None = None,
        log_class: str = "STANDARD",
        retention_days: int | None = None,
        data_protection: str | None = None,
        inherited: Sequence[str] = (),
        masks: str = "",
        transformed: Literal["", "group", "account"] = "",
        indexes: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.account = account
        self.region = region
        self.created_ms = created_ms
        self.log_class = log_class
        self.retention_days = retention_days
        self.data_protection = data_protection
        self.inherited = tuple(inherited)
        self.masks = masks
        self.transformed = transformed
        self.indexes = dict(indexes or {})
        self.stored_extra = 0
        self.streams: dict[str, LogStream] = {}
        self.timestamps: array[int] = array("q")
        self.ingested: array[int] = array("q")
        self._arrivals: array[int] = array("Q")
        self._stream_numbers: array[int] = array("L")
        self._ends: array[int] = array("Q")
        self._text = bytearray()
        self._stream_names: list[str] = []
        self._ordered = True
        self._indexed = True

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region or REGION}:{self.account}:log-group:{self.name}"

    @property
    def stored_bytes(self) -> int:
        return len(self._text) + EVENT_OVERHEAD * len(self.timestamps) + self.stored_extra

    def stream(self, name: str, created_ms: int) -> LogStream:
        """The stream of that name, made if it is not there."""
        if name not in self.streams:
            self.streams[name] = LogStream(
                name=name, number=len(self._stream_names), created_ms=created_ms
            )
            self._stream_names.append(name)
        return self.streams[name]

    def append(self, stream: LogStream, timestamp_ms: int, message: str, ingested_ms: int) -> None:
        if self.timestamps and timestamp_ms < self.timestamps[-1]:
            self._ordered = False
        self._indexed = False
        self._arrivals.append(len(self.timestamps))
        self.timestamps.append(timestamp_ms)
        self.ingested.append(ingested_ms)
        self._stream_numbers.append(stream.number)
        self._text += message.encode()
        self._ends.append(len(self._text))
        stream.first_ms = min(timestamp_ms, stream.first_ms or timestamp_ms)
        stream.last_ms = max(timestamp_ms, stream.last_ms or timestamp_ms)
        stream.ingested_ms = max(ingested_ms, stream.ingested_ms or ingested_ms)

    # ----------------------------------------------------------------------- reading

    def settle(self) -> None:
        """Put the columns in time order and index the streams, before anything is read."""
        if not self._ordered:
            self._sort()
            self._ordered = True
        if not self._indexed:
            self._index()
            self._indexed = True

    def _sort(self) -> None:
        # Stable, and what was appended arrived last: those of one time stay in order of arrival.
        order = sorted(range(len(self.timestamps)), key=self.timestamps.__getitem__)
        text, starts, ends = bytes(self._text), [0, *self._ends], self._ends
        pieces = [text[starts[row] : ends[row]] for row in order]
        for name in ("timestamps", "ingested", "_arrivals", "_stream_numbers"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, map(column.__getitem__, order)))
        self._text, self._ends = bytearray().join(pieces), array("Q", accumulate(map(len, pieces)))

    def _index(self) -> None:
        rows: list[array[int]] = [array("Q") for _ in self._stream_names]
        for row, number in enumerate(self._stream_numbers):
            rows[number].append(row)
        for stream in self.streams.values():
            stream.rows = rows[stream.number]

    def between(self, since_ms: int, until_ms: int) -> tuple[int, int]:
        """The rows with since <= timestamp < until, as a half-open range."""
        return bisect_left(self.timestamps, since_ms), bisect_left(self.timestamps, until_ms)

    def place(self, timestamp_ms: int, arrival: int) -> int:
        """The row of that event, or where it would stand."""
        low, high = self.between(timestamp_ms, timestamp_ms + 1)
        return bisect_left(self._arrivals, arrival, low, high)

    def key(self, row: int) -> tuple[int, int]:
        """What names the event at ``row`` for good: its timestamp and its number of arrival."""
        return self.timestamps[row], self._arrivals[row]

    def event_id(self, row: int) -> str:
        """56 digits that grow in time order, and never change."""
        timestamp_ms, arrival = self.key(row)
        return f"{3 * 10**55 + timestamp_ms * 10**20 + arrival:056d}"

    def stream_name(self, row: int) -> str:
        return self._stream_names[self._stream_numbers[row]]

    def size(self, row: int) -> int:
        return self.bytes_of(row, row + 1)

    def bytes_of(self, low: int, high: int) -> int:
        """What the service counts for the rows of low <= row < high."""
        if low >= high:
            return 0
        return self._ends[high - 1] - self._start(low) + EVENT_OVERHEAD * (high - low)

    def message(self, row: int) -> str:
        return self._bytes(row).decode()

    def shown(self, row: int, *, unmask: bool = False) -> str:
        """The message as it is given to callers, masked unless ``unmask``."""
        text = self.message(row)
        if unmask or not self.masks:
            return text
        return re.sub(self.masks, lambda found: "*" * len(found[0]), text)

    def queried(self, row: int, *, unmask: bool = False) -> str:
        """The message as Logs Insights has it: after the transformer."""
        text = self.shown(row, unmask=unmask)
        return json.dumps({"body": text.encode().hex()}) if self.transformed else text

    def rows_with(self, literal: bytes, low: int, high: int) -> Iterator[int]:
        """The rows of low <= row < high whose message contains ``literal``, in order."""
        if low >= high:
            return
        at, end = self._start(low), self._ends[high - 1]
        while (at := self._text.find(literal, at, end)) >= 0:
            row = bisect_right(self._ends, at)
            if at + len(literal) <= self._ends[row]:
                yield row
                at = self._ends[row]
            else:  # it straddles two events
                at += 1

    def _start(self, row: int) -> int:
        return self._ends[row - 1] if row else 0

    def _bytes(self, row: int) -> bytes:
        return bytes(self._text[self._start(row) : self._ends[row]])


class Store:
    """The groups of every account that this endpoint can see; ``region`` is that of the call."""

    def __init__(self) -> None:
        self.region: str | None = None
        self._groups: dict[tuple[str, str, str | None], LogGroup] = {}

    def add(self, group: LogGroup) -> LogGroup:
        self._groups[group.account, group.name, group.region] = group
        return group

    def remove(self, group: LogGroup) -> None:
        del self._groups[group.account, group.name, group.region]

    def settle(self) -> None:
        """Settle each group: once before a call, however many batches were put before it."""
        for group in self._groups.values():
            group.settle()

    def find(self, name: str, account: str = OWN_ACCOUNT) -> LogGroup | None:
        of_region = self._groups.get((account, name, self.region))
        return of_region or self._groups.get((account, name, None))

    def groups(self, account: str = OWN_ACCOUNT) -> list[LogGroup]:
        """Those of one account, in the order of their names."""
        found = (g for g in self._groups.values() if g.region in (None, self.region))
        return sorted((g for g in found if g.account == account), key=lambda g: g.name)
