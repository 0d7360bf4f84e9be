"""Text in which each event begins at a line with a time; the lines up to the next belong to it.

The text is converted by the block: one pattern splits it into times, streams and messages, and
each of these lists is converted as a whole (``canonical_lines``). A pattern begins with the newline
before the event: a literal is found many times faster than the start of a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import partial
from io import BufferedReader
from itertools import chain, compress, pairwise, repeat
from operator import itemgetter
from typing import ClassVar, Self

from retryctl.core.value_classes import value_class
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.canonical_lines import (
    HEAD_BYTES,
    EventColumns,
    canonical_block,
    escaped_endings,
    json_escaped,
    line_start,
)
from retryctl.sources.saved.formats import event_times, record_line
from retryctl.sources.saved.formats.fixed_width_headers import FixedWidthEvents, fixed_width_events
from retryctl.sources.saved.formats.header_patterns import (
    COLOUR,
    MILLIS,
    MOST_BLANKS,
    SECOND,
    header_pattern,
    header_within_line,
    times_of_header,
)
from retryctl.sources.saved.raw_blocks import (
    BlockSpan,
    RawBlock,
)
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head, SavedFormat

_SECONDS = 19
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_SHORTEST_CUT = len("\n2026")
_LONGEST_LINE = 1 << 10
_UTC = rb"(?P<offset>\+00:00)"
_LEADING_COLOUR = re.compile(rb"(?:\x1b\[[\d;]*m)*")
# what a message ends with, before the header of a file that was joined to it
_ENDS_MESSAGE = re.compile(rb"(?s:.)*?(?: MB\t|[^\s\"'`(\[{<=:,/|@#_+-])\Z")


@value_class
class TimedText(SavedFormat):
    """Text whose events begin with ``header``, which has the groups second, fraction and offset.

    ``begins_with_message``: the lines behind the times are the messages.
    It may have the groups stream and group too; a stream that the text does not name may be
    known from elsewhere (``log_stream``).
    """

    header: ClassVar[bytes]
    splittable = True
    of_lines = True
    has_times: ClassVar[bool] = True
    begins_with_message: ClassVar[bool] = False

    newline: bytes = b"\n"
    coloured: bool = False
    colour_of_lines: bytes = b""
    log_stream: bytes | None = None

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if one of the first lines begins with its header."""
        for coloured in (False, True):
            found = list(cls._headers(head, coloured))
            shows_record = any(map(record_line.begins_record, found))
            hides_record = any(
                record_line.hides_record(each, header_within_line(cls.header, coloured))
                for each in found
            )
            if shows_record or (found and not record_line.bare_record(head) and not hides_record):
                return cls(
                    newline=head.newline,
                    coloured=coloured,
                    colour_of_lines=_colour_of_lines(head) if coloured else b"",
                    log_stream=cls.known_stream(head),
                )
        return None

    @classmethod
    def shows_record(cls, head: Head) -> bool:
        """Whether one of the first messages is a record of Lambda."""
        headers = chain(cls._headers(head, False), cls._headers(head, True))
        return any(map(record_line.begins_record, headers))

    @classmethod
    def _headers(cls, head: Head, coloured: bool) -> Iterator[re.Match[bytes]]:
        pattern = header_pattern(cls.header, coloured)
        return filter(None, (pattern.match(b"\n" + line) for line in head.lines))

    @classmethod
    def known_stream(cls, head: Head) -> bytes | None:
        """Return the log stream of a file that does not name it."""
        return None

    def streams_in(self, head: Head) -> set[bytes]:
        """Return the streams that the first lines name."""
        found = filter(None, (self._pattern.match(b"\n" + line) for line in head.lines))
        return {header["stream"] for header in found}

    def begins_event(self, line: bytes) -> bool:
        """Whether the line begins with a header."""
        return self._pattern.match(b"\n" + line) is not None

    def messages(self, joined: bytes) -> bytes:
        """Return what the format makes of messages, each of which stands between two NUL."""
        return joined

    def parts(self, segment: BufferedReader, diagnostics: FileDiagnostics) -> Iterator[RawBlock]:
        """Yield the events of one part of the text at a time."""
        count = event_times.first_place(diagnostics.number)
        named = "stream" in self._pattern.groupindex
        text = b""
        # one for all blocks: those that are converted alike can be read once more by their places
        converted = partial(self._converted, note_joined=diagnostics.joined_records)
        for at, text in self._parts(segment):
            start = self._first_event(text)
            if text[:start].strip():  # of the first part: each other begins with an event
                record_line.note_lines(text[:start], diagnostics)
            if start < len(text) and self.has_times:
                stands_at = None if at is None else at + start
                yield RawBlock(
                    raw=text[start:],
                    convert=converted,
                    measure=self._span,
                    deal=partial(self._columns, record_line.with_cut_mark(text[start:])),
                    names_streams=named,
                    start=stands_at,
                )
            elif start < len(text):
                block = converted(text[start:], count=count)
                count += block.count(b"\n")
                yield RawBlock(raw=block)
        if self._is_cut(b"\n" + text):
            diagnostics.breaks_off("its last line breaks off")
        else:
            record_line.note_cut_end(text, diagnostics)

    def _is_cut(self, text: bytes) -> bool:
        """Whether the last line ends within a header, or has no message behind it."""
        line = text[text.rfind(b"\n") :]
        first, own = self._pattern.search(text), self._pattern.match(line)
        if own or not first or len(line) <= _SHORTEST_CUT:
            return own is not None and own.end() == len(line)
        return first[0].translate(_ZEROS).startswith(line.translate(_ZEROS))

    @property
    def _pattern(self) -> re.Pattern[bytes]:
        return header_pattern(self.header, self.coloured)

    def _parts(self, segment: BufferedReader) -> Iterator[tuple[int | None, bytes]]:
        """Yield the text in parts, each of which ends before an event.

        With each stands where it begins, if line ends stay as they are.
        """
        pending, size, at = b"", raw_blocks.BLOCK_BYTES, 0
        while chunk := segment.read(size):
            text = pending + chunk
            cut = self._last_event(text)
            size = raw_blocks.BLOCK_BYTES if cut else size * 2
            if cut:
                yield self._unified(at, text[:cut])
            pending = text[cut:]
            at += cut
        yield self._unified(at, pending)

    def _first_event(self, text: bytes) -> int:
        """Find the first event; the end of the text where it has none."""
        if self.begins_event(text[: text.find(b"\n") + 1]):
            return 0
        found = self._pattern.search(b"\n" + text)
        return found.start() if found else len(text)

    def _unified(self, at: int, text: bytes) -> tuple[int | None, bytes]:
        """Return the text with ``\\n`` as its line ends, and where it stands if that is so."""
        if self.newline == b"\n" and not self.colour_of_lines:
            return at, text
        return None, text.replace(self.newline, b"\n").replace(b"\n" + self.colour_of_lines, b"\n")

    def _last_event(self, text: bytes) -> int:
        """Find the last event whose line is whole; 0 if no line stands before it."""
        pattern = self._pattern
        at = text.rfind(b"\n", 0, max(text.rfind(b"\n"), 0))
        while at >= 0 and not pattern.match(text, at):
            at = text.rfind(b"\n", 0, at)
        return at + 1

    def times(self, fields: list[bytes], width: int, count: int) -> event_times.Times:
        """Return the times of events, whose fields are in sequence; ``count`` events precede."""
        at = self._pattern.groupindex
        return (
            event_times.epoch_seconds(
                fields[at["second"] - 1 :: width], fields[at["offset"] - 1 :: width]
            ),
            event_times.milliseconds(fields[at["fraction"] - 1 :: width]),
        )

    def _span(self, text: bytes) -> BlockSpan | None:
        """Return the number of events and the limits of their times."""
        if found := self._fixed_width(text):
            return found.span
        span = self._span_of_any(text)
        return span if span and self._is_separated(text, span.events) else None

    def _is_separated(self, text: bytes, events: int) -> bool:
        """Whether no record of Lambda and no header stands behind a line: files were joined."""
        if not self.begins_with_message and record_line.RECORD_LINE.search(text):
            return False
        return not self._hides_timeout(text) and self._has_no_joined_header(text, events)

    def _hides_timeout(self, text: bytes) -> bool:
        """Whether a timeout stands in a line without a header, or a header took its time."""
        if b" Task timed out after " not in text:
            return False
        return any(map(self._is_hidden, record_line.TIMEOUT.finditer(text)))

    def _is_hidden(self, timeout: re.Match[bytes]) -> bool:
        text, at = timeout.string, timeout.start()
        line = b"\n" + text[max(text.rfind(b"\n", 0, at) + 1, at - _LONGEST_LINE) : at]
        header = self._pattern.match(line)
        return header is None or record_line.ONLY_ID.fullmatch(line, header.end()) is not None

    def _has_no_joined_header(self, text: bytes, events: int) -> bool:
        # one byte is counted three times as fast as several
        if _UTC in self.header and any(text.count(o) == events for o in (b"+", b"+00:00 ")):
            return True
        return not any(self.joined_headers(b"\n" + text))

    def _separated(self, text: bytes, note_joined: Callable[[], None]) -> bytes:
        """Return the text with a line break before each header that begins an event in a line.

        ``note_joined`` is called for each record of Lambda that may be one or a quotation.
        """
        limits = [0]
        for at, begins_event in self.joined_headers(text):
            if begins_event:
                limits.append(at)
            else:
                note_joined()
        parts = (text[low:high] for low, high in pairwise([*limits, len(text)]))
        return b"\n".join(parts) if limits[1:] else text

    def joined_headers(self, text: bytes) -> Iterator[tuple[int, bool]]:
        """Yield where a header stands behind a line, and whether it surely begins an event.

        A time in a message does not, nor a quoted line without a record of Lambda. Where a name
        comes first, it is distinguished from the end of the line before if that line has it too.
        """
        for found in header_within_line(self.header, self.coloured).finditer(text):
            at = None if self.coloured else self._start_of_header(found)
            if at is not None and _ENDS_MESSAGE.match(text, max(at - 4, 0), at):
                yield at, True
            elif record_line.RECORD.match(text, found.end()) and not self._begins_line(found):
                yield found.start(), False

    def _start_of_header(self, found: re.Match[bytes]) -> int | None:
        """Return where a header within a line begins; ``None`` if its group is not the line's."""
        if "group" not in self._pattern.groupindex:
            return found.start()
        text, at = found.string, found.start()
        own = self._pattern.match(text, text.rfind(b"\n", 0, at))
        name = own["group"] if own else None
        low = max(at - len(name or b"") - MOST_BLANKS, 0)
        before = text[low:at].rstrip(b" ")
        return low + len(before) - len(name) if name and before.endswith(name) else None

    def _begins_line(self, found: re.Match[bytes]) -> bool:
        """Whether a header that was found within a text is that of its line."""
        own = self._pattern.match(found.string, found.string.rfind(b"\n", 0, found.start()))
        return own is not None and own.end() == found.end()

    def _fixed_width(self, text: bytes) -> FixedWidthEvents | None:
        """Return the lines of a text whose headers begin with a time and have one width."""
        if self.coloured or not self.header.removeprefix(COLOUR).startswith((SECOND, MILLIS)):
            return None
        found = fixed_width_events(text, self._pattern)
        if not found or not self._has_no_joined_header(text, len(found.events)):
            return None
        if not self.begins_with_message and any(
            map(record_line.TEXT_RECORD.match, found.continued)
        ):
            return None
        return None if self._hides_timeout(text) else found

    def _span_of_any(self, text: bytes) -> BlockSpan | None:
        found = times_of_header(self._pattern.pattern).findall(b"\n" + text)
        first, last = min(found), max(found)
        if first[0][10:11] != last[0][10:11] or len(set(map(itemgetter(2), found))) > 1:
            return None
        return BlockSpan(len(found), event_times.moment_ms(*first), event_times.moment_ms(*last))

    def _converted(
        self,
        text: bytes,
        streams: Collection[bytes] = (),
        count: int = 0,
        *,
        note_joined: Callable[[], None],
    ) -> bytes:
        """Return the events of a part, or of some streams in it, as canonical lines.

        ``count`` events precede.
        """
        text = record_line.with_cut_mark(text)
        if columns := self._columns(text, streams):
            return b"".join(columns.lines())
        width = self._pattern.groups + 1
        _, *fields = self._pattern.split(b"\n" + text)
        if not self._is_separated(text, len(fields) // width):
            _, *fields = self._pattern.split(self._separated(b"\n" + text, note_joined))
        if streams and "stream" in self._pattern.groupindex:
            named = map(
                streams.__contains__, fields[self._pattern.groupindex["stream"] - 1 :: width]
            )
            fields = list(compress(fields, chain.from_iterable(map(repeat, named, repeat(width)))))
        messages = fields[width - 1 :: width]
        if record_line.RECORD_LINE.search(text) or record_line.TIMEOUT.search(text):
            for _ in filter(record_line.joined_behind_report, messages):
                note_joined()
        messages = json_escaped(messages, self._prepared)
        return canonical_block(
            self._starts(fields, width), *self.times(fields, width, count), messages
        )

    def _columns(self, text: bytes, streams: Collection[bytes] = ()) -> EventColumns | None:
        """Return the events of a text or of some streams in it, if headers have one width."""
        found = self._fixed_width(text)
        if found and streams and "stream" in self._pattern.groupindex:
            found = found.of_streams(streams)
        if not found or (times := found.times) is None:
            return None
        at = found.message_at
        return EventColumns(
            starts=list(self._starts_of(found)),
            times=times,
            heads=list(map(itemgetter(slice(at, at + HEAD_BYTES)), found.events)),
            rows=found.events,
            message_at=at,
            endings=self._endings,
            digits=found.digits,
        )

    def _endings(self, rows: list[bytes], at: int) -> list[bytes]:
        ended = not rows or rows[-1].endswith(b"\n")
        messages = list(map(itemgetter(slice(at, -1 if ended else None)), rows))
        return escaped_endings(messages, prepare=self._prepared)

    def _starts_of(self, found: FixedWidthEvents) -> Iterator[bytes]:
        if "stream" not in self._pattern.groupindex:
            return repeat(line_start(None, self.log_stream), len(found.events))
        return map(
            {
                rest: line_start(None, header["stream"]) for rest, header in found.headers.items()
            }.__getitem__,
            found.rests,
        )

    def _starts(self, fields: list[bytes], width: int) -> Iterator[bytes]:
        at = self._pattern.groupindex
        count = len(fields) // width
        streams = fields[at["stream"] - 1 :: width] if "stream" in at else None
        if "group" in at:
            names = zip(
                fields[at["group"] - 1 :: width], streams or repeat(None, count), strict=True
            )
            return map(event_times.GROUP_STARTS.__getitem__, names)
        if streams is None:
            return repeat(line_start(None, self.log_stream), count)
        return map(event_times.STREAM_STARTS.__getitem__, streams)

    def _prepared(self, joined: bytes) -> bytes:
        """Return the messages without the line ends behind them, which are the text's."""
        while b"\n" in joined and b"\n\0" in joined:  # one byte is found much faster
            joined = joined.replace(b"\n\0", b"\0")
        return self.messages(joined)


def _colour_of_lines(head: Head) -> bytes:
    """Return the code of the colour that begins each of the first lines; empty without one."""
    colours = {colour[0] for line in head.lines if line and (colour := _LEADING_COLOUR.match(line))}
    return colours.pop() if len(colours) == 1 else b""
