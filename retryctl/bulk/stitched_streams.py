"""Stitching: the fragments of one stream, which several scans read, put together in order.

Where one fragment ends within an attempt and the next begins, the lines on both sides are parsed
together. The first cut of the second fragment was a guess, made without the lines before it; here
the core confirms it, or the stream is *out of order* and is read as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from itertools import pairwise

from retryctl.bulk.chunk_tasks import ScanPlan
from retryctl.bulk.compact_attempts import Mention, compact_attempts
from retryctl.bulk.line_layout import events_of
from retryctl.bulk.packed_ends import EndOfStream, PackedEnds, StreamEnd, stream_end
from retryctl.bulk.stream_names import Stream
from retryctl.bulk.stream_state import StreamFragment
from retryctl.core.history.history_builder import mentions_in
from retryctl.core.history.lost_lines import has_lost_lines
from retryctl.core.history.safe_cut import ClosedChunk, closed_piece, last_piece
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.group_names import unqualified
from retryctl.core.value_classes import state_class, value_class
from retryctl.sources.saved.stream_filter import StreamFilter


@value_class
class StitchedStream:
    """A stream, with the attempts at the ends of its fragments."""

    stream: Stream
    attempts: tuple[Attempt, ...]
    mentions: tuple[Mention, ...]
    is_torn: bool


@state_class
class _StitchedSoFar:
    """What is stitched of a stream: its ``attempts``, and the lines behind the last one."""

    attempts: list[Attempt] = field(default_factory=list)
    mentions: tuple[Mention, ...] = ()
    is_torn: bool = False
    context: Sequence[bytes | LogEvent] = ()
    lines: list[bytes] = field(default_factory=list)
    placed_ms: int = 0


class StreamStitcher:
    """Stitches one stream after the other; ``packed_ends`` has the attempts that are packed."""

    def __init__(self, plan: ScanPlan) -> None:
        self._plan, self._selected = plan, StreamFilter(plan.query)
        self.packed_ends = PackedEnds(drops=bool(plan.shown))

    def stitch(self, fragments: Sequence[StreamFragment], number: int) -> StitchedStream | None:
        """Stitch the fragments of a stream, sorted by time; ``None`` where they are out of order.

        Its packed attempts have its ``number``. Raises NoEvent where a line is malformed.
        """
        if len({fragment.json for fragment in fragments} - {None}) > 1:
            return None
        if not all(_are_in_order(one, other) for one, other in pairwise(fragments)):
            return None
        found = _StitchedSoFar(is_torn=any(fragment.is_torn for fragment in fragments))
        for fragment in fragments:
            if fragment.head is None:
                found.lines += fragment.lines
            elif not self._add_head(found, fragment, number):
                return None
        if not self._add_tail(found, fragments[-1], number):
            return None
        return StitchedStream(
            stream=_stream(fragments),
            attempts=tuple(found.attempts),
            mentions=found.mentions,
            is_torn=found.is_torn,
        )

    def _add_head(self, found: _StitchedSoFar, fragment: StreamFragment, number: int) -> bool:
        """Add the attempts up to the fragment's first cut; return false where it does not hold."""
        head = fragment.head or []
        is_first = not found.context and not found.lines
        end = stream_end("first", fragment.head_attempt, head) if is_first else None
        if not self.packed_ends.pack(end, number):
            before, events, (opening,) = events_of(
                self._selected, found.context, [*found.lines, *head], [fragment.cut_line]
            )
            piece = closed_piece(before, events, opening)
            if piece is None or not _ends_as(piece, fragment, self._selected):
                return False
            self._add(found, piece, end, opens=not found.context, closes=False)
        found.context, found.lines = fragment.context, list(fragment.lines)
        found.placed_ms = fragment.placed_ms
        return True

    def _add_tail(self, found: _StitchedSoFar, last: StreamFragment, number: int) -> bool:
        """Add the attempts behind the last cut; return false where that does not hold."""
        place: EndOfStream = "last" if found.context else "only"
        is_whole = len(found.lines) == len(last.lines)
        end = stream_end(place, last.tail_attempt, found.lines) if is_whole else None
        if not self.packed_ends.pack(end, number):
            before, events = events_of(self._selected, found.context, found.lines)
            piece = last_piece(before, events)
            if piece.context_was_lost:
                return False
            if not found.context:
                found.mentions = tuple(mentions_in(piece.lines, piece.brackets))
            end = None if found.mentions else end
            self._add(found, piece, end, opens=not found.context, closes=True)
        return True

    def _add(
        self,
        found: _StitchedSoFar,
        piece: ClosedChunk,
        end: StreamEnd | None,
        *,
        opens: bool,
        closes: bool,
    ) -> None:
        """Add the attempts of a piece; others like the only one of a plain piece are packed."""
        plan = self._plan
        attempts = list(
            compact_attempts(
                piece.brackets, plan.markers, plan.settings, plan.shown, found.placed_ms
            )
        )
        is_torn = has_lost_lines(piece.brackets, opens=opens, closes=closes)
        self.packed_ends.learn(None if is_torn else end, attempts)
        found.attempts += attempts
        found.is_torn |= is_torn


def _are_in_order(one: StreamFragment, other: StreamFragment) -> bool:
    """Whether the lines of a fragment stand behind those of the one before it.

    Without an order of ties they have none in a millisecond of both.
    """
    if one.keeps_ties and other.keeps_ties:
        return one.last <= other.first
    return one.last < other.first and not (one.depends_behind or other.depends_before)


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
