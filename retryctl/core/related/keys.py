"""The keys that name an event in log lines, whatever its request ID."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retryctl.core.crosscheck.checked_request import CheckedRequest

# executionArn=arn:aws:lambda:…  "durableExecutionArn": "arn:aws:lambda:…"
_EXECUTION = re.compile(r"""\b(?:durableE|e)xecutionArn["']?\s*[=:]\s*["']?([^\s",}']+)""")
# messageId=7c0ff00d-…  "messageId": "7c0ff00d-…"  'messageId': '7c0ff00d-…' of print(event)
_MESSAGE = re.compile(r"""\bmessage_?[iI]d["']?\s*[=:]\s*["']?([0-9A-Za-z-]{8,80})""")
# "correlation_id": "4f1c…"  "xray_trace_id": "1-5bef4de7-ad49b0e87f6ef6c87fc2e700", of Powertools
_POWERTOOLS = re.compile(r'"(correlation_id|xray_trace_id)"\s*:\s*"([^"\\]{8,128})"')
_POWERTOOLS_KEYS = {"correlation_id": "correlationId", "xray_trace_id": "xrayTraceId"}
_RECEIVED = re.compile(r"ApproximateReceiveCount", re.IGNORECASE)
# Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=…
_TRACE_ROOT = re.compile(r"(?:Root=)?(1-[0-9a-f]{8}-[0-9a-f]{24})")
# .detail  [0]  [*]  ['detail-type']
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6}|\*)\]|\[(['\"])(.+?)\3\]")
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True, order=True)
class EventKey:
    """A name and a value: requests of one function that share it belong to one event."""

    name: str
    value: str


KeyReader = Callable[[str], Iterator[EventKey]]
"""The keys in one message."""


class KeyPatternError(ValueError):
    """A pattern is neither a regular expression with a group nor a JSON path."""


def key_reader(pattern: str) -> KeyReader:
    """Return the reader of a pattern: ``order=(\\d+)``, or ``$.detail.order`` of JSON in a line.

    Raises ``KeyPatternError``.
    """
    if pattern.startswith(("$.", "$[")):
        return _json_reader(_path_steps(pattern))
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise KeyPatternError(f"it is not a regular expression: {error}") from None
    if not compiled.groups:
        raise KeyPatternError("it has no group, such as in order=(\\d+)")

    def read(message: str) -> Iterator[EventKey]:
        for match in compiled.finditer(message):
            if value := next((group for group in match.groups() if group), ""):
                yield EventKey("key", value)

    return read


def _path_steps(path: str) -> list[str | int]:
    """Return the names and places of ``$.Records[0].messageId``; ``*`` is every place."""
    steps: list[str | int] = []
    end = 1
    for match in _STEP.finditer(path, 1):
        if match.start() != end:
            break
        name, place, quoted = match[1], match[2], match[4]
        steps.append(int(place) if place and place != "*" else name or quoted or "*")
        end = match.end()
    if end != len(path):
        raise KeyPatternError(f"it is not a JSON path from character {end + 1} on")
    return steps


def _json_reader(path: Sequence[str | int]) -> KeyReader:
    def read(message: str) -> Iterator[EventKey]:
        begins = message.find("{")  # loggers write a level, a time and the request ID before it
        if begins < 0:
            return
        try:
            document, _ = _DECODER.raw_decode(message, begins)
        except (ValueError, RecursionError):
            return
        for value in _values_at(document, path):
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                yield EventKey("key", str(value))

    return read


def _values_at(value: Any, path: Sequence[str | int]) -> Iterator[Any]:
    if not path:
        yield value
        return
    step, *rest = path
    if step == "*" and isinstance(value, list):
        for member in value:
            yield from _values_at(member, rest)
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from _values_at(value[step], rest)
    elif isinstance(value, dict) and step in value:
        yield from _values_at(value[step], rest)


def known_keys(message: str) -> Iterator[EventKey]:
    """Yield the keys that Lambda and its libraries log.

    Durable executions, SQS messages, and the correlation ID and X-Ray trace of Powertools.
    """
    for match in _EXECUTION.finditer(message):
        yield EventKey("executionArn", match[1])
    if _RECEIVED.search(message):
        for match in _MESSAGE.finditer(message):
            yield EventKey("messageId", match[1])
    for match in _POWERTOOLS.finditer(message):
        yield EventKey(_POWERTOOLS_KEYS[match[1]], match[2])


def keys_of(checked: CheckedRequest, read: KeyReader = known_keys) -> frozenset[EventKey]:
    """Return every key in the lines of a request, and its X-Ray trace."""
    found: set[EventKey] = set()
    for attempt in checked.request.attempts:
        for event in attempt.events:
            found.update(read(event.message))
        if read is known_keys and (root := _TRACE_ROOT.search(attempt.xray_trace_id or "")):
            found.add(EventKey("xrayTraceId", root[1]))
    return frozenset(found)
