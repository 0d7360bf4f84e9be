"""The kinds of messages, by their first bytes."""

from __future__ import annotations

HEAD_BYTES = 6
PLAIN, TEXT, STARTS, ENDS, REPORTS, LOOK = range(6)
"""PLAIN lines have no consequence, nor has TEXT but for stack traces; LOOK lines may be any."""

_HEADS = tuple(
    word[:HEAD_BYTES]
    for word in (
        *(b"START RequestId", b"END RequestId", b"REPORT RequestId", b"RequestId: "),
        *(b"INIT_START ", b"INIT_REPORT", b"RESTORE_", b"EXTENSION", b"TELEMETRY", b"LOGS"),
        *(b"LAMBDA_WARNING", b"[ERROR]", b"[WARNING]", b"process "),
        *(b"Error raised", b"Critical exception", b"Init error"),
    )
)
_FIRST_BYTES = frozenset(b'0123456789{" \\') | frozenset(range(0x80, 0x100))
_MOST_KINDS = 50_000


class LineKinds:
    """The kinds of messages that were met.

    A *stamp* is what stands between the time of a line and the seventh byte of its message.
    """

    def __init__(self, *, default_markers: bool) -> None:
        self.of_stamp: dict[bytes, int] = {}
        self._default_markers = default_markers

    def learn(self, stamp: bytes) -> int:
        """Return the kind of the messages behind a stamp, and keep it."""
        if len(self.of_stamp) > _MOST_KINDS:
            self.of_stamp.clear()
        kind = self.of_stamp[stamp] = self.kind(stamp[-HEAD_BYTES:])
        return kind

    def kind(self, head: bytes) -> int:
        """Return the kind of a message by its first bytes."""
        if head.startswith(b"START "):
            return STARTS
        if head == b"END Re":
            return ENDS
        if head == b"REPORT":
            return REPORTS
        if not head or head[0] in _FIRST_BYTES or any(map(head.startswith, _HEADS)):
            return LOOK
        if not self._default_markers:
            return LOOK
        return PLAIN if head.startswith(b"[") else TEXT


def consequence(kind: int, line: bytes) -> int:
    """Return the kind of a line; PLAIN for text that is no part of a stack trace."""
    return PLAIN if kind == TEXT and b"\\tat " not in line else kind
