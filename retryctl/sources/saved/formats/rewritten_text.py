"""Text that was changed on its way: quoted, wrapped by a terminal, expanded, its quotes cut.

It is rewritten as its tool wrote it, and read as the format which that shows. Such a text was
copied by hand and is small, so it is rewritten as a whole; a large one is refused.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BufferedReader, BytesIO
from typing import Any, Self

from retryctl.core.value_classes import replaced, value_class
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.decoding import SEGMENT_BUFFER_BYTES
from retryctl.sources.saved.formats.doubled_messages import leave_doubt, message_once
from retryctl.sources.saved.formats.header_patterns import DAY, TIME
from retryctl.sources.saved.formats.record_line import ID, RECORD
from retryctl.sources.saved.raw_blocks import RawBlock
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

MOST_BYTES = 16 << 20
"""The size of a text that is rewritten: it is in memory as a whole, several times."""

Rewrite = Callable[[bytes], bytes]
"""Makes of a text what its tool wrote."""


@value_class
class RewrittenText(SavedFormat):
    """A text of the format ``inner``, once ``rewrite`` has changed it."""

    inner: SavedFormat
    rewrite: Rewrite
    of_lines: bool
    answers_search: bool
    bare_attempt_is_whole: bool

    @classmethod
    @abstractmethod
    def rewriter(cls, head: Head) -> Rewrite | None:
        """Return what rewrites the text; ``None`` where nothing shows that it was changed."""

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if the text was changed and is of a known format without that."""
        rewrite = cls.rewriter(head)
        inner = rewrite and _format_behind(cls, rewrite(unified(head.content)), head.folder)
        if rewrite is None or not inner:
            return None
        return cls(
            inner=inner,
            rewrite=rewrite,
            of_lines=inner.of_lines,
            answers_search=inner.answers_search,
            bare_attempt_is_whole=inner.bare_attempt_is_whole,
        )

    @property
    def keeps_ties(self) -> bool:
        """Whether the events of one millisecond stand in the order of their stream."""
        return self.inner.keeps_ties

    def parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the blocks of the rewritten text, which stand nowhere in the file."""
        text = self._whole(segment, diagnostics.name)
        changed: Any = BytesIO(self.rewrite(text))
        rewritten = BufferedReader(changed, SEGMENT_BUFFER_BYTES)
        for block in self.inner.parts(rewritten, diagnostics):
            yield replaced(block, start=None)
        self.note_doubts(text, diagnostics)

    def _whole(self, segment: BufferedReader, name: str) -> bytes:
        """Return the whole text. Raises UnreadableInput where it is large."""
        text = segment.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise UnreadableInput(
                f"{name} is {self.name}, which is rewritten as a whole, and is larger than "
                f"{MOST_BYTES >> 20} MiB.",
                "Save the log with a command:\n  aws logs tail GROUP --since 1d > log.txt",
                hides_attempts=True,
            )
        return unified(text)

    def note_doubts(self, text: bytes, diagnostics: FileDiagnostics) -> None:
        """Note what the rewriting leaves open; here nothing."""


def unified(text: bytes) -> bytes:
    """Return a text with ``\\n`` as its line ends."""
    return text.replace(b"\r\n", b"\n")


def _format_behind(shape: type[SavedFormat], text: bytes, folder: str) -> SavedFormat | None:
    """Return the format of a rewritten text, of those that are tried after ``shape``."""
    from retryctl.sources.saved.formats import formats

    head, behind = Head(text, folder), formats(behind=shape)
    return next(filter(None, (each.detect(head) for each in behind)), None)


# --------------------------------------------------------------------------- quoted

# > START RequestId: …, > > START RequestId: …
_QUOTE = re.compile(rb"^(?:>[ \t]?)+", re.MULTILINE)


class QuotedText(RewrittenText):
    """A log in a quotation of Markdown or of a mail."""

    name = "text in a quotation"
    made_by = "an issue or a mail: lines that begin with >"

    # > START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
    @classmethod
    def rewriter(cls, head: Head) -> Rewrite | None:
        """Drop the marks, if each of the first lines has one."""
        lines = [line for line in head.lines if line.strip()]
        quoted = bool(lines) and all(line.startswith(b">") for line in lines)
        return partial(_QUOTE.sub, b"") if quoted else None


# --------------------------------------------------------------------------- wrapped

# START RequestId: 8f507cfc-… Version: $LATEST, at the end of a line
_WHOLE_START = re.compile(rb"START RequestId: " + ID + rb"[ \t]+Version: (?:\$LATEST|\d+)[ \t]*\Z")
# what begins an event, or goes on with one on a line of its own
_BEGINS = re.compile(
    rb"[ \t|]*+(?:/\S+ )?\[?(?:" + DAY + rb"T|\S{0,200}\d{4}/\d\d/\d\d/|1\d{12}[\s,])"
    rb"|[A-Z_]{0,8}(?:START|END|REPORT) |\[[A-Z]+\]|\{\"|Traceback |XRAY TraceId:"
    rb"|[ \t]++(?:File \"|at )|\s*+\Z"
)
_NARROWEST, _WIDEST = 40, 1_000


class WrappedText(RewrittenText):
    """A log that a terminal cut into lines of one width."""

    name = "text wrapped by a terminal"
    made_by = "a terminal: lines of one width that were marked and copied"

    # 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123000 START RequestId: 8f507cfc-… Version
    # : $LATEST
    @classmethod
    def rewriter(cls, head: Head) -> Rewrite | None:
        """Join lines of the greatest width, if one of them is a part of a START."""
        width = max(len(_text(line)) for line in head.lines)
        if not _NARROWEST <= width <= _WIDEST:
            return None
        cut = any(map(_is_cut_record, _runs(width, head.lines)))
        return partial(_joined, width) if cut else None

    def note_doubts(self, text: bytes, diagnostics: FileDiagnostics) -> None:
        """Note that messages alone may have been joined: nothing else shows where they begin."""
        if not self.inner.splittable:
            diagnostics.wrapped(self.rewrite.args[0])  # type: ignore[attr-defined]


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _runs(width: int, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines that a terminal of this width made of one."""
    run: list[bytes] = []
    for line in lines:
        if run and (len(_text(run[-1])) < width or _BEGINS.match(line)):
            yield run
            run = []
        run.append(line)
    yield run


def _is_cut_record(run: list[bytes]) -> bool:
    """Whether lines make up a record of Lambda that none of them has alone."""
    return _ends_with_record(b"".join(run)) and not any(map(_ends_with_record, run))


def _ends_with_record(line: bytes) -> bool:
    """Whether a line that was cut ends with the whole of a START, or with a record in JSON."""
    if _WHOLE_START.search(line):
        return True
    begin = line.find(b'{"')
    try:
        record = json.loads(line[begin:]) if begin >= 0 else None
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and str(record.get("type")).startswith("platform.")


def _joined(width: int, text: bytes) -> bytes:
    """Return the text with the lines joined that are as wide as the terminal."""
    return b"\n".join(map(b"".join, _runs(width, text.split(b"\n"))))


# --------------------------------------------------------------------------- expanded

# 2026-11-23T03:00:00.123Z or 03:00:00, alone on its line
_TIME_ALONE, _CLOCK_ALONE = (
    re.compile(rb"^(" + day + TIME + rb"(?:[.,]\d{1,9})?" + zone + rb")[ \t]*$", re.MULTILINE)
    for day, zone in ((DAY + b"[T ]", rb"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"), (b"", b""))
)
_OPENS = re.compile(r"^\{[ \t]*$", re.MULTILINE)
_BLANKS = re.compile(r'("(?:[^"\\]++|\\.)*+"?)|\s+', re.DOTALL)
_PLATFORM = re.compile(rb'^[ \t]+"type": "platform\.\w+",?[ \t]*$', re.MULTILINE)
_MOST_BROKEN = 20
_decode = json.JSONDecoder().raw_decode


class ExpandedRows(RewrittenText):
    """Rows that are open in the console: JSON in lines, each message twice or once."""

    name = "open rows of the console"
    made_by = "CloudWatch console, log events: open the rows, mark and copy them"

    # 2026-11-23T03:00:00.123Z
    # {
    #     "time": "2026-11-23T03:00:00.123Z",
    #     "type": "platform.start",
    @classmethod
    def rewriter(cls, head: Head) -> Rewrite | None:
        """Put each message on a line, if one of the first is JSON in lines or stands twice."""
        text = b"\n".join(head.lines)
        for time in (_TIME_ALONE, _CLOCK_ALONE):
            messages = [message.lstrip(b"\n") for message in time.split(text)[2::2]]
            if any(map(_is_open, messages)) or (
                time is _CLOCK_ALONE and any(map(RECORD.match, messages))
            ):
                return partial(_folded, time)
        pretty = head.lines[0].rstrip() == b"{" and _PLATFORM.search(text)
        return _on_lines if pretty else None

    def note_doubts(self, text: bytes, diagnostics: FileDiagnostics) -> None:
        """Note messages that may stand twice since their row is open, or were printed so."""
        times: tuple[re.Pattern[bytes], ...] = getattr(self.rewrite, "args", ())
        if any(leave_doubt(_rows(time, text)[2::2]) for time in times):
            diagnostics.doubled_messages()


def _is_open(message: bytes) -> bool:
    """Whether a message is JSON in lines, or stands twice."""
    first, _, others = message.partition(b"\n")
    if RECORD.match(message):
        return first.rstrip() in map(bytes.rstrip, others.split(b"\n"))
    return first.rstrip() == b"{" or message_once(message) != message.strip(b"\n").rstrip()


def _on_lines(text: bytes) -> bytes:
    """Return the text with each JSON object that begins a line on one line."""
    decoded, parts, at, broken = text.decode(errors="replace"), list[str](), 0, 0
    while broken < _MOST_BROKEN and (found := _OPENS.search(decoded, at)):
        start = found.start()
        try:
            _, end = _decode(decoded, start)
        except (ValueError, RecursionError):
            end, broken = found.end(), broken + 1
        parts += decoded[at:start], _BLANKS.sub(r"\1", decoded[start:end])
        at = end
    return "".join([*parts, decoded[at:]]).encode()


def _rows(time: re.Pattern[bytes], text: bytes) -> list[bytes]:
    """Return what is before the first time, then each time and what is behind it."""
    return time.split(_on_lines(text))


def _folded(time: re.Pattern[bytes], text: bytes) -> bytes:
    """Return the rows with each message once, behind its time."""
    before, *fields = _rows(time, text)
    rows = zip(fields[::2], map(message_once, fields[1::2]), strict=True)
    folded = before + b"".join(b"%b\t%b\n" % row for row in rows)
    return folded if text.endswith(b"\n") else folded.removesuffix(b"\n")


# --------------------------------------------------------------------------- quotes of CSV

# 1795402800123,"START RequestId: …
_ROW = re.compile(rb'^(?=1\d{12},")', re.MULTILINE)


class UnclosedCsv(RewrittenText):
    """Rows of CSV, of which each opens a quote and none closes it."""

    name = "CSV whose quotes do not close"
    made_by = "a CSV of the console from which a program took the last quote of each row"

    # 1795402800123,"START RequestId: 8f507cfc-… Version: $LATEST
    # 1795402800124,"0
    @classmethod
    def rewriter(cls, head: Head) -> Rewrite | None:
        """Close the quotes, if each of the first rows lacks one, but for the last."""
        before, *rows = _ROW.split(b"\n".join(head.lines))
        unclosed = len(rows) > 2 and all(row.count(b'"') % 2 for row in rows[:-1])
        return _closed if unclosed and not before else None


def _closed(text: bytes) -> bytes:
    """Return the rows with their quotes closed."""
    *rows, last = _ROW.split(text)
    closed = (row.rstrip(b"\n") + b'"\n' if row.count(b'"') % 2 else row for row in rows if row)
    ends = last.endswith(b"\n") and last.count(b'"') % 2
    return b"".join([*closed, last.rstrip(b"\n") + b'"\n' if ends else last])
