"""The shapes of saved logs, one class each, and the one place that detects which a file has.

Each class has the sample of a line above the pattern that reads it, the command that makes such
a file (``made_by``), and turns blocks of the file into canonical lines.
"""

from __future__ import annotations

from retryctl.sources.saved.formats.cli_text import CliTail, CliTailShort, S3Export
from retryctl.sources.saved.formats.json_documents import JsonDocuments, SubscriptionRecords
from retryctl.sources.saved.formats.json_lines import JsonLines
from retryctl.sources.saved.log_format import Head, LogFormat

FORMATS: tuple[type[LogFormat], ...] = (
    SubscriptionRecords,
    JsonDocuments,
    JsonLines,
    CliTail,
    S3Export,
    CliTailShort,
)
"""In the order in which they are tried: what shows itself more clearly comes first."""


def detect_format(content: bytes, folder: str = "") -> LogFormat | None:
    """The format that the first bytes of a file show; ``None`` where it is none of them."""
    head = Head(content, folder)
    return next(filter(None, (shape.detect(head) for shape in FORMATS)), None)
