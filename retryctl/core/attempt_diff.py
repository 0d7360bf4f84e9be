"""Two attempts compared line by line; times, IDs and figures are ignored, except the counter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import chain, takewhile

from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class

_MOST_MATCHED = 2_000
"""Of more lines after the first difference no common ones are searched for."""

# Text that differs from run to run: dates and times, IDs and hashes, addresses, numbers.
_VARYING = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b1-[0-9a-f]{8}-[0-9a-f]{24}\b"
    r"|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"
    r"|\d+(?:[.,]\d+)*"
)
# INIT_START Runtime Version: …  {"time": …, "type": "platform.initStart", …}
_INIT = re.compile(
    r'\s*(?:(INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|EXTENSION)\b|\{.*?"type":\s*'
    r'"(platform\.(?:init|restore|extension|telemetry)\w*))',
    re.DOTALL,
)
# on REPORT:  Init Duration: 101.20 ms
_INIT_DURATION = re.compile(
    r"\s*((?:Init|Restore|Billed Restore) Duration): [\d.]+ ms"
    r'|"((?:init|restore)DurationMs)":\s*[\d.]+,?'
)


@value_class
class Stretch:
    """Lines of both attempts that are the same, or that differ."""

    same: bool
    left: tuple[LogEvent, ...] = ()
    right: tuple[LogEvent, ...] = ()


@value_class
class AttemptDiff:
    """The stretches of two attempts in the order of their lines."""

    left: Attempt
    right: Attempt
    stretches: tuple[Stretch, ...]

    @property
    def same(self) -> bool:
        """Whether the attempts logged the same lines."""
        return all(stretch.same for stretch in self.stretches)

    @property
    def parts_after(self) -> int | None:
        """The number of equal lines before the first difference; ``None`` without one."""
        if self.same:
            return None
        return sum(len(each.left) for each in takewhile(lambda one: one.same, self.stretches))

    @property
    def starts_of_environments(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What only the left, and only the right, logged of the start of its environment.

        It is not compared. ``INIT_START``, ``platform.initStart``, ``Init Duration``.
        """
        left, right = _start_of_environment(self.left), _start_of_environment(self.right)
        return (
            tuple(name for name in left if name not in right),
            tuple(name for name in right if name not in left),
        )


def diff_attempts(left: Attempt, right: Attempt) -> AttemptDiff:
    """Compare the lines of two attempts, without those of a cold start."""
    return AttemptDiff(left=left, right=right, stretches=tuple(_stretches(left, right)))


def comparable(message: str) -> str:
    """Return a line with ``#`` for each time, ID and figure in it."""
    return _VARYING.sub("#", _INIT_DURATION.sub("", message.strip()).rstrip())


def _own(attempt: Attempt) -> list[LogEvent]:
    """Return the lines of an attempt without those about its environment's start."""
    return [event for event in attempt.events if not _INIT.match(event.message)]


def _start_of_environment(attempt: Attempt) -> dict[str, None]:
    """Return the names of the records, and of the figures on REPORT, of a cold start."""
    lines = (match for event in attempt.events if (match := _INIT.match(event.message)))
    report = attempt.report_event.message if attempt.report_event else ""
    found = chain(lines, _INIT_DURATION.finditer(report))
    return dict.fromkeys(match[match.lastindex or 0] for match in found)


def _compared(attempt: Attempt, event: LogEvent) -> str:
    """Return the line without what varies; that of a counter keeps the counter.

    Of a claim with a counter, the first piece of evidence is the counter's line.
    """
    claim = attempt.claim
    is_counter = claim.counter is not None and event == claim.evidence[0]
    return (f"{claim.counter} " if is_counter else "") + comparable(event.message)


def _stretches(left_attempt: Attempt, right_attempt: Attempt) -> Iterator[Stretch]:
    left, right = _own(left_attempt), _own(right_attempt)
    one = [_compared(left_attempt, event) for event in left]
    other = [_compared(right_attempt, event) for event in right]
    start = _common(one, other)
    end = _common(one[start:][::-1], other[start:][::-1])
    if start:
        yield Stretch(same=True, left=tuple(left[:start]), right=tuple(right[:start]))
    until_left, until_right = len(one) - end, len(other) - end
    for same, a, b, c, d in _middle(one[start:until_left], other[start:until_right]):
        yield Stretch(
            same=same,
            left=tuple(left[start + a : start + b]),
            right=tuple(right[start + c : start + d]),
        )
    if end:
        yield Stretch(same=True, left=tuple(left[until_left:]), right=tuple(right[until_right:]))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many elements are the same from the first on."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _middle(one: list[str], other: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    if not one and not other:
        return
    if max(len(one), len(other)) > _MOST_MATCHED:
        yield False, 0, len(one), 0, len(other)
        return
    for tag, *places in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        yield tag == "equal", places[0], places[1], places[2], places[3]
