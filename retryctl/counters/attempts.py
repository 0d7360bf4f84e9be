"""What the stores share: keys, the names of attempts, and the result of taking a number."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class CountingStore(Protocol):
        """A store that counts and records in two steps."""

        def count(self, key: str) -> int:
            """Return how many attempts of ``key`` are recorded."""

        def record(self, key: str) -> None:
            """Record one more."""


_FIT = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")


class Taken(int):
    """The number of earlier attempts, with what a plain number does not have.

    ``recorded``: the store now counts this attempt. ``error`` is the error of a store that could
    not, ``store`` the name of the store that gave the number.
    """

    recorded: bool = True
    error: str | None = None
    store: str | None = None

    @classmethod
    def of(
        cls,
        earlier: int,
        *,
        recorded: bool = True,
        error: str | None = None,
        store: str | None = None,
    ) -> Taken:
        """Return ``earlier`` with these attributes."""
        taken = cls(earlier)
        taken.recorded, taken.error, taken.store = recorded, error, store
        return taken


class NotCounted(Exception):
    """The earlier attempts could not be counted. ``recorded``: this one was recorded."""

    recorded = False


def checked(key: object) -> str:
    """Return ``key``, if it can be part of a file's name, an object's key and a search.

    Raises ``ValueError`` for one that is missing, is longer than 128 characters, or holds
    anything but ASCII letters, digits and hyphens: no path separator, no dot, no wildcard.
    """
    if isinstance(key, str) and 0 < len(key) <= 128 and _FIT.issuperset(key):
        return key
    raise ValueError(f"not a request ID: {key!r:.80}")


def described(error: BaseException) -> str:
    """Return an error as the marker has it; a ``NotCounted`` by its cause."""
    cause = (isinstance(error, NotCounted) and error.__cause__) or error
    return f"{type(cause).__name__}: {cause}"


def count_and_record(store: CountingStore, key: str) -> int:
    """Count the earlier attempts, then record this one, even where counting failed.

    The next attempt then counts this one. Raises ``NotCounted`` where counting failed.
    """
    try:
        earlier = store.count(key)
    except Exception as error:
        failure = NotCounted(str(error))
        try:
            store.record(key)
            failure.recorded = True
        except Exception:
            pass  # the first error is the one to report
        raise failure from error
    try:
        store.record(key)
    except Exception as error:
        return Taken.of(earlier, recorded=False, error=described(error))
    return earlier


def time_digits(time_us: int) -> str:
    """Epoch microseconds in UTC as the 20 digits of ``%Y%m%d%H%M%S%f``, which sort as text."""
    seconds, micros = divmod(time_us, 1_000_000)
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds)) + f"{micros:06d}"


def attempt_name(time_s: float) -> str:
    """Return a unique name for one attempt: when it was recorded, then eight random digits.

    A client that sends its request twice sends the same name, so that a retry inside the AWS
    client never counts an attempt twice.
    """
    return f"{time_digits(int(time_s * 1_000_000))}-{os.urandom(4).hex()}"
