"""Tables in Markdown or ASCII, as Logs Insights copies and exports results.

A row begins with ``|`` and the first cell of its first column; what follows up to the next row
belongs to it, since messages have newlines and bars of their own. All columns but the message
are short, so the message is what remains between those before it and those after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from itertools import islice
from typing import Self

from retryctl.core.grammar.platform_text import CUT_MARK
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.formats.columns import Columns, is_time
from retryctl.sources.saved.formats.event_times import first_place
from retryctl.sources.saved.formats.json_lines import LineFormat
from retryctl.sources.saved.log_format import Head

_ROWS_AT_ONCE = 512
# | --- | :--- |, |-------|-----|, +-----+-----+, -------
_RULE = re.compile(r"[\s|+:=-]+")
# log-group-names: /aws/lambda/orders
_GROUP = re.compile(rb"^log-group-names: *([^\s,]+) *$", re.MULTILINE)
_ESCAPED_BAR = re.compile(r"\\\|")


@value_class
class InsightsTable(LineFormat):
    """Rows of a table with bars between its columns."""

    name = "table of Logs Insights"
    made_by = "Logs Insights: Export results, Copy table to clipboard (Markdown or ASCII)"

    columns: Columns
    newline: bytes = b"\n"

    # |       @timestamp        |                @message                |
    # |-------------------------|----------------------------------------|
    # | 2026-11-23 03:00:00.123 | START RequestId: 8f507cfc-… Version: 7 |
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return a table, if one of the first lines is a header that names a message."""
        if head.is_json:
            return None
        for line in head.lines:
            columns = _header(line.decode(errors="replace"))
            if columns:
                named = _GROUP.search(head.content)
                group = named[1].decode(errors="replace") if named else None
                return cls(columns=replace(columns, known_group=group), newline=head.newline)
        return None

    def convert(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the rows of a segment as canonical lines, some at a time."""
        rows, count = self._rows(segment, diagnostics), 0
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            events = [row for row in some if self.columns.is_row(row)]
            for row in some if len(events) < len(some) else ():
                if not self.columns.is_row(row):
                    torn = any(map(is_time, row))
                    note = diagnostics.torn_event if torn else diagnostics.unread_event
                    note(count + 1, " | ".join(row))
            yield self.columns.blocks(events, first_place(diagnostics.number) + count)
            count += len(events)

    def _rows(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[list[str]]:
        row = ""
        header = ""
        for number, raw in enumerate(segment, 1):
            line = raw.decode(errors="replace").replace(self.newline.decode(), "\n")
            if not header:
                header = line.strip() if _header(line) else ""
                continue
            if line.find(header) > 0:  # of a table that was joined to this one
                line = line.partition(header)[0] + "\n"
            starts = line.lstrip().startswith("|") and self._begins_row(line, row)
            if row and (starts or _RULE.fullmatch(line.strip() or "-")):
                yield self._cells(row)
                row = ""
            if starts:
                row = line
            elif row:
                row += line
            elif line.strip() and not _RULE.fullmatch(line.strip()) and not _header(line):
                diagnostics.unread_event(number, line)
        if row:
            ends_in_message = self.columns.message == self.columns.width - 1
            is_cut = ends_in_message and not row.rstrip().endswith("|")
            yield self._cells(row + CUT_MARK if is_cut else row)

    def _begins_row(self, line: str, before: str) -> bool:
        """Whether a line with a bar begins a row, and is not the next line of a message."""
        time = self.columns.time
        if time is None or time > self.columns.message:
            return not before or before.rstrip().endswith("|")
        cells = line.strip().removeprefix("|").split("|", time + 1)
        return len(cells) > time and is_time(cells[time].strip())

    def _cells(self, row: str) -> list[str]:
        """Return the cells of a row: the message is all between the columns before and after it."""
        after = self.columns.width - self.columns.message - 1
        cells = (
            row.strip()
            .removeprefix("|")
            .rstrip()
            .removesuffix("|")
            .split("|", self.columns.message)
        )
        if after and len(cells) == self.columns.message + 1:
            cells[-1:] = cells[-1].rsplit("|", after)
        return [_ESCAPED_BAR.sub("|", cell.strip()) for cell in cells]


def _header(line: str) -> Columns | None:
    if not line.lstrip().startswith("|"):
        return None
    return Columns.named(line.strip().strip("|").split("|"))
