"""Templates: attempts without their IDs, times and figures, and a cache of what is known of them.

A template is a tuple with one *part* for each record of an attempt, in order.
"""

from __future__ import annotations

from dataclasses import field

from retryctl.core.model.attempt import Attempt
from retryctl.core.model.records import (
    FunctionError,
    InitReport,
    InitStart,
    Record,
    Report,
    RuntimeDone,
    TimedOut,
)
from retryctl.core.value_classes import state_class

MOST_PARTS, MOST_ATTEMPTS = 5_000, 2_000


@state_class
class TemplateCache:
    """What the core made of lines; it is valid for equal lines of the same log.

    ``parts`` has the parts of messages without an ID, of one alone or with the one before it;
    ``attempts`` the first attempt of each template, ``records`` the first record of each form.
    """

    parts: dict[tuple[bytes, ...], object] = field(default_factory=dict)
    attempts: dict[tuple[object, ...], Attempt] = field(default_factory=dict)
    records: dict[tuple[bytes, ...], Record] = field(default_factory=dict)

    def keep_part(self, messages: tuple[bytes, ...], part: object) -> None:
        """Keep the part of these messages, if they have one."""
        if part is not None:
            if len(self.parts) >= MOST_PARTS:
                self.parts.clear()
            self.parts[messages] = part

    def keep_record(self, form: tuple[bytes, ...], record: Record) -> Record:
        """Keep the first record of a form."""
        if len(self.records) >= MOST_PARTS:
            self.records.clear()
        self.records[form] = record
        return record

    def keep_attempt(self, template: tuple[object, ...], attempt: Attempt) -> None:
        """Keep the first attempt of a template."""
        if len(self.attempts) >= MOST_ATTEMPTS:
            self.attempts.clear()
        self.attempts[template] = attempt


def figures_of(report: Report) -> tuple[tuple[int, int] | None, object]:
    """Billed ms and MB of a report, if they are whole numbers, and its part of the template."""
    billed, memory = report.billed_duration_ms, report.memory_size_mb
    part = ("R", report.status, report.error_type, report.json, report.cut)
    if not (isinstance(billed, (int, float)) and isinstance(memory, int)):
        return None, part
    if billed != int(billed) or not 0 <= billed < 10**9 or not 0 < memory < 10**9:
        return None, part
    return (int(billed), memory), part


def init_part(record: Record) -> object:
    """Return the part of a record of the init; ``None`` for any other record."""
    if isinstance(record, InitStart):
        return ("I", record.initialization_type, record.phase, record.json)
    if isinstance(record, InitReport):
        return ("J", record.initialization_type, record.phase, record.status, record.error_type)
    return None


def template_part(record: Record) -> object:
    """Return the part of a record; ``None`` where its place among other lines counts."""
    if isinstance(record, FunctionError) and record.certain and record.runtime != "ruby":
        return ("F", record.error_type, record.error_message, record.frame, record.runtime)
    if isinstance(record, TimedOut):
        return ("T", record.timeout_s)
    if isinstance(record, RuntimeDone):
        return ("D", record.status, record.error_type)
    return None


def is_error(part: object) -> bool:
    """Whether a part is that of an error."""
    return isinstance(part, tuple) and part[:1] == ("F",)
