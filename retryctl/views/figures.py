"""Figures as the text and the page of a summary both show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retryctl.core.comparing import Change
from retryctl.core.requests import RequestOutcome
from retryctl.core.summary import Tally
from retryctl.views.signs import NOTHING
from retryctl.views.summary_advice import reasons

Tallies = Sequence[tuple["str | None", Tally]]
"""Functions by name (``None``: the log does not say), in the order in which they are shown."""


def percent(part: float, whole: float) -> str:
    """``3.7 %``; no share that is not whole reads as 0 or as 100."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "under 0.1 %"
    if 99.95 <= share < 100:
        return "over 99.9 %"
    return f"{share:.1f} %"


def before_and_after(change: Change) -> tuple[str, str]:
    """The figure as it was and as it is."""
    return _shown(change, change.before), _shown(change, change.after)


def _shown(change: Change, value: float | None) -> str:
    if value is None:
        return NOTHING
    return percent(value, 1) if change.is_share else f"{value:,.12g}"


def _right(tally: Tally) -> str:
    right = tally.accuracy_on_retries()
    return NOTHING if right is None else percent(right, 1)


FUNCTION_FIGURES: dict[str, Callable[[Tally], str]] = {
    "requests": lambda tally: f"{tally.requests:,}",
    "retried": lambda tally: percent(tally.retried, tally.requests),
    "exhausted": lambda tally: f"{tally.outcomes[RequestOutcome.EXHAUSTED]:,}",
    "counter right": _right,
    "wrong because": lambda tally: next((rule for rule, _ in reasons(tally)), ""),
}
"""What a row for one of several functions tells, by the heads of its columns."""
