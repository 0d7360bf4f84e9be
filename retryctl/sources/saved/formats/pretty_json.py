"""The layout in which the AWS CLI and jq print JSON events, turned into lines by the block.

Strings of JSON contain no newlines, so every newline is one of the layout: a split between events
and a replacement make a line of each event, whatever its keys.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from io import BufferedReader
from operator import itemgetter

from retryctl.core.value_classes import value_class
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.canonical_lines import HEAD_BYTES, EventColumns, line_start
from retryctl.sources.saved.formats.event_times import digits_at
from retryctl.sources.saved.formats.json_shapes import DocumentContext
from retryctl.sources.saved.raw_blocks import (
    MESSAGE_LABEL,
    BlockSpan,
    RawBlock,
    span_of_streams,
)

_KEY = rb'"(?:logGroupName|logStreamName|timestamp|eventId|ingestionTime|message)": '
# {⏎    "events": [⏎        {⏎            "logStreamName": "…",⏎
_DOCUMENT = re.compile(rb'\{\n( +)"events": \[\n(\1\1)\{\n(\1\1\1)' + _KEY)
# [⏎    {⏎        "logStreamName": "…",⏎
_ARRAY = re.compile(rb"\[\n()( +)\{\n(\2\2)" + _KEY)
_LABEL = b'"timestamp": '
_TIMESTAMP = re.compile(rb'"timestamp": (\d{1,14})\b')
# 1795402800123,⏎
_UNNAMED = re.compile(rb"()()(\d{13}),\n")


# "2026/11/23/[$LATEST]0123…",⏎            "timestamp": 1795402800123,⏎
@lru_cache(maxsize=4)
def _named(key: bytes) -> re.Pattern[bytes]:
    """Return the pattern of an event behind its first key, which is that of the stream."""
    return re.compile(rb'("([^"\\]*)",\n' + key + rb'"timestamp": )(\d{13}),\n')


@value_class
class PrettyText:
    """Events that are split behind their first key, and their span."""

    events: list[bytes]
    span: BlockSpan
    names_streams: bool


@value_class
class Layout:
    """The indents of a document, its events and their keys, and what comes before the events."""

    outer: bytes
    event: bytes
    key: bytes
    before: bytes

    @property
    def closing(self) -> bytes:
        """The line that ends an event."""
        return b"\n" + self.event + b"}"

    def events(self, text: bytes) -> PrettyText | None:
        """Return the events of a text; ``None`` where more than events stand in it.

        What follows the end of a document may have the form of events, as searched streams do.
        """
        begin = len(self.event)
        opening = text[begin : text.find(b": ", begin) + 2]
        between = self.closing + b",\n" + self.event + opening
        events = text[begin + len(opening) : -len(self.closing)].split(between)
        if text.count(opening) != len(events) or not text.endswith(self.closing):
            return None
        named = b'"log' in opening
        span = span_of_streams(events, _named(self.key) if named else _UNNAMED)
        return PrettyText(events=events, span=span, names_streams=named) if span else None

    def columns(self, text: PrettyText) -> EventColumns | None:
        """Return events in columns, if the same keys begin each: the stream, time and message."""
        usual, label = _named(self.key), b",\n" + self.key + b'"message": "'
        first = usual.match(text.events[0]) if text.names_streams else None
        if not first:
            return None
        time_at, label_at = first.span(3)
        message_at = label_at + len(label)
        names, times, heads = (
            list(map(itemgetter(slice(*place)), text.events))
            for place in ((time_at,), (time_at, label_at), (label_at, message_at + HEAD_BYTES))
        )
        found = {name: usual.fullmatch(name + first[3] + b",\n") for name in set(names)}
        starts = {name: line_start(None, each[2]) for name, each in found.items() if each}
        digits = b"".join(times)
        if len(starts) < len(found) or len(digits) < len(times) * len(first[3]):
            return None
        if not digits.isdigit() or not all(head.startswith(label) for head in set(heads)):
            return None
        return EventColumns(
            starts=list(map(starts.__getitem__, names)),
            times=times,
            heads=heads,
            rows=text.events,
            endings=self._endings,
            digits=digits_at(b"", first[3]),
            message_at=message_at,
            head_at=len(label),
        )

    def _endings(self, rows: list[bytes], at: int) -> list[bytes]:
        return [row[at:].replace(b"\n" + self.key, b"") + b"}\n" for row in rows]

    def lines(self, text: bytes, streams: Collection[bytes] = ()) -> bytes:
        """Return each event of a text, or of some streams in it, as a line."""
        between = self.closing + b",\n" + self.event
        events = text[len(self.event) : -len(self.closing)].split(between)
        if streams:
            opening = b'{\n%b"logStreamName": "' % self.key
            begins = tuple(b'%b%b"' % (opening, name) for name in streams)
            if text.count(opening) == len(events):
                events = [event for event in events if event.startswith(begins)]
            else:
                events = [event for event in events if any(name in event for name in streams)]
        lines = b"}\n".join(events).replace(b"\n" + self.key, b"")
        return lines + b"}\n" if events else b""


def pretty_layout(head: bytes) -> Layout | None:
    """Return the layout that a text begins with; ``None`` if it cannot be cut by lines."""
    for pattern, before in ((_DOCUMENT, b'{"events": ['), (_ARRAY, b"[")):
        if found := pattern.match(head):
            return Layout(outer=found[1], event=found[2], key=found[3], before=before)
    return None


class PrettyEvents:
    """The events of a segment in such a layout.

    What follows them is ``rest`` and the rest of the segment, a document without events.
    """

    def __init__(self, segment: BufferedReader, layout: Layout, context: DocumentContext) -> None:
        self._segment = segment
        self._layout = layout
        self._context = context
        self._pending, self._at = b"", 0

    def blocks(self) -> Iterator[RawBlock]:
        """Yield the events, some at a time."""
        layout, closing = self._layout, self._layout.closing
        self._at = self._segment.peek().index(layout.event + b"{\n")
        self._segment.read(self._at)
        end = closing + b"\n" + layout.outer + b"]"
        while chunk := self._segment.read(raw_blocks.BLOCK_BYTES):
            self._pending += chunk
            cut = self._pending.rfind(closing + b",\n")
            text = self._pending[: max(cut, 0) + len(closing)]
            found = layout.events(text) if cut >= 0 else None
            if not found and end in self._pending:
                break
            if cut >= 0:
                yield self._block(text, found)
        if (stop := self._pending.find(end)) >= 0:
            yield self._block(self._pending[: stop + len(closing)], None)

    @property
    def rest(self) -> bytes:
        """What was read behind the events, as the end of a document without them."""
        return self._layout.before + self._pending

    def _columns(self, text: bytes, found: PrettyText | None) -> EventColumns | None:
        if not found or text.count(MESSAGE_LABEL) != len(found.events):
            return None  # parts of two events may stand as one
        return self._layout.columns(found)

    def _block(self, text: bytes, found: PrettyText | None) -> RawBlock:
        """Take the block of the events in the next bytes."""
        span = found.span if found else None
        size, start, line = len(text), self._at, b"\n" + self._layout.event + b"{\n"
        self._pending = self._pending[size:].removeprefix(b",\n")
        self._at += size + len(b",\n")
        self._context.count += span.events if span else text.count(line) + 1
        last = _TIMESTAMP.match(text, max(text.rfind(_LABEL), 0))
        if last:
            self._context.last_ms = int(last[1])
        if b'"logStreamName": "' in text:
            return RawBlock(
                raw=text,
                convert=self._layout.lines,
                measure=lambda _: span,
                deal=lambda: self._columns(text, found),
                start=start,
            )
        return RawBlock(
            raw=text, convert=self._unnamed_lines, measure=lambda _: span, names_streams=False
        )

    def _unnamed_lines(self, text: bytes, _: Collection[bytes]) -> bytes:
        """Return the lines with the document's own stream, if they are those of GetLogEvents."""
        lines = self._layout.lines(text)
        if lines.startswith(b'{"timestamp"') and self._layout.outer:
            start = line_start(None, self._context.unnamed_stream.encode())
            start = start[: -len(b'"timestamp":')]
            lines = (b"\n" + lines[:-1]).replace(b'\n{"timestamp"', b"\n" + start + b'"timestamp"')
            lines = lines[1:] + b"\n"
        return lines
