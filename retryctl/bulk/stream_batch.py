"""The lines of one stream in one block; only those of consequence are read one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, repeat
from operator import itemgetter

from retryctl.bulk.line_kinds import PLAIN, LineKinds, consequences, without_silent_text
from retryctl.sources.saved.canonical_lines import (
    HEAD_BYTES,
    HEADER,
    MESSAGE_KEY,
    TIME_BYTES,
    EventColumns,
)

_LAST_BYTES = itemgetter(slice(-2, None))


class StreamBatch:
    """Lines that all begin with one header, in the order of the block.

    ``marks`` are the numbers of the lines that may have consequences, ``kinds`` the kinds of
    these, one byte each. ``limits`` are the least and the greatest time; ``is_sorted``: they never
    fall. ``heads`` are the kinds of all lines by their first bytes. ``times`` are as the file has
    them.
    """

    __slots__ = (
        *("header", "times", "limits", "is_sorted", "message_at"),
        *("heads", "marks", "marked_lines", "marked_times", "kinds"),
        *("_lines", "_stamps", "_head_at", "_done", "_held"),
    )

    def __init__(
        self,
        header: bytes,
        lines: list[bytes],
        times: list[bytes],
        stamps: list[bytes],
        message_at: int,
        head_at: int,
    ) -> None:
        self.header, self.message_at = header, message_at
        in_order = sorted(times)
        self.is_sorted, self.limits = times == in_order, (in_order[0], in_order[-1])
        self.marks: list[int] = []
        self.marked_lines: list[bytes] = []
        self.marked_times: list[bytes] = []
        self.heads = self.kinds = b""
        self.times, self._lines = times, lines
        self._stamps, self._head_at = stamps, head_at
        self._done = self._held = 0

    def classify(self, kinds: LineKinds, *, is_regular: bool) -> bool:
        """Find the marks; return whether the layout of all lines is the usual one.

        ``is_regular``: each line is known to end as an event.
        """
        stamps = self._stamps
        try:
            of_all = bytes(map(kinds.of_stamp.get, stamps))  # type: ignore[arg-type]
        except TypeError:  # one is new
            unknown = [n for n, each in enumerate(stamps) if each not in kinds.of_stamp]
            if not all(map(self._is_usual, unknown)):
                return False
            known, at = kinds.of_stamp, self._head_at
            of_all = bytes(
                [known[each] if each in known else kinds.learn(each, at) for each in stamps]
            )
        self._mark(of_all)
        ends = is_regular or set(map(_LAST_BYTES, self._lines)) == {b"}\n"}
        return ends and self._has_times()

    def _mark(self, heads: bytes) -> None:
        """Find the lines that may have consequences."""
        self.heads = heads
        of_all = without_silent_text(heads, self._lines)
        marks, times, lines = self._picked(of_all)
        of_marks = consequences(of_all.translate(None, b"%c" % PLAIN), lines, self.message_at)
        self.kinds = of_marks.translate(None, b"%c" % PLAIN)
        if len(self.kinds) < len(marks):
            marks = list(compress(marks, of_marks))
            times, lines = list(compress(times, of_marks)), list(compress(lines, of_marks))
        self.marks, self.marked_times, self.marked_lines = marks, times, lines

    def arrange(self, numbers: Sequence[int]) -> None:
        """Put the lines in the order of these numbers; the times are in order already."""
        self._lines = list(map(self._lines.__getitem__, numbers))
        self._stamps = list(map(self._stamps.__getitem__, numbers))
        self._mark(bytes(map(self.heads.__getitem__, numbers)))

    @property
    def effects(self) -> bytes:
        """The kinds of all lines by their whole text."""
        found = bytearray(len(self.heads))
        for at, kind in zip(self.marks, self.kinds, strict=True):
            found[at] = kind
        return bytes(found)

    def begins_usual(self) -> bool:
        """Whether its header is that of an event."""
        return self._is_usual(0)

    def lines(self, start: int = 0, stop: int | None = None) -> list[bytes]:
        """Return the lines with these numbers."""
        return self._lines[start:stop]

    def _picked(self, selectors: bytes) -> tuple[list[int], list[bytes], list[bytes]]:
        """Return the numbers, times and lines whose selector is not 0."""
        numbers = list(compress(range(len(selectors)), selectors))
        times, lines = compress(self.times, selectors), compress(self._lines, selectors)
        return numbers, list(times), list(lines)

    def _has_times(self) -> bool:
        """Whether all times are digits."""
        return b"".join(self.times).isdigit()

    def _is_usual(self, number: int) -> bool:
        """Whether a line has the usual layout, up to its message."""
        header = HEADER.match(self._lines[number])
        return header is not None and header[1] == self.header and header.end() == self.message_at

    # ----------------------------------------------------------------- reading

    def marked(self, until: int) -> Iterator[tuple[list[bytes], bytes, bytes, int]]:
        """Yield the marked lines up to this one: the lines before it, itself, time and kind."""
        first = self._held
        lines = self.lines(first, self.marks[until - 1] + 1) if until > self._done else []
        for number in range(self._done, until):
            at = self.marks[number]
            between = lines[self._held - first : at - first]
            self._held, self._done = at + 1, number + 1
            yield between, self.marked_lines[number], self.marked_times[number], self.kinds[number]

    def skip_to(self, mark: int) -> None:
        """Pass over all lines before those behind this number of marked ones."""
        self._done, self._held = mark, self.marks[mark - 1] + 1

    def rest(self) -> list[bytes]:
        """Return the lines behind those that were read."""
        return self.lines(self._held)


class ConvertedBatch(StreamBatch):
    """Rows of a file of another shape, which are made lines where they may have consequences."""

    __slots__ = ("_columns",)

    def __init__(self, columns: EventColumns) -> None:
        header = columns.starts[0]
        message_at = len(header) + TIME_BYTES + len(MESSAGE_KEY)
        heads, head_at = columns.heads, columns.head_at
        super().__init__(header, columns.rows, columns.times, heads, message_at, head_at)
        self._columns = columns
        first, last = columns.digits(self.limits)
        self.limits = first, last

    def lines(self, start: int = 0, stop: int | None = None) -> list[bytes]:
        """Return the lines with these numbers."""
        times, rows = self.times[start:stop], self._lines[start:stop]
        return self._made(self._columns.digits(times), rows)

    def _picked(self, selectors: bytes) -> tuple[list[int], list[bytes], list[bytes]]:
        numbers, texts, rows = super()._picked(selectors)
        times = list(self._columns.digits(texts))
        return numbers, times, self._made(times, rows)

    def _made(self, times: Sequence[bytes], rows: list[bytes]) -> list[bytes]:
        return self._columns.made_lines(repeat(self.header), times, rows)

    def _has_times(self) -> bool:
        return b"".join((*self.limits, *self.marked_times)).isdigit()

    def _is_usual(self, number: int) -> bool:
        header = HEADER.match(b"".join((self.header, self.limits[0], MESSAGE_KEY)))
        return header is not None and header.end() == self.message_at


def by_header(lines: Iterable[bytes], width: int, message_at: int) -> list[StreamBatch]:
    """Deal lines out by their header of ``width`` bytes."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for line in lines:
        found[line[:width]].append(line)
    stamp_at = width + TIME_BYTES
    time = itemgetter(slice(width, stamp_at))
    stamp = itemgetter(slice(stamp_at, message_at + HEAD_BYTES))
    at, head_at = message_at, message_at - stamp_at
    return [
        StreamBatch(header, lines, list(map(time, lines)), list(map(stamp, lines)), at, head_at)
        for header, lines in found.items()
    ]


def by_layout(lines: Iterable[bytes]) -> tuple[list[StreamBatch], list[bytes]]:
    """Deal lines out by their headers, of any width; return also those that have none."""
    dealt: dict[tuple[bytes, int], list[bytes]] = defaultdict(list)
    unusual = list[bytes]()
    for line in lines:
        found = HEADER.match(line)
        of_layout = dealt[found[1], found.end()] if found else unusual
        of_layout.append(line)
    batches = [by_header(some, len(header), at)[0] for (header, at), some in dealt.items()]
    return batches, unusual
