"""The stitching of some streams at a time, in one process or in several."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from operator import attrgetter
from struct import Struct

from retryctl.bulk.chunk_tasks import ScanPlan
from retryctl.bulk.compact_attempts import KeptAttempts, SilentAttempts, deal_out, part_of
from retryctl.bulk.line_layout import NoEvent
from retryctl.bulk.packed_ends import PackedEnds
from retryctl.bulk.stitched_streams import StitchedStream, StreamStitcher
from retryctl.bulk.stream_names import Stream, with_distinct_names
from retryctl.bulk.stream_state import StreamFragment
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class
from retryctl.sources.saved.stream_filter import StreamPlace

STREAMS_AT_ONCE = 500
"""As many streams that were read as a whole are in a batch."""
FRAGMENT_PLACE = Struct("<III")
"""The numbers of a fragment's scan, of the fragment there, and of its stream in the batch."""
FoundFragment = tuple[int, StreamFragment]
"""A fragment, with the number of the scan that found it."""


@value_class
class StitchedBatch:
    """Some stitched streams; ``None`` stands for one of those that are ``out_of_order``.

    ``kept`` has their attempts by partition, each with the number of its stream in the batch;
    ``packed`` those that are packed by ``templates``.
    ``found_mentions`` have such a number too. ``torn`` are the numbers of streams that lost lines.
    ``fragments`` has the places of the fragments that were stitched.
    """

    streams: tuple[Stream | None, ...]
    kept: tuple[KeptAttempts, ...]
    found_mentions: tuple[tuple[int, str, LogEvent], ...]
    torn: tuple[int, ...]
    packed: tuple[bytes, ...] = ()
    templates: tuple[Attempt, ...] = ()
    fragments: bytes = b""
    out_of_order: tuple[StreamPlace, ...] = ()
    has_malformed: bool = False

    @property
    def joined(self) -> Iterator[Stream]:
        """The streams that are in order."""
        return filter(None, self.streams)

    @property
    def torn_streams(self) -> Iterator[Stream]:
        """The streams that lost lines."""
        return (self._stream(number) for number in self.torn)

    @property
    def mentions(self) -> Iterator[tuple[str | None, str, LogEvent]]:
        """The log group, the request ID and the event of each mention."""
        for number, request_id, event in self.found_mentions:
            yield self._stream(number).log_group, request_id, event

    def _stream(self, number: int) -> Stream:
        stream = self.streams[number]
        assert stream is not None  # only what is in order has attempts
        return stream


@value_class
class StreamShare:
    """Some of the streams: their pickled fragments, by the number of the scan that found them.

    Those ``out_of_order`` are left out.
    """

    pickled: Sequence[tuple[int, bytes]]
    out_of_order: frozenset[StreamPlace]

    def fragments(self) -> Mapping[StreamPlace, list[FoundFragment]]:
        """Return the fragments of each stream, in the order of the log."""
        found: dict[StreamPlace, list[FoundFragment]] = defaultdict(list)
        for reading, data in self.pickled:
            for fragment in pickle.loads(data):
                if fragment.key not in self.out_of_order:
                    found[fragment.key].append((reading, fragment))
        return found


@value_class
class StitchTask:
    """The stitching of a share of the streams."""

    plan: ScanPlan

    def __call__(self, share: StreamShare) -> StitchedBatch:
        """Stitch the streams."""
        stitcher, malformed = StreamStitcher(self.plan), False
        stitched: list[StitchedStream | None] = []
        streams, places = share.fragments(), list[bytes]()
        for number, found in enumerate(streams.values()):
            places += (FRAGMENT_PLACE.pack(reading, each.number, number) for reading, each in found)
            try:
                stitched.append(stitcher.stitch(_oldest_first(found), number))
            except NoEvent:
                malformed = True
                stitched.append(None)
        return replace(
            _batch(stitched, self.plan, stitcher.packed_ends),
            fragments=b"".join(places),
            out_of_order=tuple(
                place for place, stream in zip(streams, stitched, strict=True) if stream is None
            ),
            has_malformed=malformed,
        )


def _oldest_first(found: Sequence[FoundFragment]) -> list[StreamFragment]:
    """Sort the fragments by time; those of one millisecond as read, or the other way round.

    The file is newest first where each fragment is older than the one that was read before it.
    """
    fragments = [fragment for _, fragment in found]
    firsts = [each.first for each in fragments]
    falls = firsts[0] > firsts[-1] and all(one >= other for one, other in pairwise(firsts))
    return sorted(fragments[::-1] if falls else fragments, key=attrgetter("first"))


def deal_streams(streams: Iterable[StitchedStream], plan: ScanPlan) -> Iterator[StitchedBatch]:
    """Yield streams that were read as a whole in batches, silent attempts packed."""
    rest = iter(streams)
    while some := list(islice(rest, STREAMS_AT_ONCE)):
        yield _batch(some, plan, None if plan.shown else SilentAttempts())


def apart(batches: Sequence[StitchedBatch], ambiguous: Collection[str]) -> list[StitchedBatch]:
    """Return the batches; their streams have an account and a region where a name needs it."""
    named = with_distinct_names((stream for batch in batches for stream in batch.joined), ambiguous)
    return [
        replace(batch, streams=tuple(stream and next(named) for stream in batch.streams))
        for batch in batches
    ]


def _batch(
    streams: Sequence[StitchedStream | None],
    plan: ScanPlan,
    packed: SilentAttempts | PackedEnds | None,
) -> StitchedBatch:
    silent = packed if isinstance(packed, SilentAttempts) else None
    dealt: list[list[tuple[int, Attempt]]] = [[] for _ in range(plan.parts)]
    found = [(number, stream) for number, stream in enumerate(streams) if stream]
    counts = Counter(attempt.request_id for _, stream in found for attempt in stream.attempts)
    for number, stream in found:
        for attempt in stream.attempts:
            # several attempts of a request stay in their order
            is_alone = counts[attempt.request_id] == 1
            if silent and is_alone and silent.pack(attempt, number):
                continue
            if not plan.shown.drops(attempt.request_id):
                dealt[part_of(attempt.request_id, plan.parts)].append((number, attempt))
    return StitchedBatch(
        streams=tuple(stream.stream if stream else None for stream in streams),
        kept=tuple(map(plan.shown.packed, dealt)),
        found_mentions=tuple(
            (number, request_id, event)
            for number, stream in found
            for request_id, event in stream.mentions
            if not plan.shown.drops(request_id)
        ),
        torn=tuple(number for number, stream in found if stream.is_torn),
        packed=tuple(deal_out(packed.records, plan.parts)) if packed else (),
        templates=tuple(packed.templates) if packed else (),
    )
