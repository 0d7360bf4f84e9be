"""From the attempts of a log that was read in pieces to its checked requests.

A *part* of a log has all attempts of some of its requests. Most requests have one attempt that
went well and said nothing; the core judges the first of their shape, and the others are like it
in all but ID, time and bill.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter

from retryctl.bulk.compact import (
    RECORD,
    CompactAttempt,
    Stream,
    as_of,
    function_of,
    id_of,
    like,
    packed_id,
)
from retryctl.core.crosscheck.attempt_check import AttemptCheck, AttemptVerdict, Verdict
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.crosscheck.verdict import CheckedRequest, check_attempts_of
from retryctl.core.history.outcome import Outcome
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.core.model.request import Request, RequestOutcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamReading:
    """What one reading saw: the shapes of its plain attempts, and its streams by run.

    A run that turned out not to hold has no stream, and its attempts do not count.
    """

    shapes: Sequence[Attempt]
    streams: Sequence[Stream | None]


@dataclass(slots=True, kw_only=True)
class Partition:
    """The attempts of some requests, each with the number of its reading.

    ``plain`` has packed attempts, ``others`` attempts with the number of their run, ``mentions``
    the events that prove a request without one.
    """

    plain: list[tuple[int, bytes]] = field(default_factory=list)
    others: list[tuple[int, Iterable[tuple[int, Attempt]]]] = field(default_factory=list)
    mentions: list[tuple[str | None, str, LogEvent]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionContext:
    """What all requests of a log are judged by; the window is [since_ms, until_ms).

    ``quiet_shapes`` is what was learned of the shapes of each reading.
    """

    coverage: Coverage
    settings: FunctionConfig
    markers: Markers
    named: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    stored: Mapping[str, StoreCount] = field(default_factory=dict)
    quiet_shapes: dict[StreamReading, dict[int, bool]] = field(default_factory=dict, compare=False)

    def has(self, placed_ms: int) -> bool:
        """Whether a request whose first attempt is placed there belongs to the window."""
        return (self.since_ms is None or self.since_ms <= placed_ms) and (
            self.until_ms is None or placed_ms < self.until_ms
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentSuccesses:
    """Requests of one stream, each of one attempt that went well and said nothing."""

    function: str | None
    log_group: str | None
    attempts: Sequence[CompactAttempt]

    def requests(self) -> Iterator[CheckedRequest]:
        """Its requests one by one; of their attempts only the time is told."""
        for packed, start_ms, *_ in self.attempts:
            request_id = id_of(packed)
            attempt = Attempt(
                number=1,
                request_id=request_id,
                placed_ms=start_ms,
                log_group=self.log_group,
                log_stream=None,
                function=self.function,
                outcome=Outcome.OK,
            )
            request = Request(
                request_id=request_id,
                log_group=self.log_group,
                function=self.function,
                attempts=(attempt,),
                outcome=RequestOutcome.SUCCEEDED,
            )
            yield CheckedRequest(
                request=request, checks=(_SILENT,), verdict=Verdict.NOT_COUNTED, findings=()
            )


_SILENT = AttemptCheck(
    counter_expected=0, counter_in_environment=0, branch_expected=None, check=AttemptVerdict.SILENT
)

_Key = tuple["str | None", bytes]


def reduce_partition(
    part: Partition, readings: Mapping[int, StreamReading], around: PartitionContext
) -> Iterator[CheckedRequest | SilentSuccesses]:
    """The requests of a part that belong to the window, each judged."""
    attempts: dict[_Key, list[Attempt]] = defaultdict(list)
    mentions: dict[_Key, list[LogEvent]] = defaultdict(list)
    for number, others in part.others:
        for run, attempt in others:
            stream = readings[number].streams[run]
            if stream is not None:
                told = as_of(attempt, stream, around.named, around.settings, _horizon_ms(around))
                attempts[attempt.log_group, packed_id(attempt.request_id)].append(told)
    for group, request_id, event in part.mentions:
        mentions[group, packed_id(request_id)].append(event)
    yield from _plain(part, readings, around, attempts, mentions)
    for key in dict.fromkeys(chain(attempts, mentions)):
        checked = _checked(key, attempts.get(key, []), mentions.get(key, []), around)
        if around.has(checked.request.placed_ms):
            yield checked


def _plain(
    part: Partition,
    readings: Mapping[int, StreamReading],
    around: PartitionContext,
    attempts: dict[_Key, list[Attempt]],
    mentions: Mapping[_Key, list[LogEvent]],
) -> Iterator[SilentSuccesses]:
    """The quiet requests; every other plain attempt is added to ``attempts``."""
    told = {key[1] for key in (*attempts, *mentions)} | _repeated(part)
    before_ms = _nothing_hidden_before_ms(around)
    for number, packed in part.plain:
        reading = readings[number]
        are_quiet = around.quiet_shapes.setdefault(reading, {})
        quiet: dict[int, list[CompactAttempt]] = defaultdict(list)
        for record in RECORD.iter_unpack(packed):
            request_id, start_ms, _, _, _, run, shape = record
            stream = reading.streams[run]
            if stream is None:
                continue
            if shape not in are_quiet:
                attempt = like(reading.shapes[shape], stream, around.named, record)
                are_quiet[shape] = _is_quiet((stream.log_group, request_id), attempt, around)
            if are_quiet[shape] and start_ms < before_ms and request_id not in told:
                quiet[run].append(record)
            else:
                those = attempts[stream.log_group, request_id]
                number_so_far = len(those) + 1  # it is the right one where they come in order
                shaped = reading.shapes[shape]
                those.append(like(shaped, stream, around.named, record, number_so_far))
        for run, records in quiet.items():
            stream = reading.streams[run]
            assert stream is not None  # such records were passed over
            if within := _within(records, around):
                function = function_of(stream) or around.named
                yield SilentSuccesses(
                    function=function, log_group=stream.log_group, attempts=within
                )


def _within(records: list[CompactAttempt], around: PartitionContext) -> list[CompactAttempt]:
    """Those that belong to the window: most often all."""
    times = [record[1] for record in records]
    if around.has(min(times)) and around.has(max(times)):
        return records
    return [record for record in records if around.has(record[1])]


def _repeated(part: Partition) -> set[bytes]:
    """The IDs that more than one plain attempt has."""
    ids: Counter[bytes] = Counter()
    for _, packed in part.plain:
        ids.update(map(itemgetter(0), RECORD.iter_unpack(packed)))
    return {request_id for request_id, count in ids.items() if count > 1}


def _is_quiet(key: _Key, attempt: Attempt, around: PartitionContext) -> bool:
    """Whether a request of this one attempt is of no consequence, whenever it was."""
    if attempt.outcome is not Outcome.OK or not attempt.claim.silent:
        return False
    checked = _checked(key, [attempt], [], around)
    return (
        checked.request.outcome is RequestOutcome.SUCCEEDED
        and checked.verdict is Verdict.NOT_COUNTED
        and not checked.findings
        and not checked.undetermined_because
    )


def _nothing_hidden_before_ms(around: PartitionContext) -> float:
    """Until when no attempt of a request can lie in a gap that hides attempts."""
    hiding = [gap.since_ms for gap in around.coverage.gaps if gap.hides_attempts]
    if None in hiding:
        return -math.inf
    starts = [since_ms for since_ms in hiding if since_ms is not None]
    return min(starts) - around.settings.event_age_ms if starts else math.inf


def _checked(
    key: _Key, attempts: Sequence[Attempt], mentions: Sequence[LogEvent], around: PartitionContext
) -> CheckedRequest:
    return check_attempts_of(
        (key[0], id_of(key[1])),
        attempts,
        mentions,
        around.coverage,
        settings=around.settings,
        markers=around.markers,
        function=around.named,
        stored=around.stored.get(id_of(key[1])),
    )


def _horizon_ms(around: PartitionContext) -> int:
    return around.coverage.horizon_ms or 0
