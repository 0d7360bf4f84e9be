"""What tools around the AWS CLI print: ``sam logs``, ``awslogs get``, ``saw get --pretty``.

Sources: samcli's CWConsoleEventConsumer and formatters (stream, time, message), awslogs/core.py
(group, stream, time, time of ingestion, message; each can be left out), saw's blade.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from retryctl.sources.saved.formats.event_times import Times, untimed
from retryctl.sources.saved.formats.header_patterns import (
    COLOUR,
    END,
    FRACTION,
    OFFSET,
    SECOND,
    STREAM,
)
from retryctl.sources.saved.formats.timed_text import TimedText
from retryctl.sources.saved.log_format import Head

_GROUP = rb"(?P<group>[\w./#-]+)"
_LEADING_GROUP = rb"(?P<group>/[\w./#-]+)"
# 2026-11-23T03:00:01.000Z, but not where a request ID follows: that time is the runtime's own
_INGESTED = (
    rb"(?: +" + COLOUR + rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    rb"(?! +[0-9a-f-]{36} )" + COLOUR + rb")?"
)


class SamLogs(TimedText):
    """``sam logs``, and ``awslogs get -G --timestamp``: stream, time, message."""

    name = "sam logs"
    made_by = "sam logs --name FUNCTION --start-time '1d ago'"
    # 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123000+00:00 message
    # 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123000 message
    header = (
        COLOUR + STREAM + COLOUR + b" +" + COLOUR + SECOND + FRACTION
        + b"(?P<offset>(?:Z|[+-]\\d\\d:?\\d\\d)?)" + COLOUR + _INGESTED + END
    )  # fmt: skip


class AwslogsGet(TimedText):
    """``awslogs get --timestamp``: group, stream, time, message."""

    name = "awslogs get --timestamp"
    made_by = "awslogs get GROUP --start 1d --timestamp"
    # /aws/lambda/orders 2026/11/23/[$LATEST]0123… 2026-11-23T03:00:00.123Z message
    header = (
        COLOUR + _GROUP + COLOUR + b" +" + COLOUR + STREAM + COLOUR + b" +" + COLOUR + SECOND
        + FRACTION + OFFSET + COLOUR + _INGESTED + END
    )  # fmt: skip


class AwslogsGroupTimes(TimedText):
    """``awslogs get --no-stream --timestamp``: group, time, message."""

    name = "awslogs get --no-stream --timestamp"
    made_by = "awslogs get GROUP --start 1d --no-stream --timestamp"
    # /aws/lambda/orders 2026-11-23T03:00:00.123Z message
    header = (
        COLOUR + _LEADING_GROUP + COLOUR + b" +" + COLOUR + SECOND + FRACTION + OFFSET + COLOUR
        + _INGESTED + END
    )  # fmt: skip


class SawPretty(TimedText):
    """``saw get --pretty``: whole seconds, stream, message."""

    name = "saw get --pretty"
    made_by = "saw get GROUP --start -24h --pretty"
    # [2026-11-23T04:00:00+01:00] (2026/11/23/[$LATEST]0123…) message
    header = (
        rb"\[" + COLOUR + SECOND + b"(?P<fraction>)" + OFFSET + COLOUR + rb"\] \(" + COLOUR
        + rb"(?P<stream>[^\s\x1b]+?)" + COLOUR + rb"\)" + END
    )  # fmt: skip


class AwslogsPlain(TimedText):
    """``awslogs get`` without times: group, stream, message."""

    name = "awslogs get"
    made_by = "awslogs get GROUP --start 1d"
    splittable = False
    has_times = False
    # /aws/lambda/orders 2026/11/23/[$LATEST]0123… message
    header = COLOUR + _GROUP + COLOUR + b" +" + COLOUR + STREAM + COLOUR + END

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
    header = COLOUR + STREAM + COLOUR + END


class AwslogsGroups(AwslogsPlain):
    """``awslogs get --no-stream`` without times: group, message."""

    name = "awslogs get --no-stream"
    made_by = "awslogs get GROUP --start 1d --no-stream"
    # /aws/lambda/orders message
    header = COLOUR + _LEADING_GROUP + COLOUR + END

    def joined_headers(self, text: bytes) -> Iterator[tuple[int, bool]]:
        """Return nothing: within a line a group cannot be distinguished from other text."""
        return iter(())
