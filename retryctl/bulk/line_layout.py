"""The layout of canonical lines, by their bytes: records of Lambda, streams, and whole events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from io import BytesIO
from itertools import count

from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import SHORTEST_RETRY_MS
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.canonical_lines import HEADER
from retryctl.sources.saved.formats.json_event import is_torn, line_event
from retryctl.sources.saved.raw_blocks import MESSAGE_LABEL, contains_key
from retryctl.sources.saved.stream_filter import StreamFilter

# written out: a group that repeats takes a third more time
ID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_START = rb"START RequestId: (" + ID + rb') Version: (\$LATEST|\d+)(?:\\n)?"'
_N = rb"\d{1,9}(?:\.\d{1,9})?"
_TAB = rb'(?:\\t|(?="))'  # the tail strips the end of a message
_FIGURES = (
    rb"\\tDuration: " + _N + rb" ms\\tBilled Duration: (\d{1,9}) ms"
    rb"\\tMemory Size: (\d{1,9}) MB\\tMax Memory Used: \d{1,9} MB"
    + _TAB
    + rb"(?:Init Duration: "
    + _N
    + rb" ms"
    + _TAB
    + rb")?(?:Status: (timeout)(?:\\t)?)?(?:\\n)?"
    rb"(?:XRAY TraceId: [\w-]+\\tSegmentId: \w+\\tSampled: (?:true|false)" + _TAB + rb'(?:\\n)?)?"'
)
START = re.compile(_START)
END = re.compile(rb"END RequestId: (" + ID + rb')(?:\\n)?"')
REPORT = re.compile(rb"REPORT RequestId: (" + ID + rb")" + _FIGURES)


@cache
def three_lines(message_at: int) -> re.Pattern[bytes]:
    """Return the pattern of START, END and REPORT of one attempt, with nothing between them.

    Its groups are the ID, the version, the billed ms, the MB and the status.
    """
    before, rest = rb"(?s:.{%d})" % message_at, rb"[^\n]*\n"
    end = rb'END RequestId: \1(?:\\n)?"'
    report = rb"REPORT RequestId: \1" + _FIGURES
    lines = (before + message + rest for message in (_START, end, report))
    return re.compile(rb"(?<![^\n])" + b"".join(lines))


# …\tDuration: 60000.12 ms\t…; …\"metrics\":{\"durationMs\":60000.12,…
_DURATION = re.compile(rb'(?:\\tDuration: |\\"durationMs\\": ?)(\d{1,9})')


def may_have_retry(report: bytes, took_ms: int) -> bool:
    """Whether a retry may have started between START and REPORT, which are ``took_ms`` apart.

    The duration in ``report``, the line of the REPORT, is then shorter by as much as a retry waits.
    """
    if took_ms < SHORTEST_RETRY_MS:
        return False
    duration = _DURATION.search(report)
    return duration is None or took_ms - int(duration[1]) >= SHORTEST_RETRY_MS


STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"')

_LATE_GROUP = late_regex(rb', ?"log(?:GroupName|Group|_group)": ?("[^"\\]*")(?=[,}])')


_TEXT = rb'[ !#-\[\]-\xff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-\[\]-\xff]*)*'
# {"timestamp":1795402800123,"message":"0\n","eventId":"3917…"}
_NAMELESS = late_regex(
    rb'\{(?:"logGroupName": ?"([^"\\\x00-\x1f]*)", ?)?(?:"logStreamName": ?null, ?)?'
    rb'"timestamp": ?([1-9]\d{12}), ?"message": ?"' + _TEXT + rb'"'
    rb'(?:, ?"ingestionTime": ?[1-9]\d{12}|, ?"eventId": ?"\d*")*\}\r?\n'
)


@value_class
class NamelessLines:
    """Whole events that name no stream: their groups, and their least and greatest time in ms."""

    groups: frozenset[str | None]
    first_ms: int
    last_ms: int


def nameless_lines(block: bytes, lines: int) -> NamelessLines | None:
    """Return what the lines of a block show; ``None`` if one may be no event or name a stream."""
    if not _NAMELESS.match(block):
        return None
    try:
        block.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    found = _NAMELESS.findall(block)
    if len(found) != lines:
        return None
    groups, times = zip(*found, strict=True)
    return NamelessLines(
        groups=frozenset(group.decode(errors="replace") or None for group in set(groups)),
        first_ms=int(min(times)),
        last_ms=int(max(times)),
    )


def lead_with_groups(block: bytes) -> bytes:
    """Put the log group of each line first, where a writer put it behind the message."""
    if not contains_key(block, b'"log_group"', b"_"):
        if not contains_key(block, b'"logGroup', b"G"):
            return block
        if block.count(b'"logGroup') == block.count(b'{"logGroupName"'):
            return block
    return b"".join(map(lead_with_group, BytesIO(block)))


def lead_with_group(line: bytes) -> bytes:
    """Return the line with its log group first."""
    header = HEADER.match(line)
    if not header or line.startswith(b'{"logGroupName"'):
        return line
    group = _LATE_GROUP.search(line, header.end())
    return b'{"logGroupName":%b,%b' % (group[1], line[1:]) if group else line


def events_of(selected: StreamFilter, *parts: Iterable[bytes | LogEvent]) -> list[list[LogEvent]]:
    """Kept lines and events as events, with places in the order in which they stand.

    Raises NoEvent where a line is malformed.
    """
    place = count()
    return [[_placed(selected, line, next(place)) for line in part] for part in parts]


class NoEvent(ValueError):
    """A line that began and ended like an event, and is none: two of them without a line break."""


def _placed(selected: StreamFilter, line: bytes | LogEvent, position: int) -> LogEvent:
    if isinstance(line, LogEvent):
        return LogEvent(
            timestamp_ms=line.timestamp_ms,
            message=line.message,
            log_stream=line.log_stream,
            log_group=line.log_group,
            event_id=line.event_id,
            position=position,
        )
    event = line_event(line, 0)
    if event is None:
        raise NoEvent
    return selected.event(event, position)


def message_of(line: bytes) -> bytes:
    """Return the message of a kept line, as JSON escapes it."""
    header = HEADER.match(line)
    found = STRING.match(line, header.end()) if header else None
    return found[0] if found else line


def is_usual_line(line: bytes) -> bool:
    """Whether it has the layout that is read fast, and is not two events."""
    if not line.endswith((b"}\n", b"}\r\n")) or b'}{"' in line:
        return False
    return line.count(MESSAGE_LABEL) == 1 and HEADER.match(line) is not None


def has_torn_line(block: bytes, lines: list[bytes]) -> bool:
    """Whether one of the ``lines`` of a block has parts of two events: what lay between is lost."""
    if block.count(MESSAGE_LABEL) == len(lines):
        return False
    return any(line.count(MESSAGE_LABEL) > 1 and is_torn(line) for line in lines)
