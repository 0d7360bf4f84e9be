"""Tables whose columns are separated by bars or tabs, as consoles copy and export rows.

A row begins with its first column; what follows up to the next row belongs to it, since messages
have newlines, bars and tabs of their own. All columns but the message are short, so the message
is what remains between those before it and those after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from itertools import islice
from typing import ClassVar, Self

from retryctl.core.grammar.platform_text import CUT_MARK
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.formats.columns import Columns, breaks_off, is_time
from retryctl.sources.saved.formats.event_times import first_place
from retryctl.sources.saved.formats.header_patterns import TITLES
from retryctl.sources.saved.formats.record_line import (
    RECORD,
    ends_within_report,
    joined_behind_report,
)
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

_ROWS_AT_ONCE = 512
# | --- | :--- |, |-------|-----|, +-----+-----+, -------
_RULE = re.compile(r"[\s|+:=-]+")
# log-group-names: /aws/lambda/orders
_GROUP = re.compile(rb"^log-group-names: *([^\s,]+) *$", re.MULTILINE)
_ESCAPED_BAR = re.compile(r"\\\|")
_TIME = r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^|\t]{0,20}"
# | 2026-11-23T03:00:00.123Z | 0 || 2026-11-23T03:00:00.124Z | process A |
_BAR_JOINED = re.compile(rf"(?<=\|)(?=\| *{_TIME}\|)")
# 2026-11-23T03:00:00.123Z⇥0⇥2026/11/23/[7]0123…2026-11-23T03:00:00.124Z⇥process A⇥2026/11/23/…
_TAB_JOINED = re.compile(
    rf"(?<=[0-9a-f]{{32}})(?={_TIME}\t)|(?<=[^\n])(?={_TIME}\t\d{{4}}/\d\d/\d\d/\S+\t)"
    rf"|(?<=[^\s/:])(?=\d{{4}}/\d\d/\d\d/\[[^]\s]*\][0-9a-f]{{32}}\t{_TIME}\t)"
)
_STREAM = re.compile(r"[^\s|]*\d{4}/\d\d/\d\d/\S+")
_WIDEST_UNTITLED = 3
# Of the columns before a message, all are short.
_LONGEST_START = 2_000
# A log event has at most 1 MB, and twice that where all of it is escaped bars.
_LONGEST_ROW = (2 << 20) + _LONGEST_START


class _RowText:
    """The lines of a row that have been read: none before the first row."""

    __slots__ = ("_last", "_lines", "length")

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self._last = ""
        self.length = sum(map(len, lines))

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __str__(self) -> str:
        return "".join(self._lines)

    def add(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)
        self.length += len(line)
        self._last = line if line.strip() else self._last

    @property
    def outline(self) -> str:
        """Its start, and its last line that has text: they have all columns but the message."""
        start = "".join(self._lines[:1])
        return f"{start[:_LONGEST_START]}\n{self._last}" if self._last else start


@value_class
class InsightsTable(SavedFormat):
    """Rows of a table with bars between its columns; without a header their cells show them."""

    name = "table of Logs Insights"
    made_by = "Logs Insights: Export results, Copy table to clipboard (Markdown or ASCII)"
    mark: ClassVar[str] = "|"
    joined: ClassVar[re.Pattern[str]] = _BAR_JOINED

    columns: Columns
    newline: bytes = b"\n"
    has_header: bool = True

    # |       @timestamp        |                @message                |
    # |-------------------------|----------------------------------------|
    # | 2026-11-23 03:00:00.123 | START RequestId: 8f507cfc-… Version: 7 |
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return a table, if one of the first lines is a header that names a message."""
        if head.is_json:
            return None
        lines = [line.decode(errors="replace") for line in head.lines]
        titled = next(filter(None, map(cls.header, lines)), None)
        columns = titled or next(filter(None, map(cls.untitled, lines)), None)
        if columns is None:
            return None
        named = _GROUP.search(head.content)
        group = named[1].decode(errors="replace") if named else None
        return cls(
            columns=replace(columns, known_group=group),
            newline=head.newline,
            has_header=titled is not None,
        )

    @classmethod
    def header(cls, line: str) -> Columns | None:
        """Return the columns of a line that is a header."""
        return Columns.named(cls.parts_of(line)) if cls.may_begin(line) else None

    @classmethod
    def untitled(cls, line: str) -> Columns | None:
        """Return the columns of a row that has a time and a record of Lambda."""
        if not cls.may_begin(line) or not line.rstrip(" ").endswith(cls.mark):
            return None
        return _columns_of([cell.strip() for cell in cls.parts_of(line)])

    @classmethod
    def may_begin(cls, line: str) -> bool:
        """Whether a row could begin at a line."""
        return line.lstrip().startswith("|")

    @classmethod
    def parts_of(cls, line: str) -> list[str]:
        """Return the cells of a line that is a whole row."""
        return line.strip().strip("|").split("|")

    @classmethod
    def content(cls, row: str) -> str:
        """Return a row without what surrounds its cells."""
        return row.strip().removeprefix("|").rstrip().removesuffix("|")

    @classmethod
    def is_rule(cls, line: str) -> bool:
        """Whether a line stands between rows."""
        return _RULE.fullmatch(line.strip() or "-") is not None

    @classmethod
    def ends_row(cls, text: str) -> bool:
        """Whether a text ends with a whole row."""
        return text.rstrip().endswith("|")

    @property
    def keeps_ties(self) -> bool:
        """Whether the rows are not of Logs Insights; without a header they may be."""
        return self.has_header and not self.columns.of_insights

    def convert(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the rows of a segment as canonical lines, some at a time."""
        rows, count = self._rows(segment, diagnostics), 0
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            events = [row for row in some if self.columns.is_row(row)]
            for row in some if len(events) < len(some) else ():
                if not self.columns.is_row(row):
                    torn = any(map(is_time, row))
                    diagnostics.unread_event(count + 1, f" {self.mark} ".join(row), torn=torn)
            texts = (row[self.columns.message] for row in events)
            several = (text.encode() for text in texts if "\n" in text)
            diagnostics.joined_records(sum(map(joined_behind_report, several)))
            yield self.columns.blocks(events, first_place(diagnostics.number) + count)
            count += len(events)

    def _rows(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[list[str]]:
        row, header, width = _RowText(), "", 0
        names: set[str] = set()
        for number, line in self._lines(segment):
            if self.has_header and not header:
                header = line.strip() if self.header(line) else ""
                continue
            if line.find(header) > 0:  # of a table that was joined to this one
                line = line.partition(header)[0] + "\n"
            starts = self.may_begin(line) and self._begins_row(line, row)
            if row and (starts or self.is_rule(line)):
                cells = self._cells(str(row))
                width = len(cells[-1])
                names.update(cells[-1:] if self.columns.name_at_end else ())
                yield cells
                row = _RowText()
            if starts:
                row = _RowText(line)
            elif row and line.strip() and self._is_over(row.outline):
                diagnostics.unread_event(number, line)
            elif row and row.length + len(line) > _LONGEST_ROW:
                diagnostics.unread_event(number, f"{row}{line}", torn=True)
                row = _RowText()
            elif row:
                row.add(line)
            elif line.strip() and not self.is_rule(line) and not self.header(line):
                diagnostics.unread_event(number, line)
        if row:
            yield from self._last_row(str(row), width, names, diagnostics)

    def _last_row(
        self, row: str, time_width: int, names: set[str], diagnostics: FileDiagnostics
    ) -> Iterator[list[str]]:
        """Yield the last row, which the end of the file may cut: not if its time or name is cut.

        ``names`` are those of the last column in the rows before.
        """
        last = self.columns.width - 1
        cells = self._cells(row)
        if self.columns.message == last and not self.ends_row(row):
            if ends_within_report(row.encode()):
                diagnostics.breaks_off_within_report(row.encode())
            elif self.mark == "|":
                diagnostics.breaks_off("its last row has no end")
            yield self._cells(row + CUT_MARK)
        elif self.columns.time == last and not row.endswith("\n") and len(cells[-1]) < time_width:
            diagnostics.breaks_off("its last row breaks off within its time")
        elif names and not row.endswith("\n") and breaks_off(cells[-1], names):
            diagnostics.breaks_off("its last row breaks off within a name")
        else:
            yield cells

    def _is_over(self, row: str) -> bool:
        """Whether nothing that follows belongs to the row: its last cell is its stream.

        A REPORT has no further line behind the bar that ends its row.
        """
        cells = self._cells(row)
        if not self.columns.is_row(cells):
            return False
        if self.columns.stream == self.columns.width - 1:
            return _STREAM.fullmatch(cells[-1]) is not None
        is_report = cells[self.columns.message].startswith("REPORT RequestId: ")
        return is_report and self.mark == "|" and row.rstrip().endswith("|")

    def _lines(self, segment: BufferedReader) -> Iterator[tuple[int, str]]:
        """Yield the lines with their numbers; rows of joined files are separated."""
        for number, raw in enumerate(segment, 1):
            line = raw.decode(errors="replace").replace(self.newline.decode(), "\n")
            for part in self.joined.split(line):
                yield number, part

    def _begins_row(self, line: str, before: _RowText) -> bool:
        """Whether a line begins a row, and is not the next line of a message."""
        time = self.columns.time
        if time is None or time > self.columns.message:
            return not before or self._is_whole(before.outline)
        cells = self.content(line).split(self.mark, time + 1)
        return len(cells) > time and is_time(cells[time].strip())

    def _is_whole(self, row: str) -> bool:
        return self.ends_row(row)

    def _cells(self, row: str) -> list[str]:
        """Return the cells of a row: the message is all between the columns before and after it."""
        after = self.columns.width - self.columns.message - 1
        cells = self.content(row).split(self.mark, self.columns.message)
        if after and len(cells) == self.columns.message + 1:
            cells[-1:] = cells[-1].rsplit(self.mark, after)
        return [_ESCAPED_BAR.sub("|", cell.strip()) for cell in cells]


class PastedTable(InsightsTable):
    """Rows with tabs between their columns, of which one is the log stream, in any order."""

    name = "rows with log streams copied from the console"
    made_by = "CloudWatch console, log events of several streams: mark the rows and copy"
    mark: ClassVar[str] = "\t"
    joined: ClassVar[re.Pattern[str]] = _TAB_JOINED

    # Timestamp⇥Message⇥Log stream name
    # 2026-11-23T03:00:00.123Z⇥START RequestId: 8f507cfc-… Version: 7⇥2026/11/23/[7]0123…
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return a table, unless its messages are quoted: that is CSV."""
        quoted = any(line.startswith(b'"') or b'\t"' in line for line in head.lines)
        return None if quoted else super().detect(head)

    @classmethod
    def header(cls, line: str) -> Columns | None:
        """Return the columns of a header; of time and message alone the rows are plain text."""
        found = super().header(line)
        plain = TITLES.match(line.strip("\r\n").encode())
        return found if found and found.time is not None and not plain else None

    @classmethod
    def untitled(cls, line: str) -> Columns | None:
        """Return the columns of a row that has a time in text, a record of Lambda and a stream."""
        cells = cls.parts_of(line)
        found = None if cells[0].isdigit() else _columns_of(cells)
        return found if found and found.stream is not None else None

    @classmethod
    def may_begin(cls, line: str) -> bool:
        """Return true: a message in front of its time may begin with any line."""
        return True

    @classmethod
    def parts_of(cls, line: str) -> list[str]:
        """Return the cells of a line that is a whole row."""
        return line.strip("\r\n").split("\t")

    @classmethod
    def content(cls, row: str) -> str:
        """Return a row without its line end."""
        return row.rstrip("\r\n")

    @property
    def keeps_ties(self) -> bool:
        """Whether the rows are not of Logs Insights: the console copies those of a log."""
        return not self.columns.of_insights

    @classmethod
    def is_rule(cls, line: str) -> bool:
        """Return false: an empty line belongs to a message."""
        return False

    @classmethod
    def ends_row(cls, text: str) -> bool:
        """Whether a text ends with a line, with JSON, or behind a REPORT that is whole."""
        if text.endswith(("\n", "}")):
            return True
        return "REPORT RequestId: " in text and not ends_within_report(text.encode())

    def _is_whole(self, row: str) -> bool:
        return self.columns.is_row(self._cells(row))


def _columns_of(cells: list[str]) -> Columns | None:
    """Return the columns of a row without a header: a time, a record of Lambda, a stream."""
    if len(cells) > _WIDEST_UNTITLED or len(cells) < 2 or not is_time(cells[0]):
        return None
    records = [at for at, cell in enumerate(cells) if RECORD.match(cell.encode())]
    streams = [at for at, cell in enumerate(cells) if _STREAM.fullmatch(cell)]
    if len(records) != 1 or len(cells) - len(streams) != 2:
        return None
    stream = streams[0] if streams else None
    return Columns(message=records[0], width=len(cells), time=0, stream=stream)
