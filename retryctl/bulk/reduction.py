"""The reduce step: group one partition's attempts by request, and check the requests.

A partition has all attempts of its requests. Most requests have one attempt that went well and
logged no counter; the core checks the first of a template, and the others differ from it in ID,
time and bill only.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain
from operator import itemgetter

from retryctl.bulk.compact_attempts import PACKED_ATTEMPT, as_of, like, packed_id
from retryctl.bulk.request_forms import PackedAttempt, RequestForm, RequestForms
from retryctl.bulk.stream_names import Stream, function_of
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest, check_attempts_of
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.attempt import Attempt, AttemptOutcome
from retryctl.core.model.coverage import Coverage, Gap, runs_version
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig
from retryctl.core.model.request import RequestOutcome
from retryctl.core.model.store_count import StoreCount
from retryctl.core.summary.alike_requests import AlikeRequests
from retryctl.core.summary.silent_successes import CompactAttempt, SilentSuccesses, id_of
from retryctl.core.value_classes import state_class, value_class


@value_class
class StreamReading:
    """What one scan found: the templates of its packed attempts, and its streams by fragment.

    A fragment that is out of order has no stream, and its attempts do not count.
    """

    templates: Sequence[Attempt]
    streams: Sequence[Stream | None]

    __eq__, __hash__ = object.__eq__, object.__hash__  # templates are kept for each reading


@state_class
class Partition:
    """The attempts of some requests, each with the number of its scan.

    ``packed`` has packed attempts, ``others`` attempts with the number of their fragment,
    ``mentions`` the events that prove a request without an attempt.
    """

    packed: list[tuple[int, bytes]] = field(default_factory=list)
    others: list[tuple[int, Iterable[tuple[int, Attempt]]]] = field(default_factory=list)
    mentions: list[tuple[str | None, str, LogEvent]] = field(default_factory=list)


@value_class
class PartitionContext:
    """What all requests of a log are checked with; the window is [since_ms, until_ms).

    ``versions`` select the requests that ran one of them. ``stored`` has the counts of a durable
    store by request ID. ``silent_templates`` caches which templates of each scan are those of
    silent successes, ``forms`` the first request of each form.
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
    forms: RequestForms = field(default_factory=RequestForms, compare=False)

    def has(self, placed_ms: int) -> bool:
        """Whether a request whose first attempt is placed there belongs to the window."""
        return (self.since_ms is None or self.since_ms <= placed_ms) and (
            self.until_ms is None or placed_ms < self.until_ms
        )


_Key = tuple["str | None", bytes]


@state_class
class _Groups:
    """What a partition has of each request."""

    attempts: dict[_Key, list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    packed: dict[_Key, list[PackedAttempt]] = field(default_factory=lambda: defaultdict(list))
    mentions: dict[_Key, list[LogEvent]] = field(default_factory=lambda: defaultdict(list))

    def request_keys(self) -> Iterable[_Key]:
        """Return the requests, in order."""
        return dict.fromkeys(chain(self.attempts, self.packed, self.mentions))

    def all_packed(self, key: _Key) -> Sequence[PackedAttempt]:
        """Return the attempts of a request, in order, if each of them is packed."""
        is_packed = key not in self.attempts and key not in self.mentions
        return sorted(self.packed[key], key=PackedAttempt.place) if is_packed else ()

    def checked(self, key: _Key, context: PartitionContext) -> CheckedRequest:
        """Check a request."""
        packed = sorted(self.packed.get(key, ()), key=PackedAttempt.place)
        unpacked = [each.unpacked(number, context.named) for number, each in enumerate(packed, 1)]
        every = [*self.attempts.get(key, ()), *unpacked]
        return _checked(key, every, self.mentions.get(key, []), context)


def reduce_partition(
    part: Partition, readings: Mapping[int, StreamReading], context: PartitionContext
) -> Iterator[CheckedRequest | SilentSuccesses]:
    """Yield the checked requests of a partition that belong to the window."""
    groups = _groups(part, readings, context)
    yield from _packed(part, readings, context, groups)
    for key in groups.request_keys():
        yield from _selected(groups.checked(key, context), context)


def count_partition(
    part: Partition, readings: Mapping[int, StreamReading], context: PartitionContext
) -> Iterator[CheckedRequest | SilentSuccesses | AlikeRequests]:
    """Yield the same, but requests that are alike many at a time."""
    groups, first = _groups(part, readings, context), context.forms.checked
    yield from _packed(part, readings, context, groups)
    alike: dict[RequestForm, list[list[CompactAttempt]]] = defaultdict(list)
    for key in groups.request_keys():
        packed = groups.all_packed(key)
        form = _form(packed, context) if packed else None
        if form and form in first:
            if context.has(packed[0].packed[1]):
                alike[form].append([each.packed for each in packed])
            continue
        checked = groups.checked(key, context)
        yield from _selected(checked, context)
        if form:
            context.forms.keep(form, checked)
    for form, requests in alike.items():
        yield AlikeRequests(checked=first[form], attempts=requests)


def _groups(
    part: Partition, readings: Mapping[int, StreamReading], context: PartitionContext
) -> _Groups:
    """Group the attempts that are not packed, and the mentions, by request."""
    groups = _Groups()
    for number, others in part.others:
        for fragment, attempt in others:
            stream = readings[number].streams[fragment]
            if stream is not None:
                at_end = as_of(
                    attempt, stream, context.named, context.settings, _horizon_ms(context)
                )
                key = at_end.log_group, packed_id(attempt.request_id)
                groups.attempts[key].append(at_end)
    for group, request_id, event in part.mentions:
        groups.mentions[group, packed_id(request_id)].append(event)
    return groups


def _selected(checked: CheckedRequest, context: PartitionContext) -> Iterator[CheckedRequest]:
    """Yield the request if it belongs to the window and ran a version that is selected."""
    ran = [attempt.version for attempt in checked.request.attempts]
    if context.has(checked.request.placed_ms) and runs_version(context.versions, ran):
        yield checked


def _form(attempts: Sequence[PackedAttempt], context: PartitionContext) -> RequestForm | None:
    """Return the form of a request; ``None`` where its check depends on more."""
    coverage = context.coverage
    if context.versions or context.stored or coverage.gaps or coverage.torn_streams:
        return None
    return context.forms.of(attempts, coverage, context.settings, context.named)


def _packed(
    part: Partition,
    readings: Mapping[int, StreamReading],
    context: PartitionContext,
    groups: _Groups,
) -> Iterator[SilentSuccesses]:
    """Yield the silent successes, and add every other packed attempt to ``groups``."""
    ids = {key[1] for key in (*groups.attempts, *groups.mentions)}
    unpack = PACKED_ATTEMPT.iter_unpack
    unpacked = [(readings[number], list(unpack(data))) for number, data in part.packed]
    seen = {*ids, *_repeated([record[0] for _, records in unpacked for record in records])}
    hidden_from_ms, hidden_until_ms = _hidden_span_ms(context)
    for reading, records in unpacked:
        if None in reading.streams:
            records = [record for record in records if reading.streams[record[5]] is not None]
        shapes, fragments = _silent_templates(reading, records, context), _whole(reading, context)
        quiet, others = list[CompactAttempt](), list[CompactAttempt]()
        for record in records:
            request_id, start_ms, _, _, _, fragment, shape = record
            if (
                request_id in seen
                or shape not in shapes
                or fragment not in fragments
                or hidden_from_ms <= start_ms < hidden_until_ms
            ):
                others.append(record)
            else:
                quiet.append(record)
        yield from _silent_successes(quiet, reading, context)
        for record in others:
            request_id, *_, fragment, shape = record
            stream = _stream(reading, fragment)
            attempt = PackedAttempt(record, stream, reading.templates[shape])
            groups.packed[stream.log_group, request_id].append(attempt)


def _silent_successes(
    records: Sequence[CompactAttempt], reading: StreamReading, context: PartitionContext
) -> Iterator[SilentSuccesses]:
    """Yield records by function and group: most often all at once."""
    owners = {
        fragment: (function_of(stream, context.named), stream.log_group)
        for fragment in set(map(itemgetter(5), records))
        for stream in [_stream(reading, fragment)]
    }
    for owner in set(owners.values()):
        function, group = owner
        theirs = records
        if len(set(owners.values())) > 1:
            theirs = [record for record in records if owners[record[5]] == owner]
        if within := _within(theirs, context):
            yield SilentSuccesses(function=function, log_group=group, attempts=within)


def _stream(reading: StreamReading, fragment: int) -> Stream:
    stream = reading.streams[fragment]
    assert stream is not None  # records of streams out of order were passed over
    return stream


def _within(
    records: Sequence[CompactAttempt], context: PartitionContext
) -> Sequence[CompactAttempt]:
    """Return the attempts in the window: most often all."""
    times = [record[1] for record in records]
    if context.has(min(times)) and context.has(max(times)):
        return records
    return [record for record in records if context.has(record[1])]


def _repeated(ids: Sequence[bytes]) -> set[bytes]:
    """Return the IDs of more than one packed attempt."""
    if len(set(ids)) == len(ids):
        return set()
    return {request_id for request_id, count in Counter(ids).items() if count > 1}


def _silent_templates(
    reading: StreamReading, records: Sequence[CompactAttempt], context: PartitionContext
) -> set[int]:
    """Return the templates of silent successes among those of some records."""
    known = context.silent_templates.setdefault(reading, {})
    for shape, record in {record[6]: record for record in records}.items():
        if shape not in known:
            stream = _stream(reading, record[5])
            attempt = like(reading.templates[shape], stream, context.named, record)
            known[shape] = _is_quiet((stream.log_group, record[0]), attempt, context)
    return {shape for shape, is_silent in known.items() if is_silent}


def _whole(reading: StreamReading, context: PartitionContext) -> Collection[int]:
    """Return the fragments of streams that have lost no lines."""
    torn = context.coverage.torn_streams
    if not torn:
        return range(len(reading.streams))
    return {
        number
        for number, stream in enumerate(reading.streams)
        if stream and (stream.log_group, stream.log_stream) not in torn
    }


def _is_quiet(key: _Key, attempt: Attempt, context: PartitionContext) -> bool:
    """Whether a request of this one attempt is a silent success where no gap hides anything."""
    if attempt.outcome is not AttemptOutcome.OK or not attempt.claim.silent or context.versions:
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
