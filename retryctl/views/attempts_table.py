"""The attempts of a request as a table, before it is fitted to a width, and their environments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from itertools import groupby

from retryctl.core.crosscheck.attempt_check import AttemptCheck, AttemptVerdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.earlier_marks import new_environments
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.events import is_timed
from retryctl.core.value_classes import value_class
from retryctl.views.blocks import Column, Paragraph, Pieces, Table
from retryctl.views.inert_text import cut
from retryctl.views.sentences import numbered
from retryctl.views.signs import BAD, GOOD, NOTHING, STYLES, UNSURE, outcome_sign
from retryctl.views.times import duration, on_one_day, stamp, starts_ms, waits_ms, zone_name

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


Labels = Mapping["str | None", EnvironmentLabel]
"""The label of each environment by its log stream."""

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
            name=name, sign=_SIGNS[index % len(_SIGNS)], colour=_COLOURS[index % len(_COLOURS)]
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


# --------------------------------------------------------------------------- the table


_MOST_OF_AN_ERROR = 600
_MOST_OF_A_RESPONSE, _MOST_OF_AN_ERROR_RESPONSE = 500, 200
_NONE: Pieces = [(NOTHING, "dim")]
_VERDICT_SIGNS = {
    AttemptVerdict.AGREES: GOOD,
    AttemptVerdict.DISAGREES: BAD,
    AttemptVerdict.UNDETERMINED: UNSURE,
}


def attempts_table(
    checked: CheckedRequest,
    shown: Sequence[Attempt],
    known: Labels,
    tz: tzinfo,
    *,
    dated: bool = False,
) -> Table:
    """Return the attempts ``shown``, one in a row, without columns that are empty.

    Starts have their day where the attempts are of several, or with ``dated``.
    """
    attempts = checked.request.attempts
    waits = waits_ms(attempts)
    digits = len(str(len(attempts)))
    cells: dict[str, list[Pieces]] = {
        "wait": [_wait(waits[a.number - 1]) for a in shown],
        "environment": [environment_cell(a, known) for a in shown],
        "version": [_one_piece(a.version) for a in shown] if len(versions(attempts)) > 1 else [],
        "outcome": [outcome_cell(a) for a in shown],
        "error": [_one_piece(error_detail(a)) for a in shown],
        "duration": [_one_piece(_maybe(a.duration_ms)) for a in shown],
        "memory": [_one_piece(memory(a)) for a in shown],
        "counter": [counter_cell(a, checked.checks[a.number - 1]) for a in shown],
        "branch": [branch_cell(a, checked.checks[a.number - 1]) for a in shown],
        "verdict": [_verdict(checked.checks[a.number - 1].verdict) for a in shown],
    }
    columns = {
        "number": Column(
            head="#".rjust(digits), cells=[[(str(a.number).rjust(digits), "")] for a in shown]
        ),
        "start": _start(shown, tz, dated=dated or not on_one_day(starts_ms(attempts), tz)),
        **{
            name: Column(head=name, cells=column)
            for name, column in cells.items()
            if any(cell != _NONE for cell in column)
        },
    }
    return Table(
        columns=columns,
        gives_way=("error", "memory", "duration", "version", "start"),
        clipped="outcome",
        instead=_instead(shown),
    )


def table_legend(checked: CheckedRequest, shown: Sequence[Attempt]) -> Iterator[str]:
    """Yield the meaning of the signs that the rows of the ``shown`` attempts have."""
    if words := unknown_legend(checked.request.attempts, shown):
        yield words
    checks = (checked.checks[attempt.number - 1] for attempt in shown)
    if any(each.at_least and False in (each.counter_agrees, each.branch_agrees) for each in checks):
        yield "+: or a later one, as earlier attempts may be missing from the log"


def _instead(shown: Sequence[Attempt]) -> dict[tuple[str, ...], list[Paragraph]]:
    """Paragraphs that replace a removed column: each text once, with its attempts."""
    return {
        ("error", "outcome"): _grouped(shown, _error_in_full),
        ("version",): _grouped(shown, lambda a: a.version and f"version {a.version}"),
    }


def _grouped(shown: Sequence[Attempt], text_of: Callable[[Attempt], str | None]) -> list[Paragraph]:
    groups: dict[str, list[int]] = {}
    for attempt in shown:
        if text := text_of(attempt):
            groups.setdefault(text, []).append(attempt.number)
    return [
        Paragraph(lead=[(" ", "")], words=[(f"{numbered(numbers)}: ", "dim"), (text, "")])
        for text, numbers in groups.items()
    ]


def versions(attempts: Sequence[Attempt]) -> list[str]:
    """Return the versions that ran, in the order of their first attempt."""
    return list(dict.fromkeys(a.version for a in attempts if a.version is not None))


def environment_cell(attempt: Attempt, known: Labels) -> Pieces:
    """``● 1f3a cold``; ``?`` where the log stream is not known."""
    environment = known[attempt.log_stream]
    cold = " cold" if attempt.cold_start else ""
    return [(environment.label, environment.colour), (cold, "")]


def outcome_cell(attempt: Attempt) -> Pieces:
    """Return a sign and the error's type, or Lambda's word for what happened."""
    sign = outcome_sign(attempt.outcome)
    return [(f"{sign} {outcome_word(attempt)}", STYLES[sign])]


def error_detail(attempt: Attempt) -> str:
    """Return the message, a crash's type and the place, without the words of the outcome."""
    error = attempt.error
    if error is None:
        return ""
    message = error.message or ""
    shown = attempt.outcome is AttemptOutcome.ERROR or message.partition(":")[0] == error.type
    error_text = ": ".join(text for text in (None if shown else error.type, message) if text)
    return ", at ".join(text for text in (cut(error_text, _MOST_OF_AN_ERROR), error.frame) if text)


def _error_in_full(attempt: Attempt) -> str | None:
    """Return the outcome with its error; ``None`` if nothing is known of the error."""
    if not attempt.outcome.failed or attempt.error is None:
        return None
    detail = error_detail(attempt)
    return f"{outcome_word(attempt)}: {detail}" if detail else outcome_word(attempt)


def response_lines(bodies: Iterable[bytes | None]) -> Iterator[str]:
    """Yield ``response of attempt 1: …``; equal responses in a row are named together."""
    texts = ("" if body is None else response(body) for body in bodies)
    for text, group in groupby(enumerate(texts, start=1), key=lambda each: each[1]):
        if text:
            yield f"response of {numbered([number for number, _ in group])}: {text}"


def response(body: bytes) -> str:
    """Return the response of an attempt, shortened; of an error its type and message."""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        error = json.loads(text)
        if isinstance(error, dict) and {"errorType", "errorMessage"} <= error.keys():
            trace = " (stack trace: -o json)" if error.get("stackTrace") else ""
            text = f"{error['errorType']}: {error['errorMessage']}"
            text = cut(text, _MOST_OF_AN_ERROR_RESPONSE) + trace
    return cut(text, _MOST_OF_A_RESPONSE)


def memory(attempt: Attempt) -> str:
    """``36 of 128 MB``."""
    if attempt.max_memory_used_mb is None:
        return ""
    size = "" if attempt.memory_size_mb is None else f" of {attempt.memory_size_mb:,}"
    return f"{attempt.max_memory_used_mb:,}{size} MB"


def _start(shown: Sequence[Attempt], tz: tzinfo, *, dated: bool) -> Column:
    zone = zone_name(tz, starts_ms(shown))

    def column(head: str, timespec: str, shorter: Column | None = None) -> Column:
        return Column(
            head=head,
            cells=[
                [("not in log" if is_timed(attempt.placed_ms) else "no time", "dim")]
                if attempt.started_ms is None
                else [(stamp(attempt.started_ms, tz, timespec, dated=dated), "")]
                for attempt in shown
            ],
            shorter=shorter,
        )

    short = column(f"start {zone}", "seconds")
    return column(f"start ({zone})", "milliseconds", shorter=short)


def _wait(wait_ms: int | None) -> Pieces:
    if wait_ms is not None and wait_ms < 0:
        return [("overlaps", "")]
    return _one_piece(_maybe(wait_ms))


def counter_cell(attempt: Attempt, check: AttemptCheck) -> Pieces:
    """``1``; ``0 not 2`` where it is wrong; ``0 not 2+`` where earlier attempts may be missing."""
    logged = attempt.claim.counter
    if logged is None:
        return _one_piece("")
    if check.counter_agrees is False:
        return [(f"{logged} not {check.counter_expected}{_more(check)}", STYLES[BAD])]
    return [(str(logged), "")]


def branch_cell(attempt: Attempt, check: AttemptCheck) -> Pieces:
    """``B``; ``A not C`` where it is wrong."""
    logged = attempt.claim.branch
    if check.branch_agrees is False:
        return [(f"{logged} not {check.branch_for_retries}{_more(check)}", STYLES[BAD])]
    return _one_piece(logged)


def _more(check: AttemptCheck) -> str:
    return "+" if check.at_least else ""


def _verdict(verdict: AttemptVerdict) -> Pieces:
    sign = _VERDICT_SIGNS.get(verdict)
    return [(f"{sign} {verdict.value}", STYLES[sign])] if sign else _NONE


def outcome_word(attempt: Attempt) -> str:
    """Return the error's type, or Lambda's word for what happened."""
    raised = attempt.error if attempt.outcome is AttemptOutcome.ERROR else None
    word = (raised.type if raised else None) or attempt.outcome.value
    return f"{word}, inferred" if attempt.outcome_inferred else word


def _maybe(ms: float | None) -> str:
    return "" if ms is None else duration(ms)


def _one_piece(text: str | None) -> Pieces:
    return [(text, "")] if text else _NONE
