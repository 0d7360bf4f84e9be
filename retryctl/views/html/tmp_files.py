"""The files of a request in /tmp, inferred from its log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.crosscheck.earlier_marks import EarlierMarks, counts_in_tmp, was_recorded
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.request import Request
from retryctl.views.attempts_table import Labels
from retryctl.views.html.markup import Markup, joined, tag


def files_are_inferred(request: Request) -> bool:
    """Return whether the function may count in /tmp and its log names the streams."""
    attempts = request.attempts
    return (
        any(not attempt.claim.silent for attempt in attempts)
        and all(map(counts_in_tmp, attempts))
        and all(attempt.log_stream is not None for attempt in attempts)
    )


def files_after(request: Request, branches: Branches) -> dict[int, int]:
    """Return, by attempt number, the least number of files in its environment after it."""
    if not files_are_inferred(request):
        return {}
    marks = EarlierMarks(request.attempts, branches)
    return {
        attempt.number: marks.in_environment(attempt)[0] + (was_recorded(attempt, branches) is True)
        for attempt in request.attempts
    }


def files_around(
    request: Request, attempt: Attempt, known: Labels, branches: Branches
) -> list[tuple[str, Markup]]:
    """Return a label for each place or moment, and the files of the request there.

    First its own environment, before and after it; then the environments it could not read.
    """
    name = known[attempt.log_stream].label
    earlier = request.attempts[: attempt.retries]
    here = [other for other in earlier if other.log_stream == attempt.log_stream]
    places = [
        (f"{name} before", _files(here, known, branches)),
        (f"{name} after", _files([*here, attempt], known, branches)),
    ]
    elsewhere = [other for other in earlier if other not in here]
    if any(was_recorded(other, branches) is not False for other in elsewhere):
        places.append(("in other environments", _files(elsewhere, known, branches)))
    return places


def _files(attempts: Sequence[Attempt], known: Labels, branches: Branches) -> Markup:
    chips = list(_chips(attempts, known, branches))
    return tag("ul", *chips, class_="files") if chips else tag("span", "no file", class_="dim")


def _chips(attempts: Iterable[Attempt], known: Labels, branches: Branches) -> Iterable[Markup]:
    for attempt in attempts:
        left, environment = was_recorded(attempt, branches), known[attempt.log_stream]
        if left is None:
            yield tag("li", f"perhaps of attempt {attempt.number}", class_="file perhaps")
        elif left:
            sign = tag("span", f"{environment.sign} ", class_=environment.colour)
            yield tag("li", joined([sign, f"of attempt {attempt.number}"]), class_="file")
