"""Failed attempts over time: bars in SVG, and a table with the same data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from retryctl.core.summary.histogram import Histogram
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.html.markup import Markup, tag
from retryctl.views.html.page import table
from retryctl.views.summary_figures import bucket_name, failures_over_time
from retryctl.views.text.timeline import round_times
from retryctl.views.times import moment

_HEIGHT, _AXIS, _CELLS = 90, 24, 34


def failures(tally: SummaryTally, tz: tzinfo) -> Iterator[Markup]:
    """Yield a figure and a table of failed attempts; nothing where none failed at a known time."""
    over = failures_over_time(tally, tz)
    if over is None:
        return
    each, most = bucket_name(over), max(over.counts)
    peak = moment(over.start_ms(over.counts.index(most)), tz, "minutes")
    caption = f"Failed attempts per {each}, peak {most:,} at {peak}"
    yield tag(
        "figure",
        tag(
            "svg",
            *_axis(over, tz),
            *_bars(over, most),
            role="img",
            width="100%",
            height=_HEIGHT + _AXIS,
            aria_label=f"{caption}; the table below has the same data",
        ),
        tag("figcaption", f"{caption}."),
    )
    rows = [
        (moment(over.start_ms(place), tz, "minutes"), f"{count:,}")
        for place, count in enumerate(over.counts)
        if count
    ]
    yield tag(
        "details",
        tag("summary", f"failed attempts per {each}, as a table"),
        table("Those with a failed attempt", ("start", "failed attempts"), rows),
    )


def _bars(over: Histogram, most: int) -> Iterator[Markup]:
    cell = 100 / len(over.counts)
    for place, count in enumerate(over.counts):
        if count:
            height = max(round(count / most * (_HEIGHT - 10)), 2)
            yield tag(
                "rect",
                class_="failed",
                x=f"{place * cell:.3f}%",
                width=f"{0.8 * cell:.3f}%",
                y=_HEIGHT - height,
                height=height,
            )


def _axis(over: Histogram, tz: tzinfo) -> Iterator[Markup]:
    first_ms, last_ms = over.start_ms(0), over.start_ms(len(over.counts))
    yield tag("line", class_="lane", x1="0", x2="100%", y1=_HEIGHT, y2=_HEIGHT)
    for ms, label in round_times(first_ms, last_ms, tz, _CELLS):
        x = f"{(ms - first_ms) / (last_ms - first_ms) * 100:.2f}%"
        yield tag("line", class_="grid", x1=x, x2=x, y1=0, y2=_HEIGHT + 4)
        yield tag("text", label, class_="tick dim", x=x, y=_HEIGHT + 19)
