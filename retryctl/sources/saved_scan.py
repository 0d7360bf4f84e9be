"""The log lines of many streams, cut into attempts while they are read, at the speed of bytes.

Most attempts are alike: START, lines of no consequence, END, REPORT. So each line is told by its
first bytes, and only what could matter is parsed. The lines of an open attempt are held until its
REPORT; what its lines say is its *shape*: the records without IDs, times and figures. The core
reads the first attempt of every shape, and the others are the same but for their ID, times and
figures. An attempt of no known shape goes to the core line by line, and no other rule is used.

A *run* is what one reading saw of one stream, in order. Where it began or ended within an attempt
it keeps these lines, its head and its tail, for ``saved_runs`` to join.
"""

from __future__ import annotations

import json
import re
from binascii import unhexlify
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from retryctl.core.attempts import Attempt
from retryctl.core.brackets import LONGEST_BRACKET_MS
from retryctl.core.claims import Markers, read_claim
from retryctl.core.grammar import read
from retryctl.core.kept import RECORD, kept, part_of, part_of_packed
from retryctl.core.pieces import Piece, closed_piece
from retryctl.core.records import (
    AppLine,
    End,
    FunctionError,
    FunctionSettings,
    InitStart,
    LogEvent,
    Record,
    Report,
    RestoreStart,
    RuntimeDone,
    Start,
    TimedOut,
    Unrecognised,
)
from retryctl.sources.saved import Asked
from retryctl.sources.saved_event import SavedEvent
from retryctl.sources.saved_json import line_event

MOST_RUNS = 64
"""A stream that is out of order more often is not worth cutting."""
MOST_SHAPES = 20_000
MOST_KINDS = 50_000
MOST_TOLD = 5_000
MOST_HELD = 100_000
"""As many lines of one stream may wait for the end of an attempt."""

_ID = rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# {"logStreamName":"2026/11/23/[$LATEST]0123…","timestamp":1795402800123,"message":"…
_HEADER = re.compile(
    rb'(\{(?:"logGroupName": ?"[^"\\]*", ?)?"logStreamName": ?"[^"\\]*", ?"timestamp": ?)'
    rb'(\d{13})(, ?"message": ?")'
)
_KEY = re.compile(rb'\{(?:"logGroupName": ?"([^"]*)", ?)?"logStreamName": ?"([^"]*)"')
_START = re.compile(rb"START RequestId: (" + _ID + rb') Version: (\$LATEST|\d+)(?:\\n)?"')
_END = re.compile(rb"END RequestId: (" + _ID + rb')(?:\\n)?"')
_N = rb"\d{1,9}(?:\.\d{1,9})?"
_REPORT = re.compile(
    rb"REPORT RequestId: ("
    + _ID
    + rb")\\tDuration: "
    + _N
    + rb" ms\\tBilled Duration: (\d{1,9}) ms"
    rb"\\tMemory Size: (\d{1,9}) MB\\tMax Memory Used: \d{1,9} MB\\t"
    rb"(?:Init Duration: " + _N + rb" ms\\t)?(?:Status: (timeout)(?:\\t)?)?(?:\\n)?"
    rb'(?:XRAY TraceId: [\w-]+\\tSegmentId: \w+\\tSampled: (?:true|false)\\t(?:\\n)?)?"'
)

_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"')

# What the first bytes of a message tell. _LOOK: only the whole line does.
_PLAIN, _TEXT, _STARTS, _ENDS, _REPORTS, _LOOK = range(6)
_HEAD_BYTES = 6
_HEADS = tuple(
    word[:_HEAD_BYTES]
    for word in (
        *(b"START RequestId", b"END RequestId", b"REPORT RequestId", b"RequestId: "),
        *(b"INIT_START ", b"INIT_REPORT", b"RESTORE_", b"EXTENSION", b"TELEMETRY", b"LOGS"),
        *(b"LAMBDA_WARNING", b"[ERROR]", b"[WARNING]", b"process "),
        *(b"Error raised", b"Critical exception", b"Init error"),
    )
)
_FIRST_BYTES = frozenset(b'0123456789{" \\') | frozenset(range(0x80, 0x100))
# In a line that begins with a time: a timeout, an error of Node.js, .NET or Go.
_TIMED = re.compile(
    rb'\d{4}/|[^"]{1,90} Task timed out|(?:[^"\\]|\\t){1,90}\\t(?:ERROR|FATAL|fail)\\t'
)
_TELLING_JSON = re.compile(rb"platform\.|[rR]ror|ERROR|FATAL|retryctl|\\\\u|AWSRequestId")


class Run:
    """What was seen of one stream, in order, since it was last cut."""

    __slots__ = (
        "between_tells",
        "context",
        "cut",
        "end",
        "first",
        "function",
        "group",
        "head",
        "head_context",
        "held",
        "json",
        "key",
        "last",
        "number",
        "open_at",
        "open_id",
        "own_end",
        "patience_ms",
        "placed_ms",
        "plain",
        "report",
        "report_at",
        "runtime",
        "shape",
        "start",
        "undecided_ms",
    )

    def __init__(self, number: int, key: tuple[str | None, str], first: bytes) -> None:
        self.number, self.key = number, key
        self.first = self.last = first
        self.held: list[Any] = []  # lines; events where the core has read them
        self.head: list[bytes] | None = None
        self.cut = b""
        self.context: list[Any] = []
        self.head_context: list[bytes] = []
        self.group: str | None = None
        self.placed_ms = 0
        self.patience_ms = LONGEST_BRACKET_MS
        self.json: bool | None = None
        self.runtime: str | None = None
        self.function: tuple[str | None] | None = None
        self.undecided_ms = 0
        self._forget()

    def _forget(self) -> None:
        self.open_id = self.own_end = b""
        self.open_at = self.report_at = -1
        self.start = self.end = 0
        self.report: tuple[int, int, int] | None = None
        self.plain = False
        self.between_tells = False
        self.shape: tuple[object, ...] = ()

    def opens(self, request_id: bytes, start_ms: int, line: bytes, token: object) -> None:
        """Begin an attempt with its START ``line``."""
        self.plain = not self.held  # else it was not cut, or an init was told
        self.open_id, self.own_end = request_id, request_id + b'\\n"'
        self.open_at, self.report_at = len(self.held), -1
        self.start, self.end, self.report = start_ms, 0, None
        self.between_tells = False
        self.shape = (token,)
        self.held.append(line)


@dataclass(slots=True, kw_only=True)
class Scanned:
    """What one reading found; ``plain`` and ``others`` are dealt to parts by the request's ID."""

    runs: list[Run] = field(default_factory=list)
    tangled: set[tuple[str | None, str]] = field(default_factory=set)
    plain: list[bytearray]
    others: list[list[tuple[int, Attempt]]]
    shapes: list[Attempt] = field(default_factory=list)
    log_groups: set[str] = field(default_factory=set)
    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    unrecognised: dict[int, set[str | int]] = field(default_factory=dict)
    odd: bool = False


class Scan:
    """Reads lines of JSON, each an event; ``found`` is what came of them."""

    def __init__(
        self,
        asked: Asked,
        markers: Markers,
        settings: FunctionSettings,
        *,
        parts: int,
        until_ms: int | None,
    ) -> None:
        self._asked, self._markers, self._settings = asked, markers, settings
        self._parts = parts
        self._until = b":" if until_ms is None else b"%013d" % until_ms
        self._width = 0
        self._kinds_from = 0
        self._runs: dict[bytes, Run] = {}
        self._places: dict[bytes, tuple[str | None, str] | None] = {}
        self._latest: dict[tuple[str | None, str], Run] = {}
        self._count: dict[tuple[str | None, str], int] = {}
        self._kinds: dict[bytes, int] = {}
        self._shapes: dict[tuple[object, ...], int] = {}
        self._told: dict[tuple[bytes, ...], object] = {}
        self._before_ms = 0
        self.found = Scanned(
            plain=[bytearray() for _ in range(parts)], others=[[] for _ in range(parts)]
        )

    # ----------------------------------------------------------------- lines

    def read(self, lines: list[bytes]) -> None:
        """Read some lines, which follow those before."""
        runs, kinds, until = self._runs, self._kinds, self._until
        width = self._width
        stamp, head = width + 13, self._kinds_from
        self.found.events += len(lines)
        for line in lines:
            run = runs.get(line[:width])
            kind = kinds.get(line[stamp:head])
            if run is not None and kind is not None and line[-2:] == b"}\n":
                moment = line[width:stamp]
                if run.last <= moment < until:
                    run.last = moment
                    if kind == _PLAIN or (kind == _TEXT and b"\\tat " not in line):
                        run.held.append(line)
                    elif (
                        kind == _ENDS
                        and line[head + 9 : head + 48] == run.own_end
                        and run.report is None
                        and not run.end
                    ):
                        run.end = int(moment)
                        run.held.append(line)
                    else:
                        self._tell(run, line, moment, kind, head - _HEAD_BYTES)
                    continue
            if self._unusual(line):
                width, head = self._width, self._kinds_from
                stamp = width + 13
        self._relieve()

    def _unusual(self, line: bytes) -> bool:
        """A line whose stream, layout or place is new; returns whether the layout was learned."""
        found = _HEADER.match(line) if line.endswith((b"}\n", b"}\r\n")) else None
        if not found:
            self._unlike(line)
            return False
        learned = not self._width
        key, moment, message = found[1], found[2], found.end()
        if learned:
            self._width, self._kinds_from = found.end(1), message + _HEAD_BYTES
        place = self._place(key)
        run = self._run(place, moment) if place and moment < self._until else None
        if run is None:
            self._see(int(moment))
            return learned
        kind = self._kind(line[message : message + _HEAD_BYTES])
        if message == self._kinds_from - _HEAD_BYTES and line.endswith(b"}\n"):
            self._runs[key] = run
            if len(self._kinds) > MOST_KINDS:
                self._kinds.clear()
            self._kinds[line[found.end(2) : self._kinds_from]] = kind
        run.last = moment
        if kind == _PLAIN or (kind == _TEXT and b"\\tat " not in line):
            run.held.append(line)
        else:
            self._tell(run, line, moment, kind, message)
        return learned

    def _unlike(self, line: bytes) -> None:
        """A line in another order of keys, of another kind, or none at all."""
        event = line_event(line, self._before_ms)
        if event is None:
            self.found.odd |= bool(line.strip())
            self.found.events -= 1
            return
        self.found.events -= 1
        self.take(event)

    def take(self, event: SavedEvent) -> None:
        """Read an event that lies in no line of the usual layout."""
        self.found.events += 1
        self._before_ms = event.timestamp_ms
        key = (event.log_group, event.log_stream or "")
        line = usual_line(event)
        if event.log_stream is not None and _HEADER.match(line):
            self._unusual(line)
            return
        # a log without streams, a name that JSON has to escape, a time of another century
        self._see(event.timestamp_ms)
        if self._asked.wants(event):
            if group := self._asked.group_of(event.log_group):
                self.found.log_groups.add(group)
            if event.timestamp_ms < self._until_ms:
                self._tangle(key)

    @property
    def _until_ms(self) -> float:
        return float("inf") if self._until == b":" else int(self._until)

    def _kind(self, head: bytes) -> int:
        if head.startswith(b"START "):
            return _STARTS
        if head == b"END Re":
            return _ENDS
        if head == b"REPORT":
            return _REPORTS
        if not head or head[0] in _FIRST_BYTES or any(map(head.startswith, _HEADS)):
            return _LOOK
        if not self._markers.are_default:
            return _LOOK
        return _PLAIN if head.startswith(b"[") else _TEXT

    def _place(self, key: bytes) -> tuple[str | None, str] | None:
        """The group and the stream that a header names; ``None`` where they are not asked for."""
        if key not in self._places:
            m = _KEY.match(key)
            assert m is not None  # a header has it
            group = m[1].decode(errors="replace") if m[1] else None
            stream = m[2].decode(errors="replace")
            wanted = self._asked.wants_stream(group, stream)
            self._places[key] = (group, stream) if wanted else None
            if wanted and (named := self._asked.group_of(group)):
                self.found.log_groups.add(named)
        return self._places[key]

    def _run(self, place: tuple[str | None, str], moment: bytes) -> Run | None:
        """The run that a line of this time goes on; a new one where it is out of order."""
        if place in self.found.tangled:
            return None
        run = self._latest.get(place)
        if run is not None and run.last <= moment:
            return run
        self._count[place] = self._count.get(place, 0) + 1
        if self._count[place] > MOST_RUNS:
            self._tangle(place)
            return None
        run = self._latest[place] = Run(len(self.found.runs), place, moment)
        run.group = self._asked.group_of(place[0])
        self.found.runs.append(run)
        return run

    def _tangle(self, place: tuple[str | None, str]) -> None:
        """Give a stream up: it is read whole, in another way."""
        if place in self.found.tangled:
            return
        self.found.tangled.add(place)
        for run in self.found.runs:
            if run.key == place:
                self._see(int(run.first))
                self._see(int(run.last))
                run.held, run.head, run.context = [], None, []
        self._runs = {key: run for key, run in self._runs.items() if run.key != place}

    def _relieve(self) -> None:
        for run in list(self._runs.values()):
            if len(run.held) > MOST_HELD:
                self._tangle(run.key)

    def _see(self, moment_ms: int) -> None:
        found = self.found
        found.first_ms = moment_ms if found.first_ms is None else min(found.first_ms, moment_ms)
        found.last_ms = moment_ms if found.last_ms is None else max(found.last_ms, moment_ms)

    def finish(self) -> Scanned:
        """What was found, once all lines are read."""
        for run in self.found.runs:
            self._see(int(run.first))
            self._see(int(run.last))
            run.shape = ()
        return self.found

    # ----------------------------------------------------------------- records

    def _tell(self, run: Run, line: bytes, moment: bytes, kind: int, at: int) -> None:
        """A line that may be a record: its kind is told by its bytes, or by the grammar."""
        if kind == _STARTS and run.json is not True and (m := _START.match(line, at)):
            run.json = False
            self._started(run, m[1], int(moment), line, m[2])
        elif kind == _ENDS and (m := _END.match(line, at)):
            self._ended(run, m[1], int(moment), line)
        elif kind == _REPORTS and run.json is not True and (m := _REPORT.match(line, at)):
            run.json = False
            token = ("R", m[4])
            self._reported(run, m[1], int(moment), line, (int(m[2]), int(m[3])), token)
        elif self._is_plain(line, kind, at):
            run.held.append(line)
        elif run.report is None and (known := self._recall(run, line)):
            self._other(run, line, known)
        else:
            self._look(run, line, int(moment))

    def _is_plain(self, line: bytes, kind: int, at: int) -> bool:
        """Whether the grammar could make nothing of it but a line without consequence."""
        if kind != _LOOK or not self._markers.are_default:
            return False
        first = line[at : at + 1]
        if first.isdigit():
            return not _TIMED.match(line, at)
        return first == b"{" and not _TELLING_JSON.search(line, at)

    def _look(self, run: Run, line: bytes, moment_ms: int) -> None:
        event = self._event(line)
        record = read(event)
        own = getattr(record, "request_id", None) in (None, run.open_id.decode())
        if isinstance(record, (Start, Report)) and run.json in (None, record.json):
            run.json = record.json
            request_id = record.request_id.encode()
            if isinstance(record, Start):
                version = (record.version or "").encode()
                self._started(run, request_id, moment_ms, line, version)
                run.plain = run.plain and bool(version)
            else:
                figures, token = _figures(record)
                self._reported(run, request_id, moment_ms, line, figures, token)
        elif isinstance(record, End):
            self._ended(run, record.request_id.encode(), moment_ms, line)
        elif isinstance(record, AppLine) and record.fields is None and self._markers.are_default:
            self._said(run, line, event, record)
        elif isinstance(record, AppLine):
            self._claimed(run, line, event, record, own=own)
        else:
            if isinstance(record, Unrecognised):
                self._count_unrecognised(run, event)
            if isinstance(record, (InitStart, RestoreStart)):
                run.runtime = run.runtime or record.runtime_version
                if isinstance(record, InitStart) and run.function is None:
                    run.function = (record.function_name,)
            token = _token(record) if own else None
            if isinstance(record, FunctionError) and record.request_id is None:
                self._remember((_message(line),), token)
            self._other(run, line, token)

    def _count_unrecognised(self, run: Run, event: LogEvent) -> None:
        """Count it, but once where it was saved twice."""
        counted = self.found.unrecognised.setdefault(run.number, set())
        counted.add(event.event_id or len(counted))

    def _said(self, run: Run, line: bytes, event: LogEvent, record: AppLine) -> None:
        """A printed line; the branch it names counts with the integer directly before it."""
        branch = read_claim([(event, record)], self._markers).branch
        if branch is None:
            run.held.append(line)
            return
        token: object = ("C", branch, None)
        if len(run.held) - 1 > run.open_at:
            before = self._event(run.held[-1])
            printed = read(before)
            together = read_claim([(before, printed), (event, record)], self._markers)
            # a record between the two would not part them
            token = ("C", branch, together.counter) if isinstance(printed, AppLine) else None
            self._remember((_message(run.held[-1]), _message(line)), token)
        self._other(run, line, token)

    def _remember(self, messages: tuple[bytes, ...], token: object) -> None:
        """What a message tells that carries no ID, or one with the message before it."""
        if token is not None and len(self._told) < MOST_TOLD:
            self._told[messages] = token

    def _recall(self, run: Run, line: bytes) -> object:
        message = _message(line)
        token = self._told.get((message,))
        if token is None and len(run.held) - 1 > run.open_at >= 0:
            token = self._told.get((_message(run.held[-1]), message))
        return token

    def _claimed(
        self, run: Run, line: bytes, event: LogEvent, record: AppLine, *, own: bool
    ) -> None:
        claim = read_claim([(event, record)], self._markers)
        marker = record.fields is not None and record.fields.get("retryctl") == 1
        if claim.silent and not marker:
            run.held.append(line)
        else:
            said = (claim.counter, claim.branch, claim.store, claim.recorded, claim.store_error)
            self._other(run, line, ("M", marker, *said) if own else None)

    def _other(self, run: Run, line: bytes, token: object) -> None:
        run.held.append(line)
        if run.report is not None or not run.open_id:
            run.between_tells = True
            run.plain = False
        elif token is None:
            run.plain = False
        else:
            run.shape += (token,)

    # ----------------------------------------------------------------- attempts

    def _started(
        self, run: Run, request_id: bytes, moment_ms: int, line: bytes, version: bytes
    ) -> None:
        report = run.report
        if report is None:
            if run.open_id:
                run.undecided_ms = max(run.undecided_ms, run.start + LONGEST_BRACKET_MS)
        elif report[0] < moment_ms > run.undecided_ms:
            if run.plain and run.head is not None and self._shapes.get(run.shape, -1) >= 0:
                self._keep(run)
            # a run begins where an attempt ends whose START was seen in it
            elif (run.head is not None or run.open_at < run.report_at) and not self._cut(run, line):
                run.undecided_ms = moment_ms + run.patience_ms
                run.patience_ms *= 2
        run.opens(request_id, moment_ms, line, ("S", version, run.json))

    def _ended(self, run: Run, request_id: bytes, moment_ms: int, line: bytes) -> None:
        run.held.append(line)
        if run.open_id == request_id and run.report is None and not run.end:
            run.end = moment_ms
        else:
            run.plain = False

    def _reported(
        self,
        run: Run,
        request_id: bytes,
        moment_ms: int,
        line: bytes,
        figures: tuple[int, int] | None,
        token: object,
    ) -> None:
        run.held.append(line)
        if run.open_id and (run.open_id == request_id) is not (run.report is None):
            run.plain = False  # a repeat, or text of the open attempt
            return
        if run.open_id != request_id:  # its START was not seen
            run.plain = False
            run.open_id, run.start, run.open_at = request_id, moment_ms, len(run.held) - 1
        took_ms = moment_ms - run.start
        run.plain = run.plain and figures is not None and 0 < took_ms <= LONGEST_BRACKET_MS
        run.shape += (token,)
        run.report = (moment_ms, *(figures or (0, 0)))
        run.report_at = len(run.held) - 1

    def _cut(self, run: Run, line: bytes) -> bool:
        """Close the piece before the START ``line``, where it can be closed."""
        if run.head is None:
            between = run.held[run.report_at + 1 :] if run.between_tells else []
            run.head, run.cut = run.held, line
            run.context = run.head_context = run.held[run.open_at : run.report_at + 1]
            run.held, run.placed_ms = between, run.start
            return True
        if run.plain and self._shapes.get(run.shape) is None:
            self._learn(run, line)
        if run.plain and self._shapes.get(run.shape, -1) >= 0:
            self._keep(run)
            return True
        piece = self._piece(run, line)
        if piece is None:
            return False
        for attempt in kept(piece.brackets, self._markers, self._settings, run.placed_ms):
            part = part_of(attempt.request_id, self._parts)
            self.found.others[part].append((run.number, attempt))
            run.placed_ms = attempt.placed_ms
        run.context, run.held = list(piece.context), list(piece.between)
        return True

    def _event(self, line: bytes) -> LogEvent:
        ((event,),) = events_of(self._asked, [line])
        return event

    def _piece(self, run: Run, line: bytes) -> Piece | None:
        context, events, (opening,) = events_of(self._asked, run.context, run.held, [line])
        return closed_piece(context, events, opening)

    def _keep(self, run: Run) -> None:
        """Keep the plain attempt that is held, of a shape that is known, as a few numbers."""
        report, start_ms, held = run.report, run.start, run.held
        assert report is not None  # it is closed
        request_id = unhexlify(run.open_id.replace(b"-", b""))
        self.found.plain[part_of_packed(request_id, self._parts)] += RECORD.pack(
            request_id,
            start_ms,
            (run.end or report[0]) - start_ms,
            report[1],
            report[2],
            run.number,
            self._shapes[run.shape],
        )
        run.placed_ms = start_ms
        # of a quiet attempt its two ends tell all that the next could ask
        quiet = len(run.shape) == 2
        run.context = [held[0], held[run.report_at]] if quiet else held[: run.report_at + 1]
        run.held = []

    def _learn(self, run: Run, line: bytes) -> None:
        """Let the core read an attempt of a new shape; the number is below 0 if it is none."""
        if len(self._shapes) < MOST_SHAPES:
            self._shapes[run.shape] = self._learned(run, line)

    def _learned(self, run: Run, line: bytes) -> int:
        piece = self._piece(run, line)
        if piece is None or len(piece.brackets) != 1 or run.report is None:
            return -1
        (attempt,) = kept(piece.brackets, self._markers, self._settings)
        reported_ms, *figures = run.report
        told = (attempt.request_id.encode(), attempt.started_ms, attempt.ended_ms)
        if told != (run.open_id, run.start, run.end or reported_ms):
            return -1
        if [attempt.billed_duration_ms, attempt.memory_size_mb] != figures:
            return -1
        self.found.shapes.append(attempt)
        return len(self.found.shapes) - 1


def _figures(report: Report) -> tuple[tuple[int, int] | None, object]:
    """Billed ms and MB, where they are whole numbers, and the rest of what a report tells."""
    billed, memory = report.billed_duration_ms, report.memory_size_mb
    token = ("R", report.status, report.error_type, report.json, report.cut)
    if not (isinstance(billed, (int, float)) and isinstance(memory, int)):
        return None, token
    if billed != int(billed) or not 0 <= billed < 10**9 or not 0 < memory < 10**9:
        return None, token
    return (int(billed), memory), token


def _token(record: Record) -> object:
    """What a record tells apart from its ID; ``None`` of one whose place among others counts."""
    if isinstance(record, FunctionError) and record.certain and record.runtime != "ruby":
        return ("F", record.error_type, record.error_message, record.frame, record.runtime)
    if isinstance(record, TimedOut):
        return ("T", record.timeout_s)
    if isinstance(record, RuntimeDone):
        return ("D", record.status, record.error_type)
    return None


def usual_line(event: SavedEvent) -> bytes:
    """The event as a line of the layout that is read fast."""
    fields: dict[str, object] = {}
    if event.log_group is not None:
        fields["logGroupName"] = event.log_group
    fields |= {
        "logStreamName": event.log_stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
    }
    if event.event_id is not None:
        fields["eventId"] = event.event_id
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def events_of(asked: Asked, *parts: Iterable[bytes | LogEvent]) -> list[list[LogEvent]]:
    """Held lines and events as events, with places in the order in which they stand."""
    place = count()
    return [[_placed(asked, line, next(place)) for line in part] for part in parts]


def _placed(asked: Asked, line: bytes | LogEvent, position: int) -> LogEvent:
    if isinstance(line, LogEvent):
        return replace(line, position=position)
    event = line_event(line, 0)
    assert event is not None  # its header was read
    return asked.event(event, position)


def _message(line: bytes) -> bytes:
    """The message of a held line, as JSON escapes it."""
    header = _HEADER.match(line)
    found = _STRING.match(line, header.end()) if header else None
    return found[0] if found else line


def is_usual_line(line: bytes) -> bool:
    """Whether it has the layout that is read fast."""
    return line.endswith((b"}\n", b"}\r\n")) and _HEADER.match(line) is not None
