"""Claims among the lines of one millisecond of a stream, whose order a source does not give.

An integer and a branch of one millisecond are taken as a claim. Where the integer leads to the
branch, the verdict is that of the branch alone, and so it is right also if the function printed
them apart. Where it does not lead there, either the function counted wrong or it printed the
integer for another purpose: only their order would show which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, groupby

from retryctl.core.crosscheck.claims import Markers, bare_integer, branch_of, read_claim
from retryctl.core.grammar.runtime_text import may_lack_traceback
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import AppLine, End, FunctionError, Record, Report, RuntimeDone
from retryctl.core.value_classes import value_class

BRANCH_AFTER_INTEGER, OUTPUT, INTEGER, BRANCH = 4, 5, 6, 7
"""The ranks of output in its attempt."""
_BRANCHES = (BRANCH, BRANCH_AFTER_INTEGER)
CLOSING = (RuntimeDone, End, Report)
"""The records of the end of an attempt."""

Place = tuple[int, str, int]
"""The attempt of a line, by its turn in the millisecond and its request; the line's rank in it."""
Placed = tuple[Place, LogEvent, Record]


def output_rank(line: AppLine, markers: Markers) -> int:
    """Return the rank of a printed line."""
    if bare_integer(line.text) is not None:
        return INTEGER
    return OUTPUT if branch_of(line.text, markers.branches) is None else BRANCH


def matters(line: Placed, markers: Markers) -> bool:
    """Whether a verdict or an outcome can depend on the line."""
    (_, _, rank), event, record = line
    if not isinstance(record, AppLine):
        return True
    if markers.are_default:  # "retryctl" marks a line of the counters
        return rank in (INTEGER, *_BRANCHES) or '"retryctl"' in record.text
    return not read_claim([(event, record)], markers).silent


def equal_claims(placed: Sequence[Placed], markers: Markers) -> list[Placed]:
    """Return the lines of one attempt that differ in what they claim, and have no order.

    Where an error counts only as the last line of its attempt, all output beside it does.
    """
    last = {_attempt_of(line) for line in placed if counts_as_last(line[2])}
    claims = {
        (_attempt_of(line), *claimed): line
        for line in placed
        for claimed in _claimed(line, markers, beside_error=_attempt_of(line) in last)
    }
    beside = Counter((attempt, kind) for attempt, kind, _ in claims)
    return [line for key, line in claims.items() if beside[key[:2]] > 1 or key[0] in last]


def _claimed(line: Placed, markers: Markers, *, beside_error: bool) -> Iterator[tuple[str, object]]:
    """Yield what a line claims: its kind, and its value."""
    (_, _, rank), event, record = line
    if not isinstance(record, AppLine):
        return
    if beside_error:
        yield "output", record.text
    elif markers.are_default and matters(line, markers):
        yield str(rank), record.text
    elif not markers.are_default:
        claim = read_claim([(event, record)], markers)
        found = ("counter", claim.counter), ("branch", claim.branch)
        yield from ((kind, value) for kind, value in found if value is not None)


def counts_as_last(record: Record) -> bool:
    """Whether a line is an error only if it is the last one of its attempt."""
    if isinstance(record, AppLine):
        return may_lack_traceback(record.text)
    return isinstance(record, FunctionError) and not record.certain


@value_class
class TiedOutput:
    """What one attempt printed in a millisecond: ``integers`` and ``branches`` are among it.

    ``before`` is the integer that is its last line before the millisecond. ``goes_on``: the
    attempt does not end in the millisecond.
    """

    texts: Sequence[str]
    integers: Sequence[int]
    branches: Sequence[str]
    before: int | None
    goes_on: bool

    @property
    def other_integers(self) -> int:
        """Count a branch and the integers before it: one printed just before, and one beside it."""
        others = {*self.integers} - {self.before}
        both = self.before is not None and self.branches and others
        return len(self.branches) + len(others) if both else 0

    def unproven_pairs(self, markers: Markers) -> int:
        """Count the lines where an integer that does not lead to a branch may stand before it.

        It does stand there if all integers are equal, one before the millisecond among them, and
        nothing else is beside the branch.
        """
        possible = {*self.integers, self.before} - {None}
        alone = len(self.texts) == len(self.integers) + 1
        if self.before is not None and len(possible) == 1 and alone:
            return 0
        is_proven = lead_to(possible, self.branches, markers)
        return 0 if is_proven else len(self.branches) + len(possible)


def last_integers(printed: Iterable[TiedOutput]) -> frozenset[int]:
    """Return the integers that are the last line of an attempt in some orders only."""
    loose = (one.integers for one in printed if one.goes_on and len({*one.texts}) > 1)
    return frozenset(chain.from_iterable(loose))


def lead_to(integers: Collection[int | None], branches: Collection[str], markers: Markers) -> bool:
    """Whether each of some integers, as a counter, leads to each of the branches."""
    counters = [counter for counter in integers if counter is not None]
    return all(markers.branches.due(each) == branch for each in counters for branch in branches)


def tied_output(
    placed: Iterable[Placed], markers: Markers, integer_before: int | None
) -> Iterator[TiedOutput]:
    """Yield what each attempt printed; the first one may have an integer before."""
    for attempt, lines in groupby(placed, key=_attempt_of):
        texts, goes_on = list[str](), True
        for (_, _, rank), event, record in lines:
            if rank in (OUTPUT, INTEGER, *_BRANCHES):
                texts.append(record.text if isinstance(record, AppLine) else event.message)
            elif isinstance(record, CLOSING):
                goes_on = False
        yield TiedOutput(
            texts=texts,
            integers=[number for text in texts if (number := bare_integer(text)) is not None],
            branches=[name for text in texts if (name := branch_of(text, markers.branches))],
            before=None if attempt[0] else integer_before,
            goes_on=goes_on,
        )


def _attempt_of(line: Placed) -> tuple[int, str]:
    """Return the key of a line's attempt; lines of the one before it may name it or not."""
    turn, request_id, _ = line[0]
    return turn, request_id if turn else ""
