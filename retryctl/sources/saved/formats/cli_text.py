"""Text of the AWS CLI and of exports: ``aws logs tail``, and export tasks to Amazon S3.

Sources: awscli/customizations/logs/tail.py, version 2, which strips the end of each message;
its ``--format json`` is the detailed form with JSON messages pretty-printed behind a line break,
and ``--color on`` colours the time and the stream. For exports the CloudWatch Logs user guide,
"Exporting log data to Amazon S3".
"""

from __future__ import annotations

import re

from retryctl.sources.saved.formats.timed_text import DAY, FRACTION, TIME, TimedText
from retryctl.sources.saved.log_format import Head

_COLOUR = rb"(?:\x1b\[[\d;]*m)*"
_BEFORE_MESSAGE = _COLOUR + rb"(?: |(?=\n)|\Z)"
_SECOND = rb"(?m:^)" + _COLOUR + b"(" + DAY + b"T" + TIME + b")"

# 2026-11-23-[$LATEST]0123456789abcdef0123456789abcdef, 2026-11-23-orders[7]0123…
_EXPORT_FOLDER = re.compile(r"(\d{4})-(\d\d)-(\d\d)-([^\[\]]*\[.+)", re.DOTALL)


class _CliText(TimedText):
    @classmethod
    def detect(cls, head: Head) -> TimedText | None:
        """The format, if one of the first lines begins with its header."""
        if head.is_json or not any(map(cls.header.match, head.lines)):
            return None
        return cls(newline=head.newline, log_stream=cls.known_stream(head))

    @classmethod
    def known_stream(cls, head: Head) -> bytes | None:
        """The log stream of a file that does not name it."""
        return None


class CliTail(_CliText):
    """``aws logs tail`` with streams."""

    name = "aws logs tail"
    made_by = "aws logs tail GROUP --since 1d"
    # 2026-11-23T03:00:00.123000+00:00 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef message
    # 2026-11-23T03:00:00+00:00 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef message
    header = re.compile(
        _SECOND + FRACTION + rb"(\+00:00)" + _COLOUR + b" " + _COLOUR + rb"([^\s\x1b]+)"
        + _BEFORE_MESSAGE
    )  # fmt: skip
    columns = ("stream",)

    def messages(self, joined: bytes) -> bytes:
        """The messages without the line break that ``--format json`` puts before JSON."""
        return joined.replace(b"\0\n{", b"\0{").replace(b"\0\n[", b"\0[")


class CliTailShort(_CliText):
    """``aws logs tail --format short``: whole seconds, no streams."""

    name = "aws logs tail --format short"
    made_by = "aws logs tail GROUP --since 1d --format short"
    # 2026-11-23T03:00:00 message
    header = re.compile(_SECOND + b"()()" + _BEFORE_MESSAGE)


class S3Export(_CliText):
    """An export task's file; the name of its folder is the stream's, with ``-`` for ``/``."""

    name = "S3 export"
    made_by = "aws logs create-export-task …, then aws s3 cp --recursive s3://BUCKET/PREFIX log/"
    # 2026-11-23T03:00:00.123Z message
    header = re.compile(_SECOND + rb"(\.\d{3})(Z)" + _BEFORE_MESSAGE)

    @classmethod
    def known_stream(cls, head: Head) -> bytes | None:
        """The stream that the folder names; of Lambda's streams only."""
        found = _EXPORT_FOLDER.fullmatch(head.folder)
        return "/".join(found.groups()).encode() if found else None
