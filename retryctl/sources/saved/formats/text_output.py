"""``--output text`` of the AWS CLI: a row for each event, its values in the order of their keys.

A message stands between the other values, with the tabs and newlines of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedReader
from typing import Self

from retryctl.core.value_classes import value_class
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.canonical_lines import canonical_block, json_escaped
from retryctl.sources.saved.formats.event_times import STREAM_STARTS
from retryctl.sources.saved.formats.json_shapes import DocumentContext
from retryctl.sources.saved.formats.record_line import note_lines
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

_ROW = b"\nEVENTS\t"
# …⇥1795402800123EVENTS⇥3800…0001⇥
_JOINED = re.compile(rb"(?<=\t1\d{12})EVENTS\t")
# eventId⇥ingestionTime⇥logStreamName⇥message⇥timestamp, ingestionTime⇥message⇥timestamp
_VALUES = re.compile(
    rb"(?:(?:\d{1,56}\t)?(?:\d{13}\t)?([^\s]*\d{4}/\d\d/\d\d/[^\s]+)\t|(?:\d{56}\t)?(?:\d{13}\t)?)"
    rb"(.*)\t(1\d{12})[ \t\r]*(?:\s*\n[A-Z]+\t.*|(\n.*))?",
    re.DOTALL,
)


@value_class
class TextOutput(SavedFormat):
    """Events of FilterLogEvents or GetLogEvents as text."""

    name = "aws logs … --output text"
    made_by = "aws logs filter-log-events --log-group-name GROUP --output text"

    newline: bytes = b"\n"

    # EVENTS⇥3800…0001⇥1795402800900⇥2026/11/23/[$LATEST]0123…⇥START RequestId: …⏎⇥1795402800123
    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Rows of events, if one of the first lines begins one."""
        rows = any(line.startswith(_ROW[1:]) for line in head.lines)
        return cls(newline=head.newline) if rows else None

    def convert(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the events of a segment as canonical lines, some at a time."""
        pending = b"\n"
        while chunk := segment.read(raw_blocks.BLOCK_BYTES):
            text = pending + chunk
            cut = max(text.rfind(_ROW), 0)
            yield self._block(text[:cut], diagnostics)
            pending = text[cut:]
        yield self._block(pending, diagnostics)

    def _block(self, text: bytes, diagnostics: FileDiagnostics) -> bytes:
        text = text.replace(self.newline, b"\n")
        if text.count(_ROW) != text.count(_ROW[1:]):
            text = _JOINED.sub(_ROW, text)
        before, *rows = text.split(_ROW)
        if b"\t" not in before:  # else the tokens of pages
            note_lines(before, diagnostics)
        found = [(row, _VALUES.fullmatch(row)) for row in rows]
        for row, values in found:
            if values is None:
                diagnostics.unread_event(0, row.decode(errors="replace"), torn=True)
            elif values[4] and values[4].strip():  # a prompt, or another file
                diagnostics.unread_event(0, values[4].decode(errors="replace"))
        events = [values for _, values in found if values]
        unnamed = DocumentContext(name=diagnostics.name).unnamed_stream.encode()
        starts = [STREAM_STARTS[values[1] or unnamed] for values in events]
        if events and events[0][1] is None:  # of GetLogEvents
            diagnostics.one_stream()
        messages = json_escaped([values[2] for values in events])
        seconds, millis = [v[3][:-3] for v in events], [v[3][-3:] for v in events]
        return canonical_block(starts, seconds, millis, messages)
