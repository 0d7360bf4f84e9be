"""A short name, a sign and a colour for each execution environment of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable

from retryctl.core.model.attempt import Attempt
from retryctl.core.value_classes import value_class

_SIGNS = "●◆■▲★▼"
_COLOURS = ("cyan", "magenta", "bright_blue", "yellow")
_FEWEST_LETTERS, _MOST_LETTERS = 4, 12

# 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef · …[7][0b6ff3f6-…]
_LETTERS = re.compile(r"([0-9A-Za-z-]+)\]?$")


@value_class
class EnvironmentLabel:
    """How one log stream is shown. ``name`` is plain ASCII; ``colour`` is one of sixteen."""

    name: str
    sign: str
    colour: str

    @property
    def label(self) -> str:
        """``● 1f3a``."""
        return f"{self.sign} {self.name}".rstrip()


UNKNOWN = EnvironmentLabel(name="", sign="?", colour="dim")
"""The environment of an attempt whose log stream is not known."""
UNKNOWN_LANE = f"{UNKNOWN.sign} not known"
UNKNOWN_LEGEND = (
    f"{UNKNOWN.sign}: environment not known, as no line names a log stream; each may be another"
)


def environments(attempts: Iterable[Attempt]) -> dict[str | None, EnvironmentLabel]:
    """Return the environments of ``attempts`` by log stream, in the order in which they appear."""
    streams = list(dict.fromkeys(a.log_stream for a in attempts if a.log_stream is not None))
    known: dict[str | None, EnvironmentLabel] = {None: UNKNOWN}
    for index, (stream, name) in enumerate(zip(streams, _names(streams), strict=True)):
        known[stream] = EnvironmentLabel(
            name=name,
            sign=_SIGNS[index % len(_SIGNS)],
            colour=_COLOURS[index % len(_COLOURS)],
        )
    return known


def _names(streams: list[str]) -> list[str]:
    """Shorten each stream's own part to the letters that distinguish it, else number them."""
    letters = [match[1] if (match := _LETTERS.search(stream)) else "" for stream in streams]
    for length in range(_FEWEST_LETTERS, _MOST_LETTERS + 1):
        names = [own[:length] for own in letters]
        if all(names) and len(set(names)) == len(names):
            return names
    return [f"env{number}" for number in range(1, len(streams) + 1)]
