"""The pattern of a caller that gave up reading and invoked again.

An SDK or the AWS CLI stops reading a synchronous invocation after its read timeout, 60 s by
default, and invokes again within two seconds, under a new request ID, while the first still runs.
Independent requests can show the same times by chance, and a schedule does so all the time. A
chain counts only

- where the times of its requests are unlikely among the other requests of the function; or where
  all of its requests logged a line that no other request logged;
- from three requests on, for another read timeout than 60 s;
- up to five requests: callers invoke no more often, and a schedule goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding, Match, Rule, Severity
from retryctl.core.value_classes import value_class

READ_TIMEOUT_MS = 60_000
"""The read timeout of the SDKs and the AWS CLI."""
BACKOFF_MS = 2_000
"""The longest wait of a caller before it invokes again."""
_SHORTEST_TIMEOUT_MS = 3_000
_MOST_OVERLAPS = 50
_MOST_CALLS = 5
_STATED_FROM = 3
_BY_CHANCE = 0.01


@value_class
class ClientRetry:
    """Requests that one caller made one after another. ``stated``: more than "may be"."""

    requests: tuple[CheckedRequest, ...]
    stated: bool

    @property
    def finding(self) -> Finding:
        """The finding, with the START of each request as evidence."""
        return next(CLIENT_RETRY.find(self))

    @property
    def starts_ms(self) -> list[int]:
        """When each request began, in epoch milliseconds."""
        return [request.request.placed_ms for request in self.requests]


def _explain(chain: ClientRetry) -> Iterator[Match]:
    first = chain.requests[0].request.attempts[0]
    gaps = [(later - earlier) / 1000 for earlier, later in pairwise(chain.starts_ms)]
    times = [f"{gap:.1f} s" for gap in gaps]
    shown = ", ".join(times if len(set(times)) > 1 else times[:1])
    modal = "is" if chain.stated else "may be"
    events = [request.request.attempts[0].start_event for request in chain.requests]
    yield Match(
        None,
        f"This {modal} one event under {len(chain.requests)} request IDs: each began "
        f"{shown} after the one before, which still ran: a caller stops reading after "
        "its read timeout (60 s by default) and invokes again.",
        tuple(event for event in events if event) or first.events[:1],
    )


CLIENT_RETRY = Rule(
    id="client-retry",
    severity=Severity.INFO,
    remedy=(
        "Set the caller's read timeout above the function's timeout, set its maximum of "
        "attempts to 1, or invoke asynchronously."
    ),
    matches=_explain,
)


def client_retries(requests: Sequence[CheckedRequest]) -> Iterator[ClientRetry]:
    """Yield the chains among the requests of one function, the default read timeout first."""
    ordered = sorted(
        (request for request in requests if _runs(request)),
        key=lambda request: (request.request.placed_ms, request.request.request_id),
    )
    used: set[str] = set()
    for chains in (_sharing_a_line, _default_chains, _other_chains):
        for chain in chains(ordered, used):
            if used.isdisjoint(one.request.request_id for one in chain):
                used.update(one.request.request_id for one in chain)
                yield ClientRetry(requests=tuple(chain), stated=len(chain) >= _STATED_FROM)


_Chains = Iterator[list[CheckedRequest]]


def _sharing_a_line(ordered: Sequence[CheckedRequest], used: set[str]) -> _Chains:
    """Yield the chains whose requests, and no others, logged the same line, the longest first."""
    logged: dict[str, list[CheckedRequest]] = defaultdict(list)
    for request in ordered:
        for line in _own_lines(request):
            logged[line].append(request)
    few = (some for some in logged.values() if 2 <= len(some) <= _MOST_CALLS)
    yield from sorted(filter(_is_chain, few), key=len, reverse=True)


def _is_chain(requests: Sequence[CheckedRequest]) -> bool:
    """Whether each begins one read timeout after the one before, which still runs."""
    starts_ms = [one.request.placed_ms for one in requests]
    gaps_ms = [later - earlier for earlier, later in pairwise(starts_ms)]
    if not all(map(_still_runs, requests, starts_ms[1:])):
        return False
    if len(requests) < _STATED_FROM:
        return READ_TIMEOUT_MS <= gaps_ms[0] <= READ_TIMEOUT_MS + BACKOFF_MS
    return min(gaps_ms) >= _SHORTEST_TIMEOUT_MS and max(gaps_ms) - min(gaps_ms) <= BACKOFF_MS


def _default_chains(ordered: Sequence[CheckedRequest], used: set[str]) -> _Chains:
    for place, request in enumerate(ordered):
        if request.request.request_id in used:
            continue
        chain = _chain(ordered, [place], READ_TIMEOUT_MS, used)
        if 2 <= len(chain) <= _MOST_CALLS:
            if _is_unlikely(chain, ordered):
                yield chain
        else:
            used.update(one.request.request_id for one in chain[1:])  # a schedule


def _other_chains(ordered: Sequence[CheckedRequest], used: set[str]) -> _Chains:
    """Follow each request that another overlaps, with the time between them as the timeout."""
    for place, first in enumerate(ordered):
        for later in range(place + 1, min(place + 1 + _MOST_OVERLAPS, len(ordered))):
            at_ms = ordered[later].request.placed_ms
            timeout_ms = at_ms - first.request.placed_ms - BACKOFF_MS
            if not _still_runs(first, at_ms) or first.request.request_id in used:
                break
            if timeout_ms < _SHORTEST_TIMEOUT_MS or ordered[later].request.request_id in used:
                continue
            chain = _chain(ordered, [place, later], timeout_ms, used, 2 * BACKOFF_MS)
            if _STATED_FROM <= len(chain) <= _MOST_CALLS and _is_unlikely_for_any_timeout(
                chain, ordered
            ):
                yield chain


def _runs(checked: CheckedRequest) -> bool:
    """Whether the request ran once, with a known start."""
    attempts = checked.request.attempts
    return len(attempts) == 1 and attempts[0].started_ms is not None


def _chain(
    ordered: Sequence[CheckedRequest],
    places: Sequence[int],
    timeout_ms: int,
    used: set[str],
    backoff_ms: int = BACKOFF_MS,
) -> list[CheckedRequest]:
    """Follow the last of ``places`` to each request that begins a timeout later while it runs."""
    chain = [ordered[place] for place in places]
    for later in ordered[places[-1] + 1 :]:
        gap_ms = later.request.placed_ms - chain[-1].request.placed_ms
        if gap_ms > timeout_ms + backoff_ms:
            break
        fits = gap_ms >= timeout_ms and later.request.request_id not in used
        if fits and _still_runs(chain[-1], later.request.placed_ms):
            chain.append(later)
    return chain


def _still_runs(checked: CheckedRequest, at_ms: int) -> bool:
    ended_ms = checked.request.attempts[0].ended_ms
    return ended_ms is None or ended_ms > at_ms


def _own_lines(checked: CheckedRequest) -> frozenset[str]:
    """Return the lines that the function printed and that name no request."""
    request_id = checked.request.request_id
    (attempt,) = checked.request.attempts
    return frozenset(
        event.message
        for event in attempt.events
        if request_id not in event.message and any(c.isdigit() for c in event.message)
    )


def _is_unlikely(chain: Sequence[CheckedRequest], ordered: Sequence[CheckedRequest]) -> bool:
    """Whether less than 0.01 such chains are expected among independent requests."""
    others = len(ordered) - len(chain)
    if not others:
        return True
    if _goes_on(chain, ordered, READ_TIMEOUT_MS):
        return False
    rate = others / max(_span_ms(ordered), READ_TIMEOUT_MS)
    long_runs = sum(_still_runs(one, one.request.placed_ms + READ_TIMEOUT_MS) for one in ordered)
    expected = long_runs * (rate * BACKOFF_MS) ** (len(chain) - 1)
    return float(expected) < _BY_CHANCE


def _is_unlikely_for_any_timeout(
    chain: Sequence[CheckedRequest], ordered: Sequence[CheckedRequest]
) -> bool:
    """Whether less than 0.01 chains are expected where the first pair may have any distance."""
    starts_ms = [one.request.placed_ms for one in chain]
    if _goes_on(chain, ordered, (starts_ms[-1] - starts_ms[0]) // (len(chain) - 1)):
        return False
    rate = len(ordered) / max(_span_ms(ordered), 1)
    pairs = sum(
        _still_runs(one, other.request.placed_ms)
        for place, one in enumerate(ordered)
        for other in ordered[place + 1 : place + 1 + _MOST_OVERLAPS]
    )
    return float(pairs * (rate * 2 * BACKOFF_MS) ** (len(chain) - 2)) < _BY_CHANCE


def _goes_on(
    chain: Sequence[CheckedRequest], ordered: Sequence[CheckedRequest], every_ms: int
) -> bool:
    """Whether another request stands where a schedule would have it, before or after the chain."""
    first_ms, last_ms = chain[0].request.placed_ms, chain[-1].request.placed_ms
    expected = (first_ms - every_ms, last_ms + every_ms)
    return any(
        abs(one.request.placed_ms - at_ms) <= 2 * BACKOFF_MS
        for one in ordered
        for at_ms in expected
    )


def _span_ms(ordered: Sequence[CheckedRequest]) -> int:
    return ordered[-1].request.placed_ms - ordered[0].request.placed_ms
