"""Requests alike: a reader of large logs has the core check the first of them only."""

from __future__ import annotations

from collections.abc import Sequence

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.summary.silent_successes import CompactAttempt
from retryctl.core.value_classes import value_class


@value_class
class AlikeRequests:
    """Requests that differ from ``checked`` in ID, times and figures only.

    ``attempts`` has the attempts of each request, in their order.
    """

    checked: CheckedRequest
    attempts: Sequence[Sequence[CompactAttempt]]
