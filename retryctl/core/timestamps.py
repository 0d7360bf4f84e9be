"""ISO 8601: the one reader and the one writer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from retryctl.core.late_regex import late_regex

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A log can contain any number as a time.
EARLIEST_MS = -62_135_510_400_000  # 2 January of the year 1
LATEST_MS = 253_402_214_400_000  # 31 December 9999


# 2026-11-23T03:00:00.123456789Z, 2026-11-23 03:00:00, 2026-11-23T04:00:00.1+01:00
_ISO = late_regex(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(?:Z|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)


@lru_cache(maxsize=1024)
def iso_ms(text: str) -> int | None:
    """Epoch milliseconds of an ISO 8601 date and time, UTC where it names no offset.

    ``None`` where it is none, or lies before 1970. What is finer than a millisecond is cut off.
    """
    found = _ISO.fullmatch(text)
    if not found:
        return None
    *numbers, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    since_epoch = moment - _EPOCH + (offset if sign == "-" else -offset)
    moment_ms = since_epoch // timedelta(milliseconds=1) + int((fraction or "")[:3].ljust(3, "0"))
    return moment_ms if moment_ms >= 0 else None


def iso_text(ms: int) -> str:
    """Epoch milliseconds as ``2026-11-23T03:00:00.123Z``; beyond a calendar its nearest end."""
    moment = _EPOCH + timedelta(milliseconds=min(max(ms, EARLIEST_MS), LATEST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
