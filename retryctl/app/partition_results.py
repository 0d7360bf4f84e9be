"""Results of one partition of a window's requests, made in the process that reduces it."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.summary.alike_requests import AlikeRequests, CountedRequests, Requests
from retryctl.core.summary.request_row import RequestRow, RowFilter, request_rows
from retryctl.core.summary.silent_successes import SilentSuccesses
from retryctl.core.summary.tally import SummaryTally

if TYPE_CHECKING:
    from retryctl.sources.cloudwatch.pages import StreamStretch

TalliesByFunction = dict["str | None", SummaryTally]
"""A tally for each function; ``None`` for requests whose function is not known."""


def wrong_counters(requests: Requests) -> list[StreamStretch]:
    """Return where the attempts lie whose counter or branch is wrong."""
    from retryctl.sources.cloudwatch.pages import StreamStretch, TimeRange

    return [
        StreamStretch(
            log_stream=attempt.log_stream,
            window=TimeRange(
                since_ms=attempt.placed_ms,
                until_ms=max(attempt.last_event.timestamp_ms, attempt.ended_ms or 0) + 1,
            ),
        )
        for one in requests
        if isinstance(one, CheckedRequest)
        for attempt, check in zip(one.request.attempts, one.checks, strict=True)
        if check.verdict is AttemptVerdict.DISAGREES
    ]


def tallies_by_function(requests: CountedRequests) -> TalliesByFunction:
    """Count the requests."""
    tallies: TalliesByFunction = defaultdict(SummaryTally)
    for one in requests:
        if isinstance(one, SilentSuccesses):
            tallies[one.function].add_quiet(one.attempts)
        elif isinstance(one, AlikeRequests):
            tallies[one.checked.request.function].add_alike(one)
        else:
            tallies[one.request.function].add(one)
    return tallies


def wanted_rows(wanted: RowFilter, requests: Requests) -> list[RequestRow]:
    """Return the rows of the requests that are wanted."""
    rows = chain.from_iterable(map(request_rows, requests))
    return [row for row in rows if wanted.has(row)]
