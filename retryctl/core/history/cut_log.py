"""Detection of a log that was cut at its start.

Every execution environment begins its log stream with an init record. Where a log has such
records, and one of its streams begins with an attempt instead, earlier lines of that stream are
missing, and attempts before the log's first event may be missing too. So they may where an attempt
began before the first event. A log without any of this proves nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.coverage import Gap
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_EVENT_AGE_S
from retryctl.core.model.records import AppLine, End, InitStart, Record, Report, RestoreStart, Start
from retryctl.core.value_classes import state_class

BEGINS_LATE: Final = "begins-late"
FILTERED: Final = "filtered"


# ⏎--, at the end or before the rest of a traceback
_SEPARATOR = re.compile(r"(?:\A|\n)--\n[ \t]|\n--\Z")


@state_class
class _StreamStart:
    """The times of the first records of a stream."""

    init_ms: float = float("inf")
    start_ms: float = float("inf")
    end_ms: float = float("inf")
    report_ms: float = float("inf")
    report: Report | None = None

    def add(self, at_ms: int, record: Record) -> None:
        if isinstance(record, (InitStart, RestoreStart)):
            self.init_ms = min(self.init_ms, at_ms)
        elif isinstance(record, Start):
            self.start_ms = min(self.start_ms, at_ms)
        elif isinstance(record, End):
            self.end_ms = min(self.end_ms, at_ms)
        elif isinstance(record, Report) and at_ms < self.report_ms:
            self.report_ms, self.report = at_ms, record

    @property
    def first_ms(self) -> float:
        """The time of the first record of an attempt."""
        return min(self.start_ms, self.end_ms, self.report_ms)

    @property
    def has_no_init(self) -> bool:
        """Whether it has an attempt, and no init."""
        return self.init_ms == float("inf") > self.first_ms

    @property
    def lacks_init(self) -> bool:
        """Whether its first attempt has no init, nor an init's figures on its REPORT."""
        report = self.report
        figures = report and (report.init_duration_ms, report.restore_duration_ms)
        return self.first_ms < self.init_ms and figures in (None, (None, None))

    def began_before(self, moment_ms: int) -> bool:
        """Whether its first REPORT is that of an attempt that began before ``moment_ms``."""
        if self.report is None or self.report.duration_ms is None:
            return False
        began_ms = self.report_ms - self.report.duration_ms
        return self.report_ms < self.start_ms and began_ms < moment_ms


def is_cut(events: Iterable[LogEvent], first_ms: int) -> bool:
    """Whether the log of these events was cut before ``first_ms``, its first event.

    The events may come in any order. Of a large log those at its start are enough.
    """
    streams: dict[tuple[str | None, str | None], _StreamStart] = defaultdict(_StreamStart)
    for event in events:
        record = parse_record(event)
        if isinstance(record, (InitStart, RestoreStart, Start, End, Report)):
            streams[event.log_group, event.log_stream].add(event.timestamp_ms, record)
    found = streams.values()
    has_inits = any(stream.init_ms < float("inf") for stream in found)
    for (_, name), stream in streams.items():
        # a named stream has one init, wherever it stands; a log without names has many
        if has_inits and (stream.lacks_init if name is None else stream.has_no_init):
            return True
    has_starts = any(stream.start_ms < float("inf") for stream in found)
    return has_starts and any(stream.began_before(first_ms) for stream in found)


def is_filtered(events: Iterable[LogEvent]) -> bool:
    """Whether the events are a selection of a text log: its REPORTs are there, and no END.

    Lambda writes both. A log with printed lines is not taken for a selection.
    """
    reports = 0
    for event in events:
        record = parse_record(event)
        if isinstance(record, (Start, Report)) and record.json:
            return False
        if isinstance(record, (End, AppLine)):
            return False
        reports += isinstance(record, Report)
    return reports > 1


def is_grouped(events: Iterable[LogEvent]) -> bool:
    """Whether lines ``--`` within the messages separate groups of lines, as ``grep -C`` does it.

    Behind one stands the next event, or an indented line: another one is text of the function, as
    in the signature of a mail. ``events`` are those of a text, since grep works on lines.
    """
    return any(_SEPARATOR.search(event.message) for event in events)


def filtered(why: str) -> Gap:
    """Return the gap of a log that has only some of its lines."""
    return Gap(
        kind=FILTERED,
        message=f"{why}: it is a selection of a log, and other lines (prints, counters, errors) "
        "are missing; save it without a filter pattern",
        hides_attempts=True,
        hides_lines=True,
    )


def begins_late(first_ms: int) -> Gap:
    """Return the gap before the first event of a log that was cut at its start."""
    return Gap(
        kind=BEGINS_LATE,
        message="the log begins in the middle of a longer one: attempts before its first event "
        f"may be missing; save it from {LONGEST_EVENT_AGE_S // 3600} h earlier, "
        "and read it with --since",
        until_ms=first_ms,
        hides_attempts=True,
    )
