"""Lambda's own records in the JSON format, by their bytes.

Such records are alike but for the request ID, times and figures. So the grammar reads the first of
each form, and of the others only what differs is read.
"""

from __future__ import annotations

from typing import NamedTuple

from retryctl.bulk.line_layout import ID
from retryctl.core.late_regex import late_regex

# As they stand inside the string of a message: {\"time\":\"2026-11-23T03:00:00.123Z\",…
_STRING = rb'\\"[ !#-\[\]-~]*+\\"'
_NUMBER = rb"(?:0|[1-9]\d{0,8})(?:\.\d{1,9})?"
_MEMBER = _STRING + rb": ?(?:" + _STRING + rb"|" + _NUMBER + rb")"
_OBJECT = rb"\{" + _MEMBER + rb"(?:, ?" + _MEMBER + rb")*\}"
_ARRAY = rb"\[" + _OBJECT + rb"(?:, ?" + _OBJECT + rb")*\]"
_MORE = rb"(?:, ?(?:" + _MEMBER + rb"|" + _STRING + rb": ?(?:" + _OBJECT + rb"|" + _ARRAY + rb")))*"
_RECORD = late_regex(
    rb'\{\\"time\\": ?' + _STRING + rb', ?\\"type\\": ?\\"platform\.(start|runtimeDone|report)\\"'
    rb', ?\\"record\\": ?\{\\"requestId\\": ?\\"(' + ID + rb')\\"(' + _MORE + rb')\}\}(?:\\n)?"'
)
_VARYING = late_regex(
    rb'(?<=\\":)( ?)'
    + _NUMBER
    + rb'|(?:(?<=\\"start\\":)|(?<=\\"spanId\\":)|(?<=\\"value\\":)) ?'
    + _STRING
)
_BILLED = late_regex(rb'\\"billedDurationMs\\": ?(\d+)(?=[,}])')
_MEMORY = late_regex(rb'\\"memorySizeMB\\": ?(\d+)(?=[,}])')


class PlatformLine(NamedTuple):
    """A record of the start or the end of an attempt: its ID, and what follows it."""

    kind: bytes
    request_id: bytes
    rest: bytes

    @property
    def form(self) -> tuple[bytes, bytes]:
        """What it has in common with the records that differ in ID, times and figures only."""
        return self.kind, _VARYING.sub(rb"", self.rest)

    @property
    def figures(self) -> tuple[int, int] | None:
        """Billed ms and MB, if it has one of each, and both are whole numbers."""
        billed, memory = _BILLED.findall(self.rest), _MEMORY.findall(self.rest)
        if len(billed) != 1 or len(memory) != 1 or not int(memory[0]):
            return None
        return int(billed[0]), int(memory[0])


def platform_line(line: bytes, message_at: int) -> PlatformLine | None:
    """Read the message of a line; ``None`` where it is another record, or in another form."""
    found = _RECORD.match(line, message_at)
    return PlatformLine(*found.groups()) if found else None
