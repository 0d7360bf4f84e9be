"""The patterns of the headers of text formats: times, streams, and where a header may stand."""

from __future__ import annotations

import re
from functools import lru_cache

from retryctl.core.model.events import REQUEST_ID

MOST_BLANKS = 16
"""As many blanks may stand between a group and its stream."""
# the start of a header's pattern; a lookbehind after it skips the headers that begin a line
_LITERAL_START = re.compile(rb"\A\(\?P<\w+>(20|1)")

# 2026-11-23T03:00:00.123456+00:00
DAY = rb"20\d\d-\d\d-\d\d"
TIME = rb"\d\d:\d\d:\d\d"
SECOND = b"(?P<second>" + DAY + b"T" + TIME + b")"
FRACTION = rb"(?P<fraction>(?:[.,]\d{1,9})?)"
OFFSET = rb"(?P<offset>Z|[+-]\d\d:?\d\d)"
# 1795402800123
MILLIS = rb"(?P<second>1\d{9})(?P<fraction>\d{3})(?P<offset>)"
# 2026/11/23/[$LATEST]0123…
STREAM = rb"(?P<stream>[^\s\x1b]*\d{4}/\d\d/\d\d/[^\s\x1b]+)"
HEADER_END = rb"(?: |(?=\r?\n)|\Z)"
"""A space before the message, or nothing where it is empty."""
COLOUR = b"<colour>"
"""Where a header may have a code of colour."""

NAME = b"<name>"
"""A name without blanks."""

RUNTIME_MESSAGE = REQUEST_ID.encode() + rb"(?: Task timed out after |\t[A-Z]{3,11}\t)"
"""What follows a time that the runtime wrote: it is part of the message, and no header."""

_CODES = rb"(?:\x1b\[[\d;]*m)*"


# Timestamp⇥Message, Timestamp (UTC) | Message
TITLES = re.compile(
    rb"[ \t|]*@?timestamp(?: \([^()\t|]{1,40}\))?(?:[ \t|]+)@?message[ \t|]*\r?\Z", re.I
)
"""The header of rows that have a time and a message."""


@lru_cache(maxsize=64)
def header_pattern(header: bytes, coloured: bool) -> re.Pattern[bytes]:
    """Return the pattern of a header at the start of a line, behind the newline before it."""
    header = header.replace(NAME, rb"[^\s\x1b]+" if coloured else rb"\S+")
    return re.compile(rb"\n" + header.replace(COLOUR, _CODES if coloured else b""))


@lru_cache(maxsize=64)
def header_within_line(header: bytes, coloured: bool) -> re.Pattern[bytes]:
    """Return the pattern of a header within a line, from its stream or time on.

    What repeats is limited, so that a search takes a time in line with the text.
    """
    if b"(?P<group>" in header:
        header = header.partition(b" +")[2]
    header = header.replace(rb"[^\s\x1b]*\d{4}/", rb"20\d\d/").replace(NAME, rb"[^\s\x1b]+")
    header = header.replace(rb"[^\s\x1b]+?", rb"[^\s\x1b]{1,512}?")
    header = header.replace(rb"[^\s\x1b]+", rb"[^\s\x1b]{1,512}+")
    header = header.replace(rb"[ \t]*", rb"[ \t]{0,4}").replace(b" +", b" {1,%d}" % MOST_BLANKS)
    header = header.replace(COLOUR, _CODES if coloured else b"")
    header = _LITERAL_START.sub(rb"\g<0>(?<!\n\1)", header)
    return re.compile(header + rb"(?!" + RUNTIME_MESSAGE + rb")")


@lru_cache(maxsize=64)
def times_of_header(header: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a header with the groups of the time alone."""
    return re.compile(re.sub(rb"\(\?P<(?!second|fraction|offset)\w+>", b"(?:", header))
