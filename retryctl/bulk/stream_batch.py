"""The lines of one stream in one block; only those of consequence are read one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import compress
from operator import itemgetter

from retryctl.bulk.line_kinds import HEAD_BYTES, PLAIN, LineKinds, consequences
from retryctl.sources.saved.canonical_lines import HEADER

_TIME_BYTES = 13
_LAST_BYTES = itemgetter(slice(-2, None))


class StreamBatch:
    """Lines that all begin with one header, in the order of the block.

    ``marks`` are the numbers of the lines that may have consequences, ``kinds`` the kinds of
    these, one byte each. ``times`` has the time of every line; ``is_sorted``: they never fall.
    """

    __slots__ = (
        *("header", "lines", "times", "is_sorted", "message_at"),
        *("marks", "marked_lines", "marked_times", "kinds"),
        *("_done", "_held"),
    )

    def __init__(self, header: bytes, lines: list[bytes]) -> None:
        self.header, self.lines = header, lines
        self.times: list[bytes] = []
        self.is_sorted = True
        self.marks: list[int] = []
        self.marked_lines: list[bytes] = []
        self.marked_times: list[bytes] = []
        self.kinds = b""
        self.message_at = 0
        self._done = self._held = 0

    def classify(self, message_at: int, kinds: LineKinds, *, is_regular: bool) -> bool:
        """Find the times and the marks; return whether the layout of all lines is the usual one.

        ``is_regular``: each line is known to end as an event.
        """
        self.message_at, start = message_at, len(self.header)
        stamp, head = start + _TIME_BYTES, message_at + HEAD_BYTES
        lines = self.lines
        self.times = list(map(itemgetter(slice(start, stamp)), lines))
        self.is_sorted = self.times == sorted(self.times)
        stamps = list(map(itemgetter(slice(stamp, head)), lines))
        try:
            of_all = bytes(map(kinds.of_stamp.get, stamps))  # type: ignore[arg-type]
        except TypeError:  # one is new
            unknown = [n for n, each in enumerate(stamps) if each not in kinds.of_stamp]
            if not all(self._is_usual(lines[number]) for number in unknown):
                return False
            of_all = bytes(
                [
                    kinds.of_stamp[each] if each in kinds.of_stamp else kinds.learn(each)
                    for each in stamps
                ]
            )
        of_all = consequences(of_all, lines, message_at)
        self.kinds = of_all.translate(None, b"%c" % PLAIN)
        self.marks = list(compress(range(len(lines)), of_all))
        self.marked_lines = list(compress(lines, of_all))
        self.marked_times = list(compress(self.times, of_all))
        ends = is_regular or set(map(_LAST_BYTES, lines)) == {b"}\n"}
        return ends and b"".join(self.times).isdigit()

    def begins_usual(self) -> bool:
        """Whether its header is that of an event."""
        return self._is_usual(self.lines[0])

    def _is_usual(self, line: bytes) -> bool:
        header = HEADER.match(line)
        return header is not None and header[1] == self.header and header.end() == self.message_at

    # ----------------------------------------------------------------- reading

    def marked(self, until: int) -> Iterator[tuple[list[bytes], bytes, bytes, int]]:
        """Yield the marked lines up to this one: the lines before it, itself, time and kind."""
        for number in range(self._done, until):
            at = self.marks[number]
            between, self._held, self._done = self.lines[self._held : at], at + 1, number + 1
            yield between, self.lines[at], self.times[at], self.kinds[number]

    def skip_to(self, mark: int) -> None:
        """Pass over all lines before those behind this number of marked ones."""
        self._done, self._held = mark, self.marks[mark - 1] + 1

    def rest(self) -> list[bytes]:
        """Return the lines behind those that were read."""
        return self.lines[self._held :]


def by_header(lines: Iterable[bytes], width: int) -> list[StreamBatch]:
    """Deal lines out by their header of ``width`` bytes."""
    batches: dict[bytes, list[bytes]] = defaultdict(list)
    for line in lines:
        batches[line[:width]].append(line)
    return [StreamBatch(header, lines) for header, lines in batches.items()]
