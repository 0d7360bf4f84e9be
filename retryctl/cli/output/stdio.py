"""Standard output and standard error of the program: terminals, files, pipes, or closed.

A failed write to stdout is an error, and a failed write to stderr is not. After the first failure
further output is discarded, so that Python's last flush cannot change the exit status.

A character outside of the encoding is written as a similar ASCII character or as Python's escape,
so that an old terminal does not make the command fail.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TextIO

from retryctl.errors import CouldNotRead

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_CLOSED = -1
_SHOWABLE = "retryctl.showable"


def prepare_streams() -> None:
    """Make ``sys.stdout`` and ``sys.stderr`` such streams, also where they are closed."""
    codecs.register_error(_SHOWABLE, _showable)
    sys.stdout = _stream(sys.stdout, _answer_is_lost)
    sys.stderr = _stream(sys.stderr, lambda error: None, line_buffering=True)


class _Descriptor(io.RawIOBase):
    """Writes to a file descriptor; if that fails, ``failed`` is called once."""

    def __init__(self, number: int, failed: Callable[[OSError], None]) -> None:
        self._number = number
        self._failed = failed
        self._lost = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: ReadableBuffer) -> int:
        size = memoryview(data).nbytes
        if self._lost:
            return size
        try:
            return os.write(self._number, data)
        except OSError as error:
            self._lost = True
            self._failed(error)
            return size


def _stream(
    given: TextIO | None, failed: Callable[[OSError], None], *, line_buffering: bool = False
) -> io.TextIOWrapper:
    number = _CLOSED if given is None else given.fileno()
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(number, failed)),
        encoding="utf-8" if given is None else given.encoding,
        errors=_SHOWABLE,
        line_buffering=line_buffering,
    )


def _answer_is_lost(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):
        raise error
    why = "standard output is closed" if error.errno == errno.EBADF else error.strerror
    raise CouldNotRead(f"cannot write the answer: {why}.") from error


def _showable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from retryctl.views.signs import ASCII

    lacking = error.object[error.start : error.end].translate(ASCII)
    return lacking.encode("ascii", "backslashreplace").decode("ascii"), error.end
