"""CSV of the console: downloaded search results, and results of Logs Insights.

The console quotes messages, with their newlines inside. A saved selection may have no header;
the columns are then those of the console: time, message, and perhaps the stream.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Self

from retryctl.core.grammar.platform_text import CUT_MARK
from retryctl.core.value_classes import value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.formats import csv_blocks
from retryctl.sources.saved.formats.columns import Columns, breaks_off, is_time
from retryctl.sources.saved.formats.event_times import first_place
from retryctl.sources.saved.formats.header_patterns import TITLES
from retryctl.sources.saved.formats.record_line import RECORD, ends_within_report
from retryctl.sources.saved.raw_blocks import RawBlock
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

_HEADER_LINES = 20
_DELIMITERS = ",;\t"

_TIMES_TRIED, _HEAD_BYTES = 50, 1 << 16
# 1.7954E+12, 1,80E+12; 1,795,402,800,123; 11/23/2026 3:00; 23.11.2026 03:00:00; 2026-11-23 03:00
_CHANGED_TIME = re.compile(
    r"'?\d[.,]\d+[eE]\+?\d\d|\d(?:[., ]\d{3}){4}|'?1\d{12}(?:[.,]\d*)?|\d{5}[.,]\d+"
    r"|\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? +\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?"
    r"|\d\d:\d\d(?::\d\d)?\.\d"
)
# 1795400000000
_ROUNDED_TIME = re.compile(r"1\d{5}0{7}")
# 2026-11-23T03:00:00.123Z⇥START RequestId: …: rows that were copied, with their tabs not quoted
_PLAIN_ROW = re.compile(rb"20\d\d-\d\d-\d\d[T ][^\t]+\t[^\"]")
# 1795402800123,"message, quoted
_FIRST_ROW = re.compile(rb'"?1\d{12}"?([,;])(?:"|[^,;]*$|.*\[)')


@value_class
class CsvTable(SavedFormat):
    """Rows of CSV; ``columns`` are those of the header, or the console's without one."""

    name = "CSV of the console"
    made_by = "CloudWatch console, a log group or stream: Actions, Download search results (CSV)"

    columns: Columns
    delimiter: str
    has_header: bool

    # timestamp,message,logStreamName
    # 1795402800123,"START RequestId: 8f507cfc-… Version: $LATEST
    # ",2026/11/23/[$LATEST]0123…
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """CSV with a header that names an event's columns, or that begins like the console's."""
        if head.is_json:
            return None
        for line in head.lines[:_HEADER_LINES]:
            for delimiter in _DELIMITERS:
                names = _row(line, delimiter)
                columns = Columns.named(names) if len(names) > 1 else None
                if columns and cls.suits(columns) and names[0] != "RESULTS":
                    titles = delimiter == "\t" and TITLES.match(line)
                    if titles and any(map(_PLAIN_ROW.match, head.lines)):
                        return None
                    return cls(columns=columns, delimiter=delimiter, has_header=True)
        found = _FIRST_ROW.match(next(filter(None, head.lines), b""))
        if not found or cls is not CsvTable:
            return None
        delimiter = found[1].decode()
        lines = io.StringIO(head.content.decode(errors="replace"), newline="\n")
        row = next(csv.reader(lines, delimiter=delimiter), [])
        columns = Columns(message=1, width=len(row), time=0, stream=2 if len(row) == 3 else None)
        if len(row) not in (2, 3):
            return None
        return cls(columns=columns, delimiter=delimiter, has_header=False)

    @classmethod
    def suits(cls, columns: Columns) -> bool:
        """Whether these are the columns of this kind of table."""
        return columns.time is not None or columns.stream is not None

    @property
    def keeps_ties(self) -> bool:
        """Whether the rows are not of Logs Insights."""
        return not self.columns.of_insights

    def parts(self, segment: io.BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the rows of a segment, some at a time."""
        self._refuse_changed_times(diagnostics.name, segment.peek()[:_HEAD_BYTES])
        usual = csv_blocks.UsualRows(columns=self.columns, delimiter=self.delimiter.encode())
        header_seen, count, at = not self.has_header, 0, 0
        for rows in csv_blocks.row_texts(segment, self.delimiter):
            start = 0 if header_seen else self._header_end(rows.text)
            found: tuple[RawBlock, int] | None = None
            if self.columns.time == 0 and (header_seen or start):
                found = usual.block(rows, start, at)
            if found is None and (parsed := rows.parsed()):
                header_seen = header_seen or self._drop_header(parsed.rows)
                if rows.is_last and not rows.text.endswith(b"\n"):
                    parsed = self._without_cut_row(parsed)
                    if ends_within_report(rows.text) and self._mark_cut(parsed):
                        diagnostics.breaks_off_within_report(rows.text)
                found = self._block(parsed, count, diagnostics)
            if found:
                rows.taken = True
                header_seen = header_seen or start > 0
                at += len(rows.text)
                count += found[1]
                yield found[0]

    def _without_cut_row(self, parsed: csv_blocks.ParsedRows) -> csv_blocks.ParsedRows:
        """Drop the last row if it lacks cells, or the name of its stream or group breaks off."""
        *others, last = parsed.rows or [[]]
        place, time, is_cut = self.columns.name_at_end, self.columns.time, False
        if len(last) < self.columns.width:
            is_cut = time is not None and len(last) > time and is_time(last[time])
        elif place is not None:
            names = {row[place] for row in others if self.columns.is_row(row)}
            is_cut = breaks_off(last[place], names)
        return replace(parsed, rows=others, is_cut=True) if is_cut else parsed

    def _mark_cut(self, parsed: csv_blocks.ParsedRows) -> bool:
        """Append the mark of a cut to the last row, if it ends with its message; return whether."""
        at = self.columns.message
        if parsed.is_cut or at < self.columns.width - 1 or not self.columns.is_row(parsed.rows[-1]):
            return False
        parsed.rows[-1][at] += CUT_MARK
        return True

    def _refuse_changed_times(self, name: str, beginning: bytes) -> None:
        """Raise UnreadableInput where the first times are those that a spreadsheet writes."""
        column = self.columns.time
        if column is None:
            return
        rows = [*csv_blocks.parsed_rows(beginning, self.delimiter).rows]
        if self.has_header:
            self._drop_header(rows)
        times = [row[column].strip() for row in rows[:_TIMES_TRIED] if len(row) > column]
        changed = (
            times and not any(map(is_time, times)) and all(map(_CHANGED_TIME.fullmatch, times))
        )
        if changed or (len(times) > 1 and all(map(_ROUNDED_TIME.fullmatch, times))):
            raise UnreadableInput(
                f"{name} has times that a spreadsheet changed or rounded: {times[0]!r}.",
                "Download it again, and do not save it from a spreadsheet.",
                hides_attempts=True,
            )

    def _header_end(self, text: bytes) -> int:
        """Find where the header ends, if it is one of the first lines; else 0."""
        end = 0
        for line in islice(io.BytesIO(text), _HEADER_LINES):
            end += len(line)
            if Columns.named(_row(line.rstrip(b"\r\n"), self.delimiter)) == self.columns:
                return end
        return 0

    def _drop_header(self, rows: list[list[str]]) -> bool:
        """Drop the rows up to the header; return whether it was found."""
        while rows:
            if Columns.named(rows.pop(0)) == self.columns:
                return True
        return False

    def _block(
        self, parsed: csv_blocks.ParsedRows, count: int, diagnostics: FileDiagnostics
    ) -> tuple[RawBlock, int]:
        """Return parsed rows as a block, and their number; ``count`` rows precede."""
        for error in parsed.errors:
            diagnostics.damaged(f"its CSV cannot be read further ({error})")
        first = first_place(diagnostics.number) + count
        rows, block = parsed.rows, self.columns.block(parsed.rows, first)
        if block is None:
            rows = self._events(rows, count, diagnostics)
            block = self.columns.blocks(rows, first)
        if parsed.is_cut:
            diagnostics.unrecognised += 1
            diagnostics.breaks_off(f"its last row, {count + len(rows) + 1}, breaks off")
        return RawBlock(raw=block), len(rows)

    def _events(
        self, rows: list[list[str]], count: int, diagnostics: FileDiagnostics
    ) -> list[list[str]]:
        """Return the rows that are events; the others are noted."""
        events = []
        for number, row in enumerate(rows, count + 1 + self.has_header):
            if self.columns.is_row(row):
                events.append(row)
            elif Columns.named(row) != self.columns:  # the header of a second table is none
                torn = len(row) >= self.columns.width or any(map(is_time, row))
                diagnostics.unread_event(number, self.delimiter.join(row), torn=torn)
        return events


class InsightsCsv(CsvTable):
    """Results of Logs Insights as CSV."""

    name = "CSV of Logs Insights"
    made_by = (
        "Logs Insights: fields @timestamp, @message, @logStream, @log; "
        "Export results, Download (CSV)"
    )

    # @timestamp,@message,@logStream,@log
    # 2026-11-23 03:00:00.123,"START RequestId: …",2026/11/23/[$LATEST]0123…,123456789012:/aws/…
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """CSV whose header has Insights' names."""
        named = any(b"@message" in line for line in head.lines[:_HEADER_LINES])
        return super().detect(head) if named else None

    @classmethod
    def suits(cls, columns: Columns) -> bool:
        """Whether a message is there: without a time, order is that of the rows."""
        return True


@value_class
class MessageCsv(CsvTable):
    """A column of messages alone, in the order of its rows.

    Messages under such a header may begin with a quote too, and are not CSV. Where the records are
    not quoted, nothing distinguishes a message of several lines from printed quotes.
    """

    name = "CSV of messages"
    made_by = "Logs Insights: fields @message; Export results, Download (CSV)"

    quotes_records: bool = False

    # @message
    # "START RequestId: 8f507cfc-… Version: $LATEST
    # "
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """One column, named as the messages are; a record of Lambda and a quoted row follow."""
        columns = Columns.named(_row(head.lines[0], ","))
        if columns is None or columns.width > 1:
            return None
        lines = head.lines[1:]
        records = [line for line in lines if RECORD.match(_unquoted(line))]
        if not records or not any(line.startswith(b'"') for line in lines):
            return None
        quoted = all(line.startswith(b'"') for line in records)
        if not quoted and not _is_column(head.content.split(b"\n")[1:]):
            return None
        return cls(columns=columns, delimiter=",", has_header=True, quotes_records=quoted)

    def _block(
        self, parsed: csv_blocks.ParsedRows, count: int, diagnostics: FileDiagnostics
    ) -> tuple[RawBlock, int]:
        for row in parsed.rows:
            _, *more = row[0].rstrip("\n").split("\n")
            if any(not self.quotes_records or RECORD.match(line.encode()) for line in more):
                diagnostics.joined_records()
        return CsvTable._block(self, parsed, count, diagnostics)


def _unquoted(line: bytes) -> bytes:
    """Return the start of a row without the quotes of CSV."""
    return line[1:].replace(b'""', b'"') if line.startswith(b'"') else line


def _is_column(lines: list[bytes]) -> bool:
    """Whether lines are rows of one column, in quotes only where they need them.

    Each record of Lambda among them begins a row.
    """
    csv.field_size_limit(csv_blocks.LONGEST_FIELD)
    reader = csv.reader(line.decode(errors="replace") + "\n" for line in lines)
    records, at = sum(bool(RECORD.match(_unquoted(line))) for line in lines), 0
    try:
        for row in reader:
            first, is_line, at = lines[at], reader.line_num == at + 1, reader.line_num
            records -= bool(row and RECORD.match(row[0].encode()))
            needless = b'"' in first and not (first.startswith(b'"') and {*',"'} & {*row[0]})
            if len(row) > 1 or (is_line and needless):
                return False
    except csv.Error:
        return False
    return records == 0


def csv_header(head: Head) -> list[str]:
    """Return the names of a header of CSV, of a file that is not a table of events."""
    names = _row(head.lines[0], ",")
    return (
        names
        if len(names) > 1 and all(re.fullmatch(r"@?[\w. (),@*]+", name) for name in names)
        else []
    )


def _row(line: bytes, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.decode(errors="replace")], delimiter=delimiter), [])
    except csv.Error:
        return []
