"""The runs of one stream joined: what several readings saw of it, put in its order.

Where one run ends within an attempt and the next begins, the lines on both sides are read
together. The cut that the second run began with was a guess, as it did not know what came
before; here the core confirms it, or the stream is *tangled* and has to be read whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retryctl.bulk.compact import Mention, Shown, Stream, compact_attempts
from retryctl.bulk.line_layout import events_of
from retryctl.bulk.stream_state import StreamFragment
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.build import mentions_in
from retryctl.core.history.safe_cut import ClosedChunk, closed_piece, last_piece
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.sources.saved.stream_filter import StreamFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class StitchedStream:
    """What the runs alone could not tell: the attempts at their ends, and the stream's own."""

    stream: Stream
    attempts: tuple[Attempt, ...]
    mentions: tuple[Mention, ...]


def stitch(
    runs: Sequence[StreamFragment],
    asked: StreamFilter,
    markers: Markers,
    settings: FunctionConfig,
    shown: Shown,
) -> StitchedStream | None:
    """The runs of one stream, sorted by their first event; ``None`` where they are tangled."""
    if len({run.json for run in runs} - {None}) > 1:
        return None
    attempts: list[Attempt] = []
    context: Sequence[bytes | LogEvent] = ()
    open_lines: list[bytes] = []
    placed_ms, latest = 0, b""
    for run in runs:
        if run.first < latest:
            return None
        latest = run.last
        if run.head is None:
            open_lines += run.held
            continue
        before, events, (opening,) = events_of(asked, context, [*open_lines, *run.head], [run.cut])
        piece = closed_piece(before, events, opening)
        if piece is None or not _ends_as(piece, run, asked):
            return None
        attempts += compact_attempts(piece.brackets, markers, settings, shown, placed_ms)
        context, open_lines, placed_ms = run.context, list(run.held), run.placed_ms
    before, events = events_of(asked, context, open_lines)
    piece = last_piece(before, events)
    if piece.context_was_lost:
        return None
    attempts += compact_attempts(piece.brackets, markers, settings, shown, placed_ms)
    return StitchedStream(
        stream=_stream(runs),
        attempts=tuple(attempts),
        mentions=() if context else tuple(mentions_in(piece.lines, piece.brackets)),
    )


def _ends_as(piece: ClosedChunk, run: StreamFragment, asked: StreamFilter) -> bool:
    """Whether the last attempt of a piece is the one that the run took for it."""
    last = piece.brackets[-1]
    (guessed,) = events_of(asked, run.head_context)
    return _same(piece.context[0], guessed[0]) and _same(last.report_event, guessed[-1])


def _same(one: LogEvent | None, other: LogEvent) -> bool:
    return one is not None and (one.timestamp_ms, one.message, one.event_id) == (
        other.timestamp_ms,
        other.message,
        other.event_id,
    )


def _stream(runs: Sequence[StreamFragment]) -> Stream:
    functions = [run.function[0] for run in runs if run.function is not None]
    return Stream(
        log_group=runs[0].group,
        log_stream=runs[0].key[1],
        runtime_version=next((run.runtime for run in runs if run.runtime), None),
        function=functions[0] if functions else None,
    )
