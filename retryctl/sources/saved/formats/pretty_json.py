"""The layout in which the AWS CLI and jq print JSON events, turned into lines by the block.

Strings of JSON contain no newlines, so every newline is one of the layout: three replacements make
a line of each event, whatever its keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

from retryctl.sources.saved.canonical import line_start
from retryctl.sources.saved.formats.json_shapes import DocumentContext
from retryctl.sources.saved.raw_blocks import (
    EPOCH,
    BlockSpan,
    ConvertibleBlock,
    RawBlock,
    labelled_span,
)

_BLOCK_BYTES = 1 << 17
_KEY = rb'"(?:logGroupName|logStreamName|timestamp|eventId|ingestionTime|message)": '
# {⏎    "events": [⏎        {⏎            "logStreamName": "…",⏎
_DOCUMENT = re.compile(rb'\{\n( +)"events": \[\n(\1\1)\{\n(\1\1\1)' + _KEY)
# [⏎    {⏎        "logStreamName": "…",⏎
_ARRAY = re.compile(rb"\[\n()( +)\{\n(\2\2)" + _KEY)
_STREAM = re.compile(rb'"logStreamName": "[^"\\]*"')
_ESCAPED_NAME = re.compile(rb'"logStreamName": "[^"\\]*\\')
_LABEL = b'"timestamp": '
_TIMESTAMP = re.compile(rb'"timestamp": (\d{1,14})\b')


@dataclass(frozen=True)
class Layout:
    """The indents of a document, its events and their keys, and what comes before the events."""

    outer: bytes
    event: bytes
    key: bytes
    before: bytes


def pretty_layout(head: bytes) -> Layout | None:
    """Return the layout that a text begins with; ``None`` if it cannot be cut by lines."""
    for pattern, before in ((_DOCUMENT, b'{"events": ['), (_ARRAY, b"[")):
        if found := pattern.match(head):
            return Layout(found[1], found[2], found[3], before)
    return None


class PrettyEvents:
    """The events of a segment in such a layout; then ``rest`` is what follows them."""

    def __init__(self, segment: BufferedReader, layout: Layout, context: DocumentContext) -> None:
        self._segment = segment
        self._layout = layout
        self._context = context
        self._pending = b""

    def blocks(self) -> Iterator[RawBlock]:
        """Yield the events, some at a time."""
        self._segment.read(self._segment.peek().index(self._layout.event + b"{\n"))
        closing = b"\n" + self._layout.event + b"}"
        end, between = closing + b"\n" + self._layout.outer + b"]", closing + b",\n"
        while chunk := self._segment.read(_BLOCK_BYTES):
            text = self._pending + chunk
            cut, stop = text.rfind(between), -1
            count = self._count_alike(text[: cut + len(closing)], end) if cut >= 0 else 0
            if not count and (stop := text.find(end, max(0, len(self._pending) - len(end)))) >= 0:
                cut = stop
            if cut < 0:
                self._pending = text
                continue
            yield self._block(text[: cut + len(closing)], count)
            self._pending = text[cut + len(between if stop < 0 else closing) :]
            if stop >= 0:
                return

    def rest(self) -> _Joined:
        """Return what follows the events, as the end of a document without them."""
        return _Joined(self._layout.before + self._pending, self._segment)

    def _count_alike(self, text: bytes, end: bytes) -> int:
        """Count the events, if all begin with the same key and ``end`` is not among them; else 0.

        What follows the end of a document may have the form of events, as searched streams do.
        """
        if end in text:
            return 0
        event = self._layout.event + b"{\n" + self._layout.key
        key = text[len(event) : text.find(b" ", len(event)) + 1]
        joints = text.count(b"\n" + self._layout.event + b"},\n" + event + key)
        return joints + 1 if text.count(_LABEL) == joints + 1 else 0

    def _block(self, text: bytes, alike: int) -> RawBlock:
        """Return the block of some events; ``alike`` is their number where it is known."""
        count = alike or text.count(b"\n" + self._layout.event + b"{\n") + 1
        first, last = _TIMESTAMP.search(text), _TIMESTAMP.match(text, max(text.rfind(_LABEL), 0))
        self._context.count += count
        if last:
            self._context.last_ms = int(last[1])

        def span(text: bytes) -> BlockSpan | None:
            if not (alike and first and last) or _has_escaped_name(text):
                return None
            return labelled_span(text, count, _LABEL, (first[1], last[1]), EPOCH)

        return ConvertibleBlock(text, self._lines, span, _STREAM.search(text) is not None)

    def _lines(self, text: bytes) -> bytes:
        layout, context = self._layout, self._context
        lines = text.replace(b"\n" + layout.key, b"").replace(b"\n" + layout.event + b"}", b"}")
        lines = lines.replace(b"},\n" + layout.event + b"{", b"}\n{")
        lines = lines[len(layout.event) :] + b"\n"
        if lines.startswith(b'{"timestamp"') and layout.outer:
            start = line_start(None, context.unnamed_stream.encode())[: -len(b'"timestamp":')]
            lines = (b"\n" + lines[:-1]).replace(b'\n{"timestamp"', b"\n" + start + b'"timestamp"')[
                1:
            ] + b"\n"
        return lines


def _has_escaped_name(text: bytes) -> bool:
    """Whether a stream's name may be written with an escape: then it is not found in the bytes."""
    return b"\\/" in text or (b"\\u00" in text and _ESCAPED_NAME.search(text) is not None)


class _Joined:
    """Some bytes, then those of a file."""

    def __init__(self, first: bytes, file: BufferedReader) -> None:
        self._first = first
        self._file = file

    def read(self, size: int, /) -> bytes:
        """Return the bytes before the file first, all at once."""
        first, self._first = self._first, b""
        return first or self._file.read(size)
