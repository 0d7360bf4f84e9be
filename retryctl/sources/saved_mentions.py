"""Where requests are mentioned, and what of each log stream must be read for them.

Most lines of an attempt carry no request ID. So around each mention the whole stream is read:
back over the longest attempt and the init before it, forward over lines that come late.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

BEFORE_MS = 930_000  # the longest timeout, 900 s, and an init before START
AFTER_MS = 60_000

_ID_BYTES = 36
_FIRST_DASH = 8

StreamKey = tuple["str | None", "str | None"]
"""Log group and log stream."""


class RequestIds:
    """The IDs that are looked for, in any case, in bytes that need not be parsed."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = {request_id.lower().encode() for request_id in ids}

    def are_in(self, raw: bytes) -> bool:
        """Whether one of them is; as fast for thousands of IDs as for one."""
        lower = raw.lower()
        dash = lower.find(b"-")
        while dash >= 0:
            start = dash - _FIRST_DASH
            if start >= 0 and lower[start : start + _ID_BYTES] in self._ids:
                return True
            dash = lower.find(b"-", dash + 1)
        return False

    def named_in(self, text: str) -> list[str]:
        """Those of them that are."""
        lower = text.lower().encode()
        return [request_id.decode() for request_id in self._ids if request_id in lower]


class Spans:
    """Stretches of time, in ms, around moments; those that touch are one."""

    def __init__(self, moments_ms: Iterable[int]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for moment_ms in sorted(moments_ms):
            if self._ends and moment_ms - BEFORE_MS <= self._ends[-1]:
                self._ends[-1] = moment_ms + AFTER_MS
            else:
                self._starts.append(moment_ms - BEFORE_MS)
                self._ends.append(moment_ms + AFTER_MS)

    def __contains__(self, moment_ms: int) -> bool:
        at = bisect_right(self._starts, moment_ms) - 1
        return at >= 0 and moment_ms <= self._ends[at]


class Mentions:
    """The moments of mentions in each stream, gathered first; then the spans around them."""

    def __init__(self) -> None:
        self._moments_ms: dict[StreamKey, set[int]] = {}

    def add(self, stream: StreamKey, moment_ms: int) -> None:
        """Note a mention."""
        self._moments_ms.setdefault(stream, set()).add(moment_ms)

    def spans(self) -> dict[StreamKey, Spans]:
        """The spans of each stream that has a mention."""
        return {stream: Spans(moments) for stream, moments in self._moments_ms.items()}

    def spans_of_any(self) -> Spans:
        """The spans in which some stream has a mention."""
        return Spans(moment for moments in self._moments_ms.values() for moment in moments)
