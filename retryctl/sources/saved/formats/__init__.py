"""The shapes of saved logs, one class each, and the one place that detects which a file has.

Each class has the sample of a line above the pattern that reads it, the command that makes such
a file (``made_by``), and turns blocks of the file into canonical lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module

from retryctl.sources.saved.formats.json_lines import JsonLines
from retryctl.sources.saved.saved_format import Head, SavedFormat

_CLASSES = (
    ("json_documents", "JsonDocuments"),
    ("rewritten_text", "QuotedText"),
    ("button_rows", "ButtonRows"),
    ("rewritten_text", "WrappedText"),
    ("rewritten_text", "ExpandedRows"),
    ("rewritten_text", "UnclosedCsv"),
    ("insights_tables", "InsightsTable"),
    ("insights_tables", "PastedTable"),
    ("csv_tables", "InsightsCsv"),
    ("csv_tables", "CsvTable"),
    ("csv_tables", "MessageCsv"),
    ("console_rows", "TimesAbove"),
    ("text_output", "TextOutput"),
    ("timed_formats", "AwslogsPlain"),
    ("timed_formats", "AwslogsStreams"),
    ("timed_formats", "AwslogsGet"),
    ("timed_formats", "SamLogs"),
    ("timed_formats", "AwslogsGroupTimes"),
    ("timed_formats", "SawPretty"),
    ("timed_formats", "CliTail"),
    ("timed_formats", "S3Export"),
    ("timed_formats", "CliTailShort"),
    ("timed_formats", "JqTsv"),
    ("timed_formats", "MillisecondStreamRows"),
    ("timed_formats", "MillisecondRows"),
    ("bare_messages", "EmulatorLogs"),
    ("console_rows", "MillisecondTable"),
    ("console_rows", "PastedRows"),
    ("console_rows", "ClockRows"),
    ("bare_messages", "SlsLogs"),
    ("bare_messages", "TabbedMessages"),
    ("bare_messages", "BareMessages"),
    ("timed_formats", "AwslogsGroups"),
    ("json_lines", "JsonLines"),
)
"""In the order in which they are tried: what shows itself more clearly comes first."""


def formats(behind: type[SavedFormat] | None = None) -> Iterator[type[SavedFormat]]:
    """Yield the classes in their order, from the one ``behind`` another on.

    A module is imported when its class is tried.
    """
    names = [name for _, name in _CLASSES]
    start = names.index(behind.__name__) + 1 if behind else 0
    tried = _CLASSES[start:]
    return (getattr(import_module(f"{__name__}.{module}"), name) for module, name in tried)


@lru_cache(maxsize=4)  # each pass over a file detects its format anew
def detect_format(content: bytes, folder: str = "") -> SavedFormat | None:
    """Return the format that the first bytes of a file show; ``None`` where it is none of them."""
    head = Head(content, folder)
    if JsonLines.suits_each(head):
        return JsonLines()  # without an import of the modules of all other formats
    return next(filter(None, (shape.detect(head) for shape in formats())), None)
