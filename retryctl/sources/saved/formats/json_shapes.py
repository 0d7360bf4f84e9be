"""What each JSON value of a saved log gives: the shapes of the services.

Sources: the answers of ``filter-log-events``, ``get-log-events``, ``get-query-results`` and
``lambda invoke`` in botocore's service model; the user guide of CloudWatch Logs for records of
subscriptions; the developer guide of Lambda for the Telemetry API and the Logs API.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import partial
from io import BytesIO
from typing import NamedTuple
from zlib import crc32

from retryctl.core.model.events import UNTIMED_MS
from retryctl.core.model.group_names import has_place
from retryctl.core.timestamps import iso_ms
from retryctl.core.value_classes import state_class
from retryctl.sources.saved.formats.bare_messages import messages_of
from retryctl.sources.saved.formats.event_times import first_place
from retryctl.sources.saved.formats.json_event import (
    GROUP_KEYS,
    STREAM_KEYS,
    clean,
    event_of,
    first_text,
    is_of_insights,
    names_an_event,
)
from retryctl.sources.saved.json_reader import BrokenJson, JsonReader
from retryctl.sources.saved.saved_format import RawEvent

Fields = dict[str, object]
_MOST_UNPACKED = 64 << 20

# 2026/11/23/[$LATEST]0123…
_STREAM = re.compile(r"\d{4}/\d\d/\d\d/\S*\[\S+")

# The fields of Logs Insights, and the names that a query may give them: ``@message as message``.
_RENAMED = (
    ("@timestamp", "timestamp"),
    ("@message", "message"),
    ("@logStream", "logStream"),
    ("@logStream", "logStreamName"),
)


@state_class
class DocumentContext:
    """What the values before give to the next: the time of the last event, the count of all."""

    name: str
    number: int = 0
    before_ms: int = 0
    last_ms: int = 0
    next_page_after_ms: int | None = None
    names_no_stream: bool = False
    count: int = 0
    document: int = 1
    depth: int = 0
    unread: list[object] = field(default_factory=list)

    @property
    def next_untimed_ms(self) -> int:
        """The place of the next event in a log without times."""
        return UNTIMED_MS + first_place(self.number) + self.count

    @property
    def unnamed_stream(self) -> str:
        """The key of a stream that its document does not name."""
        return f":{crc32(self.name.encode(errors='replace')):08x}.{self.document}"


class JsonShape(NamedTuple):
    """One shape of JSON value. ``key`` is the key that shows it.

    ``events`` yields the events of the value; nothing where it has only a similar form.
    """

    name: str
    made_by: str
    key: str
    events: Callable[[Fields, DocumentContext], Iterator[RawEvent]]


# {"logStreamName": "…", "timestamp": 1795402800123, "message": "0\n", "eventId": "3800…"}
def _log_event(fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the event of FilterLogEvents or GetLogEvents; a missing time is that before."""
    if event := event_of(fields, context.before_ms):
        context.before_ms = event.timestamp_ms
        yield event


# {"@timestamp": "2026-11-23 03:00:00.123", "@message": "…", "@logStream": "…", "@log": "…"}
def _insights_row(fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the row's event. A message in JSON may stand as an object; times are UTC."""
    text = _text(fields["@message"])
    moment = fields.get("@timestamp")
    timestamp_ms = context.next_untimed_ms if moment is None else _moment_ms(moment)
    if text is not None and timestamp_ms is not None:
        group = first_text(fields, ("@log",))
        stream = first_text(fields, ("@logStream",))
        yield RawEvent(timestamp_ms, text, stream, group)


# {"messageType": "DATA_MESSAGE", "logGroup": "…", "logStream": "…", "logEvents": [{"id": …}]}
def _subscription_record(fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the events of the record, which are of one stream; a control message has none."""
    events = fields["logEvents"]
    if fields.get("messageType") == "CONTROL_MESSAGE" or not isinstance(events, list):
        return
    stream, group = first_text(fields, STREAM_KEYS), first_text(fields, GROUP_KEYS)
    located = f"{fields.get('owner')}:{group}"
    group = located if group and has_place(located) else group
    for item in events:
        if event := event_of(item, context.before_ms):
            context.before_ms = event.timestamp_ms
            yield event._replace(log_stream=stream, log_group=group)
        else:
            context.unread.append(item)


# {"time": "2026-11-23T03:00:00.123Z", "type": "platform.start", "record": {"requestId": "…"}}
# {"time": "2026-11-23T03:00:00.127Z", "type": "function", "record": "process A\n"}
def _telemetry_record(fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield Lambda's own record as CloudWatch has it, or what the function wrote."""
    timestamp_ms, kind = _moment_ms(fields.get("time")), fields.get("type")
    if timestamp_ms is None or not isinstance(kind, str):
        return
    own = kind.startswith("platform.")
    text = _dumped(fields) if own else _text(fields["record"])
    if text is not None:
        yield RawEvent(timestamp_ms, text, context.unnamed_stream)


# {"StatusCode": 200, "LogResult": "U1RBUlQgUmVxdWVzdElkOiAuLi4=", "ExecutedVersion": "$LATEST"}
def _invoke_answer(fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the messages of the last 4 KB of the log, which have no times."""
    content = _decoded(fields["LogResult"])
    first_ms = context.next_untimed_ms
    for place, message in enumerate(messages_of(content or b"")):
        yield RawEvent(first_ms + place, message.decode(errors="replace"))


# {"Records": [{"Data": "H4sIAAAA…"}]}, {"Records": [{"kinesis": {"data": "H4sIAAAA…"}}]}
# {"invocationId": "…", "records": [{"recordId": "49", "data": "H4sIAAAA…"}]}
def _encoded_records(key: str, fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the events of all records under a key, whose data is still encoded."""
    records = fields[key]
    for record in records if isinstance(records, list) else ():
        yield from _encoded(record, context)


# {"awslogs": {"data": "H4sIAAAA…"}}
def _lambda_event(fields: Fields, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the events of the record within."""
    return _encoded(fields["awslogs"], context)


JSON_SHAPES = (
    JsonShape(
        "JSON of Logs Insights",
        "Logs Insights: fields @timestamp, @message, @logStream, @log; "
        "Export results, Download (JSON)",
        "@message", _insights_row),
    JsonShape(
        "records of a subscription", "a subscription filter to Firehose, Kinesis or Lambda",
        "logEvents", _subscription_record),
    JsonShape(
        "event of a subscription to Lambda",
        "the event of a function that a subscription filter calls", "awslogs", _lambda_event),
    JsonShape(
        "answer of aws lambda invoke",
        "aws lambda invoke --function-name FUNCTION --log-type Tail out.json > answer.json",
        "LogResult", _invoke_answer),
    JsonShape(
        "encoded records of Kinesis or Firehose",
        "aws kinesis get-records --shard-iterator ITERATOR",
        "Records", partial(_encoded_records, "Records")),
    JsonShape(
        "records of Firehose for a transformation",
        "the event of a Firehose transformation, or the body of an HTTP delivery",
        "records", partial(_encoded_records, "records")),
    JsonShape(
        "JSON of the AWS CLI", "aws logs filter-log-events --log-group-name GROUP --output json",
        "message", _log_event),
    JsonShape(
        "records of the Telemetry API",
        "an extension that writes what the Telemetry API or the Logs API sends",
        "record", _telemetry_record),
)  # fmt: skip


def value_events(value: object, context: DocumentContext) -> Iterator[RawEvent]:
    """Return the events of a value; add a value without any to ``context.unread``."""
    before = context.count
    for event in _value_events(value, context):
        context.count += 1
        yield event
    if context.count == before and not context.unread and not _is_empty(value):
        context.unread.append(value)


def is_telemetry(value: object) -> bool:
    """Whether a value is a record of the Telemetry API."""
    return isinstance(value, dict) and value.keys() == {"time", "type", "record"}


def is_insights_row(value: object) -> bool:
    """Whether a value is a row of Logs Insights: an object, or fields with their values."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and "field" in item for item in value)
    return isinstance(value, dict) and is_of_insights(value)


def _is_empty(value: object) -> bool:
    """Whether a value is of a known shape, and has no events."""
    fields = value if isinstance(value, dict) else {}
    nothing = any(fields.get(key) == [] for key in ("logEvents", "events", "results", "Records"))
    return nothing or value in ({}, [], "") or fields.get("messageType") == "CONTROL_MESSAGE"


def gives_events(value: object) -> bool:
    """Whether a value is of one of the shapes; an application's own JSON is none."""
    if isinstance(value, dict) and "message" in value and not names_an_event(value):
        return False
    return next(_value_events(value, DocumentContext(name="")), None) is not None


def _value_events(value: object, context: DocumentContext) -> Iterator[RawEvent]:
    if isinstance(value, str):
        yield RawEvent(context.next_untimed_ms, clean(value))
    elif isinstance(value, list):
        event = _row_event(value, context)
        if event:
            yield event
    elif isinstance(value, dict):
        for shape in JSON_SHAPES:
            if shape.key in value and (events := list(shape.events(value, context))):
                yield from events
                return
        for key in ("events", "results"):  # of a document within an array
            items = value.get(key)
            for item in items if isinstance(items, list) else ():
                yield from _value_events(item, context)
        yield from _encoded(value, context)  # one record of Kinesis or Firehose


def _row_event(items: list[object], context: DocumentContext) -> RawEvent | None:
    """Return the event of a row: fields and values, or a time and a message of ``--query``."""
    if items and all(isinstance(item, dict) and "field" in item for item in items):
        fields = {str(item["field"]): item.get("value") for item in items if isinstance(item, dict)}
        for name, renamed in _RENAMED:
            if renamed in fields:
                fields.setdefault(name, fields[renamed])
        return next(_insights_row(fields, context), None) if "@message" in fields else None
    if len(items) not in (2, 3):
        return None
    moments = [ms for item in items if (ms := _moment_ms(item)) is not None]
    texts = [item for item in items if isinstance(item, str) and _moment_ms(item) is None]
    streams = [text for text in texts if _STREAM.fullmatch(text)]
    messages = [text for text in texts if text not in streams]
    if len(moments) != 1 or len(messages) != 1:
        return None
    return RawEvent(moments[0], clean(messages[0]), streams[0] if streams else None)


def _encoded(record: object, context: DocumentContext) -> Iterator[RawEvent]:
    """Yield the events of a record's data: documents in base64, packed or not."""
    fields = record if isinstance(record, dict) else {}
    inner = fields.get("kinesis", fields)
    data = inner.get("data", inner.get("Data")) if isinstance(inner, dict) else None
    content = _decoded(data)
    if content is None or context.depth > 2:
        return
    context.depth += 1
    try:
        for _, value in JsonReader(BytesIO(content)).documents(frozenset()):
            if isinstance(value, dict):
                yield from _value_events(value, context)
    except BrokenJson:
        pass  # the record counts as one that gives nothing
    finally:
        context.depth -= 1


def _decoded(data: object) -> bytes | None:
    """Decode and unpack text in base64; ``None`` where it is not base64."""
    if not isinstance(data, str):
        return None
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.open(BytesIO(content)) as packed:
            return packed.read(_MOST_UNPACKED)
    except (OSError, EOFError, zlib.error):
        return None


def _text(value: object) -> str | None:
    """Return a message; one in JSON may have been parsed."""
    if isinstance(value, str):
        return clean(value)
    return _dumped(value) if isinstance(value, (dict, list)) else None


def _dumped(value: object) -> str:
    return clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _moment_ms(value: object) -> int | None:
    """Return the milliseconds of a time in ISO 8601 or in digits; ``None`` if it is not a time."""
    if isinstance(value, str):
        return int(value) if re.fullmatch("1[0-9]{12}", value) else iso_ms(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 10**12 <= value < 10**13 else None  # type: ignore[operator,return-value]
