"""Stitching: the fragments of one stream, which several scans read, put together in order.

Where one fragment ends within an attempt and the next begins, the lines on both sides are parsed
together. The first cut of the second fragment was a guess, made without the lines before it; here
the core confirms it, or the stream is *out of order* and is read as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.bulk.compact_attempts import Mention, Shown, Stream, compact_attempts
from retryctl.bulk.line_layout import events_of
from retryctl.bulk.stream_state import StreamFragment
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.history_builder import mentions_in
from retryctl.core.history.lost_lines import has_lost_lines
from retryctl.core.history.safe_cut import ClosedChunk, closed_piece, last_piece
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.log_place import unqualified
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.stream_filter import StreamFilter


@value_class
class StitchedStream:
    """A stream, with the attempts at the ends of its fragments."""

    stream: Stream
    attempts: tuple[Attempt, ...]
    mentions: tuple[Mention, ...]
    is_torn: bool


def stitch(
    fragments: Sequence[StreamFragment],
    selected: StreamFilter,
    markers: Markers,
    settings: FunctionConfig,
    shown: Shown,
) -> StitchedStream | None:
    """Stitch the fragments of a stream, sorted by time; ``None`` where they are out of order."""
    if len({fragment.json for fragment in fragments} - {None}) > 1:
        return None
    attempts: list[Attempt] = []
    context: Sequence[bytes | LogEvent] = ()
    open_lines: list[bytes] = []
    placed_ms, latest = 0, b""
    torn = any(fragment.is_torn for fragment in fragments)
    for fragment in fragments:
        if fragment.first < latest:
            return None
        latest = fragment.last
        if fragment.head is None:
            open_lines += fragment.lines
            continue
        before, events, (opening,) = events_of(
            selected, context, [*open_lines, *fragment.head], [fragment.cut_line]
        )
        piece = closed_piece(before, events, opening)
        if piece is None or not _ends_as(piece, fragment, selected):
            return None
        torn |= has_lost_lines(piece.brackets, opens=not context, closes=False)
        attempts += compact_attempts(piece.brackets, markers, settings, shown, placed_ms)
        context, open_lines, placed_ms = fragment.context, list(fragment.lines), fragment.placed_ms
    before, events = events_of(selected, context, open_lines)
    piece = last_piece(before, events)
    if piece.context_was_lost:
        return None
    torn |= has_lost_lines(piece.brackets, opens=not context, closes=True)
    attempts += compact_attempts(piece.brackets, markers, settings, shown, placed_ms)
    return StitchedStream(
        stream=_stream(fragments),
        attempts=tuple(attempts),
        mentions=() if context else tuple(mentions_in(piece.lines, piece.brackets)),
        is_torn=torn,
    )


def _ends_as(piece: ClosedChunk, fragment: StreamFragment, selected: StreamFilter) -> bool:
    """Whether the last attempt of a piece is the one that the fragment took for it."""
    last = piece.brackets[-1]
    (guessed,) = events_of(selected, fragment.head_context)
    return _same(piece.context[0], guessed[0]) and _same(last.report_event, guessed[-1])


def _same(one: LogEvent | None, other: LogEvent) -> bool:
    return one is not None and (one.timestamp_ms, one.message, one.event_id) == (
        other.timestamp_ms,
        other.message,
        other.event_id,
    )


def _stream(fragments: Sequence[StreamFragment]) -> Stream:
    functions = [fragment.function[0] for fragment in fragments if fragment.function is not None]
    return Stream(
        log_group=fragments[0].group,
        log_stream=fragments[0].key[1],
        runtime_version=next(
            (fragment.runtime for fragment in fragments if fragment.runtime), None
        ),
        function=next(filter(unqualified, functions), functions[0]) if functions else None,
    )
