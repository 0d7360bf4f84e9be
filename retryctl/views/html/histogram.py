"""Failed attempts over time: bars in SVG, and a table with the same data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta, tzinfo

from retryctl.views.html.markup import Markup, tag
from retryctl.views.html.page import table
from retryctl.views.text.timeline import round_times
from retryctl.views.times import at, moment

_MINUTE_MS = 60_000
_HOUR, _DAY = 60, 1440
_STEPS = (1, 5, 10, 30, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 7 * _DAY, 28 * _DAY)
_MOST_BARS = 60
_HEIGHT, _AXIS, _CELLS = 90, 24, 34
_NAMES = {1: "minute", _HOUR: "hour", _DAY: "day", 7 * _DAY: "week"}


def failures(
    by_minute: Mapping[int, int], first_ms: int, last_ms: int, tz: tzinfo
) -> Iterator[Markup]:
    """Yield a figure and a table of failed attempts, by minutes since the epoch."""
    minutes = last_ms // _MINUTE_MS - first_ms // _MINUTE_MS + 1
    step = next((step for step in _STEPS if minutes / step <= _MOST_BARS), None)
    step = step or -(-minutes // (_MOST_BARS * _DAY)) * _DAY
    counts = _gathered(by_minute, step, tz)
    start = min([_floor(first_ms // _MINUTE_MS, step, tz), *counts])
    end = max(_floor(last_ms // _MINUTE_MS, step, tz), *counts) + step
    peak = max(counts, key=lambda minute: (counts[minute], -minute))
    most = f"most {counts[peak]:,} at {moment(peak * _MINUTE_MS, tz, 'minutes')}"
    caption = f"Failed attempts by {_named(step)}, {most}"
    bars = [_bar(minute, count, counts[peak], start, end, step) for minute, count in counts.items()]
    yield tag(
        "figure",
        tag(
            "svg",
            *_axis(start * _MINUTE_MS, end * _MINUTE_MS, tz),
            *bars,
            role="img",
            width="100%",
            height=_HEIGHT + _AXIS,
            aria_label=f"{caption}; the table below has the same data",
        ),
        tag("figcaption", f"{caption}."),
    )
    rows = [
        (moment(minute * _MINUTE_MS, tz, "minutes"), f"{count:,}")
        for minute, count in sorted(counts.items())
    ]
    yield tag(
        "details",
        tag("summary", f"failed attempts by {_named(step)}, as a table"),
        table("Those with a failed attempt", (_named(step), "failed attempts"), rows),
    )


def _gathered(by_minute: Mapping[int, int], step: int, tz: tzinfo) -> Counter[int]:
    counts: Counter[int] = Counter()
    for minute, count in by_minute.items():
        counts[_floor(minute, step, tz)] += count
    return counts


def _floor(minute: int, step: int, tz: tzinfo) -> int:
    """Return the start of its step by the zone's own clock, in minutes since the epoch."""
    offset = (at(minute * _MINUTE_MS, tz).utcoffset() or timedelta()) // timedelta(minutes=1)
    return (minute + offset) // step * step - offset


def _bar(minute: int, count: int, most: int, start: int, end: int, step: int) -> Markup:
    height = max(round(count / most * (_HEIGHT - 10)), 2)
    return tag(
        "rect",
        class_="failed",
        x=f"{(minute - start) / (end - start) * 100:.3f}%",
        width=f"{step / (end - start) * 80:.3f}%",
        y=_HEIGHT - height,
        height=height,
    )


def _axis(first_ms: int, last_ms: int, tz: tzinfo) -> Iterator[Markup]:
    yield tag("line", class_="lane", x1="0", x2="100%", y1=_HEIGHT, y2=_HEIGHT)
    for ms, label in round_times(first_ms, last_ms, tz, _CELLS):
        x = f"{(ms - first_ms) / (last_ms - first_ms) * 100:.2f}%"
        yield tag("line", class_="grid", x1=x, x2=x, y1=0, y2=_HEIGHT + 4)
        yield tag("text", label, class_="tick dim", x=x, y=_HEIGHT + 19)


def _named(step: int) -> str:
    if step in _NAMES:
        return _NAMES[step]
    return (
        f"{step} minutes"
        if step < _HOUR
        else (f"{step // _HOUR} hours" if step < _DAY else f"{step // _DAY} days")
    )
