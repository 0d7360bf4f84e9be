"""The reduce step: group one partition's attempts by request, and check the requests.

A partition has all attempts of its requests. Most requests have one attempt that went well and
logged no counter; the core checks the first of a template, and the others differ from it in ID,
time and bill only.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import itemgetter

from retryctl.bulk.compact import (
    RECORD,
    Stream,
    as_of,
    function_of,
    like,
    packed_id,
)
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_attempts_of
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.outcome import Outcome
from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage, Gap, runs_version
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig, StoreCount
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.silent_successes import CompactAttempt, SilentSuccesses, id_of
from retryctl.core.value_classes import value_class


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamReading:
    """What one scan found: the templates of its packed attempts, and its streams by fragment.

    A fragment that is out of order has no stream, and its attempts do not count.
    """

    templates: Sequence[Attempt]
    streams: Sequence[Stream | None]


@dataclass(slots=True, kw_only=True)
class Partition:
    """The attempts of some requests, each with the number of its scan.

    ``plain`` has packed attempts, ``others`` attempts with the number of their fragment,
    ``mentions`` the events that prove a request without an attempt.
    """

    plain: list[tuple[int, bytes]] = field(default_factory=list)
    others: list[tuple[int, Iterable[tuple[int, Attempt]]]] = field(default_factory=list)
    mentions: list[tuple[str | None, str, LogEvent]] = field(default_factory=list)


@value_class
class PartitionContext:
    """What all requests of a log are checked with; the window is [since_ms, until_ms).

    ``versions`` select the requests that ran one of them. ``stored`` has the counts of a durable
    store by request ID. ``silent_templates`` caches which templates of each scan are those of
    silent successes.
    """

    coverage: Coverage
    settings: FunctionConfig
    markers: Markers
    named: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    versions: frozenset[str] | None = None
    stored: Mapping[str, StoreCount] = field(default_factory=dict)
    silent_templates: dict[StreamReading, dict[int, bool]] = field(
        default_factory=dict, compare=False
    )

    def has(self, placed_ms: int) -> bool:
        """Whether a request whose first attempt is placed there belongs to the window."""
        return (self.since_ms is None or self.since_ms <= placed_ms) and (
            self.until_ms is None or placed_ms < self.until_ms
        )


_Key = tuple["str | None", bytes]


def reduce_partition(
    part: Partition, readings: Mapping[int, StreamReading], context: PartitionContext
) -> Iterator[CheckedRequest | SilentSuccesses]:
    """Yield the checked requests of a partition that belong to the window."""
    attempts: dict[_Key, list[Attempt]] = defaultdict(list)
    mentions: dict[_Key, list[LogEvent]] = defaultdict(list)
    for number, others in part.others:
        for fragment, attempt in others:
            stream = readings[number].streams[fragment]
            if stream is not None:
                at_end = as_of(
                    attempt, stream, context.named, context.settings, _horizon_ms(context)
                )
                attempts[at_end.log_group, packed_id(attempt.request_id)].append(at_end)
    for group, request_id, event in part.mentions:
        mentions[group, packed_id(request_id)].append(event)
    yield from _plain(part, readings, context, attempts, mentions)
    for key in dict.fromkeys(chain(attempts, mentions)):
        checked = _checked(key, attempts.get(key, []), mentions.get(key, []), context)
        ran = [attempt.version for attempt in checked.request.attempts]
        if context.has(checked.request.placed_ms) and runs_version(context.versions, ran):
            yield checked


def _plain(
    part: Partition,
    readings: Mapping[int, StreamReading],
    context: PartitionContext,
    attempts: dict[_Key, list[Attempt]],
    mentions: Mapping[_Key, list[LogEvent]],
) -> Iterator[SilentSuccesses]:
    """Yield the silent successes, and add every other packed attempt to ``attempts``."""
    seen = {key[1] for key in (*attempts, *mentions)} | _repeated(part)
    hidden_from_ms, hidden_until_ms = _hidden_span_ms(context)
    torn = context.coverage.torn_streams
    for number, packed in part.plain:
        reading = readings[number]
        are_quiet = context.silent_templates.setdefault(reading, {})
        quiet: dict[int, list[CompactAttempt]] = defaultdict(list)
        for record in RECORD.iter_unpack(packed):
            request_id, start_ms, _, _, _, fragment, shape = record
            stream = reading.streams[fragment]
            if stream is None:
                continue
            if shape not in are_quiet:
                attempt = like(reading.templates[shape], stream, context.named, record)
                are_quiet[shape] = _is_quiet((stream.log_group, request_id), attempt, context)
            hidden = hidden_from_ms <= start_ms < hidden_until_ms or (
                bool(torn) and (stream.log_group, stream.log_stream) in torn
            )
            if are_quiet[shape] and not hidden and request_id not in seen:
                quiet[fragment].append(record)
            else:
                those = attempts[stream.log_group, request_id]
                number_so_far = len(those) + 1  # it is the right one where they come in order
                shaped = reading.templates[shape]
                those.append(like(shaped, stream, context.named, record, number_so_far))
        for fragment, records in quiet.items():
            stream = reading.streams[fragment]
            assert stream is not None  # such records were passed over
            if within := _within(records, context):
                function = function_of(stream, context.named)
                yield SilentSuccesses(
                    function=function, log_group=stream.log_group, attempts=within
                )


def _within(records: list[CompactAttempt], context: PartitionContext) -> list[CompactAttempt]:
    """Return the attempts in the window: most often all."""
    times = [record[1] for record in records]
    if context.has(min(times)) and context.has(max(times)):
        return records
    return [record for record in records if context.has(record[1])]


def _repeated(part: Partition) -> set[bytes]:
    """Return the IDs of more than one packed attempt."""
    ids: Counter[bytes] = Counter()
    for _, packed in part.plain:
        ids.update(map(itemgetter(0), RECORD.iter_unpack(packed)))
    return {request_id for request_id, count in ids.items() if count > 1}


def _is_quiet(key: _Key, attempt: Attempt, context: PartitionContext) -> bool:
    """Whether a request of this one attempt is a silent success where no gap hides anything."""
    if attempt.outcome is not Outcome.OK or not attempt.claim.silent or context.versions:
        return False
    gaps = tuple(gap for gap in context.coverage.gaps if not _hides(gap))
    around = replace(
        context, coverage=replace(context.coverage, gaps=gaps, torn_streams=frozenset())
    )
    checked = _checked(key, [attempt], [], around)
    return (
        checked.request.outcome is RequestOutcome.SUCCEEDED
        and checked.verdict is Verdict.NOT_COUNTED
        and not checked.findings
        and not checked.undetermined_because
    )


def _hidden_span_ms(context: PartitionContext) -> tuple[float, float]:
    """Return the span of starts of requests that may have attempts or lines in a gap."""
    hiding = [gap for gap in context.coverage.gaps if _hides(gap)]
    since = [-math.inf if gap.since_ms is None else gap.since_ms for gap in hiding]
    until = [math.inf if gap.until_ms is None else gap.until_ms for gap in hiding]
    age_ms = context.settings.event_age_ms
    reach_ms = max(age_ms, context.settings.timeout_ms)  # an attempt may outlive its event
    return min(since, default=math.inf) - reach_ms, max(until, default=-math.inf) + age_ms


def _hides(gap: Gap) -> bool:
    return gap.hides_attempts or gap.hides_lines


def _checked(
    key: _Key, attempts: Sequence[Attempt], mentions: Sequence[LogEvent], context: PartitionContext
) -> CheckedRequest:
    return check_attempts_of(
        (key[0], id_of(key[1])),
        attempts,
        mentions,
        context.coverage,
        settings=context.settings,
        markers=context.markers,
        function=context.named,
        stored=context.stored.get(id_of(key[1])),
    )


def _horizon_ms(context: PartitionContext) -> int:
    return context.coverage.horizon_ms or 0
