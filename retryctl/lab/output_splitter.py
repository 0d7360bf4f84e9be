"""Split what a function's process writes into log events.

stdout, stderr and the runtime's framed records come through one pipe, which keeps their order.
A frame begins with bytes that no UTF-8 text contains, followed by its length and its time;
anything else is text, an event for each line. A line stands where it began: frames within it
follow it.

The frames are awslambdaric's (``FramedTelemetryLogSink``): the last byte of their type
states level and format; the header has 8 bytes in the first version and 16 since.
"""

from __future__ import annotations

import re
import struct

from retryctl.core.value_classes import value_class

_FRAME = re.compile(rb"\xa5\x5a\x00[\x01-\x1b]")
_BEGINNINGS = (b"\xa5\x5a\x00", b"\xa5\x5a", b"\xa5")
_HEAD = struct.Struct(">II")
_FRAME_TIME = struct.Struct(">Q")
_WITHOUT_TIME = 0xA55A0001
_LEVELS = ("NOTSET", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

LONGEST_LINE = 256 * 1024
"""Bytes after which a line is cut, and goes on in the next event."""


@value_class
class Written:
    """One event: a printed line with its newline, or a frame's message.

    ``time_us`` (epoch microseconds) and ``level`` are those of a frame, else ``None``.
    """

    message: str
    time_us: int | None = None
    level: str | None = None


class Splitter:
    """Splits bytes as they come, and returns the events that are complete."""

    def __init__(self) -> None:
        self._unread = b""
        self._line = b""
        self._held: list[Written] = []

    def feed(self, data: bytes) -> list[Written]:
        """Return the events that ``data`` completes."""
        events: list[Written] = []
        data = self._unread + data
        at = 0
        while frame := _FRAME.search(data, at):
            events += self._text(data[at : frame.start()])
            at = frame.start()
            length = _frame_length(data, at)
            if length is None or at + length > len(data):
                break
            (self._held if self._line else events).append(_read_frame(data[at : at + length]))
            at += length
        else:
            end = len(data) - _beginning_of_frame(data)
            events += self._text(data[at:end])
            at = end
        self._unread = data[at:]
        return events

    def flush(self) -> list[Written]:
        """Return the line that has no newline yet, if there is one."""
        rest, self._line, self._unread = self._line + self._unread, b"", b""
        return ([_line(rest)] if rest else []) + self._release()

    def _text(self, data: bytes) -> list[Written]:
        *lines, self._line = (self._line + data).split(b"\n")
        events: list[Written] = []
        for line in lines:
            whole = line + b"\n"
            cuts = range(0, len(whole), LONGEST_LINE)
            events += [_line(whole[at : at + LONGEST_LINE]) for at in cuts]
            events += self._release()
        while len(self._line) > LONGEST_LINE:
            events.append(_line(self._line[:LONGEST_LINE]))
            self._line = self._line[LONGEST_LINE:]
        return events

    def _release(self) -> list[Written]:
        held, self._held = self._held, []
        return held


def _line(data: bytes) -> Written:
    return Written(message=data.decode(errors="replace"))


def _frame_length(data: bytes, at: int) -> int | None:
    """Return the frame's whole length, ``None`` while its header is not complete."""
    if len(data) < at + _HEAD.size:
        return None
    kind, length = map(int, _HEAD.unpack_from(data, at))
    return length + _HEAD.size + (0 if kind == _WITHOUT_TIME else _FRAME_TIME.size)


def _read_frame(frame: bytes) -> Written:
    kind, length = _HEAD.unpack_from(frame)
    message = frame[len(frame) - length :].decode(errors="replace")
    if kind == _WITHOUT_TIME:
        return Written(message=message)
    level = _LEVELS[(kind & 0xFF) >> 2]
    return Written(
        message=message, time_us=_FRAME_TIME.unpack_from(frame, _HEAD.size)[0], level=level
    )


def _beginning_of_frame(data: bytes) -> int:
    """Return how many bytes at the end may be the first of a frame."""
    return next((len(b) for b in _BEGINNINGS if data.endswith(b)), 0)
