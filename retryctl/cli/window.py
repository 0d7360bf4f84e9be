"""The window of time that was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """[since_ms, until_ms), ``None`` where it is open."""

    since_ms: int | None
    until_ms: int | None

    @property
    def is_open(self) -> bool:
        """Whether it is open at both ends."""
        return self.since_ms is None and self.until_ms is None

    def has(self, moment_ms: int) -> bool:
        """Whether the moment lies in it."""
        return (self.since_ms is None or self.since_ms <= moment_ms) and self.is_before_end(
            moment_ms
        )

    def is_before_end(self, moment_ms: int) -> bool:
        """Whether the moment lies before its end."""
        return self.until_ms is None or moment_ms < self.until_ms
