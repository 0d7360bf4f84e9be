"""The public protocol of a store, for type checkers and for stores of your own."""

from __future__ import annotations

from typing import Protocol


class Counter(Protocol):
    """A store of attempts.

    ``store`` is its name in the marker. ``take`` records this attempt of ``key`` and returns how
    many came before it; whatever it raises leaves the count unknown.
    """

    @property
    def store(self) -> str:
        """Return the store's name in the marker."""

    def take(self, key: str) -> int:
        """Record one more attempt, and return the number of earlier ones."""
