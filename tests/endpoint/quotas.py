"""Calls a second for each operation, by a token bucket that holds one second's worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tests.endpoint.errors import Refusal

# The smaller of the figures that AWS documents for most regions.
AWS_QUOTAS: Mapping[str, float] = {
    "FilterLogEvents": 10,
    "GetLogEvents": 10,
    "DescribeLogStreams": 25,
    "DescribeLogGroups": 10,
    "StartQuery": 5,
    "GetQueryResults": 5,
}


class Quotas:
    """``rates``: operation -> calls a second. What is not named is not limited."""

    def __init__(
        self, rates: Mapping[str, float], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._rates = dict(rates)
        self._seconds = seconds
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, operation: str) -> None:
        """Raise ``ThrottlingException`` where the second's calls are used up."""
        rate = self._rates.get(operation)
        if rate is None:
            return
        now = self._seconds()
        left, at = self._left.get(operation, (rate, now))
        left = min(rate, left + (now - at) * rate)
        self._left[operation] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise Refusal("ThrottlingException", "Rate exceeded")
