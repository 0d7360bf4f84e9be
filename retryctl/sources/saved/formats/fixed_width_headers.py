"""Events whose headers are of one width, a time first: their columns are read as a whole."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from io import BytesIO
from itertools import compress
from operator import itemgetter

from retryctl.core.value_classes import value_class
from retryctl.sources.saved.formats.event_times import (
    Digits,
    digits_at,
    moment_ms,
)
from retryctl.sources.saved.raw_blocks import BlockSpan

_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


@value_class
class FixedWidthEvents:
    """The events, in order, each with all of its lines; ``continued`` are those without a header.

    ``rests`` has the text between the time and the message of each event, ``headers`` the match
    of each distinct header. ``limits`` are the headers with the least and the greatest time.
    """

    events: list[bytes]
    continued: list[bytes]
    rests: list[bytes]
    headers: dict[bytes, re.Match[bytes]]
    limits: list[re.Match[bytes]]

    @property
    def span(self) -> BlockSpan:
        """The number of events, the limits of their times, and their streams."""
        first, last = (moment_ms(*each.group(*_PARTS)) for each in self.limits)
        streams = None
        if "stream" in self.limits[0].re.groupindex:
            streams = frozenset(header["stream"] for header in self.headers.values())
        return BlockSpan(len(self.events), first, last, streams)

    def of_streams(self, streams: Collection[bytes]) -> FixedWidthEvents:
        """Return the events of some streams."""
        named = {rest: header["stream"] in streams for rest, header in self.headers.items()}
        wanted = list(map(named.__getitem__, self.rests))
        return replace(
            self,
            events=list(compress(self.events, wanted)),
            rests=list(compress(self.rests, wanted)),
        )

    @property
    def times(self) -> list[bytes] | None:
        """The times as they stand; ``None`` where one is not a time like the others."""
        first = self.limits[0]
        times = list(map(itemgetter(slice(first.end("fraction") - 1)), self.events))
        form = times[0].translate(_ZEROS) if times else b""
        return times if b"".join(times).translate(_ZEROS) == form * len(times) else None

    @property
    def digits(self) -> Digits:
        """What converts the times."""
        first = self.limits[0]
        return digits_at(first["offset"], first["second"])

    @property
    def message_at(self) -> int:
        """The bytes of each header."""
        return self.limits[0].end() - 1


_PARTS = ("second", "fraction", "offset")


def fixed_width_events(text: bytes, header: re.Pattern[bytes]) -> FixedWidthEvents | None:
    """Return the events of a text, if all lines that begin as a time have headers of one width.

    The pattern ``header`` begins with a newline.
    """
    first = header.match(b"\n" + text[: text.find(b"\n") + 1])
    if not first:
        return None
    events = BytesIO(text).readlines()
    begins = bytes(map(itemgetter(0), events))
    runs = re.finditer(b"[^%c]+" % text[0], begins, re.S)
    continued = list[bytes]()
    for start, stop in [found.span() for found in runs][::-1]:
        continued += events[start:stop]
        events[start - 1 : stop] = [b"".join(events[start - 1 : stop])]
    ordered = sorted(events)
    width = first.end("fraction")
    rests = list(map(itemgetter(slice(width - 1, first.end() - 1)), events))
    headers = {rest: header.fullmatch(first[0][:width] + rest) for rest in set(rests)}
    limits = [header.match(b"\n" + line) for line in (ordered[0], ordered[-1])]
    found = list(filter(None, (*headers.values(), *limits)))
    if len(found) < len(headers) + 2 or len({each["offset"] for each in found}) > 1:
        return None
    if not all(each[0][-1:].isspace() for each in found):
        return None
    return FixedWidthEvents(
        events=events,
        continued=continued,
        rests=rests,
        headers={rest: match for rest, match in headers.items() if match},
        limits=list(filter(None, limits)),
    )
