"""Request IDs in the bytes of a log that differ from a mistyped one in one or two characters."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import REQUEST_ID
from retryctl.core.wording import MOST_DIFFERENT, different_characters

MOST_MISTYPED = 3
"""Near IDs of more than this many are not searched: a long list of IDs was not typed."""
_ID = late_regex(REQUEST_ID.encode())
_LENGTH, _PART = 36, 12
_LEAD = len(r"requestId\": \"")


def near_ids_in(raw: bytes, request_ids: Collection[bytes]) -> frozenset[bytes]:
    """Return the request IDs in a block of a log that are near one of ``request_ids``.

    Only places that share a third of an ID with it are compared. An ID counts where the log names
    it as a request ID.
    """
    if len(request_ids) > MOST_MISTYPED:
        return frozenset()
    return frozenset(near for one in request_ids for near in _near(raw, one))


def _near(raw: bytes, request_id: bytes) -> Iterator[bytes]:
    compared = {request_id}
    for at in _places(raw, request_id):
        one = raw[at : at + _LENGTH]
        if one in compared or b"requestid" not in raw[max(at - _LEAD, 0) : at].lower():
            continue
        compared.add(one)
        if _ID.fullmatch(one) and different_characters(request_id, one) <= MOST_DIFFERENT:
            yield one


def _places(raw: bytes, request_id: bytes) -> Iterator[int]:
    """Yield where an ID with one of the thirds begins: two wrong characters leave one right."""
    for first in range(0, _LENGTH, _PART):
        part = request_id[first : first + _PART]
        at = raw.find(part, first)
        while at >= 0:
            yield at - first
            at = raw.find(part, at + _PART)
