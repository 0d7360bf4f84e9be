"""JSON lines: one event a line, and the reading that every format shares."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from io import BufferedReader, BytesIO

from retryctl.core.late_regex import late_regex
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.formats.json_event import (
    is_torn,
    line_event,
    names_an_event,
    names_its_place,
)
from retryctl.sources.saved.formats.record_line import bare_record
from retryctl.sources.saved.log_format import Head, LogFormat, Prefilter, RawEvent
from retryctl.sources.saved.raw_blocks import CanonicalBlock, ConvertibleBlock, RawBlock

# {"logStreamName": "…", "timestamp": 1795402800123, "message": "…\"timestamp\": 1…"}
_TIMESTAMP = late_regex(rb'"timestamp":\s*(\d{1,14})\b(?!\.)')
_TIME_FIRST = b'{"timestamp":'
# {"timestamp": 1795402800123, "message": "0\n", "logStreamName": "…", "logGroupName": "…"}
_STREAM_LATE = re.compile(
    rb'^\{("timestamp": ?\d{13}, ?"message": ?"[^"\\\n]*(?:\\.[^"\\\n]*)*"), ?'
    rb'("logStreamName": ?"[^"\\\n]*")'
    rb'(, ?"logGroupName": ?"[^"\\\n]*")?(, ?"eventId": ?"[^"\\\n]*")?\}(?=\r?\n)',
    re.MULTILINE,
)


class LineFormat(LogFormat):
    """A format whose events are read from its canonical lines."""

    def read(
        self,
        segment: BufferedReader,
        diagnostics: FileDiagnostics,
        prefilter: Prefilter | None = None,
    ) -> Iterator[RawEvent | int]:
        """Yield the events of the canonical lines of a segment."""
        lines = (line for block in self.blocks(segment, diagnostics) for line in BytesIO(block))
        yield from _events(lines, diagnostics, prefilter)


class JsonLines(LineFormat):
    """One event a line, in any order of keys; a line that cannot be read is noted."""

    name = "JSON lines"
    bare_attempt_is_whole = True
    made_by = "aws logs filter-log-events --log-group-name GROUP | jq -c '.events[]'"
    splittable = True
    verbatim = True

    # {"logStreamName":"2026/11/23/[$LATEST]0123…","timestamp":1795402800123,"message":"0\n"}
    @classmethod
    def detect(cls, head: Head) -> JsonLines | None:
        """JSON lines, if one of the first lines is a whole event."""
        has_events = False
        for fields in filter(None, map(_event_fields, head.lines)):
            if names_its_place(fields):
                return cls()
            has_events = True
        return cls() if has_events and not bare_record(head) else None

    @staticmethod
    def suits_each(head: Head) -> bool:
        """Return whether each of the first lines is an event that names its place.

        The last line may be cut. Behind the lines no document follows, as far as the head shows.
        """
        if b'"events"' in head.content or b'"results"' in head.content:
            return False
        events = list(map(_event_fields, head.lines[:-1]))
        return bool(events) and all(event and names_its_place(event) for event in events)

    def parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the lines as they are, some at a time."""
        at = 0
        while block := segment.read(raw_blocks.BLOCK_BYTES):
            block += segment.readline()
            yield json_lines_block(block, at)
            at += len(block)

    def begins_event(self, line: bytes) -> bool:
        """Return true: every line is an event."""
        return True


def json_lines_block(block: bytes, start: int) -> RawBlock:
    """Return a block of JSON lines, which begins at ``start``."""
    if block.startswith(_TIME_FIRST):
        return ConvertibleBlock(raw=block, convert=_lead_with_streams, start=start)
    return CanonicalBlock(raw=block, start=start)


def _lead_with_streams(block: bytes, _: Collection[bytes]) -> bytes:
    """Put the stream of each line first, where a writer put it behind the message."""
    if b'"logStreamName"' not in block:  # the pattern would search each line for it
        return block
    return _STREAM_LATE.sub(_stream_first, block)


def _stream_first(line: re.Match[bytes]) -> bytes:
    time_and_message, stream, group, event_id = line.groups(b"")
    return b"{%b,%b%b%b}" % (stream, time_and_message, group, event_id)


def _event_fields(line: bytes) -> dict[str, object] | None:
    """Return the fields of a line that is an event; ``None`` for any other."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and names_an_event(fields) else None


def _events(
    lines: Iterable[bytes], diagnostics: FileDiagnostics, prefilter: Prefilter | None
) -> Iterator[RawEvent | int]:
    before_ms = 0
    for number, line in enumerate(lines, 1):
        if prefilter and (found := _TIMESTAMP.search(line)) and line.endswith((b"}\n", b"}\r\n")):
            timestamp_ms = int(found[1])
            if not prefilter(line, timestamp_ms):
                before_ms = timestamp_ms
                yield timestamp_ms
                continue
        event = line_event(line, before_ms)
        if event:
            before_ms = event.timestamp_ms
            yield event
        elif line.endswith(b"\n") and line.strip():
            torn = is_torn(line) and (number > 1 or line.startswith(b"{"))
            note = diagnostics.torn_event if torn else diagnostics.unread_event
            note(number, line.decode(errors="replace"))
        elif line.strip():
            diagnostics.unrecognised += 1
            diagnostics.breaks_off(f"its last line, {number}, breaks off")
