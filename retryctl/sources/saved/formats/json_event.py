"""Events in JSON: the spellings of their keys, and what they give."""

from __future__ import annotations

import json
import re

from retryctl.core.late_regex import late_regex
from retryctl.core.timestamps import iso_ms
from retryctl.sources.saved.saved_format import RawEvent

STREAM_KEYS = ("logStreamName", "log_stream", "logStream")
GROUP_KEYS = ("logGroupName", "logGroup", "log_group")
_ID_KEYS = ("eventId", "id", "event_id")
_KEYS_OF_AN_EVENT = {*STREAM_KEYS, *GROUP_KEYS, "eventId", "event_id", "ingestionTime"}

_LAST_MS = 253_402_300_799_999
# REPORT RequestId: 8f507cfc-…, which some tools wrap in JSON of their own
_RECORD = late_regex(r"\s*(?:START|END|REPORT) RequestId: |INIT_START Runtime Version: ")
_DECODER = json.JSONDecoder()
_SURROGATE = re.compile("[\ud800-\udfff]")


def line_event(line: bytes, before_ms: int) -> RawEvent | None:
    """Return the event that a line of JSON is; ``None`` where it is none."""
    return event_of(parsed(line), before_ms)


def is_torn(line: bytes) -> bool:
    """Whether a line is part of an event: of an object, of several, or one without its time."""
    text = line.strip()
    if not text.startswith(b"{") and not text.endswith(b"}"):
        return False
    fields = parsed(text)
    return fields is None or lacks_time(fields)


def lacks_time(fields: object) -> bool:
    """Whether an object is an event but for its time, which it lacks or which cannot be read."""
    return (
        isinstance(fields, dict)
        and isinstance(fields.get("message"), str)
        and names_its_place(fields)
    )


def parsed(line: bytes) -> object:
    """Return the value of JSON in UTF-8, the usual line without a search for its encoding.

    ``None`` where it is not JSON.
    """
    try:
        if line.startswith(b"{"):
            return _DECODER.decode(line.decode("utf-8", "surrogatepass"))
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def event_of(fields: object, before_ms: int) -> RawEvent | None:
    """Return the event that an object is; ``before_ms`` is the time of one whose own is null."""
    if not isinstance(fields, dict) or "timestamp" not in fields:
        return None
    message = fields.get("message")
    timestamp_ms = _timestamp_ms(fields["timestamp"], before_ms)
    if not isinstance(message, str) or timestamp_ms is None:
        return None
    return RawEvent(
        timestamp_ms,
        clean(message),
        first_text(fields, STREAM_KEYS),
        first_text(fields, GROUP_KEYS),
        first_text(fields, _ID_KEYS),
    )


def names_an_event(fields: dict[str, object]) -> bool:
    """Whether these are an event's keys. An application's own JSON has a message and a time too."""
    if "message" not in fields or "timestamp" not in fields:
        return False
    return (
        not isinstance(fields["timestamp"], str)
        or names_its_place(fields)
        or _RECORD.match(str(fields["message"])) is not None
    )


def names_its_place(fields: dict[str, object]) -> bool:
    """Whether they name a stream, a group or an event ID, as an application's never do."""
    return not _KEYS_OF_AN_EVENT.isdisjoint(fields)


def is_of_insights(fields: dict[str, object]) -> bool:
    """Whether one of the keys is a field of Logs Insights (``@timestamp``)."""
    return any(key.startswith("@") for key in fields)


def first_text(fields: dict[str, object], keys: tuple[str, ...]) -> str | None:
    """Return the value of the first of ``keys`` that has text or a number."""
    for key in keys:
        if key in fields and isinstance(value := fields[key], (str, int)):
            return clean(str(value))
    return None


def clean(text: str) -> str:
    """Remove halves of surrogate pairs: JSON can escape them, nothing can print them."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _timestamp_ms(value: object, before_ms: int) -> int | None:
    if type(value) is int and 0 <= value <= _LAST_MS:
        return value
    if value is None:
        return before_ms
    if isinstance(value, str):
        return int(value) if re.fullmatch("[0-9]{10,14}", value) else iso_ms(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= _LAST_MS else None
