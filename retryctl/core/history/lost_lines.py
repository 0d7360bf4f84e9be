"""Signs of lost lines: attempts inside a stream that lack their START, END or REPORT.

Lambda writes them of every attempt, END in the text format alone. At the start and at the end of a
stream they may be cut off, or still to come; between two attempts they were lost, and so may be any
other line of the stream.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from retryctl.core.history.attempt_lines import AttemptLines, Line
from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.model.records import InitStart, RestoreStart, Unrecognised

LOST_LINES: Final = "lost-lines"
TornStream = tuple["str | None", "str | None"]
"""A log group and a log stream."""


def has_lost_lines(brackets: Sequence[AttemptLines], *, opens: bool, closes: bool) -> bool:
    """Whether the attempts of a stream, or of a piece of it, show that lines were lost.

    ``opens``: the first one is the first of the stream, ``closes``: the last one is the last.
    """
    if not brackets or brackets[0].log_stream is None or brackets[0].managed:
        return False  # several attempts are open at once
    first, behind_first = brackets[0], brackets[opens:]
    before_last = brackets[: len(brackets) - closes]
    return (
        (opens and _lacks_start(first) and _has_init(first))
        or any(map(_lacks_start, behind_first))
        or any(each.start is not None and each.report_event is None for each in before_last)
        or any(map(_lacks_end, brackets))
        or any(each.outlasts_report or each.follows_own_error for each in brackets)
        or (closes and brackets[-1].doubtful and bool(brackets[-1].ambiguous))
    )


def has_cut_record(lines: Sequence[Line]) -> bool:
    """Whether a record of Lambda lacks its end, as in lines cut at a width, or its request ID."""
    return any(isinstance(record, Unrecognised) and record.cut for _, record in lines)


def _lacks_start(bracket: AttemptLines) -> bool:
    return bracket.start is None and not bracket.starts_unseen


def _lacks_end(bracket: AttemptLines) -> bool:
    is_whole = bracket.start is not None and bracket.report is not None and not bracket.report.cut
    return bracket.lacks_end or (is_whole and not bracket.json and bracket.end is None)


def _has_init(bracket: AttemptLines) -> bool:
    """Whether the init of its environment is in the log: then its START was not cut off."""
    return any(isinstance(record, (InitStart, RestoreStart)) for _, record in bracket.lines)


def lost_lines(torn: Collection[TornStream], *, examined: bool) -> tuple[Gap, ...]:
    """Return the gap of a log whose streams ``torn`` show that lines were lost; none without one.

    ``examined``: all streams were read, so that the loss concerns every request of the log.
    """
    if not torn:
        return ()
    where = "a log stream" if len(torn) == 1 else f"{len(torn):,} log streams"
    gap = Gap(
        kind=LOST_LINES,
        message=f"in {where} an attempt lacks its START, END or REPORT, or one is cut: "
        "lines were lost",
        hides_attempts=examined,
        hides_lines=examined,
    )
    return (gap,)


def with_lost_lines(coverage: Coverage, torn: Collection[TornStream]) -> Coverage:
    """Return the coverage of a log that was read whole, with the streams that show a loss.

    Only saved logs lose lines.
    """
    if not torn or coverage.first_event_ms is None:
        return coverage
    gaps = (*coverage.gaps, *lost_lines(torn, examined=True))
    return replace(coverage, torn_streams=frozenset(torn), gaps=gaps)


LOST_IN_OWN_STREAM = Gap(
    kind=LOST_LINES,
    message="in its log stream an attempt lacks its START, END or REPORT: lines were lost",
    hides_attempts=True,
    hides_lines=True,
)
"""The gap for a request with an attempt in such a stream."""
