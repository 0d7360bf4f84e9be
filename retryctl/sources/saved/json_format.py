"""Saved logs in JSON: documents of the CLI, lines or arrays of events, a subscription's records.

Source of the shapes: the output of ``aws logs filter-log-events`` and ``get-log-events``, and for
subscriptions the CloudWatch Logs user guide, "Log group-level subscription filters".

ijson reads what may be one large document. It is imported inside functions, since it takes longer
to import than JSON lines take to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from io import BufferedReader, BytesIO

from retryctl.core.timestamps import iso_ms
from retryctl.sources.saved.depth_limit import Shallow, TooDeep
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.log_format import LogFormat, Prefilter, RawEvent

_STREAM = ("logStreamName", "log_stream", "logStream")
_GROUP = ("logGroupName", "logGroup", "log_group")
_ID = ("eventId", "id", "event_id")
_OF_AN_EVENT = {*_STREAM, *_GROUP, *_ID, "ingestionTime"}

_LAST_MS = 253_402_300_799_999
_SURROGATE = re.compile("[\ud800-\udfff]")

# {"logStreamName": "…", "timestamp": 1795402800123, "message": "…\"timestamp\": 1…"}
_TIMESTAMP = re.compile(rb'"timestamp":\s*(\d{1,14})\b(?!\.)')


def json_shape(head: bytes) -> LogFormat | None:
    """The shape of JSON that the start of a file shows; ``None`` where it is none of them."""
    keys = _first_keys(head)
    each = "item" if _is_array(head) else ""
    if "logEvents" in keys or "messageType" in keys:
        return partial(_subscription, each)
    if "events" in keys:
        return partial(_documents, f"{each}.events.item".lstrip("."))
    if any(map(is_event_line, head.split(b"\n"))):
        return json_lines
    if _names_an_event(keys):
        return partial(_documents, each)
    return None


def is_event_line(line: bytes) -> bool:
    """Whether ``line`` is a whole event."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and _names_an_event(fields)


def json_lines(
    segment: BufferedReader, notes: FileDiagnostics, worth: Prefilter | None
) -> Iterator[RawEvent | int]:
    """One event a line. A line that cannot be read is noted, and the rest goes on."""
    before_ms = 0
    for number, line in enumerate(segment, 1):
        if worth and (found := _TIMESTAMP.search(line)) and line.endswith((b"}\n", b"}\r\n")):
            timestamp_ms = int(found[1])
            if not worth(line, timestamp_ms):
                before_ms = timestamp_ms
                yield timestamp_ms
                continue
        event = line_event(line, before_ms)
        if event:
            before_ms = event.timestamp_ms
            yield event
        elif line.endswith(b"\n") and line.strip():
            notes.unread_event(number, line.decode())
        elif line.strip():
            notes.unrecognised += 1
            notes.breaks_off(f"its last line, {number}, breaks off")


def _is_array(head: bytes) -> bool:
    return head.lstrip().startswith(b"[")


def _first_keys(head: bytes) -> dict[str, object]:
    """The keys of the first object in ``head``, with the values of those that are no containers."""
    import ijson

    top = "item" if _is_array(head) else ""
    keys: dict[str, object] = {}
    try:
        parsed = ijson.parse(Shallow(BytesIO(head)), use_float=True, multiple_values=True)
        for prefix, event, value in parsed:
            if prefix == top and event == "map_key":
                key = value
                keys[key] = None
            elif prefix == top and event == "end_map":
                break
            elif keys and prefix == f"{top}.{key}".lstrip("."):
                keys[key] = value
    except (ijson.JSONError, TooDeep):
        pass  # the head ends within a document, or is no JSON: what was seen up to there counts
    return keys


def _names_an_event(fields: dict[str, object]) -> bool:
    """Whether these are an event's keys. An application's own JSON has a message and a time too."""
    if "message" not in fields or "timestamp" not in fields:
        return False
    return not isinstance(fields["timestamp"], str) or not _OF_AN_EVENT.isdisjoint(fields)


def _documents(
    prefix: str, segment: BufferedReader, notes: FileDiagnostics, worth: Prefilter | None
) -> Iterator[RawEvent | int]:
    """The events of documents, one after another, held in memory one event at a time."""
    yield from _events(_items(prefix, segment, notes), notes, worth)


def _subscription(
    prefix: str, segment: BufferedReader, notes: FileDiagnostics, worth: Prefilter | None
) -> Iterator[RawEvent | int]:
    """``{messageType, owner, logGroup, logStream, logEvents: [{id, timestamp, message}]}``…"""
    for number, document in enumerate(_items(prefix, segment, notes), 1):
        fields = document if isinstance(document, dict) else {}
        events = fields.get("logEvents")
        if not isinstance(events, list):
            notes.unread_event(number, _dumped(document))
        elif fields.get("messageType") != "CONTROL_MESSAGE":
            stream, group = _first_text(fields, _STREAM), _first_text(fields, _GROUP)
            for event in _events(events, notes, worth):
                if isinstance(event, RawEvent):
                    event = event._replace(log_stream=stream, log_group=group)
                yield event


def _items(prefix: str, segment: BufferedReader, notes: FileDiagnostics) -> Iterator[object]:
    import ijson

    number = 0
    try:
        shallow = Shallow(segment)
        for item in ijson.items(shallow, prefix, use_float=True, multiple_values=True):
            number += 1
            yield item
    except (ijson.JSONError, TooDeep) as error:
        why = "is nested too deep" if isinstance(error, TooDeep) else "cannot be read on"
        notes.breaks_off(f"its JSON {why} after {_what_is_read(prefix)} {number}")


def _what_is_read(prefix: str) -> str:
    return "event" if prefix else "object"


def _events(
    items: Iterable[object], notes: FileDiagnostics, worth: Prefilter | None
) -> Iterator[RawEvent | int]:
    before_ms = 0
    for number, item in enumerate(items, 1):
        event = _event(item, before_ms, worth)
        if event is None:
            notes.unread_event(number, _dumped(item))
        else:
            before_ms = event if isinstance(event, int) else event.timestamp_ms
            yield event


def _dumped(item: object) -> str:
    return json.dumps(item, default=str)


def line_event(line: bytes, before_ms: int) -> RawEvent | None:
    """The event that a line of JSON is; ``None`` where it is none."""
    try:
        event = _event(json.loads(line), before_ms, None)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, RawEvent) else None


def _event(fields: object, before_ms: int, worth: Prefilter | None) -> RawEvent | int | None:
    """The event that an object is; ``before_ms`` is the time of one whose own is null."""
    if not isinstance(fields, dict) or "timestamp" not in fields:
        return None
    message = fields.get("message")
    timestamp_ms = _timestamp_ms(fields["timestamp"], before_ms)
    if not isinstance(message, str) or timestamp_ms is None:
        return None
    message = _clean(message)
    if worth and not worth(message.encode(), timestamp_ms):
        return timestamp_ms
    return RawEvent(
        timestamp_ms,
        message,
        _first_text(fields, _STREAM),
        _first_text(fields, _GROUP),
        _first_text(fields, _ID),
    )


def _first_text(fields: dict[str, object], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = fields.get(key)
        if isinstance(value, (str, int)):
            return _clean(str(value))
    return None


def _clean(text: str) -> str:
    """Half a surrogate pair, which JSON can escape, is no text: nothing could print it."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _timestamp_ms(value: object, before_ms: int) -> int | None:
    if value is None:
        return before_ms
    if isinstance(value, str):
        return int(value) if re.fullmatch("[0-9]{10,14}", value) else iso_ms(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= _LAST_MS else None
