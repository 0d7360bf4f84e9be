"""STARTs without any other line of their attempt among the selected lines.

Such a START is a cut attempt, a running one, or printed text. The lines beside it show which,
and most of those are not selected: that stretch of the stream is read in full. For a request
without any other attempt this changes nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.history.attempt_lines import CLOSING
from retryctl.core.model.events import LogEvent
from retryctl.core.model.limits import LONGEST_ATTEMPT_MS
from retryctl.core.model.records import InitReport, InitStart, RestoreReport, RestoreStart, Start
from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange

_ID = rb"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
# "message":"START RequestId: 8f507cfc-…    "message":"{\"type\":\"platform.start\",…
_START = re.compile(
    rb"START RequestId: " + _ID + rb"|platform\.start\\\".*?requestId\\\": ?\\\"" + _ID,
    re.IGNORECASE,
)
_ANY_ID = re.compile(_ID)
_OF_INIT = (InitStart, InitReport, RestoreStart, RestoreReport)


class BareStarts:
    """Finds them among canonical lines, which are taken in the order of time."""

    def __init__(self) -> None:
        self._last: dict[bytes, tuple[bytes, bytes]] = {}  # by stream: request ID, line
        self._found: list[tuple[bytes, StreamStretch]] = []

    def take(self, stream: bytes, line: bytes) -> None:
        """Take the next line of the log group, which is one of ``stream``."""
        start = _START.search(line)
        last = self._last.get(stream)
        if last and (start or last[0] not in line):
            record = parse_record(saved_event(line))
            if isinstance(record, _OF_INIT):
                return
            if isinstance(record, (Start, *CLOSING)):  # of another attempt
                self._keep(*last, until=line)
        if start:
            self._last[stream] = start[1] or start[2], line
        elif last:
            del self._last[stream]

    def finish(self) -> None:
        """Take the STARTs at the end of their streams: no more lines come."""
        for last in self._last.values():
            self._keep(*last)
        self._last.clear()

    def of_retried(self, lines: Iterable[bytes]) -> list[StreamStretch]:
        """Return where the attempts lie whose request has other records in ``lines``."""
        if not self._found:
            return []
        known = {request_id for request_id, _ in self._found}
        count = Counter(one for line in lines for one in {*_ANY_ID.findall(line)} & known)
        return [stretch for request_id, stretch in self._found if count[request_id] > 1]

    def _keep(self, request_id: bytes, line: bytes, until: bytes | None = None) -> None:
        event = saved_event(line)
        since_ms = event.timestamp_ms
        until_ms = since_ms + LONGEST_ATTEMPT_MS
        if until:
            until_ms = min(until_ms, saved_event(until).timestamp_ms + 1)
        window = TimeRange(since_ms=since_ms, until_ms=until_ms)
        stretch = StreamStretch(log_stream=event.log_stream, window=window)
        self._found.append((request_id, stretch))


def saved_event(line: bytes) -> LogEvent:
    """Return the event of a canonical line of CloudWatch."""
    fields = json.loads(line)
    return LogEvent(
        timestamp_ms=fields["timestamp"],
        message=fields["message"],
        log_stream=fields["logStreamName"],
        log_group=fields["logGroupName"],
        event_id=fields.get("eventId"),
    )
