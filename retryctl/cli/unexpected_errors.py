"""Errors that no command handles: a limit of this machine, or a bug."""

from __future__ import annotations

import errno

from retryctl.errors import CouldNotLook

_REPORT = "Run it again with --debug for the traceback, and please report it."
TOO_LITTLE_MEMORY = (
    "this machine has too little memory for it (MemoryError)",
    "Raise the limit (ulimit -v), read less (--since, a smaller file), or use one CPU: "
    "taskset -c 0 retryctl …",
)
_THREADS = (
    "this machine allows no more threads or processes",
    "Raise the limit of processes (ulimit -u) or of memory (ulimit -v).",
)
_OF_SYSTEM = {
    errno.EMFILE: ("too many files are open", "Raise the limit: ulimit -n 256."),
    errno.ENFILE: ("too many files are open on this machine", "Try again later."),
    errno.ENOSPC: ("no space is left on the disk", "Set TMPDIR to a folder that has room."),
    errno.ENOMEM: TOO_LITTLE_MEMORY,
    errno.EAGAIN: _THREADS,
}


def translate_unexpected(error: Exception) -> CouldNotLook:
    """Return the error to print for one that no command handles."""
    what, next_step = _limit(error) or (f"unexpected {type(error).__name__}: {error}", _REPORT)
    translated = CouldNotLook(what, next_step)
    translated.__cause__ = error
    return translated


def _limit(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, MemoryError):
        return TOO_LITTLE_MEMORY
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return _THREADS
    if isinstance(error, OSError) and error.errno in _OF_SYSTEM:
        what, next_step = _OF_SYSTEM[error.errno]
        return (f"{error.filename}: {what}" if error.filename else what), next_step
    return None
