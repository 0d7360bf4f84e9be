"""Lambda's own records at the start of a line: they show a log of bare messages."""

from __future__ import annotations

import json
import re

from retryctl.core.grammar.platform_text import CUT_MARK, TERMINAL_CODE
from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import REQUEST_ID
from retryctl.sources.saved.formats.header_patterns import TITLES
from retryctl.sources.saved.read_stats import FileDiagnostics
from retryctl.sources.saved.saved_format import Head

ID = REQUEST_ID.encode()

# START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
# INIT_START Runtime Version: python:3.13.v74⇥Runtime Version ARN: arn:aws:lambda:…
# {"time":"2026-11-23T03:00:00.000Z","type":"platform.start","record":{"requestId":"…"}}
RECORD = late_regex(
    rb"([ \t]*)(?:(?:START|END|REPORT) RequestId: " + ID + rb"|INIT_START Runtime Version: "
    rb'|\{"(?:time|type|record)":.{0,400}"type": ?"platform\.|\{"type": ?"platform\.)'
)  # fmt: skip

# some prefix START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST
ENDS_WITH_RECORD = late_regex(
    rb"[^\n]*?(?:START RequestId: " + ID + rb" Version: \S+|END RequestId: " + ID + rb")\s*\Z"
)

TEXT_RECORD = late_regex(rb"(?:START|END|REPORT) RequestId: ")
"""A record in the text format."""

RECORD_LINE = late_regex(rb"\n(?:START|END|REPORT) RequestId: ")
"""A line with such a record within a text."""

TIMEOUT = re.compile(rb" Task timed out after \d+\.\d\d seconds")
"""What stands behind the request ID in the line of a timeout."""

ONLY_ID = late_regex(ID)
"""A request ID, as the whole of a text."""

TERMINAL_CODES = re.compile(TERMINAL_CODE.encode())
"""Codes of a terminal, as bytes."""


def bare_record(head: Head) -> re.Match[bytes] | None:
    """Return the first line that is a record and nothing else; group 1 is its indent."""
    lines = (TERMINAL_CODES.sub(b"", line) if b"\x1b" in line else line for line in head.lines)
    return next(filter(None, map(RECORD.match, lines)), None)


def joined_behind_report(message: bytes) -> bool:
    """Whether records of Lambda or a timeout follow a REPORT: of a file that was joined to it."""
    if not message.startswith(b"REPORT RequestId: "):
        return False
    return bool(RECORD_LINE.search(message) or TIMEOUT.search(message))


def begins_record(header: re.Match[bytes]) -> bool:
    """Whether the message behind a header is a record of Lambda."""
    return RECORD.match(header.string, header.end()) is not None


def hides_record(header: re.Match[bytes], within_line: re.Pattern[bytes]) -> bool:
    """Whether a record of Lambda ends the line of a header, but follows neither it nor another."""
    line, end = header.string, header.end()
    return bool(ENDS_WITH_RECORD.match(line, end)) and not within_line.search(line, end)


# …  Status: timeout, …  Sampled: true⇥, …⇥\\n
_END_OF_REPORT = re.compile(
    rb'XRAY TraceId:|[ \t]Status: (?:success|timeout)[ \t\r]*\Z|(?:["}]|\\n)\Z'
)


def ends_within_report(text: bytes) -> bool:
    """Whether the last line has a REPORT and no line end, so that a status may be missing."""
    line = text[text.rfind(b"\n") + 1 :]
    at = line.find(b"REPORT RequestId: ")
    return at >= 0 and not _END_OF_REPORT.search(line, at)


def note_cut_end(text: bytes, diagnostics: FileDiagnostics) -> None:
    """Note where a text breaks off whose last line has no line end: in a REPORT, or in JSON."""
    if ends_within_report(text):
        diagnostics.breaks_off_within_report(text)
    elif _ends_within_json(text):
        diagnostics.breaks_off("its last line breaks off within JSON")


def _ends_within_json(text: bytes) -> bool:
    line = text[text.rfind(b"\n") + 1 :].decode(errors="replace")
    begin = line.find('{"')
    if begin < 0:
        return False
    try:
        json.JSONDecoder().raw_decode(line, begin)
    except (ValueError, RecursionError):
        return True
    return False


def with_cut_mark(text: bytes) -> bytes:
    """Append the mark of a cut to a text that ends within a REPORT."""
    return text + CUT_MARK.encode() if ends_within_report(text) else text


def note_lines(text: bytes, diagnostics: FileDiagnostics) -> None:
    """Note the lines before the first event, without the titles of the columns."""
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip() and not TITLES.match(line):
            diagnostics.unread_event(number, line.decode(errors="replace"))
