"""The state of one log stream in one scan, and what the scan of a chunk found."""

from __future__ import annotations

from dataclasses import field
from typing import Any
from zlib import crc32

from retryctl.bulk.attempt_templates import is_error
from retryctl.bulk.compact_attempts import KeptAttempts, deal_out
from retryctl.bulk.line_layout import may_have_retry
from retryctl.core.history.event_order import Doubt
from retryctl.core.history.search_detection import IdSearch
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.group_names import unqualified
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.value_classes import state_class

AttemptFigures = tuple[bytes, int, int, int, int, tuple[object, ...]]
"""ID, start and duration in ms, billed ms, MB and template: all that its lines show."""
MOST_AT_ONCE = 500
"""As many lines of attempts that are shown wait, to be parsed together."""


class StreamFragment:
    """What one scan read of one stream, in order of time. Only its own methods write to it.

    Its state has three parts (see the drawing in ``bulk``): the *head*, which is set by the first
    cut; the *open attempt*, from its START on; and the *tail*, the lines since the last cut.
    """

    __slots__ = (
        # which stream, and how it is written
        *("number", "key", "group", "first", "last", "json", "runtime", "function", "keeps_ties"),
        # head: the lines before the first cut, the START behind it, the attempt that it closed
        *("head", "cut_line", "head_context", "head_attempt"),
        # open attempt: its records, its template, and what decides whether the template suffices
        *("open_id", "open_at", "start", "end", "report", "report_at"),
        *("template", "is_ordinary", "is_noted_between", "init"),
        # tail: the lines since the last cut, the attempt before them, when the next cut is tried
        *("lines", "context", "placed_ms", "undecided_ms", "patience_ms", "tail_attempt"),
        "is_torn",  # whether an attempt between two cuts shows that lines were lost
        # whether the order of its ties depends on the lines of other fragments
        *("depends_before", "depends_behind"),
    )

    def __init__(
        self,
        number: int,
        key: tuple[str | None, str],
        first: bytes,
        group: str | None = None,
        *,
        keeps_ties: bool = True,
    ) -> None:
        self.number, self.key, self.group = number, key, group
        self.keeps_ties = keeps_ties
        self.first = self.last = first
        self.json: bool | None = None
        self.runtime: str | None = None
        self.function: tuple[str | None] | None = None

        self.head: list[bytes] | None = None
        self.cut_line = b""
        self.head_context: list[bytes] = []
        self.head_attempt: AttemptFigures | None = None
        self.tail_attempt: AttemptFigures | None = None

        self.is_torn = self.depends_before = self.depends_behind = False
        self.lines: list[Any] = []  # lines; events where the core has read them
        self.context: list[Any] = []
        self.placed_ms = 0
        self.undecided_ms = 0
        self.patience_ms = LONGEST_ATTEMPT_MS
        self.init: tuple[object, ...] = ()
        self._close()

    def _close(self) -> None:
        self.open_id = b""
        self.open_at = self.report_at = -1
        self.start = self.end = 0
        self.report: tuple[int, int, int] | None = None
        self.is_ordinary = False
        self.is_noted_between = False
        self.template: tuple[object, ...] = ()

    # ----------------------------------------------------------------- lines

    def advance(self, moment: bytes) -> None:
        """Note the time of the next line."""
        self.last = moment

    def hold(self, line: bytes) -> None:
        """Keep a line until its attempt is closed."""
        self.lines.append(line)

    def hold_all(self, lines: list[bytes]) -> None:
        """Keep lines without effect."""
        self.lines += lines

    def hold_record(self, line: bytes, part: object) -> None:
        """Keep a record, and add it to the template; without a ``part`` it is in none."""
        self.lines.append(line)
        if self.report is not None or not self.open_id:
            self.is_noted_between = True
            self.is_ordinary = False
        elif part is None or (is_error(part) and any(map(is_error, self.template))):
            self.is_ordinary = False  # between two errors, other lines count too
        else:
            self.template += (part,)

    def hold_init(self, line: bytes, part: object) -> None:
        """Keep a record of the init; it is in the template of the stream's first attempt."""
        if self.head is None and not self.open_id and len(self.lines) == len(self.init):
            self.init += (part,)
        self.hold_record(line, None)

    def describe(
        self,
        *,
        json: bool | None = None,
        runtime: str | None = None,
        function: tuple[str | None] | None = None,
    ) -> None:
        """Note what a record shows of the whole stream; the first one counts, or an ARN."""
        self.json = json if self.json is None else self.json
        self.runtime = self.runtime or runtime
        if self.function is None or (function and unqualified(function[0])):
            self.function = function or self.function

    # ----------------------------------------------------------------- the open attempt

    def open(self, request_id: bytes, start_ms: int, line: bytes, part: object) -> None:
        """Begin an attempt with its START ``line``."""
        # else it was not cut, or more was noted
        self.is_ordinary = len(self.lines) == len(self.init)
        self.open_id = request_id
        self.open_at, self.report_at = len(self.lines), -1
        self.start, self.end, self.report = start_ms, 0, None
        self.is_noted_between = False
        self.template = (*self.init, part)
        self.lines.append(line)

    def spoil(self) -> None:
        """Leave the open attempt to the core: it has no template."""
        self.is_ordinary = False

    def end_with(self, request_id: bytes, moment_ms: int, line: bytes) -> None:
        """Keep an END record."""
        self.lines.append(line)
        if self.open_id == request_id and self.report is None and not self.end:
            self.end = moment_ms
        else:
            self.is_ordinary = False

    def report_with(
        self,
        request_id: bytes,
        moment_ms: int,
        line: bytes,
        figures: tuple[int, int] | None,
        part: object,
    ) -> None:
        """Keep a REPORT record, which closes the attempt that is open."""
        self.lines.append(line)
        if self.open_id and (self.open_id == request_id) is not (self.report is None):
            self.is_ordinary = False  # a repeat, or text of the open attempt
            return
        if self.open_id != request_id:  # its START was not read
            self.is_ordinary = False
            self.open_id, self.start, self.open_at = request_id, moment_ms, len(self.lines) - 1
        took_ms = moment_ms - self.start
        timed = figures is not None and 0 < took_ms <= LONGEST_ATTEMPT_MS
        timed = timed and not may_have_retry(line, took_ms)
        ended = bool(self.json or self.end)  # else its END was lost, and other lines may be too
        self.is_ordinary = self.is_ordinary and timed and ended
        self.template += (part,)
        self.report = (moment_ms, *(figures or (0, 0)))
        self.report_at = len(self.lines) - 1

    @property
    def has_start(self) -> bool:
        """Whether the attempt that it read last is in it from its START on."""
        return bool(self.open_id) and (self.report is None or self.open_at < self.report_at)

    def note_ties(self, *, depend_before: bool, depend_behind: bool) -> None:
        """Note whether lines before or behind it decide the order of its ties."""
        self.depends_before, self.depends_behind = depend_before, depend_behind

    @property
    def is_at_start(self) -> bool:
        """Whether the START of an attempt that can have a template was read last, behind a cut."""
        return self.is_ordinary and self.head is not None and len(self.lines) == 1

    @property
    def can_wait(self) -> bool:
        """Whether the lines can wait, to be parsed together: each cut parses an attempt again."""
        return self.head is not None and not self.is_ordinary and len(self.lines) < MOST_AT_ONCE

    def _figures(self) -> AttemptFigures | None:
        """Return the open attempt, if its template and its figures show all; no line follows it."""
        if not self.is_ordinary or self.report is None or self.report_at + 1 < len(self.lines):
            return None
        reported_ms, billed_ms, memory_mb = self.report
        took_ms = (self.end or reported_ms) - self.start
        return self.open_id, self.start, took_ms, billed_ms, memory_mb, self.template

    # ----------------------------------------------------------------- cuts

    def is_ready_to_cut(self, moment_ms: int) -> bool:
        """Whether the attempt before a START at this time is closed, as far as can be known.

        A fragment begins where an attempt ends whose START it has read.
        """
        if self.report is None:
            if self.open_id:
                self.undecided_ms = max(self.undecided_ms, self.start + LONGEST_ATTEMPT_MS)
            return False
        begun = self.head is not None or self.open_at < self.report_at
        return self.report[0] < moment_ms > self.undecided_ms and begun

    def postpone_cut(self, moment_ms: int) -> None:
        """Wait before the next try, each time longer: the core could not confirm a cut."""
        self.undecided_ms = moment_ms + self.patience_ms
        self.patience_ms *= 2

    def set_head(self, line: bytes, between: list[Any]) -> None:
        """Cut for the first time, before the START ``line``."""
        self.head, self.cut_line, self.init = self.lines, line, ()
        self.head_attempt = self._figures()
        self.context = self.head_context = self.lines[self.open_at : self.report_at + 1]
        self.lines, self.placed_ms = between, self.start

    def cut(self, context: list[Any], between: list[Any], placed_ms: int) -> None:
        """Cut where the last closed attempt is ``context`` and ``between`` follows it."""
        self.context, self.lines, self.placed_ms = context, between, placed_ms

    def clear(self) -> None:
        """Drop all lines: the stream is out of order, and is read in another way."""
        self.lines, self.head, self.context = [], None, []
        self._close()

    def finish(self) -> None:
        """Keep what the stitching needs."""
        self.tail_attempt, self.template = self._figures(), ()


def share_of(place: tuple[str | None, str], shares: int) -> int:
    """Return the share that a stream belongs to, of this number of them."""
    return crc32(place[1].encode(errors="replace")) % shares


@state_class
class ScannedChunk:
    """What the scan of a chunk found; ``others`` are partitioned by request ID.

    ``packed`` has the packed attempts by partition, but for the latest, which are in ``records``.
    At the end ``kept`` has the others, by partition, so that these are unpickled with their
    partition only; ``shares`` have the pickled ``fragments``, by share of the streams.
    """

    fragments: list[StreamFragment] = field(default_factory=list)
    fragment_count: int = 0
    shares: list[bytes] = field(default_factory=list)
    out_of_order: set[tuple[str | None, str]] = field(default_factory=set)
    records: list[bytes] = field(default_factory=list)
    packed: list[bytearray] = field(default_factory=list)
    others: list[list[tuple[int, Attempt]]]
    kept: list[KeptAttempts] = field(default_factory=list)
    templates: list[Attempt] = field(default_factory=list)
    log_groups: set[str] = field(default_factory=set)
    events: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    unrecognised: dict[int, set[str | int]] = field(default_factory=dict)
    doubts: list[tuple[tuple[str | None, str], Doubt]] = field(default_factory=list)
    web: set[str] = field(default_factory=set)
    id_search: IdSearch = field(default_factory=IdSearch)
    answers_search: bool = False
    malformed: bool = False

    def deal_out(self, parts: int) -> None:
        """Deal the packed attempts of ``records`` out to the partitions."""
        self.packed = self.packed or [bytearray() for _ in range(parts)]
        for part, packed in zip(self.packed, deal_out(self.records, parts), strict=True):
            part += packed
        self.records.clear()

    def forget_counts(self) -> None:
        """Drop the counts of a scan of some of the lines: a survey counted all of them."""
        self.events, self.first_ms, self.last_ms = 0, None, None
        self.id_search = IdSearch()
