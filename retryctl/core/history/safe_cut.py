"""Incremental segmentation of a stream in bounded memory.

The result of ``sequential_segmenter`` for a line depends on the lines before it and, for an open
attempt, on the lines that follow within its longest time. So the stream may be cut where a REPORT
closed an attempt, another START follows, and no later record can close an attempt before them. The
lines before the cut are final. The lines behind it are read with the last closed attempt in front,
its *context*, which shows the state of the environment.

``closed_piece`` makes a cut only where all of this is true; else it returns nothing, and the piece
has to grow. The pieces of a stream together give the same result as the whole stream.
"""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.history.attempt_lines import AttemptLines, Line
from retryctl.core.history.history_builder import stream_lines
from retryctl.core.history.sequential_segmenter import read_stream
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import AppLine, Start
from retryctl.core.value_classes import value_class


@value_class
class ClosedChunk:
    """The attempts of a piece, in order, and the events that the next piece begins with.

    These are ``context``, the last attempt, and ``between``, what follows it before the cut.
    ``lines`` are those of the piece itself, without its context and the START behind it.
    ``context_was_lost`` shows that the context no longer reads as the attempt that it was.
    """

    brackets: tuple[AttemptLines, ...]
    context: tuple[LogEvent, ...]
    lines: tuple[Line, ...]
    between: tuple[LogEvent, ...] = ()
    context_was_lost: bool = False


def closed_piece(
    context: Sequence[LogEvent], events: Sequence[LogEvent], opening: LogEvent
) -> ClosedChunk | None:
    """Return the piece ``events``, cut before the START ``opening``; ``None`` where it has to grow.

    ``context`` is that of the piece before, empty at the start of a stream.
    """
    lines = stream_lines([*context, *events, opening])
    brackets = read_stream(lines)
    if len(brackets) < 2 + bool(context) or brackets[-1].start is not opening:
        return None
    *whole, last = brackets[:-1]
    own = whole[1:] if context and whole else whole
    if context and whole[0].body[0][0] is not context[0]:
        return None
    final = all(_is_final(bracket, opening) for bracket in (*own, last))
    closed = last.report_event is not None and last.report_event.timestamp_ms < opening.timestamp_ms
    if not (final and closed) or last.managed or _has_loose_start(lines, brackets, opening):
        return None
    own_context = _context(last)
    if own_context is None:
        return None
    known = {*map(id, context), id(opening)}
    inside = {id(event) for event, _ in last.body}
    behind = max(at for at, (event, _) in enumerate(lines) if id(event) in inside) + 1
    return ClosedChunk(
        between=tuple(event for event, _ in lines[behind:] if event is not opening),
        brackets=(*own, last),
        context=own_context,
        lines=tuple(line for line in lines if id(line[0]) not in known),
    )


def _context(bracket: AttemptLines) -> tuple[LogEvent, ...] | None:
    """Return the lines of an attempt from its START on, where they show as much as all of them.

    Output can be dated before its own START. A record there would be read otherwise alone.
    """
    events = [event for event, _ in bracket.body]
    begins = events.index(bracket.start) if bracket.start else 0
    if any(not isinstance(record, AppLine) for _, record in bracket.body[:begins]):
        return None
    return tuple(events[begins:])


def last_piece(context: Sequence[LogEvent], events: Sequence[LogEvent]) -> ClosedChunk:
    """Return the piece at the end of a stream; the whole stream where it was never cut."""
    lines = stream_lines([*context, *events])
    brackets = read_stream(lines)
    known = set(map(id, context))
    first = brackets[0].body[0][0] if brackets else None
    return ClosedChunk(
        context_was_lost=bool(context) and first is not context[0],
        brackets=tuple(brackets[1:] if context else brackets),
        context=(),
        lines=tuple(line for line in lines if id(line[0]) not in known),
    )


def _is_final(bracket: AttemptLines, opening: LogEvent) -> bool:
    """Whether no record from ``opening`` on can be of this attempt."""
    return bracket.report is not None or _is_old(bracket.body[0][0], opening)


def _is_old(event: LogEvent, opening: LogEvent) -> bool:
    return event.timestamp_ms + LONGEST_ATTEMPT_MS < opening.timestamp_ms


def _has_loose_start(
    lines: Sequence[Line], brackets: Sequence[AttemptLines], opening: LogEvent
) -> bool:
    """Whether a START was taken for printed text that a later REPORT could still make true."""
    inside = {id(event) for bracket in brackets for event, _ in bracket.body}
    return any(
        isinstance(record, Start) and id(event) not in inside and not _is_old(event, opening)
        for event, record in lines
    )
