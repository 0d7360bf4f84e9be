"""The order of events of one millisecond in a log that is newest first.

Events are sorted by their time, and those of one millisecond by their place in the file. In a
log that is newest first, as Logs Insights exports it, their places are the wrong way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain, groupby, islice

_LINES_TRIED = 1000

# {"logStreamName":"…","timestamp":1795402800123,"message":"…
_TIME = re.compile(rb'"timestamp": ?(\d{13})\b')


def ties_in_order(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of ``blocks``; if newest first, reverse those of one time."""
    rest = filter(None, blocks)
    first = next(rest, b"")
    if not is_newest_first(first):
        yield from chain([first], rest) if first else ()
        return
    lines = (line for block in chain([first], rest) for line in BytesIO(block))
    groups = groupby(lines, _time)
    while some := [list(group)[::-1] for _, group in islice(groups, _LINES_TRIED)]:
        yield b"".join(chain.from_iterable(some))


def is_newest_first(block: bytes) -> bool:
    """Whether the first lines are newest first."""
    times = [_time(line) for line in islice(BytesIO(block), _LINES_TRIED)]
    return len(times) > 1 and times[0] > times[-1] and times == sorted(times, reverse=True)


def _time(line: bytes) -> bytes:
    found = _TIME.search(line)
    return found[1] if found else b""
