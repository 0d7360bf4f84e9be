"""The requests of some IDs, as they were found in a log."""

from __future__ import annotations

from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.model.coverage import Coverage
from retryctl.core.value_classes import value_class


@value_class
class TracedLog:
    """The requests of some IDs, with all events of their attempts, in order of their start.

    ``mentioned`` has the IDs that any event contains, ``web`` those of requests to web functions.
    ``near`` are request IDs of the log that resemble one that no event contains.
    """

    requests: tuple[CheckedRequest, ...]
    coverage: Coverage
    mentioned: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    web: frozenset[str] = frozenset()
