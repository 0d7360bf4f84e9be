"""The changes since an earlier summary, each better, worse or neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retryctl.core.value_classes import value_class

Document = Mapping[str, Any]
"""A summary as its JSON has it."""


@value_class
class Change:
    """One figure before and now. ``verdict`` is ``better``, ``worse``, ``same`` or ``changed``.

    A share that reads the same in a tenth of a percent is the same. A figure is better
    or worse only where unknown outcomes could not change that. ``unit`` is the unit of a number,
    or the base of a share: ``of the requests``.
    """

    figure: str
    before: float | None
    after: float | None
    verdict: str
    is_share: bool = False
    unit: str = ""


def changes(before: Document, after: Document) -> list[Change]:
    """Compare the figures of two summaries.

    Raises KeyError or TypeError where one is not a summary.
    """
    return [_change(figure, before, after) for figure in _FIGURES] + _new_errors(before, after)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure, how it is read, and what is better: 1 for more, -1 for less, 0 for neither.

    ``unknown`` is how much more it may be.
    """

    name: str
    read: Callable[[Document], float | None]
    better: int
    is_share: bool = False
    unit: str = ""
    unknown: Callable[[Document], float] = lambda _: 0.0


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _p50(retry: int) -> Callable[[Document], float | None]:
    def read(document: Document) -> float | None:
        found = [waits["p50"] for waits in document["waits_s"] if waits["retry"] == retry]
        return float(found[0]) if found else None

    return read


_OF_REQUESTS = "of the requests"
_FIGURES = (
    _Figure("requests", lambda d: d["requests"], 0),
    _Figure(
        "retried requests",
        lambda d: _share(d["retried_requests"], d["requests"]),
        -1,
        True,
        _OF_REQUESTS,
    ),
    _Figure(
        "exhausted",
        lambda d: _share(d["outcomes"]["exhausted"], d["requests"]),
        -1,
        True,
        _OF_REQUESTS,
        lambda d: _share(d["outcomes"]["unknown"], d["requests"]) or 0.0,
    ),
    _Figure(
        "failed attempts",
        lambda d: _share(
            sum(
                count
                for outcome, count in d["attempt_outcomes"].items()
                if outcome not in ("ok", "running", "unknown")
            ),
            d["attempts"],
        ),
        -1,
        True,
        "of the attempts",
        lambda d: _share(d["attempt_outcomes"]["unknown"], d["attempts"]) or 0.0,
    ),
    _Figure(
        "counter right on retries",
        lambda d: d["counter"]["accuracy_on_retries"],
        1,
        True,
        "of the retries that logged one",
    ),
    _Figure("median wait of retry 1, s", _p50(1), 0),  # how long they wait is Lambda's doing
    _Figure("median wait of retry 2, s", _p50(2), 0),
    _Figure(
        "share of cost on retries (GB-s)",
        lambda d: _share(d["cost"]["gb_s_on_retries"], d["cost"]["gb_s"]),
        -1,
        True,
        "of all GB-s",
    ),
)


def _change(figure: _Figure, before: Document, after: Document) -> Change:
    old, new = figure.read(before), figure.read(after)
    return Change(
        figure=figure.name,
        before=old,
        after=new,
        verdict=_verdict(old, new, figure, figure.unknown(before), figure.unknown(after)),
        is_share=figure.is_share,
        unit=figure.unit,
    )


def _verdict(
    old: float | None, new: float | None, figure: _Figure, old_unknown: float, new_unknown: float
) -> str:
    if old == new:
        return "same"
    if old is None or new is None:
        return "changed"
    if figure.is_share and _reads_the_same(old, new):
        return "same"
    return _direction(old, new, figure.better, old_unknown, new_unknown)


def _direction(old: float, new: float, better: int, old_unknown: float, new_unknown: float) -> str:
    """Return the verdict on two figures, of which each may be more by what is unknown."""
    is_more, is_less = new > old + old_unknown, new + new_unknown < old
    if not better or not (is_more or is_less):
        return "changed"
    return "better" if is_more is (better > 0) else "worse"


def _reads_the_same(old: float, new: float) -> bool:
    """Whether two different shares print the same; 0 % and 100 % equal only themselves."""
    return not {old, new} & {0, 1} and f"{100 * old:.1f}" == f"{100 * new:.1f}"


def _new_errors(before: Document, after: Document) -> list[Change]:
    """Errors that were not there before, and those that are gone."""
    old = {(each["type"], each.get("frame")): each["count"] for each in before["errors"]}
    new = {(each["type"], each.get("frame")): each["count"] for each in after["errors"]}
    unknown = [float(each["attempt_outcomes"]["unknown"]) for each in (before, after)]
    return [
        Change(
            figure=f"error {' '.join(filter(None, kind))}",
            before=old.get(kind, 0),
            after=new.get(kind, 0),
            verdict=_direction(old.get(kind, 0), new.get(kind, 0), -1, *unknown),
            unit="attempts",
        )
        for kind in sorted(old.keys() ^ new.keys(), key=str)
    ]
