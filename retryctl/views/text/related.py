"""The requests of one event under several request IDs, as a table for each event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo

from retryctl.core.model.attempt import Attempt
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.core.related.groups import RelatedRequests, counts_by_key
from retryctl.core.wording import number_of
from retryctl.views.blocks import BLANK, Block, Drawing, Paragraph, Table, paragraph, text_column
from retryctl.views.coverage import coverage_blocks
from retryctl.views.signs import NOTE, STYLES
from retryctl.views.text.timeline import draw_lanes
from retryctl.views.times import duration, stamp, zone_name


def related_list_blocks(
    groups: Sequence[RelatedRequests], coverage: Coverage, tz: tzinfo, width: int
) -> Iterable[Block]:
    """Return one line for each event."""
    first = [group.requests[0].request for group in groups]
    starts = [request.placed_ms for request in first]
    zone = zone_name(tz, starts)
    columns = {
        "event": text_column("event", [group.name for group in groups], "bold"),
        "ids": text_column("request IDs", [str(len(group.requests)) for group in groups]),
        "started": text_column(
            f"first ({zone})",
            [stamp(ms, tz, "seconds", dated=True) if is_timed(ms) else "" for ms in starts],
        ),
        "first": text_column("first request", [request.request_id for request in first]),
        "outcomes": text_column("outcomes", [_outcomes(group) for group in groups]),
    }
    return (
        Table(columns=columns, gives_way=("started", "first"), clipped="event"),
        BLANK,
        *coverage_blocks(coverage, tz),
    )


def related_count_blocks(
    groups: Sequence[RelatedRequests], coverage: Coverage, tz: tzinfo, width: int
) -> Iterable[Block]:
    """Return the number of events with several request IDs, by the key that relates them."""
    counts = counts_by_key(groups)
    requests = sum(len(group.requests) for group in groups)
    total = number_of(len(groups), "event")
    columns = {
        "found by": text_column("found by", list(counts), "bold"),
        "events": text_column("events", [f"{events:,}" for events, _ in counts.values()]),
        "requests": text_column("request IDs", [f"{ids:,}" for _, ids in counts.values()]),
    }
    return (
        paragraph(f"{total} under {number_of(requests, 'request ID')}", "bold"),
        Table(columns=columns, gives_way=(), clipped="found by"),
        BLANK,
        *coverage_blocks(coverage, tz),
    )


def _outcomes(group: RelatedRequests) -> str:
    """``succeeded 2, exhausted 1``: the most frequent first."""
    counts = Counter(one.request.outcome.value for one in group.requests)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def related_blocks(
    groups: Sequence[RelatedRequests], coverage: Coverage, tz: tzinfo, width: int
) -> Iterator[Block]:
    """Yield a heading, a table and a time axis for each event.

    Deliveries are numbered in the order of time.
    """
    for group in groups:
        count = number_of(len(group.requests), "request ID")
        yield Paragraph(words=(("one event · ", ""), (group.name, "bold"), (f" · {count}", "")))
        yield _table(group, tz)
        yield BLANK
        yield _time_axis(group, tz, width, coverage.horizon_ms)
        if group.finding:
            lead = ((f"{NOTE} ", STYLES[NOTE]),)
            yield Paragraph(lead=lead, words=((group.finding.message, ""),))
            yield paragraph(group.finding.remedy, lead="  → ")
        yield BLANK
    yield from coverage_blocks(coverage, tz)


def _table(group: RelatedRequests, tz: tzinfo) -> Table:
    """Return a row for each attempt; the first of a delivery has its number and request ID."""
    rows = [
        (number, one.request, place, attempt)
        for number, one in enumerate(group.requests, start=1)
        for place, attempt in enumerate(one.request.attempts)
    ]
    starts = [attempt.placed_ms for *_, attempt in rows]

    def of_delivery(text: Callable[[int, Request], str]) -> list[str]:
        return ["" if place else text(number, request) for number, request, place, _ in rows]

    columns = {
        "delivery": text_column("#", of_delivery(lambda number, _: str(number))),
        "request": text_column("request", of_delivery(lambda _, r: r.request_id), "bold"),
        "started": text_column(
            f"started ({zone_name(tz, starts)})",
            [stamp(ms, tz, dated=False) if is_timed(ms) else "" for ms in starts],
        ),
        "ran": text_column("ran", [_ran(attempt) for *_, attempt in rows]),
        "attempt": text_column("attempt", [_attempt(request, a) for _, request, _, a in rows]),
        "outcome": text_column("outcome", of_delivery(lambda _, r: _outcome(r))),
    }
    return Table(columns=columns, gives_way=("attempt", "ran"), clipped="outcome", gap=1)


def _attempt(request: Request, attempt: Attempt) -> str:
    """``2 error`` where there are several attempts."""
    return f"{attempt.number} {attempt.outcome.value}" if len(request.attempts) > 1 else "1"


def _time_axis(group: RelatedRequests, tz: tzinfo, width: int, horizon_ms: int | None) -> Drawing:
    """Draw a lane for each delivery, to scale."""
    lanes = [
        ((str(number), ""), one.request.attempts)
        for number, one in enumerate(group.requests, start=1)
    ]
    return Drawing(lines=draw_lanes(lanes, tz, width, horizon_ms, rest="deliveries"))


def _outcome(request: Request) -> str:
    """``exhausted``; the outcome of the last attempt where that of the request is unknown."""
    if request.outcome is RequestOutcome.UNKNOWN and request.attempts:
        return request.attempts[-1].outcome.value
    return request.outcome.value


def _ran(attempt: Attempt) -> str:
    return "" if attempt.duration_ms is None else duration(attempt.duration_ms)
