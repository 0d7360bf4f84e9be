"""Requests grouped by the event that they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.findings import Finding
from retryctl.core.related.client_retry import client_retries
from retryctl.core.related.keys import EventKey, KeyReader, keys_of, known_keys
from retryctl.core.value_classes import value_class

_Identity = tuple[str, str]


@value_class
class RelatedRequests:
    """The requests of one event in the order of their starts: delivery 1, 2 and so on.

    ``key`` is what they share; ``None`` where only their times show it (``finding``).
    """

    requests: tuple[CheckedRequest, ...]
    key: EventKey | None = None
    finding: Finding | None = None

    @property
    def name(self) -> str:
        """The key and its value, or ``client retry``."""
        return f"{self.key.name} {self.key.value}" if self.key else "client retry"

    @property
    def ids(self) -> Iterator[str]:
        """The request IDs, and the value of the key."""
        yield from (one.request.request_id for one in self.requests)
        if self.key:
            yield self.key.value.lower()


def counts_by_key(groups: Iterable[RelatedRequests]) -> dict[str, tuple[int, int]]:
    """Return the number of events and of request IDs, by the name of the key."""
    counts: dict[str, tuple[int, int]] = {}
    for group in groups:
        name = group.key.name if group.key else "client-retry"
        events, ids = counts.get(name, (0, 0))
        counts[name] = (events + 1, ids + len(group.requests))
    return dict(sorted(counts.items()))


def related_requests(
    requests: Sequence[CheckedRequest], read: KeyReader = known_keys
) -> list[RelatedRequests]:
    """Group the requests of each function by a shared key, then by the pattern of a client retry.

    A request belongs to one group at most; one alone is not a group.
    """
    groups: list[RelatedRequests] = []
    grouped: set[_Identity] = set()
    for of_function in _by_function(requests):
        for key, members in _by_key(of_function, read):
            fresh = [one for one in members if _identity(one) not in grouped]
            if len(fresh) > 1:
                grouped.update(map(_identity, fresh))
                groups.append(RelatedRequests(requests=tuple(fresh), key=key))
        for found in client_retries(of_function):
            if grouped.isdisjoint(map(_identity, found.requests)):
                grouped.update(map(_identity, found.requests))
                groups.append(RelatedRequests(requests=found.requests, finding=found.finding))
    return sorted(groups, key=lambda group: group.requests[0].request.placed_ms)


def _by_function(requests: Iterable[CheckedRequest]) -> list[list[CheckedRequest]]:
    found: dict[str, list[CheckedRequest]] = defaultdict(list)
    for one in requests:
        found[one.request.function or one.request.log_group or ""].append(one)
    return [sorted(some, key=lambda one: one.request.placed_ms) for some in found.values()]


def _by_key(
    requests: Sequence[CheckedRequest], read: KeyReader
) -> list[tuple[EventKey, list[CheckedRequest]]]:
    found: dict[EventKey, list[CheckedRequest]] = defaultdict(list)
    for one in requests:
        for key in keys_of(one, read):
            found[key].append(one)
    return sorted(found.items())


def _identity(checked: CheckedRequest) -> _Identity:
    return checked.request.log_group or "", checked.request.request_id
