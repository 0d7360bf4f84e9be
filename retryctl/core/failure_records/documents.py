"""Records of events that Lambda gave up on: destinations, dead-letter messages, S3, EventBridge.

Each names the request. Envelopes are opened: the body of an SQS message, the message of an SNS
notification, the detail of an EventBridge event, the answer of ``aws sqs receive-message``.
Records pasted from a terminal or a message may have line breaks anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from retryctl.core.model.events import REQUEST_ID
from retryctl.core.value_classes import value_class

MOST_SHOWN_ONE_BY_ONE = 3
"""The requests of more records than these are shown as a table."""

_DECODER = json.JSONDecoder(strict=False)
_ENVELOPES = ("Body", "body", "Message", "detail")
_ATTRIBUTES = ("MessageAttributes", "messageAttributes")
_DEPTH = 20
# a line break that a terminal or a mail program made, with the sign of a quotation
_BREAK = re.compile(r"\r?\n(?:[ \t]*>[ \t]?)*")
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f", '"'))


@value_class
class FailureRecord:
    """What a record states about one request; ``None`` where its kind does not state it.

    ``condition`` is such as ``RetriesExhausted``; ``invoke_count`` is approximate.
    """

    request_id: str
    function_arn: str | None = None
    condition: str | None = None
    invoke_count: int | None = None
    error_code: str | None = None
    error_type: str | None = None
    error_message: str | None = None

    @property
    def error(self) -> str | None:
        """The error in one line: ``ValueError: boom``, or the code of a dead-letter message."""
        words = [word for word in (self.error_type, self.error_message) if word]
        return ": ".join(words) or (f"ErrorCode {self.error_code}" if self.error_code else None)


def failure_records(text: str) -> list[FailureRecord]:
    """Return the records in a text, each once: JSON documents with anything around them."""
    joined = _BREAK.sub("", text)  # in JSON no line break has a meaning
    return list(_records_in(joined) or _records_in(joined.translate(_QUOTES)))


def _records_in(text: str) -> dict[FailureRecord, None]:
    found: dict[FailureRecord, None] = {}
    for value in _json_values(text):
        found.update(dict.fromkeys(_records(value, _DEPTH)))
    return found


def _json_values(text: str) -> Iterator[Any]:
    """Yield each JSON object in a text, and the members of arrays."""
    place = text.find("{")
    while place >= 0:
        try:
            value, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value
        place = text.find("{", end)


def _records(value: Any, depth: int) -> Iterator[FailureRecord]:
    if depth == 0:
        return
    if isinstance(value, list):
        for member in value:
            yield from _records(member, depth - 1)
    elif isinstance(value, dict):
        if record := _destination(value) or _dead_letter(value):
            yield record
            return
        for name, member in value.items():
            if name in _ENVELOPES and isinstance(member, str):
                for inner in _json_values(member):
                    yield from _records(inner, depth - 1)
            else:
                yield from _records(member, depth - 1)


def _destination(value: Mapping[str, Any]) -> FailureRecord | None:
    """Read a destination's record: ``{"requestContext": {"requestId": …, "condition": …}, …}``."""
    context = value.get("requestContext")
    if not isinstance(context, dict) or "condition" not in context:
        return None
    request_id = _request_id(context.get("requestId"))
    payload = value.get("responsePayload")
    error = payload if isinstance(payload, dict) else {}
    count = context.get("approximateInvokeCount")
    if request_id is None:
        return None
    return FailureRecord(
        request_id=request_id,
        function_arn=_text(context.get("functionArn")),
        condition=_text(context.get("condition")),
        invoke_count=count if isinstance(count, int) else None,
        error_type=_text(error.get("errorType")),
        error_message=_text(error.get("errorMessage")),
    )


def _dead_letter(value: Mapping[str, Any]) -> FailureRecord | None:
    """Read a dead-letter message: the attributes RequestID, ErrorCode and ErrorMessage."""
    attributes = next((value[name] for name in _ATTRIBUTES if name in value), None)
    if not isinstance(attributes, dict):
        return None
    request_id = _request_id(_attribute(attributes, "RequestID"))
    if request_id is None:
        return None
    return FailureRecord(
        request_id=request_id,
        error_code=_attribute(attributes, "ErrorCode"),
        error_message=_attribute(attributes, "ErrorMessage"),
    )


def _attribute(attributes: Mapping[str, Any], name: str) -> str | None:
    """Return an attribute; its text has another name in each service."""
    given = attributes.get(name)
    if not isinstance(given, dict):
        return None
    return next(
        (_text(given[key]) for key in ("StringValue", "stringValue", "Value") if key in given), None
    )


def _request_id(value: object) -> str | None:
    plain = re.sub(r"\s", "", value) if isinstance(value, str) else ""
    return plain.lower() if re.fullmatch(REQUEST_ID, plain) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int)) else None
