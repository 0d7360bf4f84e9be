"""The order of the parts of one log whose times are whole seconds and that names no streams.

Events of one second keep the order of the files, so the older part of a rotated log must come
first, whatever the names of the parts are.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from typing import IO, Protocol, TypeVar

from retryctl.core.late_regex import late_regex

# 2026-11-23T03:00:00 START RequestId: …  of `aws logs tail --format short`
_WHOLE_SECOND = late_regex(rb"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d) ")
_HEAD_BYTES = 32
_GZIP_MAGIC = b"\x1f\x8b"


class _Opened(Protocol):
    """What can be read."""

    def open(self) -> IO[bytes]: ...


_File = TypeVar("_File", bound=_Opened)


def oldest_first(files: Sequence[_File]) -> Sequence[_File]:
    """Return the files by the time of their first line, if all begin with a whole second."""
    if len(files) < 2:
        return files
    times = []
    for file in files:
        found = _WHOLE_SECOND.match(_beginning(file))
        if found is None:
            return files
        times.append(found[1])
    return [file for _, file in sorted(zip(times, files, strict=True), key=lambda each: each[0])]


def _beginning(file: _Opened) -> bytes:
    """Return the first bytes of a file, unpacked; none of one that cannot be read."""
    try:
        with file.open() as opened:
            head = opened.read(_HEAD_BYTES)
            if not head.startswith(_GZIP_MAGIC):
                return head
            opened.seek(0)
            return gzip.GzipFile(fileobj=opened).read(_HEAD_BYTES)
    except (OSError, EOFError, ValueError, zlib.error):  # reported where the file is read
        return b""
