"""Canonical lines: events of any shape as JSON lines in the one layout that is scanned fast.

::

    {"logGroupName":"/aws/lambda/orders","logStreamName":"2026/11/23/[7]0123…","timestamp":1795402800123,"message":"…"}

Formats build them by the block: the pieces of all events of a block stand in lists, each list is
converted by operations that run in C, and one ``join`` writes the lines.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, compress, repeat
from operator import add
from typing import TYPE_CHECKING

from retryctl.core.late_regex import late_regex
from retryctl.core.value_classes import replaced, value_class

if TYPE_CHECKING:
    from retryctl.core.model.events import LogEvent
    from retryctl.sources.saved.saved_format import RawEvent

HEAD_BYTES = 6
"""The first bytes of a message, which show its kind."""

_NUL = b"\x00"
_CONTROLS = bytes(set(range(0x01, 0x20)) - set(b"\t\n\r"))
_CONTROL = late_regex(b"[\x01-\x08\x0b\x0c\x0e-\x1f]")
MESSAGE_KEY = b',"message":"'
TIME_BYTES = 13
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
    pieces[3::6] = repeat(MESSAGE_KEY, len(messages))
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


@value_class
class EventColumns:
    """The events of a block in columns, of which only some are made canonical lines.

    ``starts`` are those of the lines, ``times`` are sorted as they stand, ``heads`` have the
    first bytes of each message, as the file has it, from ``head_at`` on. ``rows`` have the message
    of each event from ``message_at`` on. Of some events ``endings`` makes what stands there in
    their lines, and ``digits`` the 13 digits of their times.
    """

    starts: list[bytes]
    times: list[bytes]
    heads: list[bytes]
    rows: list[bytes]
    endings: Callable[[list[bytes], int], Iterable[bytes]]
    digits: Callable[[Sequence[bytes]], Sequence[bytes]]
    message_at: int = 0
    head_at: int = 0

    def lines(self) -> list[bytes]:
        """Return the canonical lines of all events."""
        return self.made_lines(self.starts, self.digits(self.times), self.rows)

    def made_lines(
        self, starts: Iterable[bytes], times: Sequence[bytes], rows: list[bytes]
    ) -> list[bytes]:
        """Return the canonical lines of some events, whose times are 13 digits."""
        if not rows:
            return []
        endings = self.endings(rows, self.message_at)
        pieces = zip(starts, times, repeat(MESSAGE_KEY), endings, strict=False)
        return list(map(b"".join, pieces))

    def suits(self, other: EventColumns) -> bool:
        """Whether the rows of another block are made lines in the same way."""
        own = self.message_at, self.head_at, self.endings, self.digits, len(self.times[0])
        others = other.message_at, other.head_at, other.endings, other.digits, len(other.times[0])
        return own == others

    def by_start(self) -> Iterator[EventColumns]:
        """Yield the events that have the same start."""
        found: dict[bytes, list[int]] = defaultdict(list)
        for number, start in enumerate(self.starts):
            found[start].append(number)
        for start, numbers in found.items():
            yield replaced(
                self,
                starts=[start] * len(numbers),
                times=list(map(self.times.__getitem__, numbers)),
                heads=list(map(self.heads.__getitem__, numbers)),
                rows=list(map(self.rows.__getitem__, numbers)),
            )

    def part(self, start: int, stop: int | None = None) -> EventColumns:
        """Return the events with these numbers."""
        return replaced(self, **{name: getattr(self, name)[start:stop] for name in _COLUMNS})

    def picked(self, selectors: bytes) -> EventColumns:
        """Return the events whose selector is not 0."""
        columns = {name: list(compress(getattr(self, name), selectors)) for name in _COLUMNS}
        return replaced(self, **columns)


_COLUMNS = ("starts", "times", "heads", "rows")


def joined_columns(blocks: Sequence[EventColumns]) -> EventColumns:
    """Return the events of blocks that suit one another."""
    columns = {
        name: list(chain.from_iterable(getattr(block, name) for block in blocks))
        for name in _COLUMNS
    }
    return replaced(blocks[0], **columns)


def escaped_endings(
    messages: list[bytes], _: int = 0, prepare: Callable[[bytes], bytes] = lambda joined: joined
) -> list[bytes]:
    """Return what stands in lines from these messages on; ``prepare`` as in ``json_escaped``."""
    return list(map(add, json_escaped(messages, prepare), repeat(_END)))


def _quoted(text: bytes | None) -> bytes:
    return b"null" if text is None else _encode(text.decode(errors="replace")).encode()
