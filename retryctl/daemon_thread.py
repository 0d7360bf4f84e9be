"""Start threads without waiting for them.

``threading.Thread.start`` waits until the new thread runs: for ever, if it has no memory to begin.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable


def start_daemon_thread(function: Callable[..., None], *arguments: object) -> bool:
    """Run ``function`` in a thread that does not keep the program from ending.

    Return false where the machine allows no thread.
    """
    try:
        _thread.start_new_thread(function, arguments)
    except (RuntimeError, MemoryError):
        return False
    return True
