"""Read times as people write them, and return epoch milliseconds.

Everything here is pure except ``zone("local")``, which reads the system's time zone.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from shlex import quote

from retryctl.core.late_regex import late_regex
from retryctl.errors import UsageError

ACCEPTED = (
    "Give a time as 90s, 15m, 2h30m, 3d, 1w or '1h ago' (that long ago), as "
    "2026-11-23T03:00:00Z, 2026-11-23 03:00, '23 Nov 2026 03:00', 03:00 or today (in --tz, by "
    "default UTC), or as epoch milliseconds."
)

# 90s · 2h30m · 1w · 1h ago · -5m · 10 minutes ago · 1 hour 5 min ago
_UNIT_WORD = late_regex(
    r"(?<=[0-9]) *(w|d|h|m|s)(?:eeks?|ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?(?![a-z])"
    r" *(?=[0-9]|$|ago)"
)
_AGO = late_regex(
    r"-?(?=[0-9])(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)? *(?:ago)?"
)
_UNITS_MS = (604_800_000, 86_400_000, 3_600_000, 60_000, 1000)

# 2026-11-23 · 2026-11-23T03:00 · 2026-11-23 03:00:00.123 · 2026-11-23T03:00:00Z · …+01:00
_ISO = late_regex(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    r"(Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)

# 23 Nov 2026 · 23 Nov 2026 03:00 · 23 Nov 03:00:04.123: as retryctl prints them
_PRINTED = late_regex(
    r"([0-9]{1,2}) ([A-Za-z]{3})[a-z]*(?: ([0-9]{4}))?"
    r"(?:,? ([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?))?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# 19:00 · 03:00:04.123: today
_CLOCK = late_regex(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?")
# 23 Nov 2026 03:00 UTC · 23 Nov 2026 12:00 UTC+09:00: as retryctl prints them
_IN_UTC = late_regex(r"(.+) UTC([+-][0-9]{2}:[0-9]{2})?")
# 25 Oct 2026 02:30 CEST: as retryctl prints them in a zone
_IN_ZONE = late_regex(r"(.+) ([A-Z]{2,5})")
# +09:00
_OFFSET = late_regex(r"[+-][0-9]{2}(?::?[0-9]{2})?")

# 1795402800123: thirteen digits run from 2001 to 2286
_EPOCH_MS = re.compile(r"[0-9]{13}")
_ABBREVIATION = 4  # the most letters of abbreviations such as JST and CEST
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Local(tzinfo):
    """The system's time zone, with its summer time."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        return None if when is None else when.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, when: datetime | None) -> str | None:
        return None if when is None else when.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, when: datetime) -> datetime:
        there = when.replace(tzinfo=UTC).astimezone()
        here = there.replace(tzinfo=self)
        # in an hour that occurs twice, the offset decides
        return here if here.utcoffset() == there.utcoffset() else here.replace(fold=1)

    def __str__(self) -> str:
        return "the local time zone"


def zone(name: str) -> tzinfo:
    """Return the time zone that ``--tz`` names: ``UTC``, ``local``, an IANA name or an offset.

    Raises ``UsageError``, with the nearest names, where there is none of that name.
    """
    if name.upper() == "UTC":
        return UTC
    if name.lower() == "local":
        _refuse_unknown_tz(os.environ.get("TZ", "").removeprefix(":"))
        return _Local()
    if _OFFSET.fullmatch(name):
        return _fixed_zone(name)
    if found := _iana(name):
        return found
    from zoneinfo import ZoneInfo, available_timezones

    known = {zone.lower(): zone for zone in available_timezones()}
    if name.lower() in known:
        return ZoneInfo(known[name.lower()])
    raise UsageError(f"{name!r} is not a time zone.", _near_zones(name, known.values()))


def _iana(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def _near_zones(name: str, known: Collection[str]) -> str:
    from retryctl.core.wording import suggestions

    if not known:
        return f"This system has no zones. Run: {quote(sys.executable)} -m pip install tzdata"
    # EST is spelled like JST, but is another zone
    hint = suggestions(name, known) if len(name) > _ABBREVIATION else ""
    return hint or "Give UTC, local or a zone by its place, such as Asia/Tokyo."


def _refuse_unknown_tz(name: str) -> None:
    """Refuse a TZ that the system silently reads as UTC; a rule such as ``JST-9`` has digits."""
    if name and not re.search(r"[0-9]|^/", name) and _iana(name) is None:
        raise UsageError(
            f"TZ={name} in the environment is not a time zone.",
            "Correct it, or give --tz, for example --tz Asia/Tokyo.",
        )


def read_time(text: str, *, now_ms: int, tz: tzinfo = UTC) -> int:
    """Return the epoch milliseconds of a time as a person writes it.

    A duration means that long before ``now_ms``; a time without an offset is in ``tz``. Raises
    ``UsageError`` that lists the accepted forms.
    """
    stripped = text.strip()
    if _EPOCH_MS.fullmatch(stripped):
        return int(stripped)
    if match := _AGO.fullmatch(_UNIT_WORD.sub(r"\1", stripped)):
        return _after_1970(text, now_ms - _sum_ms(match))
    offset = ""
    if match := _IN_UTC.fullmatch(stripped):
        stripped, offset = match[1], match[2] or "Z"
        tz = _fixed_zone(offset)
    elif match := _IN_ZONE.fullmatch(stripped):
        there = _spelled(match[1], now_ms, tz) or match[1]
        if offset := _offset_named(match[2], there, tz):
            stripped = there
    stripped = (_spelled(stripped, now_ms, tz) or stripped) + offset
    if match := _ISO.fullmatch(stripped):
        return _after_1970(text, _iso_ms(text, match, tz))
    if re.fullmatch(r"[0-9]{10}", stripped):
        raise UsageError(
            f"{text!r} is not a time: epoch times are in milliseconds.",
            f"If it is in seconds, give {stripped}000.",
        )
    raise UsageError(f"cannot read the time {text!r}.", ACCEPTED)


def _offset_named(abbreviation: str, text: str, tz: tzinfo) -> str:
    """Return the offset that ``tz`` calls by this abbreviation at a local time; ``""`` if none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return ""
    both = (when.replace(tzinfo=tz, fold=fold) for fold in (0, 1))
    return next((f"{one:%z}" for one in both if one.tzname() == abbreviation), "")


def read_duration(text: str) -> int:
    """Return the milliseconds of a duration as a person writes it: 90s, 5m, 1h30m, 5 minutes.

    Raises ``UsageError`` where it cannot be read.
    """
    match = _AGO.fullmatch(_UNIT_WORD.sub(r"\1", text.strip()))
    if match is None or "ago" in text or text.strip().startswith("-"):
        raise UsageError(f"{text!r} is not a duration.", "Give it as 90s, 5m or 1h30m.")
    return _sum_ms(match)


def is_ago(text: str | None) -> bool:
    """Whether a time is given as a duration before now."""
    return text is not None and bool(_AGO.fullmatch(_UNIT_WORD.sub(r"\1", text.strip())))


def read_window(
    since: str | None, until: str | None, *, now_ms: int, tz: tzinfo = UTC, tolerance_ms: int = 0
) -> tuple[int | None, int | None]:
    """Return ``--since`` and ``--until`` in epoch milliseconds, ``None`` where open.

    Raises ``UsageError`` where one cannot be read, the window is empty, or it is in the future
    by more than ``tolerance_ms``.
    """
    since_ms = None if since is None else read_time(since, now_ms=now_ms, tz=tz)
    until_ms = None if until is None else read_time(until, now_ms=now_ms, tz=tz)
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise UsageError(
            f"--since {since} is not before --until {until}.", "Swap them, or drop one."
        )
    if since_ms is not None and since_ms > now_ms + tolerance_ms:
        raise UsageError(f"--since {since} is in the future.", "Give a time in the past.")
    return since_ms, until_ms


def _spelled(text: str, now_ms: int, tz: tzinfo) -> str | None:
    """Return ``today``, ``19:00`` or ``23 Nov 2026 03:00`` as ISO 8601 in ``tz``, else ``None``."""
    today = datetime.fromtimestamp(now_ms / 1000, tz).date()
    if text.lower() in ("today", "yesterday"):
        return str(today - timedelta(days=text.lower() == "yesterday"))
    if _CLOCK.fullmatch(text):
        return f"{today}T{text.zfill(len(text) + (text[1] == ':'))}"
    match = _PRINTED.fullmatch(text)
    if match is None or match[2].lower() not in _MONTHS:
        return None
    day, month = int(match[1]), _MONTHS.index(match[2].lower()) + 1
    # without a year: the latest such day that is not in the future
    year = int(match[3] or today.year - ((month, day) > (today.month, today.day)))
    clock = match[4] or "00:00"
    return f"{year:04d}-{month:02d}-{day:02d}T{clock.zfill(len(clock) + (clock[1] == ':'))}"


def _fixed_zone(name: str) -> timezone:
    try:
        return _offset(name)
    except ValueError as error:
        raise UsageError(f"{name!r} is not a time zone: {error}.", "Give --tz +09:00.") from None


def _sum_ms(match: re.Match[str]) -> int:
    numbers = zip(match.groups(), _UNITS_MS, strict=True)
    return sum(int(number) * unit for number, unit in numbers if number)


def _iso_ms(text: str, match: re.Match[str], tz: tzinfo) -> int:
    date, clock, seconds, fraction, offset = match.groups()
    if offset and not clock:
        raise UsageError(f"cannot read the time {text!r}: an offset needs a time of day.", ACCEPTED)
    micros = (fraction or "0").ljust(6, "0")[:6]
    try:
        naive = datetime.fromisoformat(f"{date}T{clock or '00:00'}:{seconds or '00'}.{micros}")
        when = naive.replace(tzinfo=_offset(offset) if offset else tz)
    except ValueError as error:
        raise UsageError(f"the time {text!r} does not exist: {error}.", ACCEPTED) from None
    if when.utcoffset() != when.replace(fold=1).utcoffset():
        raise UsageError(
            f"{text!r} happens twice or never in {tz}: the clocks change there.",
            "Give it with an offset, such as +02:00.",
        )
    return (when - _EPOCH) // timedelta(milliseconds=1)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if minutes > 59:
        raise ValueError("minute of the offset must be in 0..59")
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if text[0] == "-" else ahead)


def _after_1970(text: str, moment_ms: int) -> int:
    if moment_ms < 0:
        raise UsageError(f"{text!r} is before 1970.", ACCEPTED)
    return moment_ms


def wait_limit(wait: str | None, timeout: str | None) -> str | None:
    """Return the time of ``--wait`` or of its alias ``--timeout``.

    ``""`` stands for ``--wait`` without a limit, ``None`` for no wait. Raises ``UsageError``.
    """
    if timeout is None:
        return wait
    if wait is None:
        raise UsageError("--timeout needs --wait.", "Give --wait too.")
    if wait:
        raise UsageError("--wait and --timeout both set the longest wait.", "Drop one of them.")
    return timeout
