"""Errors at a limit of this machine: memory, open files, threads, room on the disk."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import suppress

from retryctl.errors import CouldNotRead

TOO_LITTLE_MEMORY = (
    "this machine has too little memory for this command (MemoryError)",
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
_LEAST_MEMORY = 64 << 20
_STACK_BYTES = 1 << 20
_NESTED = 20_000  # hash() of so many nested tuples uses about 1 MB of stack
_MOST_CAUSES = 20


def grow_stack() -> None:
    """Grow the stack of the main thread while there is room, if the process has a memory limit.

    The kernel ends a process by SIGSEGV when its stack cannot grow any more.
    """
    if sys.platform == "win32":
        return
    import resource

    limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    most = resource.getrlimit(resource.RLIMIT_STACK)[0]
    if not limited or (most != resource.RLIM_INFINITY and most < 4 * _STACK_BYTES):
        return
    with suppress(MemoryError):
        bytearray(4 * _STACK_BYTES)  # is there room? It is free again at once.
        nested: tuple[object, ...] = ()
        for _ in range(_NESTED):
            nested = (nested,)
        hash(nested)


def machine_limit(error: BaseException) -> CouldNotRead | None:
    """Return the error to print if a limit of this machine caused ``error``.

    Libraries wrap the error of a limit in their own: a failed call to AWS may be a MemoryError.
    """
    found = next(filter(None, map(_limit, _causes(error))), None)
    return CouldNotRead(*found) if found else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether too little memory caused ``error``."""
    return any(_limit(cause) == TOO_LITTLE_MEMORY for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and those that led to it."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _limit(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, MemoryError):
        return TOO_LITTLE_MEMORY
    if isinstance(error, SystemError) and not _has_memory():
        return TOO_LITTLE_MEMORY  # Python without memory lost the MemoryError itself
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return _THREADS
    if hasattr(error, "characters_written"):
        return None  # EAGAIN of a pipe that was set not to block
    if isinstance(error, OSError) and error.errno in _OF_SYSTEM:
        what, next_step = _OF_SYSTEM[error.errno]
        return (f"{error.filename}: {what}" if error.filename else what), next_step
    return None


def _has_memory() -> bool:
    try:
        bytearray(_LEAST_MEMORY)
    except MemoryError:
        return False
    return True
