"""Saved logs in text: ``aws logs tail`` and S3 exports.

Sources: awscli/customizations/logs/tail.py, version 2, which strips the end of each message;
its ``--format json`` is the detailed form with JSON messages pretty-printed behind a line break,
and ``--color on`` colours the time and the stream. For exports the CloudWatch Logs user guide,
"Exporting log data to Amazon S3".

An event starts at a line with a time; the lines up to the next one belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader

from retryctl.core.timestamps import iso_ms
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.log_format import LogFormat, Prefilter, RawEvent

LINES_BEFORE_FIRST_EVENT = 50

_COLOUR = rb"(?:\x1b\[[\d;]*m)*"
_SECOND = _COLOUR + rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
_BEFORE_MESSAGE = _COLOUR + rb"(?: |(?=\r?\n)|$)"

# 2026-11-23T03:00:00.123000+00:00 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef message
# 2026-11-23T03:00:00+00:00 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef message
_DETAILED = re.compile(
    _SECOND
    + rb"(?:\.(\d{3})\d{3})?\+00:00"
    + _COLOUR
    + b" "
    + _COLOUR
    + rb"([^\s\x1b]+)"
    + _BEFORE_MESSAGE
)
# 2026-11-23T03:00:00 message
_SHORT = re.compile(_SECOND + b"()()" + _BEFORE_MESSAGE)
# 2026-11-23T03:00:00.123Z message
_EXPORT = re.compile(_SECOND + rb"\.(\d{3})Z()" + _BEFORE_MESSAGE)

# 2026-11-23-[$LATEST]0123456789abcdef0123456789abcdef, 2026-11-23-orders[7]0123…
_EXPORT_FOLDER = re.compile(r"(\d{4})-(\d\d)-(\d\d)-([^\[\]]*\[.+)", re.DOTALL)


def text_shape(head: bytes, folder: str) -> LogFormat | None:
    """The shape of text that the start of a file shows; ``None`` where it is none of them.

    ``folder`` is the name of the file's folder: it is all that names an export's log stream.
    """
    lines = head.split(b"\n")[:LINES_BEFORE_FIRST_EVENT]
    for line in lines:
        for header in (_DETAILED, _EXPORT, _SHORT):
            if header.match(line):
                stream = _stream_of(folder) if header is _EXPORT else None
                newline = b"\r\n" if lines[0].endswith(b"\r") else b"\n"
                return partial(_text, header, newline, stream)
    return None


def begins_event(shape: LogFormat) -> Callable[[bytes], bool] | None:
    """What tells whether an event begins at a line of text; ``None`` of a shape that is no text."""
    if not (isinstance(shape, partial) and shape.func is _text):
        return None
    header: re.Pattern[bytes] = shape.args[0]

    def begins(line: bytes) -> bool:
        found = header.match(line)
        return found is not None and _header_ms(found) is not None

    return begins


def _stream_of(folder: str) -> str | None:
    """The log stream of an export's folder, where ``-`` stands for ``/``; Lambda's streams only."""
    found = _EXPORT_FOLDER.fullmatch(folder)
    return "/".join(found.groups()) if found else None


def _text(
    header: re.Pattern[bytes],
    newline: bytes,
    stream: str | None,
    segment: BufferedReader,
    notes: FileDiagnostics,
    worth: Prefilter | None,
) -> Iterator[RawEvent | int]:
    timestamp_ms: int | None = None
    body: list[bytes] = []
    for number, line in enumerate(segment, 1):
        found = header.match(line)
        starts_ms = _header_ms(found) if found else None
        if found and starts_ms is not None:
            if timestamp_ms is not None:
                yield _event(timestamp_ms, b"".join(body), newline, stream, worth)
            timestamp_ms, body = starts_ms, [line[found.end() :]]
            stream = found[3].decode() if found[3] else stream
        elif timestamp_ms is not None:
            body.append(line)
        elif line.strip():
            notes.unread_event(number, line.decode())
    if timestamp_ms is not None:
        yield _event(timestamp_ms, b"".join(body), newline, stream, worth)


def _header_ms(found: re.Match[bytes]) -> int | None:
    second_ms = iso_ms(found[1].decode())
    return None if second_ms is None else second_ms + int(found[2] or 0)


def _event(
    timestamp_ms: int, body: bytes, newline: bytes, stream: str | None, worth: Prefilter | None
) -> RawEvent | int:
    if worth and not worth(body, timestamp_ms):
        return timestamp_ms
    body = body.replace(newline, b"\n")
    if body.startswith((b"\n{", b"\n[")):
        body = body[1:]
    return RawEvent(timestamp_ms, body.rstrip(b"\n").decode(), stream)
