"""The pattern of a caller that gave up reading and invoked again.

An SDK or the AWS CLI stops reading a synchronous invocation after 60 s by default, and invokes
again within two seconds, under a new request ID, while the first still runs. Independent requests
can show the same times by chance, and a schedule does so all the time. A chain counts only

- where the times of its requests are unlikely among the other requests of the function; or where
  all of its requests logged a line that no other request logged;
- up to five requests: callers invoke no more often, and a schedule goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retryctl.core.crosscheck.findings import Finding, Match, Rule, Severity
from retryctl.core.crosscheck.verdict import CheckedRequest

READ_TIMEOUT_MS = 60_000
"""The read timeout of the SDKs and the AWS CLI."""
BACKOFF_MS = 2_000
"""The longest wait of a caller before it invokes again."""
_MOST_CALLS = 5
_STATED_FROM = 3
_BY_CHANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
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
    times = ", ".join(f"{gap:.1f} s" for gap in gaps)
    modal = "is" if chain.stated else "may be"
    events = [request.request.attempts[0].start_event for request in chain.requests]
    yield (
        None,
        f"This {modal} one event under {len(chain.requests)} request IDs: each began "
        f"{times} after the one before, which still ran: a caller stops reading after "
        "60 s by default and invokes again.",
        tuple(event for event in events if event) or first.events[:1],
    )


CLIENT_RETRY = Rule(
    id="client-retry",
    severity=Severity.INFO,
    remedy=(
        "Set the caller's read timeout above the function's timeout, set its maximum of "
        "attempts to 1, or invoke asynchronously."
    ),
    look=_explain,
)


def client_retries(requests: Sequence[CheckedRequest]) -> Iterator[ClientRetry]:
    """Yield the chains among the requests of one function."""
    ordered = sorted(
        (request for request in requests if _runs(request)),
        key=lambda request: (request.request.placed_ms, request.request.request_id),
    )
    lines = Counter(line for request in ordered for line in _own_lines(request))
    used: set[str] = set()
    for place, request in enumerate(ordered):
        if request.request.request_id in used:
            continue
        chain = _chain(ordered, place, used)
        if not 2 <= len(chain) <= _MOST_CALLS:
            used.update(one.request.request_id for one in chain[1:])  # a schedule
            continue
        if _share_a_line(chain, lines) or _is_unlikely(chain, ordered):
            used.update(one.request.request_id for one in chain)
            yield ClientRetry(requests=tuple(chain), stated=len(chain) >= _STATED_FROM)


def _runs(checked: CheckedRequest) -> bool:
    """Whether the request ran once, with a known start."""
    attempts = checked.request.attempts
    return len(attempts) == 1 and attempts[0].started_ms is not None


def _chain(ordered: Sequence[CheckedRequest], place: int, used: set[str]) -> list[CheckedRequest]:
    """Follow from one request to the next that begins a read timeout later while it runs."""
    chain = [ordered[place]]
    for later in ordered[place + 1 :]:
        gap_ms = later.request.placed_ms - chain[-1].request.placed_ms
        if gap_ms > READ_TIMEOUT_MS + BACKOFF_MS:
            break
        fits = gap_ms >= READ_TIMEOUT_MS and later.request.request_id not in used
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


def _share_a_line(chain: Sequence[CheckedRequest], lines: Counter[str]) -> bool:
    """Whether all requests of the chain logged a line, and no other request did."""
    shared = frozenset.intersection(*map(_own_lines, chain))
    return any(lines[line] == len(chain) for line in shared)


def _is_unlikely(chain: Sequence[CheckedRequest], ordered: Sequence[CheckedRequest]) -> bool:
    """Whether less than 0.01 such chains are expected among independent requests.

    A schedule of one a minute is recognized by the request before or after the chain.
    """
    others = len(ordered) - len(chain)
    if not others:
        return True
    before, after = chain[0].request.placed_ms, chain[-1].request.placed_ms
    for one in ordered:
        start_ms = one.request.placed_ms
        if abs(before - start_ms - READ_TIMEOUT_MS) <= 2 * BACKOFF_MS:
            return False
        if abs(start_ms - after - READ_TIMEOUT_MS) <= 2 * BACKOFF_MS:
            return False
    first, last = ordered[0].request.placed_ms, ordered[-1].request.placed_ms
    rate = others / max(last - first, READ_TIMEOUT_MS)
    long_runs = sum(_still_runs(one, one.request.placed_ms + READ_TIMEOUT_MS) for one in ordered)
    expected = long_runs * (rate * BACKOFF_MS) ** (len(chain) - 1)
    return float(expected) < _BY_CHANCE
