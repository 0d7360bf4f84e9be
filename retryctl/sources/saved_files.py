"""Which files a source of saved logs means: a path, a folder, a glob, ``-`` or ``demo``."""

from __future__ import annotations

import difflib
import glob
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import IO

from retryctl.errors import UnreadableInput

DEMO = "demo"
STDIN = "-"

_EXPORT_TEST = "aws-logs-write-test"  # CreateExportTask writes it to see whether it may write


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFile:
    """One file: it can be opened again and again. ``folder`` is the name of the folder it is in."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]
    folder: str = ""


def find_files(source: str, stdin: IO[bytes] | None) -> tuple[SavedFile, ...]:
    """The files that ``source`` means, in the order of their names.

    ``stdin`` is what ``-`` reads, the process's own where it is ``None``. Raises UnreadableInput
    where there is no file, or where it may not be looked at.
    """
    if source == DEMO:
        return (_demo(),)
    if source == STDIN:
        return (_spooled("standard input", stdin or sys.stdin.buffer),)
    try:
        return tuple(_found(source))
    except OSError as error:
        raise cannot_open(source, error) from error


def names_one_file(source: str) -> bool:
    """Whether ``source`` is one file, which must be readable, and no set of them."""
    return source in (DEMO, STDIN) or (os.path.exists(source) and not os.path.isdir(source))


def cannot_open(name: str, error: OSError) -> UnreadableInput:
    """What to say where the operating system refuses ``name``."""
    if isinstance(error, PermissionError):
        return UnreadableInput(f"not allowed to read {name}.", "Allow it, or read a copy of it.")
    return UnreadableInput(f"cannot read {name}: {error.strerror or error}.")


def _found(source: str) -> Iterator[SavedFile]:
    paths = [source] if os.path.lexists(source) else sorted(glob.glob(source, recursive=True))
    if not paths:
        raise _missing(source)
    for path in paths:
        if os.path.isdir(path):
            yield from _in_folder(path)
        elif os.path.basename(path) != _EXPORT_TEST or path == source:
            yield _file(path)


def _in_folder(folder: str) -> Iterator[SavedFile]:
    """Its files, but for empty ones, which hide nothing; and the folders that are closed to us."""
    closed: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=closed.append):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            if name != _EXPORT_TEST and os.path.isfile(path) and os.path.getsize(path):
                yield _file(path)
    for error in closed:  # to open them fails as listing them did, and there it is told
        yield SavedFile(name=error.filename, size=0, open=partial(_open, error.filename))


def _open(path: str) -> IO[bytes]:
    return open(path, "rb")


def _file(path: str) -> SavedFile:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # a pipe, as of <(zcat log.gz): it can be read only once
        with open(path, "rb") as pipe:
            return _spooled(path, pipe)
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    return SavedFile(name=path, size=status.st_size, open=partial(_open, path), folder=folder)


def _spooled(name: str, stream: IO[bytes]) -> SavedFile:
    """A copy of ``stream`` in a temporary file, which is gone when nothing refers to it."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - it must outlive this function
    shutil.copyfileobj(stream, copy)
    size = copy.tell()

    def reopen() -> IO[bytes]:
        copy.seek(0)
        return open(os.dup(copy.fileno()), "rb")

    return SavedFile(name=name, size=size, open=reopen)


def _demo() -> SavedFile:
    demo = resources.files("retryctl") / "demo.jsonl"
    content = demo.read_bytes()
    return SavedFile(name=DEMO, size=len(content), open=lambda: demo.open("rb"))


def _missing(source: str) -> UnreadableInput:
    if glob.has_magic(source):
        return UnreadableInput(f"no file matches {source}.", "Quote it where the shell expands it.")
    folder, name = os.path.split(source)
    try:
        near = difflib.get_close_matches(name, os.listdir(folder or "."))
    except FileNotFoundError:
        return UnreadableInput(f"there is no {source}: its folder is not there either.")
    if near:
        names = ", ".join(os.path.join(folder, name) for name in near)
        return UnreadableInput(f"there is no {source}.", f"Near to it: {names}.")
    return UnreadableInput(
        f"there is no {source}.", "Name a file, a folder, a glob or - for stdin."
    )
