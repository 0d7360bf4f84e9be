"""Text of the AWS CLI and of exports: ``aws logs tail``, ``--output text``, export tasks to S3.

Sources: awscli/customizations/logs/tail.py, version 2, which strips the end of each message;
its ``--format json`` is the detailed form with JSON messages pretty-printed behind a line break,
and ``--color on`` colours the time and the stream. awscli/text.py prints an event's values by
the order of their keys. For exports the CloudWatch Logs user guide, "Exporting log data to
Amazon S3".
"""

from __future__ import annotations

import re
from typing import Self

from retryctl.sources.saved.formats.header_patterns import (
    COLOUR,
    END,
    FRACTION,
    MILLIS,
    NAME,
    SECOND,
    STREAM,
)
from retryctl.sources.saved.formats.timed_text import TimedText
from retryctl.sources.saved.log_format import Head

# 2026-11-23-[$LATEST]0123456789abcdef0123456789abcdef, 2026-11-23-orders[7]0123…
_NO_STREAMS = {b"START", b"END", b"REPORT", b"INIT_START", b"|"}
_WIDE, _NARROW = re.compile(rb"\S{24} (?: |\| )"), re.compile(rb"\S{23}Z [^ |]")
# a printed line ends with the two characters of an escape, before the next row of joined files too
_PRINTED = re.compile(rb"\\n(?:$|1\d{12}\t)")
# START RequestId: 8f507cfc-… Version: $LATEST\n
_ESCAPED_RECORD = re.compile(rb"(?:START|END|REPORT) RequestId: .*" + _PRINTED.pattern)
_ESCAPE = re.compile(rb"\\([tnr\\])")
_UNESCAPED = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
_EXPORT_FOLDER = re.compile(r"(\d{4})-(\d\d)-(\d\d)-([^\[\]]*\[.+)", re.DOTALL)


class CliTail(TimedText):
    """``aws logs tail`` with streams."""

    name = "aws logs tail"
    made_by = "aws logs tail GROUP --since 1d"
    # 2026-11-23T03:00:00.123000+00:00 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef message
    # 2026-11-23T03:00:00+00:00 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef message
    header = (
        COLOUR + SECOND + FRACTION + rb"(?P<offset>\+00:00)" + COLOUR + b" " + COLOUR
        + b"(?P<stream>" + NAME + b")" + COLOUR + END
    )  # fmt: skip

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, unless what stands behind the times are messages or bars."""
        detected = super().detect(head)
        streams = detected.streams_in(head) if detected else set()
        return detected if streams.isdisjoint(_NO_STREAMS) else None

    def messages(self, joined: bytes) -> bytes:
        """Return the messages without the line break that ``--format json`` puts before JSON."""
        return joined.replace(b"\0\n{", b"\0{").replace(b"\0\n[", b"\0[")


class CliTailShort(TimedText):
    """``aws logs tail --format short``: whole seconds, no streams."""

    name = "aws logs tail --format short"
    made_by = "aws logs tail GROUP --since 1d --format short"
    # 2026-11-23T03:00:00 message
    header = COLOUR + SECOND + b"(?P<fraction>)(?P<offset>)" + COLOUR + END


class S3Export(TimedText):
    """An export task's file; the name of its folder is the stream's, with ``-`` for ``/``."""

    name = "S3 export"
    made_by = "aws logs create-export-task …, then aws s3 cp --recursive s3://BUCKET/PREFIX log/"
    # 2026-11-23T03:00:00.123Z message
    header = SECOND + rb"(?P<fraction>\.\d{3})(?P<offset>Z)" + END

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return an export, unless its columns are set apart by more than one space."""
        wide = sum(_WIDE.match(line) is not None for line in head.lines)
        narrow = sum(_NARROW.match(line) is not None for line in head.lines)
        return super().detect(head) if narrow >= wide else None

    @classmethod
    def known_stream(cls, head: Head) -> bytes | None:
        """Return the stream that the folder names; of Lambda's streams only."""
        found = _EXPORT_FOLDER.fullmatch(head.folder)
        return "/".join(found.groups()).encode() if found else None


class MillisecondRows(TimedText):
    """Times in milliseconds before the messages."""

    name = "time and message of --query or jq"
    made_by = "aws logs filter-log-events … --query 'events[].[timestamp,message]' --output text"
    # 1795402800123⇥message
    header = MILLIS + rb"(?:\t| \| | |(?=\r?\n)|\Z)"


class MillisecondStreamRows(TimedText):
    """Times in milliseconds and streams before the messages."""

    name = "time, stream and message of --query"
    made_by = (
        "aws logs filter-log-events … "
        "--query 'events[].[timestamp,logStreamName,message]' --output text"
    )
    # 1795402800123⇥2026/11/23/[$LATEST]0123…⇥message
    header = MILLIS + rb"\t" + STREAM + rb"(?:\t|(?=\r?\n)|\Z)"


class JqTsv(TimedText):
    """Rows of jq's ``@tsv``, which escapes the tabs, line ends and backslashes of a message."""

    name = "rows of jq's @tsv"
    made_by = (
        "aws logs filter-log-events … "
        "| jq -r '.events[] | [.timestamp, .logStreamName, .message] | @tsv'"
    )
    # 1795402800123⇥2026/11/23/[$LATEST]0123…⇥END RequestId: 8f507cfc-…\\n
    header = MILLIS + rb"\t(?:" + STREAM + rb"\t)?"

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if a record of Lambda ends with an escape.

        In the JSON format a printed line does, and each line of the file begins an event: but for
        the first one, where the file is cut.
        """
        found = super().detect(head)
        if found is None or any(map(_ESCAPED_RECORD.search, head.lines)):
            return found
        whole = head.lines[:-1]
        printed = any(map(_PRINTED.search, whole))
        return found if printed and all(map(found.begins_event, whole[1:])) else None

    def messages(self, joined: bytes) -> bytes:
        """Return the messages as they were before they were escaped."""
        return _ESCAPE.sub(lambda found: _UNESCAPED[found[1]], joined)
