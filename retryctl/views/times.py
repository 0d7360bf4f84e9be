"""Times and durations for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from math import isfinite

from retryctl.core.model.attempt import Attempt, wait_ms
from retryctl.core.model.events import is_timed
from retryctl.core.timestamps import EARLIEST_MS, LATEST_MS, iso_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def at(ms: int, tz: tzinfo) -> datetime:
    """Return the moment of ``ms`` epoch milliseconds in ``tz``; the nearest that a calendar has."""
    within = min(max(ms, EARLIEST_MS), LATEST_MS)
    return (_EPOCH + timedelta(milliseconds=within)).astimezone(tz)


def iso(ms: int | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, ``2026-11-23T03:00:00.123Z``; ``None`` for no time."""
    if ms is None or not is_timed(ms):
        return None
    return iso_text(ms)


def offset_ms(ms: int, tz: tzinfo) -> int:
    """Return how far the clock of ``tz`` is ahead of UTC at this moment."""
    return (at(ms, tz).utcoffset() or timedelta()) // timedelta(milliseconds=1)


def clock(ms: int, tz: tzinfo, timespec: str = "milliseconds") -> str:
    """Return the time of day, ``03:00:00.123``; ``timespec`` as in ``datetime.isoformat``.

    Empty if the log has no times.
    """
    if not is_timed(ms):
        return ""
    return at(ms, tz).replace(tzinfo=None).time().isoformat(timespec=timespec)


def day(ms: int, tz: tzinfo, *, year: bool = False) -> str:
    """``23 Nov`` or ``23 Nov 2026``, in no language but English."""
    if not is_timed(ms):
        return ""
    when = at(ms, tz)
    name = f"{when.day} {_MONTHS[when.month - 1]}"
    return f"{name} {when.year}" if year else name


def on_one_day(moments_ms: Iterable[int], tz: tzinfo) -> bool:
    """Return whether all moments have one date in ``tz``."""
    return len({at(ms, tz).date() for ms in moments_ms}) <= 1


def stamp(ms: int, tz: tzinfo, timespec: str = "milliseconds", *, dated: bool) -> str:
    """Return the time of day, after its date where ``dated``: ``23 Nov 03:00:00.123``.

    In an hour that occurs twice the zone follows: ``02:30:00.123 CEST``.
    """
    zone = f" {zone_name(tz, (ms,))}" if _occurs_twice(ms, tz) else ""
    return f"{day(ms, tz)} " * dated + clock(ms, tz, timespec) + zone


def time_in_zone(ms: int, tz: tzinfo) -> str:
    """Return a time of day to the second, with the name of its zone."""
    return f"{clock(ms, tz, 'seconds')} {zone_name(tz, (ms,))}"


def _occurs_twice(ms: int, tz: tzinfo) -> bool:
    """Whether the clock of ``tz`` shows this time of its day twice."""
    if not is_timed(ms):
        return False
    when = at(ms, tz)
    return when.replace(fold=1 - when.fold).utcoffset() != when.utcoffset()


def zone_name(tz: tzinfo, moments_ms: Iterable[int]) -> str:
    """Return the names of ``tz`` at these moments: ``UTC``, ``CEST/CET``."""
    names = dict.fromkeys(at(ms, tz).tzname() or "?" for ms in moments_ms)
    return "/".join(names) or at(0, tz).tzname() or "?"


def moment(ms: int, tz: tzinfo, timespec: str = "milliseconds") -> str:
    """Date, time and zone: ``23 Nov 2026 03:00:00.123 UTC``."""
    return f"{day(ms, tz, year=True)} {clock(ms, tz, timespec)} {zone_name(tz, (ms,))}"


def span(since_ms: int, until_ms: int, tz: tzinfo) -> str:
    """Return a window to the minute: ``22 Nov 21:00 to 23 Nov 2026 03:05 UTC``."""
    since, until = clock(since_ms, tz, "minutes"), clock(until_ms, tz, "minutes")
    last, zone = day(until_ms, tz, year=True), zone_name(tz, (until_ms,))
    if (first := zone_name(tz, (since_ms,))) != zone:
        since = f"{since} {first}"
    if on_one_day((since_ms, until_ms), tz):
        return f"{last} {since} to {until} {zone}"
    other_year = at(since_ms, tz).year != at(until_ms, tz).year
    return f"{day(since_ms, tz, year=other_year)} {since} to {last} {until} {zone}"


def duration(ms: float) -> str:
    """Two units at most: ``54.6 ms``, ``12.4 s``, ``1 m 03 s``, ``2 h 05 m``, ``1 d 02 h``."""
    if not isfinite(ms):
        return "?"
    if ms < 0:
        return f"-{duration(-ms)}"
    if ms < 999.95:
        return f"{_short(ms, 1)} ms"
    if ms < 59_995:
        return f"{_short(ms / 1000, 2)} s"
    if (seconds := round(ms / 1000)) < 3600:
        return f"{seconds // 60} m {seconds % 60:02} s"
    if (minutes := round(ms / 60_000)) < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} m"
    hours = round(ms / 3_600_000)
    return f"{hours // 24:,} d {hours % 24:02} h"


def starts_ms(attempts: Iterable[Attempt]) -> list[int]:
    """Return the starts of the attempts, without unknown ones."""
    return [attempt.started_ms for attempt in attempts if attempt.started_ms is not None]


def waits_ms(attempts: Sequence[Attempt]) -> list[int | None]:
    """Return, for each attempt, the time since the end of the previous one; ``None`` if unknown.

    It is negative if the previous attempt had not ended.
    """
    first: list[int | None] = [None for _ in attempts[:1]]
    return [*first, *(wait_ms(before, after) for before, after in pairwise(attempts))]


def _short(number: float, digits: int) -> str:
    return f"{number:.{digits}f}".rstrip("0").rstrip(".")
