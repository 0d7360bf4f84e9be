"""The kinds of messages, by their first bytes."""

from __future__ import annotations

import re
from itertools import compress

from retryctl.core.grammar.older_runtimes import OLDER_SENTENCES
from retryctl.core.late_regex import late_regex
from retryctl.sources.saved.canonical_lines import HEAD_BYTES

PLAIN, TEXT, DIGITS, JSON, STARTS, ENDS, REPORTS, UNCLEAR = range(8)
INTEGER, PROCESS, ERROR, SENTENCE = range(8, 12)
"""PLAIN lines have no consequence, nor have most of the next three kinds; UNCLEAR lines may be any.

INTEGER lines may be a bare integer, which has a consequence only by the line behind it: a PROCESS
line may be a branch. ERROR lines may be an error of Python. SENTENCE lines are text that may begin
with a sentence of an older runtime.
"""
_UNCERTAIN = bytes(kind in (TEXT, DIGITS, JSON, INTEGER, SENTENCE) for kind in range(256))

# 17\n"}
_BARE = re.compile(rb'\d{1,5} *(?:[\\"\r\n\t]|\Z)|\d{6}')
_TEXTS = bytes(kind == TEXT for kind in range(256))
_TEXT_IS_PLAIN = bytes.maketrans(bytes([TEXT]), bytes([PLAIN]))

# In a line that begins with a time: a timeout, an error of Node.js, .NET or Go.
_TIMED = re.compile(
    rb'\d{4}/|[^"]{1,90} Task timed out'
    rb'|[^"\\]*+(?:\\t[^"\\]*+)*?\\t(?:(?:ERROR|FATAL|fail)\\t|\{\\"error)'
    rb'|[^"\\ ]*+ ++[^"\\ ]*+ ++(?:ERROR|FATAL|fail) '
)
# JSON without any of some words, up to the end of the line: much faster than a search for them.
_SILENT_JSON = late_regex(
    rb"[^pRrEFxA\\]*+(?:(?!platform\.|[rR]ror|ERROR|FATAL|retryctl|xecutionArn|\\\\u|AWSRequestId)"
    rb"[pRrEFxA\\][^pRrEFxA\\]*+)*+\Z"
)

_TRACEBACK = rb"\nTraceback (most"  # behind an error of an older Python
# [INFO], [DEBUG: a logger's line. Other text in brackets may begin an error of an older Python.
_LEVEL = re.compile(rb"\[[A-Z]{4}")
_BRACKETS = (b"[Errno", b"[SSL: ")
_HEADS = tuple(
    word[:HEAD_BYTES]
    for word in (
        *(b"START RequestId", b"END RequestId", b"REPORT RequestId", b"RequestId: "),
        *(b"INIT_START ", b"INIT_REPORT", b"RESTORE_", b"EXTENSION", b"TELEMETRY", b"LOGS"),
        *(b"LAMBDA_WARNING", b"[WARNING]"),
        *(b"Error raised", b"Critical exception", b"Init error"),
    )
)
_SENTENCES = tuple(begin.encode() for begin, _ in OLDER_SENTENCES)
_SENTENCE_HEADS = frozenset(text[:HEAD_BYTES] for text in _SENTENCES)
_LONGEST_SENTENCE = 40
_MARKER_HEADS = {b"proces": PROCESS, b"[ERROR": ERROR}
# those below 0x20 are control characters, which a line escapes
_FIRST_BYTES = frozenset(b'0123456789{" \\') | {*range(0x20), *range(0x80, 0x100)}
_MOST_KINDS = 50_000


class LineKinds:
    """The kinds of messages that were met.

    A *stamp* is what stands between the time of a line and the seventh byte of its message.
    """

    def __init__(self, *, default_markers: bool) -> None:
        self.of_stamp: dict[bytes, int] = {}
        self._default_markers = default_markers

    def learn(self, stamp: bytes, message_at: int) -> int:
        """Return the kind of the messages that begin at this place of a stamp, and keep it.

        A stamp of a short message also has what follows it.
        """
        if len(self.of_stamp) > _MOST_KINDS:
            self.of_stamp.clear()
        kind = self.of_stamp[stamp] = self.kind(stamp[message_at:])
        return kind

    def kind(self, head: bytes) -> int:
        """Return the kind of a message by its first bytes."""
        if head.startswith(b"START "):
            return STARTS
        if head == b"END Re":
            return ENDS
        if head == b"REPORT":
            return REPORTS
        if self._default_markers and head in _MARKER_HEADS:
            return _MARKER_HEADS[head]
        if not self._default_markers or b"*" in head or any(map(head.startswith, _HEADS)):
            return UNCLEAR
        if head in _SENTENCE_HEADS:
            return SENTENCE
        if not head or head[0] in _FIRST_BYTES:
            if head[:1].isdigit():
                return INTEGER if _BARE.match(head) else DIGITS
            return JSON if head.startswith(b"{") else UNCLEAR
        return PLAIN if _LEVEL.match(head) and head not in _BRACKETS else TEXT


def consequence(kind: int, line: bytes, message_at: int) -> int:
    """Return the kind of a line; PLAIN where the whole line shows that it has no consequence."""
    if kind == SENTENCE:
        if _is_sentence(line, message_at):
            return UNCLEAR
        kind = TEXT
    if kind == TEXT:
        matters = _may_matter(line) and (
            b"\\tat " in line
            or b"\\nat " in line
            or b"****" in line
            or _TRACEBACK in line
            or _frame_in_line(line)
        )
    elif kind in (DIGITS, INTEGER):
        matters = _TIMED.match(line, message_at) is not None
        matters = matters or b"****" in line or _TRACEBACK in line
    elif kind == JSON:
        matters = _SILENT_JSON.match(line, message_at) is None
    else:
        return kind
    return kind if matters else PLAIN


def _is_sentence(line: bytes, message_at: int) -> bool:
    """Whether a line may begin with a sentence, whose quotes some writers of JSON escape."""
    begins = line.startswith(_SENTENCES, message_at)
    return begins or b"\\u" in line[message_at : message_at + _LONGEST_SENTENCE]


def _may_matter(text: bytes) -> bool:
    """Whether lines of text may have a mask or a stack trace, whose frames have this word."""
    return b"at " in text or b"*" in text or _TRACEBACK in text


def _frame_in_line(line: bytes) -> bool:
    """Whether it may have a stack trace of Java whose newlines became spaces."""
    return b" at " in line and b"(" in line and b": " in line


def without_silent_text(kinds: bytes, rows: list[bytes]) -> bytes:
    """Return the kinds of many rows; of text PLAIN, where all of it together shows that it is."""
    if TEXT not in kinds or _may_matter(b"".join(compress(rows, kinds.translate(_TEXTS)))):
        return kinds
    return kinds.translate(_TEXT_IS_PLAIN)


def consequences(kinds: bytes, lines: list[bytes], message_at: int) -> bytes:
    """Return the kinds of many lines, each as ``consequence`` does."""
    found = bytearray(kinds)
    for number in compress(range(len(kinds)), kinds.translate(_UNCERTAIN)):
        found[number] = consequence(kinds[number], lines[number], message_at)
    return bytes(found)
