"""Events of log streams in order, where a source does not keep it within a millisecond.

The rules are those of ``settled_lines``; here are the streams, one millisecond after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import groupby

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.attempt_lines import Line
from retryctl.core.history.settled_lines import (
    StreamState,
    branch_follows,
    request_id_of,
    settled_lines,
)
from retryctl.core.model.coverage import UNORDERED, Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import End, Record, Report, Start
from retryctl.core.timestamps import iso_text
from retryctl.core.value_classes import state_class, value_class
from retryctl.core.wording import number_of

_MOST_DOUBTS = 200

Moment = tuple[int, str]
"""A millisecond of a log stream: its time in epoch milliseconds, and the stream."""


@value_class
class Doubt:
    """``lines`` of one millisecond whose attempt or order is not settled.

    It concerns the attempts of ``log_stream`` that started in [since_ms, until_ms).
    """

    log_stream: str | None
    since_ms: int
    until_ms: int
    lines: int

    @property
    def moment(self) -> Moment:
        """The millisecond of the lines, where their stream is known."""
        return self.until_ms - 1, self.log_stream or ""


@value_class
class _Waiting:
    """A doubt about ``integers``, which matters if they do not lead to the branch that follows.

    Without integers it matters if any branch follows.
    """

    doubt: Doubt
    integers: frozenset[int]


@state_class
class EventOrder:
    """Puts the events of log streams in order, chunk by chunk; no millisecond is in two chunks.

    ``known`` are messages in the order of their stream, which count where there is a doubt.
    ``has_printed_start``: of two STARTs in one millisecond of a stream one is printed text, and
    the lines behind them do not show which.
    """

    markers: Markers = field(default_factory=Markers)
    doubts: list[Doubt] = field(default_factory=list)
    known: dict[Moment, list[str]] = field(default_factory=dict)
    has_printed_start: bool = False
    _states: dict[str, StreamState] = field(default_factory=dict)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _beside: dict[str, Doubt] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def resume(self, stream: str, state: StreamState) -> None:
        """Go on with a stream where lines of it were passed over, which this state sums up."""
        self._states[stream] = state

    @property
    def waits(self) -> bool:
        """Whether the next lines of a stream decide if there is a doubt."""
        return bool(self._waiting)

    def copy(self) -> EventOrder:
        """Return an independent order, in which a chunk can be tried."""
        return replace(
            self,
            doubts=[*self.doubts],
            _states={stream: replace(state) for stream, state in self._states.items()},
            _waiting={**self._waiting},
            _beside={**self._beside},
            _open={*self._open},
        )

    def ordered(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        """Return the events by time, then by stream, then by the rules of ``settled_lines``.

        Event IDs give the order of the events that have them.
        """
        ordered: list[LogEvent] = []
        by_time = sorted(events, key=moment_of)
        for (at_ms, stream), same in groupby(by_time, key=moment_of):
            lines = [(event, parse_record(event)) for event in same]
            state = self._states.setdefault(stream, StreamState())
            if stream in self._waiting:
                self.end_waiting(lines)
            if len(lines) > 1 and not all(event.event_id for event, _ in lines):
                behind = range(len(ordered) + len(lines), len(by_time))
                following = map(by_time.__getitem__, behind)
                lines = self._settled(lines, state, (at_ms, stream), following)
            for _, record in lines:
                state.note(record, at_ms, named=bool(stream))
                if not stream:
                    self._note_unnamed(record, at_ms)
            ordered += [event for event, _ in lines]
        return ordered

    def finish(self) -> None:
        """Doubt what no later line has settled."""
        self.doubts += dict.fromkeys(self._beside.values())
        self._beside.clear()

    def _note_unnamed(self, record: Record, at_ms: int) -> None:
        """Note a record of a log without streams; it may settle whether a START was printed."""
        request_id = request_id_of(record)
        doubt = self._beside.get(request_id)
        if isinstance(record, Report):
            self._open.discard(request_id)
            self._beside.pop(request_id, None)
        elif isinstance(record, Start):
            if doubt and (request_id in self._open or doubt.until_ms <= at_ms):
                self.doubts.append(self._beside.pop(request_id))
            self._open.add(request_id)

    def end_waiting(self, lines: Sequence[Line]) -> None:
        """Settle a doubt about integers by the lines of the next millisecond of their stream."""
        stream = lines[0][0].log_stream or ""
        waiting = self._waiting[stream]
        follows = branch_follows(lines, self.markers, waiting.integers)
        if follows is not None:
            del self._waiting[stream]
            self.doubts += [waiting.doubt] if follows else []

    def _settled(
        self,
        lines: list[Line],
        state: StreamState,
        moment: Moment,
        following: Iterable[LogEvent],
    ) -> list[Line]:
        at_ms, stream = moment
        named = bool(stream)
        found = settled_lines(lines, state, self.markers, named=named)
        if named and found.beside:
            real = _ends_first(found.beside, (e for e in following if e.log_stream == stream))
            self.has_printed_start |= not real
            found = settled_lines(lines, state, self.markers, named=named, real=real)
        elif found.beside:
            self._beside |= dict.fromkeys(found.beside, _doubt(moment, at_ms, len(found.beside)))
        if not (found.doubtful or found.last_integers):
            return [*found.lines]
        if messages := self.known.get(moment):
            return _as_in(messages, lines)
        since_ms = at_ms if found.start_here else state.started_ms
        since_ms = since_ms if stream else at_ms - LONGEST_ATTEMPT_MS
        doubt = _doubt(moment, since_ms, found.doubtful or len(found.last_integers) + 1)
        if found.if_branch_follows or not found.doubtful:
            integers = frozenset() if found.doubtful else found.last_integers
            self._waiting[stream] = _Waiting(doubt=doubt, integers=integers)
        else:
            self.doubts.append(doubt)
        return [*found.lines]


def _ends_first(request_ids: Collection[str], following: Iterable[LogEvent]) -> str:
    """Return the first of some requests that ends before another one starts; empty without one."""
    for event in following:
        record = parse_record(event)
        if isinstance(record, (End, Report)) and request_id_of(record) in request_ids:
            return request_id_of(record)
        if isinstance(record, Start):
            break
    return ""


def _doubt(moment: Moment, since_ms: int, lines: int) -> Doubt:
    at_ms, stream = moment
    return Doubt(log_stream=stream or None, since_ms=since_ms, until_ms=at_ms + 1, lines=lines)


def _as_in(messages: Sequence[str], lines: Iterable[Line]) -> list[Line]:
    """Return the lines in the order of ``messages``, which has each of them."""
    waiting: dict[str, list[Line]] = {}
    for line in lines:
        waiting.setdefault(line[0].message, []).append(line)
    return [waiting[message].pop(0) for message in messages]


def moment_of(event: LogEvent) -> Moment:
    """Return the millisecond of an event in its stream."""
    return event.timestamp_ms, event.log_stream or ""


def unordered_gaps(
    doubts: Sequence[Doubt], *, log_group: str | None, settle: str | None
) -> Iterator[Gap]:
    """Yield the gaps of lines of one millisecond whose order Insights does not give.

    ``settle`` closes each of them. Many doubts make one gap.
    """
    doubts = _by_moment(doubts)
    if len(doubts) > _MOST_DOUBTS:
        since_ms, until_ms = min(d.since_ms for d in doubts), max(d.until_ms for d in doubts)
        lines = sum(doubt.lines for doubt in doubts)
        doubts = [Doubt(log_stream=None, since_ms=since_ms, until_ms=until_ms, lines=lines)]
    for doubt in doubts:
        of = f"stream {doubt.log_stream}" if doubt.log_stream else log_group or "the log"
        yield Gap(
            kind=UNORDERED,
            message="Logs Insights does not give the order of "
            f"{number_of(doubt.lines, 'line')} of {of} in one millisecond "
            f"({iso_text(doubt.until_ms - 1)}): counters or errors depend on it",
            log_group=log_group,
            log_stream=doubt.log_stream,
            since_ms=doubt.since_ms,
            until_ms=doubt.until_ms,
            settle=settle,
            hides_lines=True,
        )


def _by_moment(doubts: Iterable[Doubt]) -> list[Doubt]:
    """Join the doubts of one millisecond."""
    joined: dict[Moment, Doubt] = {}
    for doubt in doubts:
        other = joined.setdefault(doubt.moment, doubt)
        since_ms, lines = min(doubt.since_ms, other.since_ms), max(doubt.lines, other.lines)
        joined[doubt.moment] = replace(doubt, since_ms=since_ms, lines=lines)
    return [*joined.values()]
