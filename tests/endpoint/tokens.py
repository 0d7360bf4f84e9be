"""Page tokens: opaque, bound to the request that began, and good for a time."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable

from tests.endpoint.errors import invalid

LIFETIME_MS = 24 * 3_600_000
_SEAL = b"strict"


class Tokens:
    """``clock`` gives epoch milliseconds. Each token is new, even for the same place."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._issued = 0

    def issue(self, request: object, place: list[int]) -> str:
        """A token for ``place`` in the answer to ``request`` (anything JSON can write)."""
        self._issued += 1
        body = json.dumps([_digest(request), place, self._clock(), self._issued]).encode()
        return base64.urlsafe_b64encode(hashlib.sha1(_SEAL + body).digest()[:6] + body).decode()

    def place(self, request: object, token: str) -> list[int]:
        """The place that the token stands for; refused when forged, foreign or expired."""
        try:
            raw = base64.urlsafe_b64decode(token)
            if hashlib.sha1(_SEAL + raw[6:]).digest()[:6] != raw[:6]:
                raise ValueError("forged")
            digest, place, issued_ms, _ = json.loads(raw[6:])
        except ValueError as error:
            raise refused() from error
        if digest != _digest(request) or self._clock() - issued_ms > LIFETIME_MS:
            raise refused()
        return list(place)


def refused() -> Exception:
    return invalid("The specified nextToken is invalid.")


def _digest(request: object) -> str:
    return hashlib.sha1(json.dumps(request, sort_keys=True).encode()).hexdigest()[:10]
