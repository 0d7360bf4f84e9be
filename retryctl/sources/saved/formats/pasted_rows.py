"""Rows copied from the console, and rows that jq or a query writes: a time, then the message.

The console copies times of the zone that it shows, and separates columns by tabs; tables in
tickets and chats have `` | `` or spaces between them.
"""

from __future__ import annotations

from retryctl.sources.saved.formats.header_patterns import DAY, FRACTION, TIME
from retryctl.sources.saved.formats.timed_text import TimedText


class PastedRows(TimedText):
    """Rows with a time at any offset; without one the time is UTC, as in Logs Insights."""

    name = "rows copied from the console"
    made_by = "CloudWatch console, log events: mark the rows and copy"
    # 2026-11-23T04:00:00.123+01:00⇥message
    # 2026-11-23T03:00:00.123Z | message
    # 2026-11-23 03:00:00.123  message
    header = (
        rb"(?:[ \t]*\|[ \t]*)?(?P<second>" + DAY + b"[T ]" + TIME + b")" + FRACTION
        + rb"(?P<offset>(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)(?:\t+| +\| ?| {1,4}|(?=\r?\n)|\Z)"
    )  # fmt: skip
