"""What a file that is not a saved log resembles, and what gives a readable one."""

from __future__ import annotations

import re

from retryctl.errors import UnreadableInput
from retryctl.sources.saved.altered_records import masked_id
from retryctl.sources.saved.formats.columns import NEEDED
from retryctl.sources.saved.formats.csv_tables import csv_header
from retryctl.sources.saved.saved_format import Head

EXPECTED = (
    "Expected: JSON of `aws logs filter-log-events` or `get-log-events`, text of `aws logs tail`,"
    " CSV of the console or of Logs Insights, an S3 export, or records of a subscription; plain or"
    " gzipped. Save one with:\n  aws logs tail GROUP --since 1d > log.txt"
)
_SAVE = "Save the log itself:\n  aws logs tail GROUP --since 1d > log.txt"
SAVE_AGAIN = "Save or download it again:\n  aws logs tail GROUP --since 1d > log.txt"
_WHOLE = f"Attempts are matched by whole request IDs. {_SAVE}"
_EXPORT_RESULTS = (
    "In Logs Insights, run this query and export its results:\n"
    "  fields @timestamp, @message, @logStream, @log | sort @timestamp | limit 10000"
)
_DOWNLOAD_AGAIN = (
    "The CSV of the console has the columns timestamp,message. Download it again: Actions, "
    "Download search results (CSV)."
)

# control characters that no text has, and what was no UTF-8
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]|\xef\xbf\xbd")
_RECORD = re.compile(
    rb"(?:START|END|REPORT) RequestId: |INIT_START Runtime|platform\.(?:start|report)"
)

_EXCERPT = 40

# what may contain a log
_PACKED = re.compile(rb"PK\x03\x04|\(\xef\xbf\xbd/\xef\xbf\xbd|\xef\xbf\xbd7zXZ|BZh|PAR1")
_UNPACK = "Unpack it first: "

# What `retryctl` itself writes for other programs. Its text and Markdown are not among them: a log
# may be appended to such a file.
_REPORT = re.compile(
    rb"""\s*(?:
    <!doctype\ html>\n<html\ lang="en">\n<head>\n(?:<meta\ [^\n]*\n){1,4}
        <meta\ name="generator"\ content="retryctl">
    | <svg\ viewBox="[\d. ]+"\ xmlns="[^"]+">\s+<style>\s+\.retryctl-matrix
    | \{\s*"schema":\ "retryctl/[a-z]+/\d+"
    | \{"request_id":\ "[0-9a-f-]{36}",\ "function":\ (?:null|"[^"\n]*"),
        \ "(?:started_at|log_group)":\ (?:null|"[^"\n]*"),\ "(?:attempts|outcome)":
    | \{\s*"\$schema":.{1,300}?"driver":\ \{\s*"name":\ "retryctl"
    | <\?xml\ [^\n]*\n<testsuites\ name="retryctl\ [a-z]+"
    )""",
    re.DOTALL | re.VERBOSE,
)

# What the first bytes show of a file that is not text; bytes that are not UTF-8 became U+FFFD.
_BINARY_FILES = (
    (rb"PK\x03\x04.{0,2000}?(?:\[Content_Types\]|_rels/|mimetypeapplication/)"
     rb"|PK\x03\x04.{26,40}?(?:word|xl)/",
     "a document of an office program",
     "Download the log in the console: Actions, Download search results (CSV). Do not save it from"
     " a spreadsheet, which changes the times."),
    (rb"PK\x03\x04", "a zip archive", _UNPACK + "unzip FILE"),
    (rb"\(\xef\xbf\xbd/\xef\xbf\xbd", "packed by zstd", _UNPACK + "zstd -d FILE"),
    (rb"\xef\xbf\xbd7zXZ", "packed by xz", _UNPACK + "xz -d FILE"),
    (rb"BZh", "packed by bzip2", _UNPACK + "bzip2 -d FILE"),
    (rb"PAR1", "a Parquet file", _SAVE),
    (rb"%PDF-", "a PDF file", _SAVE),
    (rb"\xef\xbf\xbdPNG|GIF8|RIFF.{4,12}WEBP|(?:\xef\xbf\xbd){3,4}.{1,6}(?:JFIF|Exif)", "a picture",
     _SAVE),
)  # fmt: skip

# What the first bytes of a text resemble, and the way to a readable file.
_TEXTS = (
    (rb'.{0,400}"requestContext".{0,400}"condition"', "the record of a destination",
     "Give the ID in it: retryctl trace ID -f FUNCTION."),
    (rb'\{\s*"Messages":', "messages of a queue",
     "Give the RequestID in their attributes: retryctl trace ID -f FUNCTION."),
    (rb'\{\s*"(?:logStreams|logGroups)":', "a list of log streams or groups", _SAVE),
    (rb'\{\s*"queryId":', "the ID of a query of Logs Insights",
     "Save its results: aws logs get-query-results --query-id ID > results.json"),
    (rb'\{\s*"(?:Traces|TraceSummaries)":|\{.{0,200}"trace_id": ?"1-', "an answer of X-Ray", _SAVE),
    (rb'\{\s*"(?:Label|Datapoints|MetricDataResults)":', "figures of CloudWatch metrics", _SAVE),
    (rb'\{\s*"data":\s*\[\s*\{.{0,200}"attributes":', "an answer of Datadog", _SAVE),
    (rb'\{?\s*"?(?:AWSTemplateFormatVersion|Transform)"?:', "a template of CloudFormation", _SAVE),
    (rb'\{\s*"Records":.{0,200}"eventVersion"', "a log of CloudTrail, or an event", _SAVE),
    (rb'\{\s*"(?:FunctionName|Configuration|FunctionArn)":', "the settings of a function",
     _SAVE),
    (rb"(?:[^\n]*\n){0,9}RESULTS\t@", "text of get-query-results",
     "Save it as JSON: add --output json to the command."),
    (rb'"?(?:[\w.-]+\t)?H4sI[A-Za-z0-9+/]{60,}', "a packed record in base64",
     "Decode it first: base64 -d FILE | gunzip > log.json"),
    (rb'"?(?:[\w.-]+\t)?[A-Za-z0-9+/]{120,}={0,2}"?(?:\t\d+)?\s*\Z', "a text in base64",
     "Decode it first: base64 -d FILE > log.txt"),
    (rb'\s*(?:events:\s*\n- |- eventId: )', "YAML of the AWS CLI",
     "Save it as JSON: add --output json to the command."),
    (rb"\s*(?:-{10,}\n\|\s*(?:FilterLogEvents|GetLogEvents)|\+-[-+]+\+\n\|\|)",
     "a table of the AWS CLI", "Save it as JSON: add --output json to the command."),
    (rb"[\w.-]+:[x*!]?[^:\n]{0,200}:\d+:\d*:", "a list of accounts", _SAVE),
    (rb"-----BEGIN [A-Z ]+-----", "a key or a certificate", _SAVE),
    (rb"\s*\[[\w ./-]+\]\s*\n|(?:export )?[A-Z][A-Z0-9_]*=", "a file of settings", _SAVE),
    (rb"#!|import \w|from [\w.]+ import |(?:const|package|using) \w", "a program", _SAVE),
    (rb"(?i)\s*<(?:\?xml|testsuites?\b)(?!.{0,400}<(?:!doctype|html))", "XML", _SAVE),
    (rb"(?i)\s*<(?:!doctype|html|\?xml)", "a web page",
     "Download the log in the console: Actions, Download search results (CSV)."),
    (rb"\[?1\d{12}\] ", "output of zappa tail, which leaves out START, END and REPORT", _SAVE),
    (rb"\s*\|.*\n\s*\|[-| :]+", "a table without a column of messages",
     _EXPORT_RESULTS),
    (rb"(?i)\s*(?:usage: aws|aws: error|An error occurred \()", "an error of the AWS CLI",
     "Run the command again, and check what it prints."),
)  # fmt: skip


def not_a_log(name: str, beginning: bytes) -> UnreadableInput:
    """Return the error of an unknown shape: what it resembles, and what makes a readable file."""
    if _REPORT.match(beginning):
        what = f"{name} is not a saved log: it is a report of retryctl."
        return UnreadableInput(what, "Name the log that the report was made from.")
    what, way = _unlike_a_log(name, beginning)
    hides = _PACKED.match(beginning) or _RECORD.search(beginning)
    return UnreadableInput(what, way, hides_attempts=hides is not None)


def _unlike_a_log(name: str, beginning: bytes) -> tuple[str, str]:
    """Return what the file resembles, and the way to a readable file."""
    for pattern, shape, way in _BINARY_FILES:
        if re.match(pattern, beginning, re.DOTALL):
            return f"{name} is not a saved log: it is {shape}.", way
    if _BINARY.search(beginning[:4096]):
        return f"{name} is not a saved log: it is binary.", EXPECTED
    for pattern, shape, way in _TEXTS:
        if re.match(pattern, beginning, re.DOTALL):
            return f"{name} is not a saved log: it is probably {shape}.", way
    if columns := csv_header(Head(beginning)):
        named = ", ".join(columns[:8])
        of_insights = any("@" in column or "(" in column for column in columns)
        return (
            f"{name} is CSV with the columns {named}; a log needs {NEEDED}.",
            _EXPORT_RESULTS if of_insights else _DOWNLOAD_AGAIN,
        )
    if masked := masked_id(beginning):
        return f"{name} has request IDs that are masked or shortened: {masked!r}.", _WHOLE
    if _RECORD.search(beginning):
        return f"{name} has records of Lambda, in a layout that is not known.", EXPECTED
    first, *_ = beginning.strip().split(b"\n", 1)
    found = repr(first[:_EXCERPT].decode(errors="replace"))
    return f"{name} is not a saved log: it starts with {found}.", EXPECTED
