"""The attempts of a request drawn to scale, one lane for each execution environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import groupby

from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import is_timed
from retryctl.views.attempts_table import UNKNOWN_LANE, Labels
from retryctl.views.blocks import Piece
from retryctl.views.times import day, offset_ms, stamp

_MOST_LANES = 8
_MOST_TICKS = 6
_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_STEPS = (
    *(power * digit for power in (1, 10, 100, _SECOND) for digit in (1, 2, 5)),
    *(10 * _SECOND, 15 * _SECOND, 30 * _SECOND),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 30, 365, 3650, 36500)),
)


def timeline(
    attempts: Sequence[Attempt], known: Labels, tz: tzinfo, width: int, horizon_ms: int | None
) -> list[list[Piece]]:
    """Return a lane for each environment; see ``draw_lanes``."""
    lanes: dict[str | None, list[Attempt]] = {}
    for attempt in attempts:
        lanes.setdefault(attempt.log_stream, []).append(attempt)
    named = {stream: known[stream].label if stream else UNKNOWN_LANE for stream in lanes}
    return draw_lanes(
        [((named[stream], known[stream].colour), some) for stream, some in lanes.items()],
        tz,
        width,
        horizon_ms,
        rest="environments",
    )


def draw_lanes(
    lanes: Sequence[tuple[Piece, Sequence[Attempt]]],
    tz: tzinfo,
    width: int,
    horizon_ms: int | None,
    *,
    rest: str,
) -> list[list[Piece]]:
    """Return lines of ``width`` cells at most; none where all times are equal.

    Each lane has a label with its colour. An attempt is drawn at its start; a running one
    extends to ``horizon_ms``. Dashes join the attempts of a lane, unless their environments are
    not known. ``rest`` names the lanes that are not drawn.
    """
    attempts = [attempt for _, some in lanes for attempt in some]
    if len(attempts) < 2 or not all(is_timed(attempt.placed_ms) for attempt in attempts):
        return []
    first = min(attempt.placed_ms for attempt in attempts)
    last = max(end_ms(attempt, horizon_ms) for attempt in attempts)
    drawn = lanes if len(lanes) <= _MOST_LANES else lanes[: _MOST_LANES - 1]
    date = f" {day(first, tz)} "
    gutter = max(len(date), *(len(_gutter(label)) for (label, _), _ in drawn))
    cells = width - gutter
    if last == first or cells < 20:
        return []
    lines: list[list[Piece]] = []
    for (label, colour), some in drawn:
        lane = _Lane(cells, first, last, colour, joined=label != UNKNOWN_LANE)
        for attempt in some:
            lane.add(attempt, attempt.placed_ms, end_ms(attempt, horizon_ms))
        lines.append([(_gutter(label).ljust(gutter), colour), *lane.pieces()])
    if len(drawn) < len(lanes):
        lines.append([(f" and {len(lanes) - len(drawn)} more {rest}, not drawn", "dim")])
    axis = _axis(first, last, tz, cells)
    lines.append([(date.ljust(gutter), "dim"), (axis.rstrip(), "dim")])
    return lines


def end_ms(attempt: Attempt, horizon_ms: int | None) -> int:
    """Return the end of the attempt in the drawing; a running one extends to ``horizon_ms``."""
    end = horizon_ms if attempt.outcome is AttemptOutcome.RUNNING else attempt.ended_ms
    return max(attempt.placed_ms, attempt.placed_ms if end is None else end)


def _gutter(label: str) -> str:
    return f" {label}  "


class _Lane:
    """A line of cells: dashes from the first run to the last, a bar and a number for each."""

    def __init__(
        self, cells: int, first_ms: int, last_ms: int, colour: str, *, joined: bool
    ) -> None:
        self._cells: list[Piece] = [(" ", "")] * cells
        self._first_ms, self._last_ms = first_ms, last_ms
        self._colour, self._joined = colour, joined
        self._end: int | None = None

    def add(self, attempt: Attempt, start_ms: int, end_ms: int) -> None:
        start, end = self._column(start_ms), self._column(end_ms)
        if self._joined and self._end is not None:
            self._fill(self._end + 1, start, "╌", "dim")
        if end > start:
            self._fill(start, end + 1, "━", self._colour)
        label = str(attempt.number)
        self._write(label, start, "bold green" if attempt.outcome is AttemptOutcome.OK else "bold")
        self._end = max(end, start + len(label) - 1, self._end or 0)

    def pieces(self) -> list[Piece]:
        runs = groupby(self._cells, key=lambda cell: cell[1])
        return [("".join(text for text, _ in run), style) for style, run in runs]

    def _column(self, ms: int) -> int:
        return round((ms - self._first_ms) / (self._last_ms - self._first_ms) * self._last_column)

    @property
    def _last_column(self) -> int:
        return len(self._cells) - 1

    def _fill(self, start: int, stop: int, text: str, style: str) -> None:
        for column in range(start, min(stop, len(self._cells))):
            if not self._has_digit(column):
                self._cells[column] = (text, style)

    def _write(self, label: str, start: int, style: str) -> None:
        """Write the number if its cell is free, else a ``+`` for attempts that have no room."""
        start = min(start, len(self._cells) - len(label))
        if any(map(self._has_digit, range(max(start - 1, 0), start + len(label)))):
            label = "+"
            while start < len(self._cells) and self._has_digit(start):
                start += 1
        for column, letter in enumerate(label[: len(self._cells) - start], start):
            self._cells[column] = (letter, style)

    def _has_digit(self, column: int) -> bool:
        return self._cells[column][0].isdigit()


def _axis(first: int, last: int, tz: tzinfo, cells: int) -> str:
    line = [" "] * cells
    for moment, label in round_times(first, last, tz, cells):
        column = round((moment - first) / (last - first) * (cells - 1))
        if column + len(label) < cells:
            line[column : column + len(label) + 1] = f"╵{label}"
        elif column > len(label) and not "".join(line[column - len(label) - 1 :]).strip():
            line[column - len(label) : column + 1] = f"{label}╵"
    return "".join(line)


def round_times(first_ms: int, last_ms: int, tz: tzinfo, cells: int) -> Iterator[tuple[int, str]]:
    """Round times of the zone's own clock and their labels, as many as ``cells`` have room for."""
    for step in _STEPS:
        apart = step * (cells - 1) / (last_ms - first_ms)
        if apart >= max(len(_tick(first_ms, tz, step)) + 3, cells / _MOST_TICKS):
            break
    else:
        return
    offset = offset_ms(first_ms, tz)
    moment = -(-(first_ms + offset) // step) * step - offset
    while moment <= last_ms:
        yield moment, _tick(moment, tz, step)
        moment += step


def _tick(ms: int, tz: tzinfo, step: int) -> str:
    if step >= _DAY:
        return day(ms, tz, year=step > 30 * _DAY)
    timespec = "milliseconds" if step < _SECOND else "seconds" if step < _MINUTE else "minutes"
    return stamp(ms, tz, timespec, dated=False)
