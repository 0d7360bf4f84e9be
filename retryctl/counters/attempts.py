"""What the stores share: request IDs that are fit to be a name, and the names of attempts."""

from __future__ import annotations

import os
import time

_FIT = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")


def checked(request_id: object) -> str:
    """``request_id`` itself, if it can be part of a file's name, an object's key and a search.

    Raises ``ValueError`` for one that is missing, is longer than 128 characters, or holds
    anything but ASCII letters, digits and hyphens: no path separator, no dot, no wildcard.
    """
    if isinstance(request_id, str) and 0 < len(request_id) <= 128 and _FIT.issuperset(request_id):
        return request_id
    raise ValueError(f"not a request ID: {request_id!r:.80}")


def stamp(time_us: int) -> str:
    """Epoch microseconds in UTC as the 20 digits of ``%Y%m%d%H%M%S%f``, which sort as text."""
    seconds, micros = divmod(time_us, 1_000_000)
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds)) + f"{micros:06d}"


def attempt_name(time_s: float) -> str:
    """A name for one attempt that no other has: when it was recorded, then eight random digits.

    A client that sends its request twice sends the same name, so that a retry inside the AWS
    client never counts an attempt twice.
    """
    return f"{stamp(int(time_s * 1_000_000))}-{os.urandom(4).hex()}"
