"""From lines that may be records to attempts: by their template, or by the core.

Two attempts of one template differ in ID, times and figures only. So the core parses the first,
and of the others the figures are kept.
"""

from __future__ import annotations

from binascii import unhexlify
from itertools import repeat
from operator import lt, sub
from typing import Any

from retryctl.bulk.attempt_templates import TemplateCache, figures_of, init_part, template_part
from retryctl.bulk.compact_attempts import PACKED_ATTEMPT, Shown, compact_attempts, part_of
from retryctl.bulk.line_kinds import ENDS, JSON, REPORTS, STARTS
from retryctl.bulk.line_layout import (
    END,
    REPORT,
    START,
    events_of,
    may_have_retry,
    message_of,
    three_lines,
)
from retryctl.bulk.platform_lines import PlatformLine, platform_line
from retryctl.bulk.stream_batch import StreamBatch
from retryctl.bulk.stream_state import ScannedChunk, StreamFragment
from retryctl.core.crosscheck.claims import Markers, may_hide_claim, read_claim
from retryctl.core.grammar.masked_lines import may_be_masked_error
from retryctl.core.grammar.older_runtimes import may_be_error
from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.grammar.runtime_text import may_lack_traceback
from retryctl.core.history.attempt_from_lines import execution_arn
from retryctl.core.history.lost_lines import has_lost_lines
from retryctl.core.history.safe_cut import ClosedChunk, closed_piece
from retryctl.core.late_regex import late_regex
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
    RuntimeDone,
    Start,
    Unrecognised,
    WebRecord,
)
from retryctl.sources.saved.stream_filter import StreamFilter

_RUNS = late_regex(b"(?:%c%c%c){2,}(?=%c)" % (STARTS, ENDS, REPORTS, STARTS))
"""Marked lines of attempts with three records, one after another, and a START behind them."""
MOST_TEMPLATES = 20_000


class AttemptBuilder:
    """Builds attempts from the lines of fragments that may matter, and adds them to ``found``."""

    def __init__(
        self,
        selected: StreamFilter,
        markers: Markers,
        settings: FunctionConfig,
        cache: TemplateCache,
        found: ScannedChunk,
        shown: Shown,
    ) -> None:
        self._filter, self._markers, self._settings = selected, markers, settings
        self._parts = len(found.others)
        self._numbers: dict[tuple[object, ...], int] = {}
        self._cache = cache
        self._found = found
        self._shown = shown

    def read_batch(self, fragment: StreamFragment, batch: StreamBatch) -> None:
        """Read lines of one stream, in order; attempts of three records are read many at a time.

        Raises NoEvent where a line is malformed.
        """
        for run in _RUNS.finditer(batch.kinds):
            first, last = run.span()
            # the first attempt may be the stream's first, the second the first of its template
            for start in range(first, min(first + 7, last), 3):
                self._read_marked(fragment, batch, start + 1)
                if self._keep_run(fragment, batch, start, last):
                    batch.skip_to(last + 1)
                    break
        self._read_marked(fragment, batch, len(batch.marks))
        fragment.hold_all(batch.rest())

    def _read_marked(self, fragment: StreamFragment, batch: StreamBatch, until: int) -> None:
        """Read the lines up to this marked one."""
        for between, line, moment, kind in batch.marked(until):
            fragment.hold_all(between)
            self.read_line(fragment, line, moment, kind, batch.message_at)

    def read_line(
        self, fragment: StreamFragment, line: bytes, moment: bytes, kind: int, at: int
    ) -> None:
        """Read a line that may be a record: its bytes show its kind, or the grammar does."""
        if kind == STARTS and fragment.json is not True and (m := START.match(line, at)):
            fragment.describe(json=False)
            request_id, version = m.groups()
            self._started(fragment, request_id, int(moment), line, version)
        elif kind == ENDS and (m := END.match(line, at)):
            fragment.end_with(m[1], int(moment), line)
        elif kind == REPORTS and fragment.json is not True and (m := REPORT.match(line, at)):
            fragment.describe(json=False)
            request_id, billed, memory, status = m.groups()
            figures = (int(billed), int(memory))
            fragment.report_with(request_id, int(moment), line, figures, ("R", status))
        elif kind == JSON and fragment.json is not False and (found := platform_line(line, at)):
            self._read_platform(fragment, line, int(moment), found)
        elif fragment.report is None and (part := self._known_part(fragment, line)):
            fragment.hold_record(line, part)
        else:
            self._parse_line(fragment, line, int(moment))

    def _read_platform(
        self, fragment: StreamFragment, line: bytes, moment_ms: int, found: PlatformLine
    ) -> None:
        """Read a record of Lambda's; the first of its form shows all but ID, time and figures."""
        form, request_id = found.form, found.request_id
        record = self._cache.records.get(form)
        if record is None:
            record = self._cache.keep_record(form, parse_record(self._event(line)))
        if isinstance(record, Start) and record.version:
            fragment.describe(json=True)
            fragment.describe(function=(record.function_arn,) if record.function_arn else None)
            self._started(fragment, request_id, moment_ms, line, record.version.encode())
        elif isinstance(record, RuntimeDone):
            own = request_id == fragment.open_id
            fragment.hold_record(line, template_part(record) if own else None)
        elif isinstance(record, Report) and all((figures_of(record)[0], found.figures)):
            fragment.describe(json=True)
            part = figures_of(record)[1]
            fragment.report_with(request_id, moment_ms, line, found.figures, part)
        else:
            self._parse_line(fragment, line, moment_ms)

    def _parse_line(self, fragment: StreamFragment, line: bytes, moment_ms: int) -> None:
        event = self._event(line)
        record = parse_record(event)
        own = getattr(record, "request_id", None) in (None, fragment.open_id.decode())
        if isinstance(record, (Start, Report)) and fragment.json in (None, record.json):
            fragment.describe(json=record.json)
            request_id = record.request_id.encode()
            if isinstance(record, Start):
                fragment.describe(function=(record.function_arn,) if record.function_arn else None)
                version = (record.version or "").encode()
                self._started(fragment, request_id, moment_ms, line, version)
                if not version:
                    fragment.spoil()
            else:
                figures, part = figures_of(record)
                fragment.report_with(request_id, moment_ms, line, figures, part)
        elif isinstance(record, End):
            fragment.end_with(record.request_id.encode(), moment_ms, line)
        elif (
            may_be_masked_error(event.message, record)
            or may_lack_traceback(event.message)
            or may_be_error(event.message)
            or may_hide_claim(record, self._markers)
        ):
            fragment.hold_record(line, None)
        elif isinstance(record, AppLine) and record.fields is None and self._markers.are_default:
            self._print(fragment, line, event, record)
        elif isinstance(record, AppLine):
            self._claim(fragment, line, event, record, own=own)
        else:
            if isinstance(record, Unrecognised):
                fragment.is_torn |= record.cut
                self._count_unrecognised(fragment, event)
            if isinstance(record, WebRecord):
                self._found.web.add(record.request_id or "")
            if isinstance(record, (InitStart, RestoreStart)):
                named = (record.function_name,) if isinstance(record, InitStart) else None
                fragment.describe(runtime=record.runtime_version, function=named)
            if part := init_part(record):
                fragment.hold_init(line, part)
                return
            part = template_part(record) if own else None
            if isinstance(record, FunctionError) and record.request_id is None:
                self._cache.keep_part((message_of(line),), part)
            fragment.hold_record(line, part)

    def _count_unrecognised(self, fragment: StreamFragment, event: LogEvent) -> None:
        """Count the event; once where it was saved twice."""
        counted = self._found.unrecognised.setdefault(fragment.number, set())
        counted.add(event.event_id or len(counted))

    def _print(
        self, fragment: StreamFragment, line: bytes, event: LogEvent, record: AppLine
    ) -> None:
        """Read a printed line; its branch counts with the integer directly before it."""
        branch = read_claim([(event, record)], self._markers).branch
        if branch is None:
            fragment.hold(line)
            return
        part: object = ("C", branch, None)
        if len(fragment.lines) - 1 > fragment.open_at:
            before = self._event(fragment.lines[-1])
            printed = parse_record(before)
            together = read_claim([(before, printed), (event, record)], self._markers)
            # a record between the two would not part them
            part = ("C", branch, together.counter) if isinstance(printed, AppLine) else None
            self._cache.keep_part((message_of(fragment.lines[-1]), message_of(line)), part)
        fragment.hold_record(line, part)

    def _known_part(self, fragment: StreamFragment, line: bytes) -> object:
        message = message_of(line)
        part = self._cache.parts.get((message,))
        if part is None and len(fragment.lines) - 1 > fragment.open_at >= 0:
            part = self._cache.parts.get((message_of(fragment.lines[-1]), message))
        return part

    def _claim(
        self, fragment: StreamFragment, line: bytes, event: LogEvent, record: AppLine, *, own: bool
    ) -> None:
        claim = read_claim([(event, record)], self._markers)
        marker = record.fields is not None and record.fields.get("retryctl") == 1
        if arn := execution_arn(record):
            fragment.hold_record(line, ("D", arn) if own and claim.silent and not marker else None)
        elif claim.silent and not marker:
            fragment.hold(line)
        else:
            values = (claim.counter, claim.branch, claim.store, claim.recorded, claim.store_error)
            fragment.hold_record(line, ("M", marker, *values) if own else None)

    # ----------------------------------------------------------------- attempts

    def _started(
        self,
        fragment: StreamFragment,
        request_id: bytes,
        moment_ms: int,
        line: bytes,
        version: bytes,
    ) -> None:
        shown = bool(self._shown) and request_id.decode() in self._shown
        if (
            fragment.is_ready_to_cut(moment_ms)
            and not (shown and fragment.can_wait)
            and not self._cut(fragment, line)
        ):
            fragment.postpone_cut(moment_ms)
        fragment.open(request_id, moment_ms, line, ("S", version, fragment.json))
        if shown:
            fragment.spoil()

    def _cut(self, fragment: StreamFragment, line: bytes) -> bool:
        """Cut the fragment before the START ``line``, if that can be done."""
        if fragment.head is None:
            fragment.set_head(line, self._between(fragment))
            return True
        if fragment.is_ordinary and (number := self._template_number(fragment, line)) >= 0:
            self._keep(fragment, number)
            return True
        piece = self._piece(fragment, line)
        if piece is None:
            return False
        fragment.is_torn |= has_lost_lines(piece.brackets, opens=False, closes=False)
        placed_ms = fragment.placed_ms
        for attempt in compact_attempts(
            piece.brackets, self._markers, self._settings, self._shown, placed_ms
        ):
            if not self._shown.drops(attempt.request_id):
                number = part_of(attempt.request_id, self._parts)
                self._found.others[number].append((fragment.number, attempt))
            placed_ms = attempt.placed_ms
        fragment.cut(list(piece.context), list(piece.between), placed_ms)
        return True

    def _event(self, line: bytes) -> LogEvent:
        ((event,),) = events_of(self._filter, [line])
        return event

    def _piece(self, fragment: StreamFragment, line: bytes) -> ClosedChunk | None:
        context, events, (opening,) = events_of(
            self._filter, fragment.context, fragment.lines, [line]
        )
        return closed_piece(context, events, opening)

    def _keep(self, fragment: StreamFragment, number: int) -> None:
        """Keep the figures of the open attempt, and the number of its template."""
        report, start_ms, lines = fragment.report, fragment.start, fragment.lines
        assert report is not None  # it is closed
        if not self._shown:
            request_id = unhexlify(fragment.open_id.replace(b"-", b""))
            took_ms = (fragment.end or report[0]) - start_ms
            figures = (start_ms, took_ms, *report[1:], fragment.number, number)
            self._found.records.append(PACKED_ATTEMPT.pack(request_id, *figures))
        # of a quiet attempt its two ends are all that the next one could need
        quiet = len(fragment.template) == 2
        first, last = fragment.open_at, fragment.report_at
        context = [lines[first], lines[last]] if quiet else lines[first : last + 1]
        fragment.cut(context, self._between(fragment), start_ms)

    def _keep_run(
        self, fragment: StreamFragment, batch: StreamBatch, first: int, last: int
    ) -> bool:
        """Keep the attempts whose START is marked from ``first`` on, and open the one of ``last``.

        The first of them is open. Return false where they are not all ordinary, or one is shown.
        """
        if self._shown.every or not fragment.is_at_start or fragment.json is not False:
            return False
        lines, times = batch.marked_lines[first : last + 1], batch.marked_times[first : last + 1]
        opening = START.match(lines[-1], batch.message_at)
        found = three_lines(batch.message_at).findall(b"".join(lines[:-1]))
        if not opening or 3 * len(found) != last - first:
            return False
        ids, versions, billed_ms, memory_mb, statuses = zip(*found, strict=True)
        if self._shown and not self._shown.ids.isdisjoint(map(bytes.decode, (*ids, opening[1]))):
            return False
        starts, ends, reports = (list(map(int, times[at::3])) for at in range(3))
        number = self._numbers.get((("S", versions[0], False), ("R", statuses[0] or None)), -1)
        if not (
            number >= 0
            and len({*versions}) == len({*statuses}) == 1
            and _are_apart(times)
            and fragment.undecided_ms < starts[1]
            and not any(map(may_have_retry, lines[2::3], map(sub, reports, starts)))
        ):
            return False
        if not self._shown:
            packed = unhexlify(b"".join(ids).replace(b"-", b""))
            self._found.records += map(
                PACKED_ATTEMPT.pack,
                [packed[at : at + 16] for at in range(0, len(packed), 16)],
                starts,
                map(sub, ends, starts),
                map(int, billed_ms),
                map(int, memory_mb),
                repeat(fragment.number),
                repeat(number),
            )
        fragment.cut([lines[-4], lines[-2]], [], starts[-2])
        request_id, version = opening.groups()
        fragment.open(request_id, starts[-1], lines[-1], ("S", version, False))
        return True

    def _between(self, fragment: StreamFragment) -> list[Any]:
        """Return the lines behind an attempt that the next one may need."""
        needed = fragment.is_noted_between or self._shown
        return fragment.lines[fragment.report_at + 1 :] if needed else []

    def _template_number(self, fragment: StreamFragment, line: bytes) -> int:
        """Return the number of the template of the open attempt; below 0 where it is not one."""
        number = self._numbers.get(fragment.template)
        if number is None and len(self._numbers) < MOST_TEMPLATES:
            number = self._numbers[fragment.template] = self._add_template(fragment, line)
        return -1 if number is None else number

    def _add_template(self, fragment: StreamFragment, line: bytes) -> int:
        attempt = self._cache.attempts.get(fragment.template) or self._parse_attempt(fragment, line)
        if attempt is None:
            return -1
        self._cache.keep_attempt(fragment.template, attempt)
        self._found.templates.append(attempt)
        return len(self._found.templates) - 1

    def _parse_attempt(self, fragment: StreamFragment, line: bytes) -> Attempt | None:
        piece = self._piece(fragment, line)
        if piece is None or len(piece.brackets) != 1 or fragment.report is None:
            return None
        (attempt,) = compact_attempts(piece.brackets, self._markers, self._settings, Shown())
        reported_ms, *figures = fragment.report
        parsed = (attempt.request_id.encode(), attempt.started_ms, attempt.ended_ms)
        if parsed != (fragment.open_id, fragment.start, fragment.end or reported_ms):
            return None
        if [attempt.billed_duration_ms, attempt.memory_size_mb] != figures:
            return None
        return attempt


def _are_apart(times: list[bytes]) -> bool:
    """Whether attempts take some time, but not too long, and end before the next one starts.

    ``times`` are in order: three of each attempt, and the start of the next. All have 13 digits.
    """
    starts, reports = times[0::3], times[2::3]
    if not (all(map(lt, starts, reports)) and all(map(lt, reports, starts[1:]))):
        return False
    if int(times[-2]) - int(times[0]) <= LONGEST_ATTEMPT_MS:
        return True
    tooks_ms = map(sub, map(int, reports), map(int, starts))
    return all(took_ms <= LONGEST_ATTEMPT_MS for took_ms in tooks_ms)
