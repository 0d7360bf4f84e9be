"""A short name, a sign and a colour for each execution environment of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from retryctl.core.crosscheck.earlier_marks import new_environments
from retryctl.core.model.attempt import Attempt
from retryctl.core.value_classes import value_class
from retryctl.views.sentences import numbered

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


def unknown_legend(attempts: Sequence[Attempt], shown: Sequence[Attempt]) -> str:
    """Explain the sign of an unknown environment among the ``shown`` of a request's attempts.

    Empty where all are known.
    """
    if all(attempt.log_stream is not None for attempt in shown):
        return ""
    legend = f"{UNKNOWN.sign}: environment not known, as no line names a log stream; "
    if new := sorted(new_environments(attempts)):
        were = "were cold starts" if len(new) > 1 else "was a cold start"
        each = "each ran" if len(new) > 1 else "it ran"
        legend += (
            f"{numbered(new)} {were} after an error, so {each} in another one than the attempts "
            "before it"
        )
    else:
        legend += "each may be another"
    return legend


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
