"""Rows of a console or a log viewer that were copied as text.

The console copies times of the zone that it shows, and separates columns by tabs; tables in
tickets and chats have `` | `` or spaces between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedReader
from itertools import pairwise
from typing import Self

from retryctl.sources.saved.formats.doubled_messages import may_be_doubled
from retryctl.sources.saved.formats.event_times import Times, untimed
from retryctl.sources.saved.formats.header_patterns import (
    DAY,
    FRACTION,
    MILLIS,
    RUNTIME_MESSAGE,
    TIME,
)
from retryctl.sources.saved.formats.record_line import RECORD
from retryctl.sources.saved.formats.timed_text import TimedText
from retryctl.sources.saved.raw_blocks import RawBlock
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head

# 2026-11-23 03:00:00.123, 2026-11-23T04:00:00.123+01:00, 2026-11-23 03:00:00.123 UTC
_TIME = (
    b"(?P<second>" + DAY + b"[T ]" + TIME + b")" + FRACTION
    + rb"(?P<offset>(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)"
)  # fmt: skip
# ⏎-- | --, the rule behind the header of a table, which is the first row
_CELL = rb"[ \t:]*+-{2,}+[ \t:]*+"
_RULE = re.compile(
    rb"\n[ \t]*+\|?" + _CELL + rb"(?:\|" + _CELL + rb")++\|?[ \t]*+(?=\0)"
)  # fmt: skip


class PastedRows(TimedText):
    """Rows with a time at any offset; without one the time is UTC, as in Logs Insights."""

    name = "rows copied from the console"
    made_by = "CloudWatch console, log events: mark the rows and copy"
    # 2026-11-23T04:00:00.123+01:00⇥message
    # 2026-11-23T03:00:00.123Z | message
    # 2026-11-23 03:00:00.123  message
    header = (
        rb"(?:[ \t]*\|[ \t]*)?" + _TIME + rb"(?:\t+| +\| ?| {1,4}|(?=\r?\n)|\Z)"
        rb"(?!" + RUNTIME_MESSAGE + rb")"
    )  # fmt: skip

    def messages(self, joined: bytes) -> bytes:
        """Return the messages without the rule of a table."""
        return _RULE.sub(b"", joined) if b"-\0" in joined else joined


class MillisecondTable(TimedText):
    """Rows with bars before and behind times in milliseconds, and none behind the messages."""

    name = "rows of a table, in milliseconds"
    made_by = "aws logs … --output table, or a ticket: rows without the bar that ends them"
    # | 1795402800123 | message
    header = rb"[ \t]*\|[ \t]*" + MILLIS + rb"[ \t]*\|(?: |(?=\r?\n)|\Z)"


class ClockRows(TimedText):
    """Rows with the time of day: without the date they give an order, and no times."""

    name = "rows with the time of day"
    made_by = "a script or a log viewer that prints the time of day before each message"
    splittable = False
    has_times = False
    # 03:00:00  message
    header = rb"(?:[ \t]*\|[ \t]*)?" + TIME + rb"(?:[.,]\d{1,9})?(?:\t+| +\| ?| {1,4}|(?=\r?\n)|\Z)"

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if one of the messages is a record of Lambda."""
        return super().detect(head) if cls.shows_record(head) else None

    def times(self, fields: list[bytes], width: int, count: int) -> Times:
        """Return the places of the events."""
        return untimed(count, len(fields) // width)

    def joined_headers(self, text: bytes) -> Iterator[tuple[int, bool]]:
        """Return nothing: within a line a time of day is text."""
        return iter(())


# the time of the next event, where a message is empty; a message may begin with a time too
_NEXT = DAY + b"[T ]" + TIME + rb"\S*(?: (?:UTC|[+-]\d\d:?\d\d))?[ \t]*(?:\r?\n|\Z)"


class TimesAbove(TimedText):
    """Times at any offset, each alone on its line; without an offset the time is UTC."""

    name = "times above messages"
    made_by = "a log viewer: mark the events and copy"
    begins_with_message = True
    # 2026-11-23T03:00:00.123Z⇥
    # START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
    header = _TIME + rb"[ \t]*(?:\r?\n\t?(?!" + _NEXT + rb")|(?=\r?\n)|\Z)"

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if one of the first lines is a time and the next a record."""
        time_alone = cls(newline=head.newline)
        pairs = pairwise(head.lines)
        found = any(
            RECORD.match(message) and time_alone.begins_event(line) for line, message in pairs
        )
        return time_alone if found else None

    def parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the events of a part, and note messages that may stand twice in an open row."""
        for block in super().parts(segment, diagnostics):
            if any(map(may_be_doubled, self._messages_of(block.raw))):
                diagnostics.doubled_messages()
            yield block

    def _messages_of(self, text: bytes) -> list[bytes]:
        """Return the messages of a part of the text."""
        return self._pattern.split(b"\n" + text)[
            self._pattern.groups + 1 :: self._pattern.groups + 1
        ]
