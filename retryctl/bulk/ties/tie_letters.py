"""Lines of one millisecond by their bytes: a letter for each, and the order that letters give.

::

    n  INIT_START       o  output              x  an error of Python
    s  START            m  a marker            d  platform.runtimeDone
                        i  a bare integer      e  END
                        b  a branch            r  REPORT
                                               t  the mark of a timeout or a crash

``?`` stands for any other line, and ``u`` for one that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from retryctl.bulk.line_kinds import ENDS, ERROR, INTEGER, PLAIN, PROCESS, REPORTS, STARTS
from retryctl.bulk.line_layout import ID
from retryctl.bulk.stream_batch import StreamBatch
from retryctl.core.crosscheck.claims import Markers

# The class of a line: its effect; whether it may be an integer; whether the next has its time.
_MAY_BE_INTEGER, _IS_TIED = 0x40, 0x80
INTEGERS = bytes(_MAY_BE_INTEGER * (kind == INTEGER) for kind in range(256))
"""Translates the kinds of lines by their first bytes."""
TIES = bytes([0, _IS_TIED, *range(2, 256)])
"""Translates whether the next line has the same time."""
_RUN = re.compile(rb"[\x80-\xff]+[\x00-\x7f]")
_LETTERS = {
    PLAIN: "o",
    PLAIN | _MAY_BE_INTEGER: "i",
    PROCESS: "p",
    ERROR: "x",
    STARTS: "s",
    ENDS: "e",
    REPORTS: "r",
}
_LETTER_OF = [_LETTERS.get(each & ~_IS_TIED, "?") for each in range(256)]
# The letters of lines in order, upper case where the next line has the same time. Output before an
# end, or an error, is in order only where the line before is known, and neither an error nor END.
# A ``p`` is never in order: it stands behind an integer if it is a branch, else before it.
_UPPER = bytes(ord(_LETTER_OF[each]) & ~(0x20 * (each >= _IS_TIED)) for each in range(256))
# Nor is an integer beside other output, where the next line may be a branch.
_IN_ORDER = re.compile(
    rb"(?:[a-z?]|S[oi]|S?O+(?:o|i(?![pP]|\Z))|Er|(?<=[^xe?])(?:O*I|O+|X)(?:[er]|Er))*+"
)
_IN_TURN = ("n", "s", "om", "i", "b", "x", "d", "e", "r", "t")
_RANKS = {letter: rank for rank, some in enumerate(_IN_TURN) for letter in some}
_OUTPUT, _ENDS, _CLOSING = frozenset("oibmp"), frozenset("xdert"), frozenset("der")
_INTEGER_LINE = re.compile(rb'\s*(\d{1,9})(?:\s|\\[nrt])*"')
_BRANCH_LINE = re.compile(rb'process ([^"\\]*)')
_ID = re.compile(rb" RequestId: (" + ID + rb")")


def runs_out_of_order(classes: bytes) -> list[tuple[int, int]]:
    """Return where lines of one millisecond begin and end whose bytes do not show their order.

    The lines of the milliseconds beside them are among these, since they may change theirs.
    """
    found, letters = set[tuple[int, int]](), classes.translate(_UPPER)
    in_order = _IN_ORDER.match(letters)
    while in_order and (run := _RUN.match(classes, in_order.end())):
        runs = run, _RUN.match(classes, run.end())
        found |= {each.span() for each in runs if each} | _run_before(classes, run.start())
        in_order = _IN_ORDER.match(letters, run.end())
    return sorted(found)


def _run_before(classes: bytes, stop: int) -> set[tuple[int, int]]:
    """Return the run that ends at a line that no tie leads to; none where that line is alone."""
    start = max(stop - 1, 0)
    while start and classes[start - 1] & _IS_TIED:
        start -= 1
    return {(start, stop)} if stop - start > 1 else set()


@lru_cache(maxsize=4096)
def order_by_letters(letters: str, before: str) -> tuple[int, ...] | None:
    """Return the order of lines of one millisecond; ``None`` where their records decide.

    ``before`` is the letter of the line before them: an integer may belong to a branch, an error
    may count only as the last line.
    """
    found = frozenset(letters)
    others = letters.replace("o", "")
    output, ends = found & _OUTPUT, found & _ENDS
    if (
        not found <= _RANKS.keys()
        or len(set(others)) < len(others)
        or ("s" in found and ends)
        or ("x" in found and output)
        or ("n" in found and "s" not in found)
        or ("b" in found and "s" not in found and before in "iu")
        or (output and ends and before in "?xude")
    ):
        return None
    ranks = [_RANKS[letter] for letter in letters]
    without_marks = [rank for letter, rank in zip(letters, ranks, strict=True) if letter != "t"]
    if without_marks == sorted(without_marks):  # some runtimes write the mark before END
        return tuple(range(len(letters)))
    return tuple(sorted(range(len(letters)), key=ranks.__getitem__))


def has_loose_integer(letters: str) -> bool:
    """Whether an integer has other output beside it, in an attempt that goes on."""
    output = {*letters} & _OUTPUT
    return "i" in output and len(output) > 1 and not _CLOSING.intersection(letters)


def is_handover(lines: Sequence[bytes]) -> bool:
    """Whether START, END and REPORT are those of two requests: one ends, the next starts."""
    ids = [found[1] for line in lines for found in [_ID.search(line)] if found]
    starts = [line for line in lines if b'"START RequestId: ' in line]
    return len(ids) == 3 and len(set(ids)) == 2 and len(starts) == 1 and _named_once(ids, starts[0])


def _named_once(ids: Sequence[bytes], start: bytes) -> bool:
    found = _ID.search(start)
    return found is not None and ids.count(found[1]) == 1


class LineForms:
    """The letters of lines that their first bytes do not give."""

    def __init__(self, markers: Markers) -> None:
        self._branches = markers.branches
        names = markers.branches.numbers if markers.are_default else ()
        branches = "|".join(map(re.escape, names)).encode()
        self._form = re.compile(
            rb"(?P<b>process (?:" + branches + rb')(?:\\n)?")|(?P<o>process[\w ]*(?:\\n)?")'
            rb"|(?P<x>\[ERROR\] )|(?P<n>INIT_START )"
            rb"|(?P<t>RequestId: [0-9a-f-]{36} Error: "
            rb'|[^" ]{1,40} [0-9a-f-]{36} Task timed out after )'
            rb'|(?P<m>\{\\"retryctl\\": ?1[,}])'
            rb'|\{\\"time\\": ?\\"[^"\\]*\\", ?\\"type\\": ?\\"platform\.'
            rb'(?:(?P<N>initStart)|(?P<S>start)|(?P<D>runtimeDone)|(?P<R>report))\\"'
        )

    def letter(
        self, of_class: int, line: Callable[[], bytes], at: int, *, json: bool | None
    ) -> str:
        """Return the letter of a line, whose message stands ``at`` this place.

        ``json`` is the format of Lambda's records; those in the other one are printed text.
        """
        letter = _LETTER_OF[of_class]
        if letter in "px?":
            found = self._form.match(line(), at)
            letter = (found and found.lastgroup) or "?"
        if letter in "ser" or letter == "n":
            return letter if json is False else "?"
        if letter in "NSDR":
            return letter.lower() if json else "?"
        return letter

    def is_integer(self, line: bytes, at: int) -> bool:
        """Whether the message of a line is an integer alone."""
        return _INTEGER_LINE.match(line, at) is not None

    def leads_to(self, integer: bytes, branch: bytes, at: int) -> bool:
        """Whether the integer of a line, as a counter, leads to the branch of another one."""
        number, name = _INTEGER_LINE.match(integer, at), _BRANCH_LINE.match(branch, at)
        if number is None or name is None:
            return False
        return self._branches.due(int(number[1])) == name[1].decode()

    def format_of(self, batch: StreamBatch) -> bool | None:
        """Whether the records of Lambda in a batch are in the JSON format; ``None`` if not known.

        An environment's start is never printed text.
        """
        found = set[bool]()
        for kind, line in zip(batch.kinds, batch.marked_lines, strict=True):
            form = self._form.match(line, batch.message_at)
            if form and form.lastgroup in ("n", "N"):
                return form.lastgroup == "N"
            if kind in (STARTS, REPORTS):
                found.add(False)
            elif form and form.lastgroup in ("S", "D", "R"):
                found.add(True)
        return found.pop() if len(found) == 1 else None
