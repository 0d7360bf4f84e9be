"""What goes wrong on demand: one by one, or mixed at a rate, the same for the same seed.

======================  =====================================================================
``throttle``            ThrottlingException
``error``               500 or 503
``denied``              AccessDeniedException for this call alone (in a script only)
``reset``               the connection is reset before an answer
``cut``                 the answer breaks off in the middle
``slow``                the answer takes ``slow_s`` longer
``empty-page``          a page without events and with a token, though events remain
``repeat-token``        the same, with the very token that was sent (FilterLogEvents only: in
                        GetLogEvents it means the end)
``expired-token``       the page token that was sent is refused
``close``               the connection is closed without an answer (in a script or by rate)
``hang``                no answer comes (in a script or by rate)
``bad-header``          an answer whose first line is no status line
``garbage``             200 with a body that is not JSON
``html``                200 with a page of HTML, as a captive portal gives
``json-list``           200 with JSON that is not an object
``redirect``            302 to another host
======================  =====================================================================
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from tests.endpoint.errors import invalid

KINDS = (
    "throttle",
    "error",
    "reset",
    "cut",
    "slow",
    "empty-page",
    "repeat-token",
    "expired-token",
)
# Faults that are never mixed in: a client need not survive them.
WIRE_KINDS = ("close", "hang", "bad-header", "garbage", "html", "json-list", "redirect")
HUNG_HEADER = "X-Hung"
_PAGED = frozenset({"FilterLogEvents", "GetLogEvents"})
_OPERATIONS = {
    "empty-page": _PAGED,
    "repeat-token": frozenset({"FilterLogEvents"}),
    "expired-token": _PAGED,
}


@dataclass(slots=True, kw_only=True)
class Faults:
    """``rates``: kind -> share of the calls. ``script``: operation -> faults of its next calls.

    ``denied`` are IAM actions such as ``logs:FilterLogEvents``; ``denied_groups`` are log groups
    that may not be read, ``denied_streams`` log streams that may not be read by name.
    ``credentials`` is ``"expired"`` or ``"invalid"``, or ``None`` for good ones. ``regexes`` tells
    whether a regular expression in a filter pattern is refused, or read up to its first ``|``.
    ``of_stream``: log stream -> fault of each GetLogEvents call on it.
    ``later_pages``: fault of each call with a page token.
    ``until``: an end and the fault of each FilterLogEvents call on a window that ends by then.
    ``first_term_only``: of a pattern ``?a ?b`` the service honours the first term only.
    ``hang_s``: a hang is an answer after this time, which ``quick_hangs`` takes for a timeout.
    ``injected`` counts what was done.
    """

    seed: int = 0
    rates: dict[str, float] = field(default_factory=dict)
    script: dict[str, deque[str | None]] = field(default_factory=lambda: defaultdict(deque))
    denied: set[str] = field(default_factory=set)
    denied_groups: set[str] = field(default_factory=set)
    denied_streams: set[str] = field(default_factory=set)
    credentials: str | None = None
    regexes: Literal["refused", "misread"] | None = None
    later_pages: str | None = None
    until: tuple[int, str] | None = None
    of_stream: dict[str, str] = field(default_factory=dict)
    first_term_only: bool = False
    slow_s: float = 0.05
    hang_s: float | None = None
    injected: Counter[str] = field(default_factory=Counter)
    _random: random.Random = field(init=False)
    _good_for: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def reset(self) -> None:
        """Let nothing go wrong any more."""
        self.rates, self.credentials, self.regexes, self.until = {}, None, None, None
        self.first_term_only, self.later_pages, self.hang_s = False, None, None
        for each in (
            *(self.script, self.denied, self.denied_groups, self.denied_streams),
            *(self.injected, self._good_for, self.of_stream),
        ):
            each.clear()

    def expire_after(self, operation: str, calls: int) -> None:
        """The credentials are good for so many calls of ``operation`` only."""
        self._good_for[operation] = calls

    def mix(self, rate: float) -> None:
        """Every kind in equal parts, ``rate`` in all."""
        self.rates = {kind: rate / len(KINDS) for kind in KINDS}

    def bent(self, request: dict[str, Any]) -> dict[str, Any]:
        """The request as the service reads it."""
        pattern = request.get("filterPattern", "")
        if self.first_term_only and pattern.startswith("?"):
            return request | {"filterPattern": pattern.partition(" ")[0]}
        if not self.regexes or "%" not in pattern:
            return request
        self.injected[self.regexes] += 1
        if self.regexes == "refused":
            raise invalid("Invalid filter pattern")
        return request | {"filterPattern": pattern.partition("|")[0] + "%"}

    def next(
        self, operation: str, *, has_token: bool, request: Mapping[str, Any] = MappingProxyType({})
    ) -> str | None:
        """The fault of this call, or ``None``. Page faults come to paged operations only."""
        if operation in self._good_for:
            self._good_for[operation] -= 1
            if self._good_for[operation] < 0:
                self.credentials = "expired"
        scripted = self.script[operation]
        if scripted and not (scripted[0] == "expired-token" and not has_token):
            kind = scripted.popleft()
        else:
            kind = self._chosen(request) or self._drawn(operation, has_token)
        if kind is not None:
            self.injected[kind] += 1
        return kind

    def _chosen(self, request: Mapping[str, Any]) -> str | None:
        """The fault of what the request wants to read."""
        if self.later_pages and "nextToken" in request:
            return self.later_pages
        if self.until and request.get("endTime", math.inf) <= self.until[0]:
            return self.until[1]
        return self.of_stream.get(request.get("logStreamName", ""))

    def _drawn(self, operation: str, has_token: bool) -> str | None:
        draw = self._random.random()
        for kind, rate in self.rates.items():
            draw -= rate
            if draw < 0:
                possible = operation in _OPERATIONS.get(kind, {operation})
                return kind if possible and (has_token or kind != "expired-token") else None
        return None
