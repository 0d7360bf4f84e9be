"""JSON lines: one event a line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from io import BufferedReader

from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.formats.json_event import (
    is_of_insights,
    names_an_event,
    names_its_place,
    parsed,
)
from retryctl.sources.saved.formats.record_line import bare_record
from retryctl.sources.saved.raw_blocks import RawBlock
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

_TIME_FIRST = b'{"timestamp":'
# {"timestamp": 1795402800123, "message": "0\n", "logStreamName": "…", "logGroupName": "…"}
_STREAM_LATE = re.compile(
    rb'^\{("timestamp": ?\d{13}, ?"message": ?"[^"\\\n]*(?:\\.[^"\\\n]*)*"), ?'
    rb'("logStreamName": ?"[^"\\\n]*")'
    rb'(, ?"logGroupName": ?"[^"\\\n]*")?(, ?"eventId": ?"[^"\\\n]*")?\}(?=\r?\n)',
    re.MULTILINE,
)


class JsonLines(SavedFormat):
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
        return RawBlock(raw=block, convert=_lead_with_streams, start=start)
    return RawBlock(raw=block, start=start)


def _lead_with_streams(block: bytes, _: Collection[bytes]) -> bytes:
    """Put the stream of each line first, where a writer put it behind the message."""
    if b'"logStreamName"' not in block:  # the pattern would search each line for it
        return block
    return _STREAM_LATE.sub(_stream_first, block)


def _stream_first(line: re.Match[bytes]) -> bytes:
    time_and_message, stream, group, event_id = line.groups(b"")
    return b"{%b,%b%b%b}" % (stream, time_and_message, group, event_id)


def _event_fields(line: bytes) -> dict[str, object] | None:
    """Return the fields of a line that is an event; ``None`` for any other.

    A row of Logs Insights is one of JSON documents, in which a millisecond has no order.
    """
    fields = parsed(line)
    if not isinstance(fields, dict) or is_of_insights(fields):
        return None
    return fields if names_an_event(fields) else None
