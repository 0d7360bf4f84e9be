"""The interface of a format of saved logs, and the event that it yields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from io import BufferedReader
from typing import ClassVar, NamedTuple

from retryctl.sources.saved.raw_blocks import RawBlock, ties_in_order
from retryctl.sources.saved.read_stats import FileDiagnostics


class RawEvent(NamedTuple):
    """One event as a file gives it; ``None`` where the file names nothing."""

    timestamp_ms: int
    message: str
    log_stream: str | None = None
    log_group: str | None = None
    event_id: str | None = None


HEAD_LINES = 50
"""The first lines of a file show its format, or none do."""


class Head:
    """The first bytes of a file, in UTF-8, and the name of the folder that the file is in."""

    def __init__(self, content: bytes, folder: str = "") -> None:
        self.content, self.folder = content, folder

    @cached_property
    def lines(self) -> list[bytes]:
        """The first lines, without their ends."""
        lines = self.content.split(b"\n", HEAD_LINES)[:HEAD_LINES]
        return [line.removesuffix(b"\r") for line in lines]

    @property
    def newline(self) -> bytes:
        """What ends its first line."""
        return b"\r\n" if self.content.split(b"\n", 1)[0].endswith(b"\r") else b"\n"

    @cached_property
    def is_json(self) -> bool:
        """Whether it can only be JSON."""
        return self.content.lstrip().startswith((b"{", b"["))


class SavedFormat(ABC):
    """One shape of saved log, as one file shows it: its columns, its line ends, its stream."""

    name: ClassVar[str]
    """What the shape is called on the screen."""

    made_by: ClassVar[str]
    """The command, or the steps in the console, that make such a file."""

    splittable = False
    """Whether the file may be cut before any event: what follows reads the same."""

    verbatim = False
    """Whether ``blocks`` gives the bytes of the file as they are, but for the order of lines."""

    of_lines = False
    """Whether a message may be several lines of the file."""

    answers_search = True
    """Whether a search by request ID can have made the file."""

    bare_attempt_is_whole = False
    """Whether START, END and REPORT of one attempt alone are read as the log of a silent function.

    In other formats they are as likely what a search for the request ID left.
    """

    @property
    def keeps_ties(self) -> bool:
        """Whether the events of one millisecond stand in the order of their stream."""
        return True

    @classmethod
    @abstractmethod
    def detect(cls, head: Head) -> SavedFormat | None:
        """Return the format, if the head of a file shows it."""

    def raw_blocks(
        self, segment: BufferedReader, diagnostics: FileDiagnostics
    ) -> Iterator[RawBlock]:
        """Return the blocks of a segment, each converted only where its lines are needed.

        Events of one millisecond stand in their order also where the log is newest first.
        """
        return ties_in_order(self.parts(segment, diagnostics))

    def parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the blocks of events, in the order of the file."""
        return (RawBlock(raw=raw) for raw in self.convert(segment, diagnostics))

    def convert(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[bytes]:
        """Yield the events of a segment as canonical lines, of a format without own ``parts``."""
        raise NotImplementedError

    def begins_event(self, line: bytes) -> bool:
        """Whether an event begins at ``line``, in a format that is splittable."""
        raise NotImplementedError
