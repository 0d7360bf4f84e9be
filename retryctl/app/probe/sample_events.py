"""The events that a probe puts into its log groups."""

from __future__ import annotations

from uuid import UUID

from retryctl.core.value_classes import value_class

MANY = 12_000
"""Events of the stream ``many``, one each millisecond: more than one answer can return."""

_MANY_AFTER_MS = 10_000
EVENT_OVERHEAD = 26  # bytes that the service counts for each event beside its message

TIES = ("tie 3", "tie 1", "tie 2", "tie 1", "tie 0", "tie 4")
"""Events of one millisecond, in the order in which they are put. Two are equal."""

REQUEST_IDS = tuple(str(UUID(int=0x8F507CFC_0D3F_4697_B07A_AC58FC910000 + n)) for n in range(25))

LINES = (
    f"START RequestId: {REQUEST_IDS[0]} Version: $LATEST\n",
    "0\n",
    "process A\n",
    f"[ERROR] ValueError: no\nTraceback (most recent call last):\n  line of {REQUEST_IDS[0]}",
    f"END RequestId: {REQUEST_IDS[0]}\n",
    f"REPORT RequestId: {REQUEST_IDS[0]}\tDuration: 1.00 ms\tMemory Size: 128 MB\t\n",
    '{"time": "2026-01-01T00:00:00Z", "type": "platform.report", "record": {"requestId": "x"}}',
    "first line\nSTART RequestId: in a second line\n",
    "a path like a/b\n",
    "order 17 received\n",
    "\tat com.example.Handler.handle(Handler.java:7)\n",
    "say \\tat, écrit\n",
)


@value_class
class Sample:
    """The crafted events, from ``base_ms``, a whole second in epoch milliseconds."""

    base_ms: int

    @property
    def tie_ms(self) -> int:
        """The millisecond of all ``TIES``."""
        return self.base_ms + 1_000

    @property
    def edge_s(self) -> int:
        """The second of ``edge first`` and ``edge last``; ``edge next`` is after it."""
        return self.base_ms // 1000 + 2

    @property
    def ids_ms(self) -> int:
        """The time of the first of 25 events that name a request ID."""
        return self.base_ms + 5_000

    @property
    def end_ms(self) -> int:
        """After the last event."""
        return self.base_ms + _MANY_AFTER_MS + MANY

    def crafted(self) -> list[tuple[int, str]]:
        """Return the events of the stream ``crafted``, oldest first."""
        edge_ms = self.edge_s * 1000
        return [
            *((self.base_ms + place, line) for place, line in enumerate(LINES)),
            *((self.tie_ms, tie) for tie in TIES),
            *((edge_ms, "edge first"), (edge_ms + 999, "edge last"), (edge_ms + 1000, "edge next")),
            *((self.ids_ms + n, f"id-line {one}") for n, one in enumerate(REQUEST_IDS)),
        ]

    def many(self) -> list[tuple[int, str]]:
        """Return the events of the stream ``many``, oldest first."""
        return [(self.base_ms + _MANY_AFTER_MS + n, f"many {n:05d}") for n in range(MANY)]
