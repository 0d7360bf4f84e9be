"""What a function said of itself: counters and branches."""

from __future__ import annotations

from dataclasses import dataclass

from retryctl.core.records import LogEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one attempt logged: ``counter`` (earlier attempts, it says) and ``branch`` (its name).

    ``evidence`` are the events that say so. Both are ``None`` for an attempt that logged nothing.
    """

    counter: int | None = None
    branch: str | None = None
    evidence: tuple[LogEvent, ...] = ()
