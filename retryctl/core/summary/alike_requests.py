"""Requests as a reader of large logs gives them: of those that are alike one is checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.summary.silent_successes import CompactAttempt, SilentSuccesses
from retryctl.core.value_classes import value_class


@value_class
class AlikeRequests:
    """Requests that differ from ``checked`` in ID, times and figures only.

    ``attempts`` has the attempts of each request, in their order.
    """

    checked: CheckedRequest
    attempts: Sequence[Sequence[CompactAttempt]]


Requests = Iterable["CheckedRequest | SilentSuccesses"]
"""Some requests; silent successes come many at a time."""
CountedRequests = Iterable["CheckedRequest | SilentSuccesses | AlikeRequests"]
"""Some requests; others that are alike come many at a time too."""
