"""Lines that may be records, made into attempts: by their shape, or by the core.

A *shape* is what the lines of an attempt say without IDs, times and figures. Two attempts of one
shape are read alike, so the core reads the first, and of the others the figures are kept.
"""

from __future__ import annotations

from binascii import unhexlify
from typing import Any

from retryctl.bulk.compact import RECORD, Shown, compact_attempts, part_of, part_of_packed
from retryctl.bulk.line_layout import (
    END,
    ENDS,
    LOOK,
    REPORT,
    REPORTS,
    START,
    STARTS,
    TELLING_JSON,
    TIMED,
    events_of,
    message_of,
)
from retryctl.bulk.stream_state import ScannedChunk, StreamFragment
from retryctl.bulk.templates import TemplateCache, figures_of, token_of
from retryctl.core.crosscheck.claims import Markers, read_claim
from retryctl.core.grammar.parse import parse_record
from retryctl.core.history.safe_cut import ClosedChunk, closed_piece
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import (
    AppLine,
    End,
    FunctionError,
    InitStart,
    Report,
    RestoreStart,
    Start,
    Unrecognised,
    WebRecord,
)
from retryctl.sources.saved.stream_filter import StreamFilter

MOST_SHAPES = 20_000
MOST_AT_ONCE = 500


class AttemptBuilder:
    """Takes the lines of runs that may matter; what comes of them goes to ``found``."""

    def __init__(
        self,
        asked: StreamFilter,
        markers: Markers,
        settings: FunctionConfig,
        learned: TemplateCache,
        found: ScannedChunk,
        shown: Shown,
    ) -> None:
        self._asked, self._markers, self._settings = asked, markers, settings
        self._parts = len(found.plain)
        self._shapes: dict[tuple[object, ...], int] = {}
        self._learned, self._told = learned, learned.told
        self._found = found
        self._shown = shown

    def tell(self, run: StreamFragment, line: bytes, moment: bytes, kind: int, at: int) -> None:
        """A line that may be a record: its kind is told by its bytes, or by the grammar."""
        if kind == STARTS and run.json is not True and (m := START.match(line, at)):
            run.json = False
            request_id, version = m.groups()
            self._started(run, request_id, int(moment), line, version)
        elif kind == ENDS and (m := END.match(line, at)):
            self._ended(run, m[1], int(moment), line)
        elif kind == REPORTS and run.json is not True and (m := REPORT.match(line, at)):
            run.json = False
            request_id, billed, memory, status = m.groups()
            figures = (int(billed), int(memory))
            self._reported(run, request_id, int(moment), line, figures, ("R", status))
        elif self._is_plain(line, kind, at):
            run.held.append(line)
        elif run.report is None and (known := self._recall(run, line)):
            self._other(run, line, known)
        else:
            self._look(run, line, int(moment))

    def _is_plain(self, line: bytes, kind: int, at: int) -> bool:
        """Whether the grammar could make nothing of it but a line without consequence."""
        if kind != LOOK or not self._markers.are_default:
            return False
        first = line[at : at + 1]
        if first.isdigit():
            return not TIMED.match(line, at)
        return first == b"{" and not TELLING_JSON.search(line, at)

    def _look(self, run: StreamFragment, line: bytes, moment_ms: int) -> None:
        event = self._event(line)
        record = parse_record(event)
        own = getattr(record, "request_id", None) in (None, run.open_id.decode())
        if isinstance(record, (Start, Report)) and run.json in (None, record.json):
            run.json = record.json
            request_id = record.request_id.encode()
            if isinstance(record, Start):
                version = (record.version or "").encode()
                self._started(run, request_id, moment_ms, line, version)
                run.plain = run.plain and bool(version)
            else:
                figures, token = figures_of(record)
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
            if isinstance(record, WebRecord) and record.request_id:
                self._found.web.add(record.request_id)
            if isinstance(record, (InitStart, RestoreStart)):
                run.runtime = run.runtime or record.runtime_version
                if isinstance(record, InitStart) and run.function is None:
                    run.function = (record.function_name,)
            token = token_of(record) if own else None
            if isinstance(record, FunctionError) and record.request_id is None:
                self._learned.remember((message_of(line),), token)
            self._other(run, line, token)

    def _count_unrecognised(self, run: StreamFragment, event: LogEvent) -> None:
        """Count it, but once where it was saved twice."""
        counted = self._found.unrecognised.setdefault(run.number, set())
        counted.add(event.event_id or len(counted))

    def _said(self, run: StreamFragment, line: bytes, event: LogEvent, record: AppLine) -> None:
        """A printed line; the branch it names counts with the integer directly before it."""
        branch = read_claim([(event, record)], self._markers).branch
        if branch is None:
            run.held.append(line)
            return
        token: object = ("C", branch, None)
        if len(run.held) - 1 > run.open_at:
            before = self._event(run.held[-1])
            printed = parse_record(before)
            together = read_claim([(before, printed), (event, record)], self._markers)
            # a record between the two would not part them
            token = ("C", branch, together.counter) if isinstance(printed, AppLine) else None
            self._learned.remember((message_of(run.held[-1]), message_of(line)), token)
        self._other(run, line, token)

    def _recall(self, run: StreamFragment, line: bytes) -> object:
        message = message_of(line)
        token = self._told.get((message,))
        if token is None and len(run.held) - 1 > run.open_at >= 0:
            token = self._told.get((message_of(run.held[-1]), message))
        return token

    def _claimed(
        self, run: StreamFragment, line: bytes, event: LogEvent, record: AppLine, *, own: bool
    ) -> None:
        claim = read_claim([(event, record)], self._markers)
        marker = record.fields is not None and record.fields.get("retryctl") == 1
        if claim.silent and not marker:
            run.held.append(line)
        else:
            said = (claim.counter, claim.branch, claim.store, claim.recorded, claim.store_error)
            self._other(run, line, ("M", marker, *said) if own else None)

    def _other(self, run: StreamFragment, line: bytes, token: object) -> None:
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
        self, run: StreamFragment, request_id: bytes, moment_ms: int, line: bytes, version: bytes
    ) -> None:
        report = run.report
        shown = bool(self._shown) and request_id.decode() in self._shown
        if report is None:
            if run.open_id:
                run.undecided_ms = max(run.undecided_ms, run.start + LONGEST_ATTEMPT_MS)
        elif (
            report[0] < moment_ms > run.undecided_ms
            # a run begins where an attempt ends whose START was seen in it
            and (run.head is not None or run.open_at < run.report_at)
            and not (shown and _goes_on(run))
            and not self._cut(run, line)
        ):
            run.undecided_ms = moment_ms + run.patience_ms
            run.patience_ms *= 2
        run.opens(request_id, moment_ms, line, ("S", version, run.json))
        if shown:
            run.plain = False

    def _ended(self, run: StreamFragment, request_id: bytes, moment_ms: int, line: bytes) -> None:
        run.held.append(line)
        if run.open_id == request_id and run.report is None and not run.end:
            run.end = moment_ms
        else:
            run.plain = False

    def _reported(
        self,
        run: StreamFragment,
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
        run.plain = run.plain and figures is not None and 0 < took_ms <= LONGEST_ATTEMPT_MS
        run.shape += (token,)
        run.report = (moment_ms, *(figures or (0, 0)))
        run.report_at = len(run.held) - 1

    def _cut(self, run: StreamFragment, line: bytes) -> bool:
        """Close the piece before the START ``line``, where it can be closed."""
        if run.head is None:
            between = self._between(run)
            run.head, run.cut = run.held, line
            run.context = run.head_context = run.held[run.open_at : run.report_at + 1]
            run.held, run.placed_ms = between, run.start
            return True
        if run.plain and (shape := self._shape(run, line)) >= 0:
            self._keep(run, shape)
            return True
        piece = self._piece(run, line)
        if piece is None:
            return False
        for attempt in compact_attempts(
            piece.brackets, self._markers, self._settings, self._shown, run.placed_ms
        ):
            if not self._shown.drops(attempt.request_id):
                part = part_of(attempt.request_id, self._parts)
                self._found.others[part].append((run.number, attempt))
            run.placed_ms = attempt.placed_ms
        run.context, run.held = list(piece.context), list(piece.between)
        return True

    def _event(self, line: bytes) -> LogEvent:
        ((event,),) = events_of(self._asked, [line])
        return event

    def _piece(self, run: StreamFragment, line: bytes) -> ClosedChunk | None:
        context, events, (opening,) = events_of(self._asked, run.context, run.held, [line])
        return closed_piece(context, events, opening)

    def _keep(self, run: StreamFragment, shape: int) -> None:
        """Keep the plain attempt that is held, of the shape of this number, as a few numbers."""
        report, start_ms, held = run.report, run.start, run.held
        assert report is not None  # it is closed
        if not self._shown:
            request_id = unhexlify(run.open_id.replace(b"-", b""))
            self._found.plain[part_of_packed(request_id, self._parts)] += RECORD.pack(
                request_id,
                start_ms,
                (run.end or report[0]) - start_ms,
                report[1],
                report[2],
                run.number,
                shape,
            )
        run.placed_ms = start_ms
        # of a quiet attempt its two ends tell all that the next could ask
        quiet = len(run.shape) == 2
        first, last = run.open_at, run.report_at
        run.context = [held[first], held[last]] if quiet else held[first : last + 1]
        run.held = self._between(run)

    def _between(self, run: StreamFragment) -> list[Any]:
        """The lines behind an attempt that the next may need: to be told, or to be shown."""
        return run.held[run.report_at + 1 :] if run.between_tells or self._shown else []

    def _shape(self, run: StreamFragment, line: bytes) -> int:
        """The number of a shape. The core reads the first of it; below 0 if it is none."""
        number = self._shapes.get(run.shape)
        if number is None and len(self._shapes) < MOST_SHAPES:
            number = self._shapes[run.shape] = self._number(run, line)
        return -1 if number is None else number

    def _number(self, run: StreamFragment, line: bytes) -> int:
        attempt = self._learned.shapes.get(run.shape) or self._first_of_shape(run, line)
        if attempt is None:
            return -1
        self._learned.keep(run.shape, attempt)
        self._found.shapes.append(attempt)
        return len(self._found.shapes) - 1

    def _first_of_shape(self, run: StreamFragment, line: bytes) -> Attempt | None:
        piece = self._piece(run, line)
        if piece is None or len(piece.brackets) != 1 or run.report is None:
            return None
        (attempt,) = compact_attempts(piece.brackets, self._markers, self._settings, Shown())
        reported_ms, *figures = run.report
        told = (attempt.request_id.encode(), attempt.started_ms, attempt.ended_ms)
        if told != (run.open_id, run.start, run.end or reported_ms):
            return None
        if [attempt.billed_duration_ms, attempt.memory_size_mb] != figures:
            return None
        return attempt


def _goes_on(run: StreamFragment) -> bool:
    """Whether what is held can wait, to be read together: each piece reads an attempt again."""
    return run.head is not None and not run.plain and len(run.held) < MOST_AT_ONCE
