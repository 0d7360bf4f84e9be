"""Saved logs in JSON documents: of the AWS CLI, arrays of events, records of subscriptions.

Source of the shapes: the output of ``aws logs filter-log-events`` and ``get-log-events``, and for
subscriptions the CloudWatch Logs user guide, "Log group-level subscription filters".

ijson reads what may be one large document. It is imported inside functions, since it takes longer
to import than JSON lines take to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from itertools import islice

from retryctl.sources.saved.canonical import canonical_line
from retryctl.sources.saved.depth_limit import Shallow, TooDeep
from retryctl.sources.saved.diagnostics import FileDiagnostics
from retryctl.sources.saved.formats.json_event import (
    GROUP_KEYS,
    STREAM_KEYS,
    event_of,
    first_text,
    names_an_event,
)
from retryctl.sources.saved.formats.json_lines import JsonLines
from retryctl.sources.saved.log_format import Head, LogFormat, Prefilter, RawEvent

_EVENTS_AT_ONCE = 256


@dataclass(frozen=True)
class JsonDocuments(LogFormat):
    """Documents one after another, read one event at a time; ``prefix`` is ijson's of an event."""

    name = "JSON of the AWS CLI"
    made_by = "aws logs filter-log-events --log-group-name GROUP --output json"

    prefix: str

    # {"events": [{"logStreamName": "…", "timestamp": 1795402800123, "message": "0\n"}]}
    @classmethod
    def detect(cls, head: Head) -> LogFormat | None:
        """Documents with events, or events one after another that are no JSON lines."""
        if not head.is_json:
            return None
        keys = _first_keys(head.content)
        each = "item" if _is_array(head.content) else ""
        if "events" in keys:
            return cls(f"{each}.events.item".lstrip("."))
        if names_an_event(keys):
            return JsonLines.detect(head) or cls(each)
        return None

    def blocks(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """The events as canonical lines, some at a time."""
        events = self.read(segment, diagnostics)
        while some := list(islice(events, _EVENTS_AT_ONCE)):
            yield b"".join(canonical_line(e) for e in some if isinstance(e, RawEvent))

    def read(
        self,
        segment: BufferedReader,
        diagnostics: FileDiagnostics,
        prefilter: Prefilter | None = None,
    ) -> Iterator[RawEvent | int]:
        """The events of the documents, one in memory at a time."""
        yield from _events(_items(self.prefix, segment, diagnostics), diagnostics, prefilter)


class SubscriptionRecords(JsonDocuments):
    """Records of a subscription, one after another: one stream's events in each."""

    name = "records of a subscription"
    made_by = "a subscription filter to Firehose, Kinesis or Lambda"

    # {"messageType": "DATA_MESSAGE", "logGroup": "…", "logStream": "…", "logEvents": [{"id": …}]}
    @classmethod
    def detect(cls, head: Head) -> LogFormat | None:
        """Records, if the first object is one."""
        keys = _first_keys(head.content) if head.is_json else {}
        if "logEvents" in keys or "messageType" in keys:
            return cls("item" if _is_array(head.content) else "")
        return None

    def read(
        self,
        segment: BufferedReader,
        diagnostics: FileDiagnostics,
        prefilter: Prefilter | None = None,
    ) -> Iterator[RawEvent | int]:
        """The events of the records; a control message has none."""
        for number, document in enumerate(_items(self.prefix, segment, diagnostics), 1):
            fields = document if isinstance(document, dict) else {}
            events = fields.get("logEvents")
            if not isinstance(events, list):
                diagnostics.unread_event(number, _dumped(document))
            elif fields.get("messageType") != "CONTROL_MESSAGE":
                stream, group = first_text(fields, STREAM_KEYS), first_text(fields, GROUP_KEYS)
                for event in _events(events, diagnostics, prefilter):
                    if isinstance(event, RawEvent):
                        event = event._replace(log_stream=stream, log_group=group)
                    yield event


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


def _items(prefix: str, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[object]:
    import ijson

    number = 0
    try:
        shallow = Shallow(segment)
        for item in ijson.items(shallow, prefix, use_float=True, multiple_values=True):
            number += 1
            yield item
    except (ijson.JSONError, TooDeep) as error:
        why = "is nested too deep" if isinstance(error, TooDeep) else "cannot be read on"
        diagnostics.breaks_off(f"its JSON {why} after {_what_is_read(prefix)} {number}")


def _what_is_read(prefix: str) -> str:
    return "event" if prefix else "object"


def _events(
    items: Iterable[object], diagnostics: FileDiagnostics, prefilter: Prefilter | None
) -> Iterator[RawEvent | int]:
    before_ms = 0
    for number, item in enumerate(items, 1):
        event = event_of(item, before_ms, prefilter)
        if event is None:
            diagnostics.unread_event(number, _dumped(item))
        else:
            before_ms = event if isinstance(event, int) else event.timestamp_ms
            yield event


def _dumped(item: object) -> str:
    return json.dumps(item, default=str)
