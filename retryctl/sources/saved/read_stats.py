"""Progress, statistics and gaps of reading a saved log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, field, replace
from typing import TYPE_CHECKING, Any

from retryctl.core.late_regex import late_regex
from retryctl.core.model.coverage import UNORDERED, Coverage, Gap, GapKind
from retryctl.core.model.events import is_timed
from retryctl.core.value_classes import state_class
from retryctl.core.wording import number_of
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.files import DEMO, STDIN, STDIN_NAME
from retryctl.sources.saved.skipped_files import Skipped, skipped_gaps

if TYPE_CHECKING:
    from retryctl.sources.saved.gzip_members import Checkpoint

ByteProgress = Callable[[int, "int | None"], None]
"""Gets the number of bytes read and the number of all bytes."""

LINES_NAMED = 3

# [{"field": "@timestamp", "value": "…"}, …
_ROW = late_regex(r'\s*\[\{"field": ?"')
# START RequestId: 8f507cfc-…, {"time": "…", "type": "platform.report", …
_RECORD = late_regex(
    r"(?:START|END|REPORT) RequestId: |INIT_START Runtime Version: |platform\.(?:start|report)"
)
_FIGURES_LAST = late_regex(rb"Max Memory Used: \d+ MB[ \t\r]*\Z")


class Meter:
    """Reports progress in bytes on the disk."""

    def __init__(self, progress: ByteProgress | None, total: int) -> None:
        self.done = 0
        self._progress = progress
        self._total = total

    def advance(self, count: int) -> None:
        """Add ``count`` bytes to those read."""
        self.reach(self.done + count)

    def reach(self, done: int) -> None:
        """Set the number of bytes read."""
        self.done = done
        if self._progress:
            self._progress(done, self._total)


@state_class
class ReadStats:
    """Statistics and gaps of reading ``source``. Times are epoch milliseconds."""

    source: str
    _: KW_ONLY
    since_ms: int | None = None
    until_ms: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    events: int = 0
    unrecognised: int = 0
    web_requests: int = 0
    web_function: bool = False
    bytes_read: int = 0
    log_groups: set[str] = field(default_factory=set)
    torn_streams: set[tuple[str | None, str | None]] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    skipped_folders: Sequence[Skipped] = ()

    def see(self, moment_ms: int) -> None:
        """Count an event of this time."""
        self.events += 1
        if self.first_ms is None or moment_ms < self.first_ms:
            self.first_ms = moment_ms
        if self.last_ms is None or moment_ms > self.last_ms:
            self.last_ms = moment_ms

    def add(self, diagnostics: FileDiagnostics) -> None:
        """Add the gaps of one file."""
        self.unrecognised += diagnostics.unrecognised
        if diagnostics.skipped:
            self.skipped.append(diagnostics.skipped)
        else:
            self.gaps += diagnostics.settled()

    def coverage(self) -> Coverage:
        """Return the coverage for the cross-check and the views.

        It ends at the last event of the log, even where the window goes on. A window without
        events is a moment: its end, or its start.
        """
        first_ms, last_ms = _timed(self.first_ms), _timed(self.last_ms)
        ends_ms = (moment for moment in (self.until_ms, last_ms) if moment is not None)
        horizon_ms = min(ends_ms, default=None)
        since_ms = first_ms if self.since_ms is None else self.since_ms
        until_ms = horizon_ms
        if since_ms is not None and until_ms is not None and since_ms > until_ms:
            if self.since_ms is None:
                since_ms = until_ms
            else:
                until_ms = since_ms
        return Coverage(
            source=DEMO if self.source == DEMO else "saved",
            where=STDIN_NAME if self.source == STDIN else self.source,
            log_groups=tuple(sorted(self.log_groups)),
            since_ms=since_ms,
            until_ms=until_ms,
            horizon_ms=horizon_ms,
            first_event_ms=first_ms,
            last_event_ms=last_ms,
            torn_streams=frozenset(self.torn_streams),
            left_out=tuple(self.left_out.items()),
            events_read=self.events,
            events_unrecognised=self.unrecognised,
            web_requests=self.web_requests,
            web_function=self.web_function,
            bytes_read=self.bytes_read,
            gaps=(*skipped_gaps(self.skipped, self.skipped_folders), *self.gaps),
        )


def _timed(moment_ms: int | None) -> int | None:
    """Return the time of an event; ``None`` where its log has no times."""
    return moment_ms if moment_ms is not None and is_timed(moment_ms) else None


class FileDiagnostics:
    """Gaps of one file, and the number of its lines that are not events (``unrecognised``).

    ``number`` is the place of the file among those of its log.

    ``is_decoded``: the text that is read is not the bytes of the file, nor what they unpack to
    (``gzip_layers``, with ``checkpoints``).
    ``begins_within_line``: its first line is the end of a line of JSON.
    ``of_lines``: a message may be several lines of it.
    """

    def __init__(self, name: str, number: int = 0) -> None:
        self.name, self.number = name, number
        self.begins_within_line = self.of_lines = False
        self.gaps: list[Gap] = []
        self.skipped: Skipped | None = None
        self.unrecognised = 0
        self.is_decoded = False
        self.gzip_layers = 0
        self.checkpoints: list[Checkpoint] = []
        self._ends: list[Gap] = []
        self._no_events = 0
        self._records = 0
        self._torn = 0
        self._unclear = 0
        self._doubled = False
        self._latest_ms: int | None = None
        self._in_order = True

    def see(self, moment_ms: int) -> None:
        """Note the time of an event of the file."""
        if self._latest_ms is None or moment_ms >= self._latest_ms:
            self._latest_ms = moment_ms
        else:
            self._in_order = False

    def damaged(self, what: str) -> None:
        """Add a gap: a part of the file cannot be read, and attempts may be missing."""
        self._gap("truncated", f"{self.name}: {what}", hides_attempts=True)

    def breaks_off(self, what: str) -> None:
        """Add a gap: the file ends too early. Gzip data and the JSON in it make one gap."""
        if self.gaps and self.gaps[-1] in self._ends:
            return
        self.damaged(what)
        self._ends.append(self.gaps[-1])

    def breaks_off_within_report(self, text: bytes) -> None:
        """Note that the file ends within a REPORT, or behind its figures without a line end.

        Text that was pasted often lacks its last line end. Then the attempt of the REPORT alone is
        uncertain.
        """
        what = "its last line is a REPORT without a line end: a status may follow"
        if _FIGURES_LAST.search(text):
            self._gap("truncated", f"{self.name}: {what}")
        else:
            self.breaks_off(what)

    def one_stream(self) -> None:
        """Note that the file is the log of one stream: attempts may lie in others."""
        if any(gap.kind == "one-stream" for gap in self.gaps):
            return
        what = f"{self.name} is the log of one execution environment; attempts may lie in others"
        self._gap("one-stream", what, hides_attempts=True)

    def unordered_containers(self) -> None:
        """Note that lines of several containers, which share requests, have no common order."""
        what = f"{self.name} names no times: the order of its containers is not known"
        self._gap(UNORDERED, what, settle="docker compose logs -t", hides_lines=True)

    def more_pages(self, after_ms: int) -> None:
        """Note that the file is one page of an answer, whose last event has this time."""
        what = f"{self.name} is one page of an answer: what follows its last event is missing"
        self._gap("more-pages", what, since_ms=after_ms or None, hides_attempts=True)

    def wrapped(self, width: int) -> None:
        """Note that lines of a terminal were joined, which may be messages of their own."""
        what = (
            f"{self.name} was cut into lines of {width} characters: a line of that width and the "
            "next were joined, and may be two messages; save the log with a command instead"
        )
        self._gap("not-understood", what, hides_lines=True)

    def doubled_messages(self) -> None:
        """Note texts that stand twice in a row: one message of an open row, or two."""
        if self._doubled:
            return
        self._doubled = True
        what = (
            f"{self.name}: a text that stands twice under its time is one message, which the "
            "console shows twice in an open row, or was printed twice; save the log with a command"
        )
        self._gap("not-understood", what, hides_lines=True)

    @property
    def has_remarks(self) -> bool:
        """Whether some of the file could not be read as events."""
        return bool(self.gaps or self.unrecognised or self._torn or self._unclear)

    def settled(self) -> list[Gap]:
        """Return the gaps of the file. If it is in order, a missing end is after its events."""
        if self._no_events > LINES_NAMED:
            more = self._no_events - LINES_NAMED
            what = f"{self.name}: {more:,} more lines are not log events"
            self._gap("unrecognised", what)
        if self._records:
            lines = f"{self._records:,} lines that were not understood"
            what = f"{self.name}: {lines} contain records of Lambda"
            self._gap("not-understood", what, hides_attempts=True)
            self._records = 0
        if self._torn:
            lines = number_of(self._torn, "line")
            what = f"{self.name}: not a whole event, or several joined: {lines}"
            self._gap("not-understood", what, hides_attempts=True)
            self._torn = 0
        if self._unclear:
            lines = number_of(self._unclear, "counter or branch", "counters or branches")
            what = f"{self.name}: {lines} may be text of the message before; save the log as JSON"
            self._gap("not-understood", what, hides_lines=True)
            self._unclear = 0
        since_ms = self._latest_ms if self._in_order else None
        return [replace(gap, since_ms=since_ms) if gap in self._ends else gap for gap in self.gaps]

    def unread_event(self, place: int, found: str, *, torn: bool = False) -> None:
        """Count a line that is not an event; the first few are named with their text.

        ``torn``: it begins as an event and is not one, since files were joined, or it was cut.
        """
        self.unrecognised += 1
        self._no_events += 1
        is_record = _RECORD.search(found) is not None
        self._records += is_record
        self._torn += torn and not is_record
        if place == 1 and found.rstrip().endswith("}") and found.lstrip()[:1] not in ("{", "["):
            self.begins_within_line = True
        if self._no_events <= LINES_NAMED:
            unnamed = _ROW.match(found) and '"@message"' not in found
            lacks = "a row of Logs Insights without the field @message"
            what = f"{self.name}:{place}: not a log event: "
            what += lacks if unnamed else repr(found.strip()[:60])
            self._gap("unrecognised", what)

    def joined_records(self, number: int = 1) -> None:
        """Count records within a line: they are quoted, or another file was joined there."""
        self._torn += number

    def unclear_claim(self) -> None:
        """Count a counter or a branch that may be a line of the message before it."""
        self._unclear += 1

    def refused(self, error: UnreadableInput) -> None:
        """Note that the file was skipped."""
        closed = isinstance(error.__cause__, OSError)
        hides = closed or error.hides_attempts or any(gap.hides_attempts for gap in self.gaps)
        named = error.what.startswith(f"{self.name} ")
        why = f"it{error.what.removeprefix(self.name)}" if named else error.what
        self.skipped = Skipped(self.name, why, hides)

    def _gap(self, kind: GapKind, message: str, **more: Any) -> None:
        self.gaps.append(Gap(kind=kind, message=message, **more))
