"""Count in two stores, so that one that fails leaves a number."""

from __future__ import annotations

from retryctl.counters.attempts import Taken, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from retryctl.counters.protocol import Counter


class FallbackCounter:
    """Count in ``first``; where it fails, with the number of ``second``.

    Every attempt is recorded in both, or ``second`` would know only those that ``first`` missed.
    ``second`` comes first, as ``TmpCounter`` takes no time.
    """

    def __init__(self, first: Counter, second: Counter) -> None:
        self._first = first
        self._second = second

    @property
    def store(self) -> str:
        """Return the name of the first store."""
        return self._first.store

    def take(self, key: str) -> int:
        """Record in both; return the first store's number, else the second's."""
        try:
            spare: int | None = self._second.take(key)
        except Exception:
            spare = None
        try:
            return self._first.take(key)
        except Exception as error:
            if spare is None:
                raise
            message = f"{self._first.store}: {described(error)}"
            return Taken.of(spare, error=message, store=self._second.store)
