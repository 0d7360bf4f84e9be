"""The shapes of saved logs, one class each, and the one place that detects which a file has.

Each class has the sample of a line above the pattern that reads it, the command that makes such
a file (``made_by``), and turns blocks of the file into canonical lines.
"""

from __future__ import annotations

from retryctl.sources.saved.formats.bare_messages import BareMessages, EmulatorLogs, SlsLogs
from retryctl.sources.saved.formats.cli_text import (
    CliTail,
    CliTailShort,
    MillisecondRows,
    S3Export,
)
from retryctl.sources.saved.formats.csv_tables import CsvTable, InsightsCsv
from retryctl.sources.saved.formats.insights_tables import InsightsTable
from retryctl.sources.saved.formats.json_documents import JsonDocuments
from retryctl.sources.saved.formats.json_lines import JsonLines
from retryctl.sources.saved.formats.json_shapes import JSON_SHAPES
from retryctl.sources.saved.formats.pasted_rows import PastedRows
from retryctl.sources.saved.formats.text_output import TextOutput
from retryctl.sources.saved.formats.tools import AwslogsGet, AwslogsPlain, SamLogs, SawPretty
from retryctl.sources.saved.log_format import Head, LogFormat

FORMATS: tuple[type[LogFormat], ...] = (
    JsonDocuments,
    InsightsTable,
    InsightsCsv,
    CsvTable,
    TextOutput,
    AwslogsGet,
    SamLogs,
    SawPretty,
    CliTail,
    S3Export,
    CliTailShort,
    MillisecondRows,
    PastedRows,
    SlsLogs,
    EmulatorLogs,
    BareMessages,
    AwslogsPlain,
    JsonLines,
)
"""In the order in which they are tried: what shows itself more clearly comes first."""


def detect_format(content: bytes, folder: str = "") -> LogFormat | None:
    """Return the format that the first bytes of a file show; ``None`` where it is none of them."""
    head = Head(content, folder)
    return next(filter(None, (shape.detect(head) for shape in FORMATS)), None)


def shapes() -> list[tuple[str, str]]:
    """Return the name of each shape with the command that makes it."""
    of_json = [(shape.name, shape.made_by) for shape in JSON_SHAPES]
    others = [(shape.name, shape.made_by) for shape in FORMATS if shape is not JsonDocuments]
    return [*of_json, *others]


def shapes_table() -> str:
    """Return the table of shapes in Markdown."""
    rows = "".join(
        f"| {name} | {made_by.replace('|', chr(92) + '|')} |\n" for name, made_by in shapes()
    )
    return f"| format | made by |\n| --- | --- |\n{rows}"
