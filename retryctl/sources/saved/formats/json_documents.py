"""Saved logs in JSON documents: of the AWS CLI, of Logs Insights, of deliveries.

Documents stand one after another or in an array. The layout in which the AWS CLI and jq print
events is turned into lines by a few replacements in each block; all else is parsed value by value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BufferedReader, BytesIO
from itertools import islice

from retryctl.core.value_classes import value_class
from retryctl.sources.saved.canonical_lines import canonical_line
from retryctl.sources.saved.formats.json_event import lacks_time, parsed
from retryctl.sources.saved.formats.json_lines import JsonLines
from retryctl.sources.saved.formats.json_shapes import (
    DocumentContext,
    gives_events,
    is_insights_row,
    is_telemetry,
    value_events,
)
from retryctl.sources.saved.formats.pretty_json import PrettyEvents, pretty_layout
from retryctl.sources.saved.json_reader import BrokenJson, JsonReader
from retryctl.sources.saved.raw_blocks import RawBlock
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, RawEvent, SavedFormat

_STREAMED = frozenset({"events", "results"})
_EVENTS_AT_ONCE = 256
_VALUES_TRIED = 200
_SHOWN = 200
_OF_ONE_ENVIRONMENT = {"LogResult", "record"}
# {"events": [
_CUT = re.compile(rb'\s*[\[{]\s*"?(?:events|results)"\s*:')
_STREAMED_KEY = re.compile(rb'"(?:events|results)"')
_RECORD = re.compile(r"RequestId: |INIT_START |\"platform\.")


@value_class
class JsonDocuments(SavedFormat):
    """Documents, each of any shape of ``json_shapes``; one that has no events is passed over."""

    answers_search: bool = True
    of_insights: bool = False

    name = "JSON documents"
    made_by = "aws logs filter-log-events --log-group-name GROUP --output json"

    # {"events": [{"logStreamName": "…", "timestamp": 1795402800123, "message": "0\n"}]}
    @classmethod
    def detect(cls, head: Head) -> SavedFormat | None:
        """Documents, if the head has one with events, or one that has a place for them."""
        if not head.is_json:
            return cls() if _are_texts(head) else None
        if parsed(head.lines[0]) is not None and not _is_streamed(head.content):
            lines = JsonLines.detect(head)
            if lines:
                return lines
        found = _first_values(head.content)
        if not found and (cut := _CUT.match(head.content)):
            return cls(of_insights=b"results" in cut[0])
        values = [value for _, value in found]
        mixed = not all(map(is_telemetry, values)) or _has_lines_of_text(head)
        if mixed and any(map(_is_platform, values)):
            return None  # messages in JSON, of Lambda and of the function
        if not any(map(_is_of_log, values)):
            return None
        messages = all(map(_is_platform, values))  # of a log in the JSON format, as jq prints them
        keys = {key for value in values if isinstance(value, dict) for key in value}
        return cls(
            answers_search=messages or not _OF_ONE_ENVIRONMENT & keys,
            of_insights=any(map(is_insights_row, values)),
        )

    @property
    def keeps_ties(self) -> bool:
        """Whether no document is an answer or an export of Logs Insights."""
        return not self.of_insights

    def parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the events, some at a time."""
        context = DocumentContext(name=diagnostics.name, number=diagnostics.number)
        before = b""
        if layout := pretty_layout(segment.peek()):
            lines = PrettyEvents(segment, layout, context)
            yield from lines.blocks()
            before = lines.rest
        events = _events(JsonReader(segment, before), context, diagnostics)
        while some := list(islice(events, _EVENTS_AT_ONCE)):
            yield RawBlock(raw=b"".join(map(canonical_line, some)))


def _events(
    reader: JsonReader, context: DocumentContext, diagnostics: FileDiagnostics
) -> Iterator[RawEvent]:
    """Yield the events of all values, one in memory at a time."""
    batched: set[str | None] = set()  # streams of batches that a subscription sent
    others = False
    try:
        for key, value in reader.documents(_STREAMED):
            fields = value if isinstance(value, dict) else {}
            if key or _STREAMED.isdisjoint(fields):
                event = None
                for event in value_events(value, context):
                    yield _with_stream(event, key, fields, context)
                    context.last_ms = event.timestamp_ms
                if event and "awslogs" in fields:
                    batched.add(event.log_stream)
                others = others or (event is not None and "awslogs" not in fields)
            else:
                _note_end(fields, context, diagnostics)
            for found in context.unread:
                place, torn = context.count + 1, lacks_time(found)
                diagnostics.unread_event(place, _dumped(found), torn=torn)
            context.unread.clear()
    except BrokenJson as error:
        diagnostics.breaks_off(f"its JSON {error.why} after event {context.count}")
        if context.names_no_stream:  # an answer of GetLogEvents, whose token is cut off
            diagnostics.one_stream()
    if context.next_page_after_ms is not None:
        diagnostics.more_pages(context.next_page_after_ms)
    if len(batched) == 1 and not others:
        diagnostics.one_stream()


def _with_stream(
    event: RawEvent, key: str, fields: dict[str, object], context: DocumentContext
) -> RawEvent:
    """Return the event; one of GetLogEvents, which names no stream, is of the document's own."""
    if key == "events" and event.log_stream is None and "ingestionTime" in fields:
        context.names_no_stream = True
        return event._replace(log_stream=context.unnamed_stream)
    after = context.next_page_after_ms
    if after is not None and event.timestamp_ms >= after:
        context.next_page_after_ms = None  # this is the next page
    return event


def _note_end(
    fields: dict[str, object], context: DocumentContext, diagnostics: FileDiagnostics
) -> None:
    """Note what the end of a document shows: that it is one stream, or one page of several."""
    context.document += 1
    if "nextForwardToken" in fields:
        diagnostics.one_stream()
    elif fields.get("nextToken") or fields.get("NextToken"):
        context.next_page_after_ms = context.last_ms
    statistics = fields.get("statistics")
    matched = statistics.get("recordsMatched") if isinstance(statistics, dict) else None
    if fields.get("status") in ("Running", "Scheduled", "Cancelled", "Failed", "Timeout"):
        diagnostics.damaged(f"the query had the status {fields['status']}: its results are not all")
    elif isinstance(matched, (int, float)) and matched > context.count:
        diagnostics.damaged(f"the query matched {matched:,.0f} events, {context.count:,} are here")


def _is_platform(value: object) -> bool:
    return isinstance(value, dict) and str(value.get("type")).startswith("platform.")


def _has_lines_of_text(head: Head) -> bool:
    """Whether the first line is JSON as a whole, and another one is not JSON at all."""
    others = (line.lstrip() for line in head.lines[1:])
    text = any(line and not line.startswith((b"{", b"}", b"[", b"]", b",")) for line in others)
    return text and parsed(head.lines[0]) is not None


def _are_texts(head: Head) -> bool:
    """Whether each line is a message as a JSON string, and one of them is a record of Lambda."""
    lines = [line for line in head.lines[:-1] or head.lines if line.strip()]
    texts = [parsed(line) if line.startswith(b'"') else None for line in lines]
    return all(isinstance(text, str) for text in texts) and any(
        _RECORD.search(str(text)) for text in texts
    )


def _is_streamed(content: bytes) -> bool:
    """Whether the first values of a head stand in an array of events or results."""
    return bool(_STREAMED_KEY.search(content)) and any(key for key, _ in _first_values(content))


def _first_values(content: bytes) -> list[tuple[str, object]]:
    """Return the first values of a head, which may end within one, with their arrays' keys."""
    values: list[tuple[str, object]] = []
    try:
        for found in JsonReader(BytesIO(content)).documents(_STREAMED):
            values.append(found)
            if len(values) == _VALUES_TRIED:
                break
    except BrokenJson:
        pass  # the head ends here; what was read up to here counts
    return values


def _is_of_log(value: object) -> bool:
    """Whether a value gives events, or is an answer in which there could be some."""
    if isinstance(value, str):
        return _RECORD.search(value) is not None
    fields = value if isinstance(value, dict) else {}
    is_control = fields.get("messageType") == "CONTROL_MESSAGE"
    return is_control or not _STREAMED.isdisjoint(fields) or gives_events(value)


def _dumped(value: object) -> str:
    try:
        return json.dumps(value, default=str)[:_SHOWN]
    except RecursionError:
        return "JSON that is nested too deep"
