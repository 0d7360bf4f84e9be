"""Read one fact; a fact that cannot be read is ``NotRead``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from retryctl.core.doctor.facts import NotRead
from retryctl.errors import AccessDenied, CouldNotLook, NoSuchLogGroup
from retryctl.sources.aws.errors import Refused

T = TypeVar("T")
_ABSENT = ("NotFound", "NonExistent", "DoesNotExist", "NoSuch", "404")


def read_fact(action: str, read: Callable[[], T]) -> T | NotRead:
    """Return what ``read`` returns, or why it failed. ``action`` is the IAM action it needs."""
    try:
        return read()
    except CouldNotLook as error:
        return reason_not_read(action, error)


def fact_or_none(action: str, read: Callable[[], T]) -> T | NotRead | None:
    """Return what ``read`` returns; ``None`` where the resource does not exist."""
    try:
        return read()
    except CouldNotLook as error:
        return None if is_absent(error) else reason_not_read(action, error)


def is_absent(error: CouldNotLook) -> bool:
    """Whether the service answered that the resource does not exist."""
    if isinstance(error, NoSuchLogGroup):
        return True
    return isinstance(error, Refused) and any(word in error.code for word in _ABSENT)


def reason_not_read(action: str, error: CouldNotLook) -> NotRead:
    """Return the reason of a failed call as a sentence."""
    reason = " ".join(error.what.split()).rstrip(".")
    return NotRead(action=action, reason=f"{reason}.", denied=isinstance(error, AccessDenied))
