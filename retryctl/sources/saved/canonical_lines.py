"""Canonical lines: events of any shape as JSON lines in the one layout that is scanned fast.

::

    {"logGroupName":"/aws/lambda/orders","logStreamName":"2026/11/23/[7]0123…","timestamp":1795402800123,"message":"…"}

Formats build them by the block: the pieces of all events of a block stand in lists, each list is
converted by operations that run in C, and one ``join`` writes the lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from retryctl.core.late_regex import late_regex

if TYPE_CHECKING:
    from retryctl.core.model.events import LogEvent
    from retryctl.sources.saved.saved_format import RawEvent

_NUL = b"\x00"
_CONTROLS = bytes(set(range(0x01, 0x20)) - set(b"\t\n\r"))
_CONTROL = late_regex(b"[\x01-\x08\x0b\x0c\x0e-\x1f]")
_MESSAGE = b',"message":"'
_END = b'"}\n'

KEY = re.compile(rb'\{(?:"logGroupName": ?"([^"]*)", ?)?"logStreamName": ?"([^"]*)"')
"""The start of a canonical line, with the group and the stream."""

# {"logStreamName":"2026/11/23/[$LATEST]0123…","timestamp":1795402800123,"message":"…
HEADER = re.compile(
    rb'(\{(?:"logGroupName": ?"[^"\\]*", ?)?"logStreamName": ?"[^"\\]*", ?"timestamp": ?)'
    rb'(\d{13})(, ?"message": ?")'
)
"""The start of a canonical line: what stands before the time, the time, what follows it."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def canonical_line(event: LogEvent | RawEvent) -> bytes:
    """Return the canonical line of one event."""
    fields: dict[str, object] = {}
    if event.log_group is not None:
        fields["logGroupName"] = event.log_group
    fields |= {
        "logStreamName": event.log_stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
    }
    if event.event_id is not None:
        fields["eventId"] = event.event_id
    return _encode(fields).encode("utf-8", "surrogatepass") + b"\n"


def line_start(group: bytes | None, stream: bytes | None) -> bytes:
    """Return the start of the canonical lines of a stream, up to the time."""
    names = b""
    if group is not None:
        names = b'"logGroupName":%b,' % _quoted(group)
    return b'{%b"logStreamName":%b,"timestamp":' % (names, _quoted(stream))


def canonical_block(
    starts: Iterable[bytes],
    seconds: Iterable[bytes],
    millis: Iterable[bytes],
    messages: list[bytes],
) -> bytes:
    """Split the events of a block into starts, times and messages, escaped as JSON."""
    pieces = [b""] * (6 * len(messages))
    pieces[0::6] = starts
    pieces[1::6] = seconds
    pieces[2::6] = millis
    pieces[3::6] = repeat(_MESSAGE, len(messages))
    pieces[4::6] = messages
    pieces[5::6] = repeat(_END, len(messages))
    return b"".join(pieces)


def json_escaped(
    messages: Sequence[bytes], prepare: Callable[[bytes], bytes] = lambda joined: joined
) -> list[bytes]:
    """Messages in UTF-8 as JSON escapes them, all in a few passes over their bytes.

    ``prepare`` may change them first: it gets them joined, each between two NUL.
    """
    joined = b"\0%b\0" % _NUL.join(messages)
    if joined.count(_NUL) != len(messages) + 1:
        return [
            _quoted(prepare(b"\0%b\0" % message.replace(_NUL, b"\xef\xbf\xbd"))[1:-1])[1:-1]
            for message in messages
        ]
    joined = prepare(joined)[1:-1]
    joined = joined.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    joined = joined.replace(b"\t", b"\\t").replace(b"\r", b"\\r")
    if len(joined.translate(None, _CONTROLS)) != len(joined):
        joined = _CONTROL.sub(lambda found: b"\\u%04x" % found[0][0], joined)
    return joined.split(_NUL) if messages else []


def _quoted(text: bytes | None) -> bytes:
    return b"null" if text is None else _encode(text.decode(errors="replace")).encode()
