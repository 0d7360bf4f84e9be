"""The files of a source of saved logs: a path, a folder, a glob, ``-`` or ``demo``."""

from __future__ import annotations

import glob
import io
import os
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

import retryctl
from retryctl.core.late_regex import late_regex
from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import UnreadableInput, UsageError
from retryctl.sources.saved.rotated_files import oldest_first

DEMO = "demo"
STDIN = "-"
STDIN_NAME = "standard input"

_RESERVED = ("cloudwatch", DEMO)
_LIKE_A_FILE = late_regex(r"\.(?:jsonl?|ndjson|log|txt|csv|gz|zst|zip)$", re.IGNORECASE)
_MOST_NAMED = 5
_EXPORT_TEST = "aws-logs-write-test"  # CreateExportTask writes it to test its permission


@value_class
class SavedFile:
    """One file: it can be opened again and again. ``folder`` is the name of the folder it is in.

    ``on_disk``: any process can open it by its name. ``number`` is its place among the files of
    a log.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]
    folder: str = ""
    on_disk: bool = False
    number: int = 0


def instead_of(word: str) -> str | None:
    """Return the way to name a file that was given as a function or an ID; ``None`` for others."""
    if not os.path.exists(word) and not _LIKE_A_FILE.search(word):
        return None
    quoted = shlex.quote(word)
    return f"Give it with --from {quoted}; of several files the folder, or a glob in quotes."


def find_files(source: str, stdin: IO[bytes] | SavedFile | None) -> tuple[SavedFile, ...]:
    """Find the files of ``source``, in the order of their names, or of time (``oldest_first``).

    ``stdin`` is what ``-`` reads, or a copy of it; else it is that of the process. Raises
    UnreadableInput where there is no file, or where it must not be read.
    """
    if source == DEMO:
        return (_demo(),)
    if source == STDIN:
        if isinstance(stdin, SavedFile):
            return (stdin,)
        if stdin is None and sys.stdin is None:
            raise UnreadableInput("standard input is closed.", "Name a file with --from.")
        return (_spooled(STDIN_NAME, stdin or sys.stdin.buffer),)
    _refuse_address(source)
    try:
        found = oldest_first(tuple(_found(source)))
        return tuple(replace(file, number=n) for n, file in enumerate(found))
    except OSError as error:
        raise cannot_open(source, error) from error


def _refuse_address(source: str) -> None:
    """Refuse an address, with the command that makes a file of it."""
    if not source:
        raise UsageError("--from is empty.", "Name a file, a folder, a glob or - for stdin.")
    if source.startswith("s3://"):
        copy = f"aws s3 cp --recursive {shlex.quote(source)} log/"
        raise UnreadableInput(f"cannot read {source} itself.", f"Download it first:\n  {copy}")
    if source.startswith("file://"):
        raise UnreadableInput(f"{source} is an address.", f"Give the path: {source[7:]}")


def names_one_file(source: str) -> bool:
    """Whether ``source`` names one file, which must be readable."""
    return source in (DEMO, STDIN) or (os.path.exists(source) and not os.path.isdir(source))


def cannot_open(name: str, error: OSError) -> UnreadableInput:
    """Build the error of a file that the operating system refuses to open."""
    if isinstance(error, PermissionError):
        return UnreadableInput(f"not allowed to read {name}.", "Allow it, or read a copy of it.")
    return UnreadableInput(f"cannot read {name}: {error.strerror or error}.", "Name another file.")


def _found(source: str) -> Iterator[SavedFile]:
    paths = _paths(source)
    if not paths:
        raise _missing(source)
    for path in paths:
        if os.path.isdir(path):
            yield from _in_folder(path)
        elif os.path.basename(path) != _EXPORT_TEST or len(paths) == 1:
            yield _file(path)


def _paths(source: str) -> list[str]:
    """Return the path that ``source`` names, or those that it matches as a glob."""
    if not os.path.lexists(source):
        source = os.path.expanduser(source)  # quoted, so that the shell did not
    literal = os.path.lexists(source)
    return [source] if literal else sorted(glob.glob(_pattern(source), recursive=True))


def _pattern(source: str) -> str:
    """Return the glob. The way to it is meant as it stands as far as there is one.

    The brackets of a log stream's name are not a set of characters: ``2026-11-23-[$LATEST]0123…``.
    """
    head, tail = source, ""
    while head and not os.path.lexists(head):
        above, name = os.path.split(head)
        if above == head:
            break
        head, tail = above, os.path.join(name, tail) if tail else name
    return os.path.join(glob.escape(head), tail.replace("[$LATEST]", "[[]$LATEST]"))


def _in_folder(folder: str) -> Iterator[SavedFile]:
    """Yield its files that are not empty, and the folders that must not be read."""
    closed: list[OSError] = []
    for parent, _, names in _walk(folder, closed.append):
        for name in sorted(names):
            path = os.path.join(parent, name)
            if name != _EXPORT_TEST and os.path.isfile(path) and os.path.getsize(path):
                yield _file(path)
    for error in closed:  # opening them fails like listing them, and gives the reason
        yield SavedFile(name=error.filename, size=0, open=partial(_open, error.filename))


def _walk(
    folder: str, failed: Callable[[OSError], None] = lambda _: None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each folder that is read, the folders in it that are skipped, and its files."""
    for parent, folders, names in os.walk(folder, onerror=failed):
        skipped = [each for each in sorted(folders) if _is_skipped(os.path.join(parent, each))]
        folders[:] = sorted(set(folders) - set(skipped))
        yield parent, skipped, names


def _is_skipped(folder: str) -> bool:
    """Whether a folder within a folder is not read: it is hidden, or that of a tool."""
    name = os.path.basename(folder)
    return (
        name.startswith(".")
        or name == "node_modules"
        or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
    )


def skipped_folders(source: str) -> list[str]:
    """Return the folders below ``source`` that are not read (some are searched)."""
    if source in (DEMO, STDIN):
        return []
    tops = (path for path in _paths(source) if os.path.isdir(path))
    walked = (found for top in tops for found in _walk(top))
    return [os.path.join(parent, name) for parent, skipped, _ in walked for name in skipped]


def _open(path: str) -> IO[bytes]:
    return open(path, "rb")


def _file(path: str) -> SavedFile:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # a pipe, as of <(zcat log.gz): it can be read only once
        with open(path, "rb") as pipe:
            return _spooled(path, pipe)
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    return SavedFile(
        name=path, size=status.st_size, open=partial(_open, path), folder=folder, on_disk=True
    )


def _spooled(name: str, stream: IO[bytes]) -> SavedFile:
    """Return a copy of ``stream`` in a temporary file, which is gone when nothing refers to it.

    Without a folder for such files it is in memory.
    """
    from retryctl.temporary import temporary_file  # most logs have no use for it

    try:
        copy = temporary_file()  # it must outlive this function
    except OSError:
        content = stream.read()
        return SavedFile(
            name=name,
            size=len(content),
            open=lambda: io.BufferedReader(io.BytesIO(content)),
        )
    try:
        shutil.copyfileobj(stream, copy)
        copy.flush()
    except OSError as error:
        raise cannot_copy(name, error) from error
    size = copy.tell()

    def reopen() -> IO[bytes]:
        copy.seek(0)
        return open(os.dup(copy.fileno()), "rb")

    return SavedFile(name=name, size=size, open=reopen)


def cannot_copy(name: str, error: OSError) -> UnreadableInput:
    """Build the error of a stream of which no temporary copy can be made."""
    import tempfile

    what = f"cannot copy {name} to {tempfile.gettempdir()}: {error.strerror or error}."
    return UnreadableInput(what, "Set TMPDIR to a folder with room, or save it as a file.")


def _demo() -> SavedFile:
    path = Path(retryctl.__file__).with_name("demo.jsonl")
    return SavedFile(name=DEMO, size=path.stat().st_size, open=lambda: path.open("rb"))


def _extension(name: str) -> str:
    return os.path.splitext(name.lower())[1]


def _what_is_there(pattern: str) -> str:
    """Return what the folder has in which a glob matches nothing."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError as error:
        return f"{folder}: {error.strerror}."
    more = ["…"] if len(names) > _MOST_NAMED else []
    shown = ", ".join([*names[:_MOST_NAMED], *more])
    return f"{folder or 'This folder'} has {shown or 'no file'}."


def _missing(source: str) -> UnreadableInput:
    if glob.has_magic(source):
        return UnreadableInput(f"no file matches {source}.", _what_is_there(source))
    folder, name = os.path.split(source.rstrip("/"))
    try:
        names = os.listdir(folder or ".")
    except FileNotFoundError:
        return UnreadableInput(f"{source} does not exist, nor does its folder.", "Check the path.")
    kinds = ("", _extension(name))
    names = [each for each in names if _LIKE_A_FILE.search(each) or _extension(each) in kinds]
    if not folder:
        names += _RESERVED
    return UnreadableInput(
        f"{source} does not exist.",
        suggestions(name if folder else source, names)
        or "Name a file, a folder, a glob or - for stdin.",
    )
