"""The count of a request in the durable store of a counter."""

from __future__ import annotations

from retryctl.core.model.events import LogEvent
from retryctl.core.value_classes import value_class


@value_class
class StoreCount:
    """The attempts of a request that ``store`` (its URL) recorded, each as a piece of evidence.

    An event's message is the place of the record, its ``timestamp_ms`` the time of it; it has no
    log stream.
    """

    request_id: str
    store: str
    evidence: tuple[LogEvent, ...]

    @property
    def count(self) -> int:
        """The number of attempts recorded; 0 where the store does not know the request."""
        return len(self.evidence)
