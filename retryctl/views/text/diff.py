"""The differences between the log lines of two attempts as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retryctl.core.attempt_diff import AttemptDiff, Stretch
from retryctl.core.crosscheck.attempt_check import AttemptCheck
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from retryctl.core.wording import number_of
from retryctl.views.attempts_table import branch_cell, counter_cell
from retryctl.views.blocks import BLANK, Block, Paragraph, Piece, Pieces, paragraph
from retryctl.views.coverage import coverage_blocks
from retryctl.views.inert_text import lines_of

_CONTEXT = 2
_MOST_SHOWN = 200
_IGNORED = "times, IDs and figures are ignored, except the counter"


def diff_blocks(
    found: AttemptDiff, checks: tuple[AttemptCheck, AttemptCheck], coverage: Coverage, tz: tzinfo
) -> Iterator[Block]:
    """Yield both attempts, and the lines that differ with a few equal ones around them."""
    yield Paragraph(lead=(("- ", "red"),), words=_side(found.left, checks[0]))
    yield Paragraph(lead=(("+ ", "green"),), words=_side(found.right, checks[1]))
    yield paragraph(_sentence(found), "bold")
    yield from (paragraph(words) for words in _not_compared(found))
    yield BLANK
    if not found.same:
        last = len(found.stretches) - 1
        for place, stretch in enumerate(found.stretches):
            yield from _stretch(stretch, is_first=place == 0, is_last=place == last)
        yield BLANK
    yield from coverage_blocks(coverage, tz)


def _side(attempt: Attempt, check: AttemptCheck) -> Pieces:
    """Name an attempt, with the counter and the branch that it logged."""
    words: list[Piece] = [(_name(attempt), "")]
    if attempt.claim.counter is not None:
        words += [("; counter ", ""), *counter_cell(attempt, check)]
    if attempt.claim.branch is not None:
        words += [("; branch ", ""), *branch_cell(attempt, check)]
    return words


def _name(attempt: Attempt) -> str:
    cold = ", a cold start" if attempt.cold_start else ""
    durable = f", durable execution {attempt.execution_arn}" if attempt.execution_arn else ""
    return (
        f"attempt {attempt.number} of {attempt.request_id}: {attempt.outcome.value}{cold}{durable}"
    )


def _sentence(found: AttemptDiff) -> str:
    if found.parts_after is None:
        count = number_of(len(found.left.events), "line")
        return f"Both logged the same {count}; {_IGNORED}."
    if found.parts_after == 0:
        return f"They differ from the first line; {_IGNORED}."
    count = number_of(found.parts_after, "equal line")
    return f"They differ after {count}; {_IGNORED}."


def _not_compared(found: AttemptDiff) -> Iterator[str]:
    """Yield what only one of them logged of the start of its environment."""
    for sign, names in zip("-+", found.starts_of_environments, strict=True):
        if names:
            yield f"Not compared, only in {sign}: the cold start ({', '.join(names)})."


def _stretch(stretch: Stretch, *, is_first: bool, is_last: bool) -> Iterator[Block]:
    if not stretch.same:
        yield from _lines(stretch.left, "- ", "red")
        yield from _lines(stretch.right, "+ ", "green")
        return
    head = 0 if is_first else _CONTEXT
    tail = 0 if is_last else _CONTEXT
    hidden = len(stretch.left) - head - tail
    if hidden <= 1:
        yield from _lines(stretch.left, "  ", "dim")
        return
    yield from _lines(stretch.left[:head], "  ", "dim")
    yield paragraph(f"  … {hidden:,} equal lines", "dim")
    yield from _lines(stretch.left[len(stretch.left) - tail :], "  ", "dim")


def _lines(events: Sequence[LogEvent], sign: str, style: str) -> Iterator[Block]:
    for event in events[:_MOST_SHOWN]:
        for line in lines_of(event.message):
            yield paragraph(line, style, lead=sign, lead_style=style)
    if len(events) > _MOST_SHOWN:
        more = len(events) - _MOST_SHOWN
        yield paragraph(f"… {more:,} more lines", style, lead=sign, lead_style=style)
