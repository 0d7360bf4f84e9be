"""One log stream, record by record, cut into attempts.

The law: an execution environment runs one request at a time and has one log stream. So a
line belongs to the attempt whose START..REPORT bracket it stands in; an ID in the line only
confirms. Output before START is init; late timeout and crash lines follow REPORT; what else
stands between two brackets is background output and belongs to nobody.

The theory of operation: for each START its own REPORT is looked up ahead. Where it exists,
everything between is the attempt's, even text that looks like a START or a REPORT: a function
may print what it likes. Where it does not, the bracket ends at the next START, and a REPORT of
another request tells that the START before it was only printed. A REPORT without a START
reaches back to the REPORT before it; prints there are nobody's, for nothing proves whose.

Two kinds of stream hold several open attempts: that of Managed Instances, and the nameless one
of a saved log that does not name its streams. There lines go by their own request ID, and in
the nameless one those without an ID to the only open attempt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice

from retryctl.core.brackets import (
    CLOSING,
    Bracket,
    Line,
    is_repeat,
    settle,
    within,
)
from retryctl.core.interleaved import Interleaved
from retryctl.core.records import (
    AppLine,
    End,
    InitStart,
    Record,
    Report,
    RestoreStart,
    RuntimeDone,
    Start,
)

# A function runs up to 900 s; its records can be late by a minute.
_LONGEST_BRACKET_MS = 960_000


def read_stream(lines: Sequence[Line]) -> list[Bracket]:
    """The attempts in the lines of one stream, which must be in the order of the stream."""
    if not lines:
        return []
    managed = _is_managed(lines)
    lines = _of_one_format(lines)
    if managed or lines[0][0].log_stream is None:
        brackets = Interleaved(lines, managed=managed).read()
    else:
        brackets = _Exclusive(lines).read()
    _describe(brackets, lines)
    return brackets


def _is_managed(lines: Sequence[Line]) -> bool:
    """Lambda Managed Instances: said by the init, or shown by a report of a duration alone."""
    return any(
        (isinstance(r, InitStart) and r.initialization_type == "lambda-managed-instances")
        or (isinstance(r, Report) and r.json and r.duration_ms is not None and not r.memory_size_mb)
        for _, r in lines
    )


def _of_one_format(lines: Sequence[Line]) -> list[Line]:
    """A stream is text or JSON; a START or REPORT in the other format is the function's text."""
    first = next((r.json for _, r in lines if isinstance(r, (Start, Report))), None)

    def own(record: Record) -> bool:
        return not isinstance(record, (Start, Report)) or record.json == first

    return [(e, r) if own(r) else (e, AppLine(text=e.message)) for e, r in lines]


def _describe(brackets: list[Bracket], lines: Sequence[Line]) -> None:
    """What the stream tells of all of its attempts."""
    inits = [r for _, r in lines if isinstance(r, (InitStart, RestoreStart))]
    runtime = next((r.runtime_version for r in inits if r.runtime_version), None)
    name = next((r.function_name for r in inits if isinstance(r, InitStart)), None)
    starts = any(isinstance(r, Start) for _, r in lines)
    good = any(isinstance(r, Report) and not r.failed for _, r in lines)
    for bracket in brackets:
        bracket.runtime_version = runtime
        bracket.function_name = name
        bracket.starts_unseen = bracket.json and not (starts or good)


# --------------------------------------------------------------------------- one at a time


class _Exclusive:
    """A stream of one environment that runs one request at a time."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.places: dict[str, list[int]] = defaultdict(list)  # of START, END, REPORT by ID
        for at, (_, record) in enumerate(lines):
            if isinstance(record, (Start, *CLOSING)):
                self.places[record.request_id].append(at)
        self.brackets: list[Bracket] = []
        self.between: list[Line] = []
        self.idle_seen = False  # whether it was seen that nothing runs here

    def read(self) -> list[Bracket]:
        at = 0
        while at < len(self.lines):
            _, record = self.lines[at]
            if isinstance(record, Start):
                at = self._started(at, record.request_id)
            elif isinstance(record, CLOSING):
                at = self._startless(at, record.request_id)
            else:
                self.idle_seen |= isinstance(record, (InitStart, RestoreStart))
                self.between.append(self.lines[at])
                at += 1
        settle(self.between, self._last, None)
        return self.brackets

    @property
    def _last(self) -> Bracket | None:
        return self.brackets[-1] if self.brackets else None

    def _started(self, at: int, request_id: str) -> int:
        """An attempt from its START on; returns the place of the first line behind it."""
        stop, closed = self._end_of(at, request_id)
        if not (closed or self.idle_seen) and self._is_printed(at, stop, request_id):
            event = self.lines[at][0]
            self.between.append((event, AppLine(text=event.message)))
            return at + 1
        return self._take(at, stop, request_id)

    def _startless(self, at: int, request_id: str) -> int:
        """A record of an attempt's end outside of any bracket: late, or its START was not seen."""
        line, last = self.lines[at], self._last
        if last and last.request_id == request_id and is_repeat(last, line):
            self.between.append(line)
            return at + 1
        ended = not isinstance(line[1], (End, RuntimeDone))
        return self._take(at, at + 1 if ended else self._end_of(at, request_id)[0], request_id)

    def _take(self, at: int, stop: int, request_id: str) -> int:
        event, record = self.lines[at]
        bracket = Bracket(
            request_id=request_id,
            log_group=event.log_group,
            log_stream=event.log_stream,
            start=event if isinstance(record, Start) else None,
            json=getattr(record, "json", False),
            after_another=bool(self.brackets),
        )
        settle(self.between, self._last, bracket)
        for line in self.lines[at:stop]:
            bracket.add(line)
        self.between = []
        self.brackets.append(bracket)
        self.idle_seen = True
        return stop

    def _end_of(self, at: int, request_id: str) -> tuple[int, bool]:
        """Where the bracket opened at ``at`` ends, and whether a record of its own closes it."""
        opening, record = self.lines[at]
        ended, limit = None, len(self.lines)
        places = self.places[request_id]
        for i in islice(places, bisect_right(places, at), None):
            event, closing = self.lines[i]
            if isinstance(closing, Start):
                if not within(opening, event):  # started again
                    limit = i
                    break
            elif event.timestamp_ms - opening.timestamp_ms > _LONGEST_BRACKET_MS:
                break
            elif isinstance(closing, Report):
                started = isinstance(record, Start)
                return self._past_repeats(i + 1, request_id) if started else i + 1, True
            else:
                ended = i + 1
        return ended or self._next_start(at, limit, request_id), ended is not None

    def _past_repeats(self, at: int, request_id: str) -> int:
        """Past an END or REPORT of the same attempt that comes again, or in another order."""
        past = at
        for i in range(at, len(self.lines)):
            event, record = self.lines[i]
            if isinstance(record, Start) or not within(self.lines[at - 1][0], event):
                break
            if isinstance(record, (End, Report)) and record.request_id == request_id:
                past = i + 1
        return past

    def _next_start(self, at: int, limit: int, request_id: str) -> int:
        for i in range(at + 1, limit):
            record = self.lines[i][1]
            if isinstance(record, Start) and record.request_id != request_id:
                return i
        return limit

    def _is_printed(self, at: int, stop: int, request_id: str) -> bool:
        """Whether an unclosed START was only printed: another request's END stands behind it."""
        return any(
            isinstance(record, (End, Report)) and record.request_id != request_id
            for _, record in self.lines[at + 1 : stop]
        )
