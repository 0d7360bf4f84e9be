"""The attempts of a request on a time axis: SVG, one lane for each execution environment.

Horizontal places are percentages of the width, and sizes are pixels: the picture fits a phone and
a wide screen, and its letters are as large as the text around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from itertools import pairwise

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.attempt import Attempt, wait_ms
from retryctl.core.model.events import is_timed
from retryctl.core.wording import number_of
from retryctl.views.attempts_table import UNKNOWN_LANE, Labels
from retryctl.views.html.markup import Markup, tag
from retryctl.views.signs import BAD, NOTHING, STYLES, outcome_sign
from retryctl.views.text.timeline import end_ms, round_times
from retryctl.views.times import day, duration, zone_name

_MOST_LANES = 12
# The height of a lane, and the places of its name, its line, the claims and the files.
_LANE, _NAME, _LINE, _CLAIM, _FILES = 100, 14, 42, 72, 88
_RADIUS = 12
_AXIS = 24
_FILE, _MOST_FILES = "▪", 5
_LONGEST, _SHORT = 14, 9  # letters of a branch's name that are drawn, and of a claim
# On the narrowest screen the picture is 240 px wide, 34 letters of the axis.
_CELLS = 34
# The width of a label in percent; on a phone it needs the larger one.
_ROOM_FOR_ATTEMPT, _AMPLE_FOR_ATTEMPT = 6.0, 20.0
_ROOM_FOR_WAIT, _AMPLE_FOR_WAIT = 14.0, 36.0


def picture(
    checked: CheckedRequest,
    known: Labels,
    files: Mapping[int, int],
    tz: tzinfo,
    horizon_ms: int | None,
) -> Markup | None:
    """Return a figure of all attempts; ``None`` where all times are equal.

    An attempt is drawn at its start; a running one extends to ``horizon_ms``.
    ``files`` has, by attempt number, the number of files in /tmp after the attempt.
    """
    attempts = checked.request.attempts
    if len(attempts) < 2 or not all(is_timed(attempt.placed_ms) for attempt in attempts):
        return None
    first, last = attempts[0].placed_ms, max(end_ms(a, horizon_ms) for a in attempts)
    if first == last:
        return None
    return _Drawing(checked, known, files, tz, (first, last)).figure(horizon_ms)


class _Drawing:
    """The places of the attempts in the picture, and what is drawn there."""

    def __init__(
        self,
        checked: CheckedRequest,
        known: Labels,
        files: Mapping[int, int],
        tz: tzinfo,
        bounds_ms: tuple[int, int],
    ) -> None:
        self._checked, self._known, self._files, self._tz = checked, known, files, tz
        self._first_ms, self._last_ms = bounds_ms
        streams = list(dict.fromkeys(a.log_stream for a in checked.request.attempts))
        self._left_out = len(streams[_MOST_LANES:])
        self._tops = {stream: n * _LANE for n, stream in enumerate(streams[:_MOST_LANES])}
        self._drawn = [a for a in checked.request.attempts if a.log_stream in self._tops]

    def figure(self, horizon_ms: int | None) -> Markup:
        height = len(self._tops) * _LANE
        svg = tag(
            "svg",
            *self._axis(height),
            *self._lanes(),
            *self._hops(),
            *self._attempts(horizon_ms),
            role="img",
            width="100%",
            height=height + _AXIS,
            aria_label=self._label(),
        )
        return tag("figure", svg, tag("figcaption", *self._caption()))

    def _label(self) -> str:
        attempts = self._checked.request.attempts
        known = len({attempt.log_stream for attempt in attempts} - {None})
        where = number_of(known, "execution environment")
        if None in {attempt.log_stream for attempt in attempts}:
            where = f"{where} and others" if known else "environments"
            where += " that are not known"
        return (
            f"{len(attempts)} attempts in {where} on a time axis; the table below has the same data"
        )

    def _caption(self) -> Iterator[str]:
        bounds = self._first_ms, self._last_ms
        yield f"{day(bounds[0], self._tz, year=True)}, {zone_name(self._tz, bounds)}. "
        yield "Each lane is an execution environment, each circle an attempt with its number and "
        yield "outcome; its counter and branch are below it. Dashes are waits."
        if None in self._tops:
            yield f" Attempts in the lane {UNKNOWN_LANE} may have run in different environments."
        if self._files:
            yield f" {_FILE} is a file of the request in /tmp, inferred from the log."
        if self._left_out:
            yield f" {self._left_out} more environments are not drawn."

    def _axis(self, height: int) -> Iterator[Markup]:
        for ms, label in round_times(self._first_ms, self._last_ms, self._tz, _CELLS):
            x = self._x(ms)
            yield tag("line", class_="grid", x1=x, x2=x, y1=0, y2=height + 4)
            yield tag("text", label, class_="tick dim", x=x, y=height + 19)

    def _lanes(self) -> Iterator[Markup]:
        for stream, top in self._tops.items():
            environment = self._known[stream]
            y = top + _LINE
            if stream is not None:
                yield tag("line", class_="lane", x1="0", x2="100%", y1=y, y2=y)
            name = UNKNOWN_LANE if stream is None else environment.label
            yield tag("text", name, class_=f"name {environment.colour}", x=0, y=top + _NAME)

    def _hops(self) -> Iterator[Markup]:
        """Yield a dashed line from each attempt's end to the next one's start, with its length."""
        for before, after in pairwise(self._drawn):
            start, end = self._share(end_ms(before, None)), self._share(after.placed_ms)
            y1, y2 = (self._tops[a.log_stream] + _LINE for a in (before, after))
            if end < start:
                continue
            x1, x2 = _percent(start), _percent(end)
            yield tag("line", class_="hop", x1=x1, x2=x2, y1=y1, y2=y2)
            wait = wait_ms(before, after)
            if wait is not None and end - start >= _ROOM_FOR_WAIT:
                x, y = _percent((start + end) / 2), (y1 + y2) // 2 + 4
                tight = " tight" if end - start < _AMPLE_FOR_WAIT else ""
                yield tag("text", duration(wait), class_=f"wait dim{tight}", x=x, y=y)

    def _attempts(self, horizon_ms: int | None) -> Iterator[Markup]:
        labelled: dict[str | None, float] = {}
        for attempt in self._drawn:
            start, stream = self._share(attempt.placed_ms), attempt.log_stream
            room = start - labelled.get(stream, -100.0)
            if room >= _ROOM_FOR_ATTEMPT:
                labelled[stream] = start
                marks = [*self._run(attempt, horizon_ms, _RADIUS), *self._details(attempt)]
            else:
                marks = [*self._run(attempt, horizon_ms, _RADIUS // 2)]
            tight = " tight" if room < _AMPLE_FOR_ATTEMPT else ""
            yield tag("g", *marks, class_=f"attempt {self._known[stream].colour}{tight}")

    def _run(self, attempt: Attempt, horizon_ms: int | None, radius: int) -> Iterator[Markup]:
        x, y = self._x(attempt.placed_ms), self._tops[attempt.log_stream] + _LINE
        ran = self._share(end_ms(attempt, horizon_ms)) - self._share(attempt.placed_ms)
        yield tag("rect", x=x, width=_percent(ran), y=y - 4, height=8)
        yield tag("circle", cx=x, cy=y, r=radius)

    def _details(self, attempt: Attempt) -> Iterator[Markup]:
        """Return its number, its outcome, its claim, and the files in its /tmp after it."""
        x, top = self._x(attempt.placed_ms), self._tops[attempt.log_stream]
        sign = outcome_sign(attempt.outcome)
        yield tag("text", str(attempt.number), class_="number", x=x, y=top + _LINE + 5)
        yield tag("text", sign, class_=f"sign {STYLES[sign]}", x=x, dx=18, y=top + _LINE - 9)
        yield self._claim(attempt, x, top + _CLAIM)
        if files := self._files.get(attempt.number):
            yield tag("text", _FILE * min(files, _MOST_FILES), class_="held", x=x, y=top + _FILES)

    def _claim(self, attempt: Attempt, x: str, y: int) -> Markup:
        """Draw the claim below the circle; a long one near an end is moved inwards."""
        counter, branch = attempt.claim.counter, attempt.claim.branch
        parts = [] if counter is None else [str(counter)]
        if branch is not None:
            parts.append(branch if len(branch) <= _LONGEST else f"{branch[: _LONGEST - 1]}…")
        text, style = " · ".join(parts) or NOTHING, "" if parts else "dim"
        if self._checked.checks[attempt.number - 1].verdict is AttemptVerdict.DISAGREES:
            text, style = f"{text} {BAD}", STYLES[BAD]
        if len(text) <= _SHORT:
            return tag("text", text, class_=f"claim {style}", x=x, y=y)
        leans, dx = ("right", -_RADIUS) if self._is_early(attempt) else ("left", _RADIUS)
        return tag("text", text, class_=f"claim {style} {leans}", x=x, dx=dx, y=y)

    def _is_early(self, attempt: Attempt) -> bool:
        return self._share(attempt.placed_ms) < 50

    def _x(self, ms: int) -> str:
        return _percent(self._share(ms))

    def _share(self, ms: int) -> float:
        return (ms - self._first_ms) / (self._last_ms - self._first_ms) * 100


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 100.0):.2f}%"
