"""Temporary files, and folders that a later run removes where the program was killed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from retryctl.errors import CouldNotRead

_PREFIX = "retryctl-"
# A process locks this file as long as it lives, in whatever container.
_LOCK = "retryctl.lock"
_folders: set[Path] = set()
ENDING_SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block the signals that end the program; a process that starts meanwhile keeps them so."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def temporary_file(buffering: int = -1) -> IO[bytes]:
    """Make a file without a name. Raises OSError where none can be made.

    Python writes a trial file to find the folder: a signal at that moment would leave it.
    """
    with signals_blocked():
        return tempfile.TemporaryFile(buffering=buffering)


def find_temporary_folder() -> None:
    """Let Python find the folder now, for this process and those that it starts."""
    with suppress(OSError), signals_blocked():
        tempfile.gettempdir()


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Yield a new folder, which is removed at the end of the block, and remove stale ones.

    Raises CouldNotRead where no folder can be made.
    """
    # The name is known before the folder exists: a signal at any moment leaves nothing.
    folder, lock = _unused_name(purpose), -1
    _folders.add(folder)
    try:
        lock = _create(folder)
        yield folder
    finally:
        _remove(folder)
        _folders.discard(folder)
        if lock >= 0:
            os.close(lock)


def remove_remaining() -> None:
    """Remove the folders of this process whose removal a signal broke off."""
    for folder in tuple(_folders):
        _remove(folder)


def _unused_name(purpose: str) -> Path:
    find_temporary_folder()
    with _refusals():
        _remove_stale()
        return Path(tempfile.gettempdir(), f"{_PREFIX}{purpose}-{secrets.token_hex(8)}")


def _create(folder: Path) -> int:
    """Make the folder, and return its lock."""
    with _refusals():
        while True:
            folder.mkdir(mode=0o700)
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            with suppress(
                OSError
            ):  # a file system without locks: another run cannot take it for stale
                fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / _LOCK).exists():
                return lock
            os.close(lock)  # another run removed it before it was locked


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CouldNotRead(
            f"cannot make a temporary folder: {error.strerror or error}",
            "Set TMPDIR to a folder that can be written and has room.",
        ) from error


def _remove_stale() -> None:
    """Remove the folders of processes that were killed: those without a lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is in use, somebody else's, or not ours at all
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
            finally:
                os.close(lock)


def _remove(folder: Path) -> None:
    """Remove a folder, also where a function removed its own permissions."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            inner = os.path.join(parent, name)
            if not os.path.islink(inner):
                with suppress(OSError):  # it was removed meanwhile, or is somebody else's
                    os.chmod(inner, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
