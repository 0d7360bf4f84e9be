"""CSV by the block: cut behind rows; usual rows are read without a CSV parser.

A row ends where a line ends and the quotes before it are even. What stands outside of quotes is
short, and shows whether all rows of a block are *usual*: a time first, then cells that are quoted
as a whole or have no quotes. All other blocks are left to the CSV parser.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader, BytesIO
from itertools import chain, compress
from operator import itemgetter, not_

from retryctl.core.value_classes import value_class
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.canonical_lines import HEAD_BYTES, EventColumns, escaped_endings
from retryctl.sources.saved.formats.columns import Columns
from retryctl.sources.saved.formats.event_times import digits_at, moment_ms
from retryctl.sources.saved.raw_blocks import BlockSpan, RawBlock

LONGEST_FIELD = 16 << 20
"""A log event has at most 1 MB; a quote that is never closed ends here."""

_OUTSIDE = rb'(?:"+|[^"\r\n<mark>]*)'
_QUOTED_OR_BARE = rb'(?:"([^"]*(?:""[^"]*)*)"|([^"\r\n<mark>]*))'
MOST_SHAPES = 1_000
_ZEROS = bytes.maketrans(b"123456789abcdef", b"0" * 15)
_END = "\0end of the block\0"
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
# The first digits of month, day, hour, minute and second in 2026-11-23 03:00:00
_TENS = ((5, b"01"), (8, b"0123"), (11, b"012"), (14, b"012345"), (17, b"012345"))
# 1795402800123; 2026-11-23 03:00:00.123
_TIME = rb"(1\d{12}|20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,9})?)"
_TIME_CELL = re.compile(_TIME)
_EMPTY = re.compile(rb"\x01+")


@value_class
class UsualRows:
    """Blocks of usual rows, of a table whose first column is the time."""

    columns: Columns
    delimiter: bytes

    def block(self, rows: RowText, header: int, at: int) -> tuple[RawBlock, int] | None:
        """Return some rows as a block, and their number; ``None`` if one is not usual.

        They stand ``at`` this place; the first have a ``header`` of some bytes before them.
        """
        text = rows.text[header:]
        split = _split_at_quotes(text.split(b'"') if header else rows.pieces)
        span = self._span(split)
        if not span:
            return None
        named = self.columns.stream is not None
        block = RawBlock(
            raw=text,
            convert=self.converted,
            measure=lambda _: span,
            deal=lambda: self._columns(split),
            names_streams=named,
            start=at + header,
        )
        return block, span.events

    def _span(self, text: SplitText) -> BlockSpan | None:
        """Return the span of rows.

        All times are as wide as the first, and so stand between the least and the greatest.
        """
        if not text.rows or not text.rows[-1].endswith(b"\n"):
            return None
        rows = sorted(text.rows)
        least, greatest = (_TIME_CELL.match(row) for row in (rows[0], rows[-1]))
        if not text.first or not least or not greatest:
            return None
        if len({_kind(time) for time in (text.first, least, greatest)}) > 1:
            return None
        shapes = set(BytesIO(b"".join(text.forms).translate(_ZEROS)).readlines())
        usual = _row_pattern(self.delimiter, self.columns.width, _OUTSIDE, b"").fullmatch
        if len(shapes) > MOST_SHAPES or not all(map(usual, shapes)):
            return None
        streams = self._streams(text.forms)
        return BlockSpan(len(rows), _time_ms(least), _time_ms(greatest), streams)

    def _streams(self, rests: Collection[bytes]) -> frozenset[bytes] | None:
        """Return the streams of rows without their times; ``None`` if one stands in quotes."""
        if self.columns.stream is None:
            return None
        cells = (rest.rstrip(b"\r\n").split(self.delimiter) for rest in rests)
        streams = frozenset(row[self.columns.stream] for row in cells)
        return None if any(b'"' in name for name in streams) else streams

    def converted(self, text: bytes, streams: Collection[bytes] = ()) -> bytes:
        """Return rows, or those of some streams, as canonical lines."""
        if columns := self._columns(_split_at_quotes(text.split(b'"')), streams):
            return b"".join(columns.lines())
        table = self._quoted_or_bare(text, streams)
        if table is None:  # a digit was none
            rows = parsed_rows(text, self.delimiter.decode()).rows
            return self.columns.blocks([row for row in rows if self.columns.is_row(row)], 0)
        lines = self.columns.lines(table)
        if lines is None:  # the times are of two kinds
            cells = ([[cell] for cell in row] for row in zip(*table, strict=True))
            lines = b"".join(self.columns.lines(row) or b"" for row in cells)
        return lines

    def _columns(self, found: SplitText, streams: Collection[bytes] = ()) -> EventColumns | None:
        """Return the events of rows, or of some streams in them.

        ``None`` if not all rows have quotes around the message alone, and times that are alike.
        """
        first, messages, rests = found.first, found.quoted, found.rests
        if not first or len(messages) != len(rests):
            return None
        cells = {rest: rest.rstrip(b"\r\n").split(self.delimiter) for rest in found.forms}
        times = list(map(itemgetter(slice(first.end())), found.rows))
        if not all(map(self._quotes_message, cells.values())) or not _are_alike(times):
            return None
        starts = {rest: self.columns.start(row) for rest, row in cells.items()}
        columns = EventColumns(
            starts=list(map(starts.__getitem__, rests)),
            times=times,
            heads=list(map(itemgetter(slice(HEAD_BYTES)), messages)),
            rows=messages,
            endings=escaped_endings,
            digits=digits_at(b"", first[0]),
        )
        if not streams or (at := self.columns.stream) is None:
            return columns
        named = {rest: row[at] in streams for rest, row in cells.items()}
        return columns.picked(bytes(map(named.__getitem__, rests)))

    def _quotes_message(self, cells: list[bytes]) -> bool:
        """Whether the message is the only quoted cell behind the time."""
        at = self.columns.message
        if cells[0] or len(cells) != self.columns.width or cells[at] != b'"':
            return False
        return not any(b'"' in cell for cell in (*cells[:at], *cells[at + 1 :]))

    def _quoted_or_bare(self, text: bytes, streams: Collection[bytes]) -> list[list[bytes]] | None:
        """Return the columns of rows, or those of some streams; ``None`` if one is not usual."""
        width = 2 * self.columns.width
        pattern = _row_pattern(self.delimiter, self.columns.width, _QUOTED_OR_BARE, _TIME)
        before, *fields = pattern.split(text)
        if before or any(fields[width - 1 :: width]):
            return None
        table = [fields[::width]]
        for at in range(1, width - 1, 2):
            quoted = [cell and cell.replace(b'""', b'"') for cell in fields[at::width]]
            bare = fields[at + 1 :: width]
            either = zip(quoted, bare, strict=True)
            table.append([a if b is None else b for a, b in either] if None in quoted else quoted)
        if streams and self.columns.stream is not None:
            named = [stream in streams for stream in table[self.columns.stream]]
            table = [list(compress(column, named)) for column in table]
        return table


def _kind(time: re.Match[bytes]) -> tuple[bytes, int]:
    """Return how a time is written: its offset is none, and its digits may differ."""
    return time[0][10:11].translate(_ZEROS), len(time[0])


def _time_ms(time: re.Match[bytes]) -> int:
    return int(time[0]) if time[0].isdigit() else moment_ms(time[0][:19], time[0][19:], b"")


@lru_cache(maxsize=16)
def _row_pattern(delimiter: bytes, width: int, cell: bytes, time: bytes) -> re.Pattern[bytes]:
    mark = re.escape(delimiter)
    return re.compile(time + (mark + cell.replace(b"<mark>", mark)) * (width - 1) + rb"\r?\n")


def _are_alike(times: list[bytes]) -> bool:
    """Whether all times of one width are written as the first, which is one, and can be times."""
    joined, form = b"".join(times), times[0].translate(_DIGITS)
    if joined.translate(_DIGITS) != form * len(times):
        return False
    limits = _TENS if b":" in form else ((0, b"1"),)
    return not any(joined[at :: len(form)].strip(digits) for at, digits in limits)


@value_class
class SplitText:
    """The lines of what stands outside of quotes, and what stands in them, where two are one.

    ``first`` is the time of the first line. ``rests`` has what follows the times, which are as
    wide, and ``forms`` each of these once.
    """

    rows: list[bytes]
    quoted: list[bytes]
    first: re.Match[bytes] | None
    rests: list[bytes]
    forms: frozenset[bytes]


def _split_at_quotes(pieces: list[bytes]) -> SplitText:
    """Return the parts of a text that is split at its quotes."""
    outside, quoted = pieces[::2], pieces[1::2]
    if b"" in outside[1:]:
        outside, quoted = _joined_quotes(outside, quoted)
    rows = BytesIO(b'"'.join(outside)).readlines()
    first = _TIME_CELL.match(rows[0]) if rows else None
    rests = list(map(itemgetter(slice(first.end(), None)), rows)) if first else []
    return SplitText(rows=rows, quoted=quoted, first=first, rests=rests, forms=frozenset(rests))


def _joined_quotes(outside: list[bytes], quoted: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return what stands outside of quotes and what stands in them: nothing is between two."""
    found, cells, done = list[bytes](), list[bytes](), 0
    for start, stop in (run.span() for run in _EMPTY.finditer(bytes(map(not_, outside)), 1)):
        found += outside[done:start]
        cells += quoted[done : start - 1]
        cells.append(b'"'.join(quoted[start - 1 : stop]))
        done = stop
    return found + outside[done:], cells + quoted[done:]


@value_class
class ParsedRows:
    """Rows of CSV, and what could not be read; ``is_cut``: the text ends within quotes.

    The row that the end of the text cuts is left out.
    """

    rows: list[list[str]]
    errors: list[csv.Error]
    is_cut: bool


def parsed_rows(text: bytes, delimiter: str) -> ParsedRows:
    """Parse some rows. A line behind them becomes a row of its own unless they end in quotes."""
    csv.field_size_limit(LONGEST_FIELD)
    lines = io.StringIO(text.decode(errors="replace"), newline="\n")
    reader = csv.reader(chain(lines, [_END]), delimiter=delimiter)
    rows: list[list[str]] = []
    errors: list[csv.Error] = []
    while True:
        try:
            rows.extend(reader)
            break
        except csv.Error as error:
            errors.append(error)
    is_cut = not rows or rows.pop() != [_END]
    return ParsedRows(rows=[row for row in rows if row], errors=errors, is_cut=is_cut)


@dataclass
class RowText:
    """The bytes of some rows; where they end within quotes, more follow unless it is the last.

    ``pieces`` are the text split at its quotes. Where it is not ``taken``, the next has these
    bytes and more.
    """

    text: bytes
    pieces: list[bytes]
    delimiter: str
    is_last: bool
    taken: bool = False

    def parsed(self) -> ParsedRows | None:
        """Return the rows; ``None`` where they end within quotes and more follow."""
        parsed = parsed_rows(self.text, self.delimiter)
        return None if parsed.is_cut and not self.is_last else parsed


def row_texts(segment: BufferedReader, delimiter: str) -> Iterator[RowText]:
    """Yield the text of a segment, cut where rows seem to end."""
    pending, size = b"", raw_blocks.BLOCK_BYTES
    while (chunk := segment.read(size)) or pending:
        text, is_last = pending + chunk, len(chunk) < size
        pieces = text.split(b'"')
        cut = len(text)
        if not is_last:
            cut, pieces = _whole_rows(text, pieces)
        if not is_last and len(text) > 2 * LONGEST_FIELD:
            cut, is_last = text.rfind(b"\n") + 1 or len(text), True
            pieces = text[:cut].split(b'"')
        rows = RowText(text[:cut], pieces, delimiter, is_last)
        if cut:
            yield rows
        pending, size = (text[cut:], raw_blocks.BLOCK_BYTES) if rows.taken else (text, 2 * size)


def _whole_rows(text: bytes, pieces: list[bytes]) -> tuple[int, list[bytes]]:
    """Find the end of the last line that ends outside of quotes, and the pieces before it."""
    stop = len(text)
    for at in range(len(pieces) - 1, -1, -1):
        stop -= len(pieces[at])
        end = pieces[at].rfind(b"\n") + 1
        if end and at % 2 == 0:
            return stop + end, [*pieces[:at], pieces[at][:end]]
        stop -= len(b'"')
    return 0, []
