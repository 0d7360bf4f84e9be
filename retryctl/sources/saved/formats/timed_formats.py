"""Shapes of text with a time before each message: of the AWS CLI, of exports and tools.

Sources: awscli/customizations/logs/tail.py, version 2, which strips the end of each message;
its ``--format json`` is the detailed form with JSON messages pretty-printed behind a line break,
and ``--color on`` colours the time and the stream. awscli/text.py prints an event's values by
the order of their keys. For exports the CloudWatch Logs user guide, "Exporting log data to
Amazon S3". samcli's CWConsoleEventConsumer and formatters (stream, time, message), awslogs/core.py
(group, stream, time, time of ingestion, message; each can be left out), saw's blade.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self

from retryctl.sources.saved.formats.event_times import Times, untimed
from retryctl.sources.saved.formats.header_patterns import (
    COLOUR,
    FRACTION,
    HEADER_END,
    MILLIS,
    NAME,
    OFFSET,
    RUNTIME_MESSAGE,
    SECOND,
    STREAM,
)
from retryctl.sources.saved.formats.timed_text import TimedText
from retryctl.sources.saved.saved_format import Head

# 2026-11-23-[$LATEST]0123456789abcdef0123456789abcdef, 2026-11-23-orders[7]0123…
_NO_STREAMS = {b"START", b"END", b"REPORT", b"INIT_START", b"|"}
_WIDE, _NARROW = re.compile(rb"\S{24} (?: |\| )"), re.compile(rb"\S{23}Z [^ |]")
# 2026-11-23T03:00:00.123Z⇥START RequestId: …, of a console
_TABBED = re.compile(rb"\S{23}Z\t(?:START|END|REPORT) RequestId: ")
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
        + b"(?P<stream>" + NAME + b")" + COLOUR + HEADER_END
    )  # fmt: skip

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, unless what stands behind the times are messages or bars."""
        detected = super().detect(head)
        streams = detected.streams_in(head) if detected else set()
        return detected if streams.isdisjoint(_NO_STREAMS) else None

    def messages(self, joined: bytes) -> bytes:
        """Return the messages without the line break that ``--format json`` puts before JSON."""
        if b"\n" not in joined:
            return joined
        return joined.replace(b"\0\n{", b"\0{").replace(b"\0\n[", b"\0[")


class CliTailShort(TimedText):
    """``aws logs tail --format short``: whole seconds, no streams."""

    name = "aws logs tail --format short"
    made_by = "aws logs tail GROUP --since 1d --format short"
    # 2026-11-23T03:00:00 message
    header = COLOUR + SECOND + b"(?P<fraction>)(?P<offset>)" + COLOUR + HEADER_END


class S3Export(TimedText):
    """An export task's file; the name of its folder is the stream's, with ``-`` for ``/``."""

    name = "S3 export"
    made_by = "aws logs create-export-task …, then aws s3 cp --recursive s3://BUCKET/PREFIX log/"
    # 2026-11-23T03:00:00.123Z message
    header = (
        SECOND + rb"(?P<fraction>\.\d{3})(?P<offset>Z)" + HEADER_END
        + rb"(?!" + RUNTIME_MESSAGE + rb")"
    )  # fmt: skip

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return an export, unless its columns are set apart otherwise than by one space."""
        if any(map(_TABBED.match, head.lines)):
            return None
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


_GROUP = rb"(?P<group>[\w./#-]+)"
_LEADING_GROUP = rb"(?P<group>/[\w./#-]+)"
_ANY_OFFSET = rb"(?P<offset>(?:Z|[+-]\d\d:?\d\d)?)"
# 2026-11-23T03:00:01.000Z, but not where a request ID follows: that time is the runtime's own
_INGESTED = (
    rb"(?: +" + COLOUR + rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    rb"(?! +[0-9a-f-]{36} )" + COLOUR + rb")?"
)


def _columns(*columns: bytes) -> bytes:
    """Return the pattern of columns with spaces between them, which may be coloured."""
    return COLOUR + (COLOUR + b" +" + COLOUR).join(columns) + COLOUR


class SamLogs(TimedText):
    """``sam logs``, and ``awslogs get -G --timestamp``: stream, time, message."""

    name = "sam logs"
    made_by = "sam logs --name FUNCTION --start-time '1d ago'"
    # 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123000+00:00 message
    # 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123000 message
    header = _columns(STREAM, SECOND + FRACTION + _ANY_OFFSET) + _INGESTED + HEADER_END


class AwslogsGet(TimedText):
    """``awslogs get --timestamp``: group, stream, time, message."""

    name = "awslogs get --timestamp"
    made_by = "awslogs get GROUP --start 1d --timestamp"
    # /aws/lambda/orders 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123Z message
    header = _columns(_GROUP, STREAM, SECOND + FRACTION + OFFSET) + _INGESTED + HEADER_END


class AwslogsGroupTimes(TimedText):
    """``awslogs get --no-stream --timestamp``: group, time, message."""

    name = "awslogs get --no-stream --timestamp"
    made_by = "awslogs get GROUP --start 1d --no-stream --timestamp"
    # /aws/lambda/orders 2026-11-23T03:00:00.123Z message
    header = _columns(_LEADING_GROUP, SECOND + FRACTION + OFFSET) + _INGESTED + HEADER_END

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, unless the times are those of messages, as a timeout has one."""
        return None if AwslogsGroups.shows_record(head) else super().detect(head)


class SawPretty(TimedText):
    """``saw get --pretty``: whole seconds, stream, message."""

    name = "saw get --pretty"
    made_by = "saw get GROUP --start -24h --pretty"
    # [2026-11-23T04:00:00+01:00] (2026/11/23/[$LATEST]0123…) message
    header = (
        rb"\[" + COLOUR + SECOND + b"(?P<fraction>)" + OFFSET + COLOUR + rb"\] \(" + COLOUR
        + rb"(?P<stream>[^\s\x1b]+?)" + COLOUR + rb"\)" + HEADER_END
    )  # fmt: skip


class AwslogsPlain(TimedText):
    """``awslogs get`` without times: group, stream, message."""

    name = "awslogs get"
    made_by = "awslogs get GROUP --start 1d"
    splittable = False
    has_times = False
    # /aws/lambda/orders 2026/11/23/[$LATEST]0123… message
    header = _columns(_GROUP, STREAM) + HEADER_END

    @classmethod
    def detect(cls, head: Head) -> Self | None:
        """Return the format, if one of the messages is a record of Lambda."""
        return super().detect(head) if cls.shows_record(head) else None

    def times(self, fields: list[bytes], width: int, count: int) -> Times:
        """Return the places of the events: the text has no times."""
        return untimed(count, len(fields) // width)


class AwslogsStreams(AwslogsPlain):
    """``awslogs get --no-group`` without times: stream, message."""

    name = "awslogs get --no-group"
    made_by = "awslogs get GROUP --start 1d --no-group"
    # 2026/11/23/[$LATEST]0123… message
    header = _columns(STREAM) + HEADER_END


class AwslogsGroups(AwslogsPlain):
    """``awslogs get --no-stream`` without times: group, message."""

    name = "awslogs get --no-stream"
    made_by = "awslogs get GROUP --start 1d --no-stream"
    # /aws/lambda/orders message
    header = _columns(_LEADING_GROUP) + HEADER_END

    def joined_headers(self, text: bytes) -> Iterator[tuple[int, bool]]:
        """Return nothing: within a line a group cannot be distinguished from other text."""
        return iter(())
