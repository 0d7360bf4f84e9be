"""The attempts at both ends of a stream, where they differ from others in ID and figures only.

In a log of many streams most attempts are the first or the last of theirs. The core parses the
first one of each template and place; the others are packed.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Sequence
from dataclasses import field
from itertools import pairwise
from typing import Literal

from retryctl.bulk.compact_attempts import PACKED_ATTEMPT
from retryctl.bulk.stream_state import AttemptFigures
from retryctl.core.late_regex import late_regex
from retryctl.core.model.attempt import Attempt
from retryctl.core.value_classes import state_class, value_class

EndOfStream = Literal["first", "last", "only"]

_COLD = late_regex(rb"(?:[Ii]nit|[Rr]estore) ?Duration")


@value_class
class StreamEnd:
    """An attempt at one end of a stream, and what its check can depend on."""

    figures: AttemptFigures
    key: tuple[object, ...]


def stream_end(
    place: EndOfStream, figures: AttemptFigures | None, lines: Sequence[bytes]
) -> StreamEnd | None:
    """Return an attempt with all of its lines; ``None`` where the core has to read them."""
    if figures is None or not _are_in_order(lines):
        return None
    is_cold = _COLD.search(lines[-1]) is not None
    return StreamEnd(figures=figures, key=(place, figures[-1], is_cold))


def _are_in_order(lines: Sequence[bytes]) -> bool:
    """Whether the event IDs rise: they order the events of one millisecond."""
    ids = [line[line.rfind(b'"eventId"') :] for line in lines]
    return len(set(map(len, ids))) == 1 and all(one <= other for one, other in pairwise(ids))


@state_class
class PackedEnds:
    """Packed ends of streams: ``records``, and the first attempt of each key in ``templates``.

    With ``drops`` they are not kept: only requests that are shown are read, and these are not
    packed.
    """

    drops: bool = False
    records: list[bytes] = field(default_factory=list)
    templates: list[Attempt] = field(default_factory=list)
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def pack(self, end: StreamEnd | None, stream: int) -> bool:
        """Pack an attempt, if the core parsed another one with its key."""
        number = self._numbers.get(end.key) if end else None
        if end is None or number is None:
            return False
        if not self.drops:
            request_id, *numbers, _ = end.figures
            packed = unhexlify(request_id.replace(b"-", b""))
            self.records.append(PACKED_ATTEMPT.pack(packed, *numbers, stream, number))
        return True

    def learn(self, end: StreamEnd | None, parsed: Sequence[Attempt]) -> None:
        """Keep the attempt that the core parsed, if its ID and figures are those of ``end``."""
        if end is None or len(parsed) != 1:
            return
        (attempt,) = parsed
        start_ms, ended_ms = attempt.started_ms or 0, attempt.ended_ms or 0
        figures = (attempt.billed_duration_ms, attempt.memory_size_mb)
        found = (attempt.request_id.encode(), start_ms, ended_ms - start_ms, *figures)
        if found == end.figures[:-1] and attempt.placed_ms == start_ms:
            self._numbers[end.key] = len(self.templates)
            self.templates.append(attempt)
