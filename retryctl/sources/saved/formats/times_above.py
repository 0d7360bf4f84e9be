"""Rows copied from a log viewer that has the time of each event on a line above its message."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from retryctl.sources.saved.formats.header_patterns import DAY, FRACTION, TIME
from retryctl.sources.saved.formats.record_line import RECORD
from retryctl.sources.saved.formats.timed_text import TimedText
from retryctl.sources.saved.log_format import Head

_TIME = b"(?P<second>" + DAY + b"[T ]" + TIME + b")" + FRACTION

# the time of the next event, where a message is empty; a message may begin with a time too
_NEXT = DAY + b"[T ]" + TIME + rb"\S*(?: (?:UTC|[+-]\d\d:?\d\d))?[ \t]*(?:\r?\n|\Z)"


class TimesAbove(TimedText):
    """Times at any offset, each alone on its line; without an offset the time is UTC."""

    name = "times above messages"
    made_by = "a log viewer: mark the events and copy"
    begins_with_message = True
    # 2026-11-23T03:00:00.123Z⇥
    # START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
    header = (
        _TIME + rb"(?P<offset>(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)[ \t]*"
        + rb"(?:\r?\n\t?(?!" + _NEXT + rb")|(?=\r?\n)|\Z)"
    )  # fmt: skip

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if one of the first lines is a time and the next a record."""
        time_alone = cls(newline=head.newline)
        pairs = pairwise(head.lines)
        found = any(
            RECORD.match(message) and time_alone.begins_event(line) for line, message in pairs
        )
        return time_alone if found else None
