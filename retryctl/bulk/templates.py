"""What lines tell apart from their ID, their time and their figures, and what was learned of that.

A *token* is what one record tells so; those of an attempt, in order, are its *shape*.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from retryctl.core.model.attempt import Attempt
from retryctl.core.model.records import FunctionError, Record, Report, RuntimeDone, TimedOut

MOST_TOLD, MOST_REMEMBERED = 5_000, 2_000


@dataclass(slots=True)
class TemplateCache:
    """What the core made of lines; it holds wherever they come again in the same log.

    ``told`` has what messages tell that carry no ID, one alone or with the one before it;
    ``shapes`` the first attempt of each shape.
    """

    told: dict[tuple[bytes, ...], object] = field(default_factory=dict)
    shapes: dict[tuple[object, ...], Attempt] = field(default_factory=dict)

    def remember(self, messages: tuple[bytes, ...], token: object) -> None:
        """Keep what these messages tell, where that is known."""
        if token is not None:
            if len(self.told) >= MOST_TOLD:
                self.told.clear()
            self.told[messages] = token

    def keep(self, shape: tuple[object, ...], attempt: Attempt) -> None:
        """Keep the first attempt of a shape."""
        if len(self.shapes) >= MOST_REMEMBERED:
            self.shapes.clear()
        self.shapes[shape] = attempt


def figures_of(report: Report) -> tuple[tuple[int, int] | None, object]:
    """Billed ms and MB, where they are whole numbers, and the rest of what a report tells."""
    billed, memory = report.billed_duration_ms, report.memory_size_mb
    token = ("R", report.status, report.error_type, report.json, report.cut)
    if not (isinstance(billed, (int, float)) and isinstance(memory, int)):
        return None, token
    if billed != int(billed) or not 0 <= billed < 10**9 or not 0 < memory < 10**9:
        return None, token
    return (int(billed), memory), token


def token_of(record: Record) -> object:
    """What a record tells apart from its ID; ``None`` of one whose place among others counts."""
    if isinstance(record, FunctionError) and record.certain and record.runtime != "ruby":
        return ("F", record.error_type, record.error_message, record.frame, record.runtime)
    if isinstance(record, TimedOut):
        return ("T", record.timeout_s)
    if isinstance(record, RuntimeDone):
        return ("D", record.status, record.error_type)
    return None
