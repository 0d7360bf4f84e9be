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
