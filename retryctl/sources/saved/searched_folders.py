"""Hidden folders, which are not read: whether a log that somebody moved there is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice

from retryctl.sources.saved.decoding import segments
from retryctl.sources.saved.formats import detect_format
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.refusals import not_a_log
from retryctl.sources.saved.skipped_files import FOLDERS_NOT_READ, Skipped

MOST_SEARCHED = 50
_OF_TOOLS = (".git", ".hg", ".svn", "node_modules")
# what Python, and tools that fill a cache, put into their folders
_MARKS_OF_TOOLS = ("pyvenv.cfg", "CACHEDIR.TAG")
_HAS_LOG = "a hidden folder is not read, and a file in it may contain log events"
_NOT_SEARCHED = (
    f"a hidden folder is not read, and only its first {MOST_SEARCHED} files are searched for a log"
)
_CLOSED = "a hidden folder is not read, and a folder or a file in it cannot be opened"


def searched_folders(folders: Sequence[str]) -> list[Skipped]:
    """Return why each of the folders is skipped, and whether that hides attempts."""
    return [_searched(folder) for folder in folders]


def _searched(folder: str) -> Skipped:
    try:
        files = list(islice(_files_below(folder), MOST_SEARCHED + 1))
        if any(map(_is_log, files[:MOST_SEARCHED])):
            return Skipped(folder, _HAS_LOG, True)
    except OSError:
        return Skipped(folder, _CLOSED, True)
    if len(files) > MOST_SEARCHED:
        return Skipped(folder, _NOT_SEARCHED, True)
    return Skipped(folder, f"{FOLDERS_NOT_READ} from a folder", False)


def _files_below(folder: str) -> Iterator[str]:
    """Yield the files that are not empty, without those of tools. Raises OSError."""
    if _is_of_tool(folder):
        return
    for parent, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = sorted(name for name in folders if not _is_of_tool(os.path.join(parent, name)))
        paths = (os.path.join(parent, name) for name in sorted(names))
        yield from (path for path in paths if os.path.isfile(path) and os.path.getsize(path))


def _is_of_tool(folder: str) -> bool:
    """Whether a tool keeps its own files in a folder: nobody saves logs there."""
    marks = (os.path.join(folder, mark) for mark in _MARKS_OF_TOOLS)
    return os.path.basename(folder) in _OF_TOOLS or any(map(os.path.exists, marks))


def _is_log(path: str) -> bool:
    """Whether the first bytes of a file show a saved log, or what may contain one."""
    notes = FileDiagnostics(path)
    with open(path, "rb") as file:
        head = next(segments(file, notes, lambda _: None)).peek()
    if any(gap.hides_attempts for gap in notes.gaps):
        return True
    folder = os.path.basename(os.path.dirname(path))
    return detect_format(head, folder) is not None or not_a_log(path, head).hides_attempts


def _fail(error: OSError) -> None:
    raise error
