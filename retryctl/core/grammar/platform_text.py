"""Lambda's own records in the text format."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from retryctl.core.late_regex import late_regex
from retryctl.core.model.events import REQUEST_ID
from retryctl.core.model.records import (
    End,
    Extension,
    InitReport,
    InitStart,
    Record,
    Report,
    RestoreReport,
    RestoreStart,
    RuntimeExited,
    Start,
    Unrecognised,
)

TERMINAL_CODE: Final = r"\x1b\[[\d;]*[mK]"
"""A code for the colour of a terminal, or to clear its line, which viewers and grep add."""

# Far above the longest of them; a longer line is an application's, and is not worth a search.
_LONGEST = 8192

CUT_MARK: Final = "…"
"""What a reader appends to a REPORT that the end of a file may have cut short."""

_ID = REQUEST_ID
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"

# START RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95 Version: $LATEST⏎
_START = re.compile(rf"START RequestId: ({_ID})\s+Version: (\$LATEST(?:\.PUBLISHED)?|\d+)\s*\Z")
# END RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95⏎
_END = re.compile(rf"END RequestId: ({_ID})\s*\Z")
# REPORT RequestId: 8f507cfc-0d3f-4697-b07a-ac58fc914c95⇥Duration: 54.60 ms⇥Billed Duration: …
_REPORT = re.compile(rf"REPORT RequestId: ({_ID})\s*")
# …⇥Memory Size: 128 MB⇥Max Memory Used: 36 MB⇥Init Duration: 101.20 ms⇥Status: timeout⏎
# Names are matched whole, longest first: "Duration" stands inside four of them.
_REPORT_FIELD = re.compile(
    rf"(Billed Restore Duration|Restore Duration|Billed Duration|Init Duration|Duration): "
    rf"({_NUMBER}) ms\s*"
    rf"|(Memory Size|Max Memory Used): (\d{{1,9}}) MB\s*"
    r"|(Status|Error Type): (\S+)\s*"
    r"|[A-Z][A-Za-z ]{0,40}: [^\t\n]+[\t\n]\s*"  # a field of tomorrow
)
# XRAY TraceId: 1-6a4d74cc-7ded0e6b33a014b7337309fa⇥SegmentId: 0133324294777dc4⇥Sampled: true⇥⏎
_XRAY = late_regex(r"XRAY TraceId: (\S+)")
_REPORT_NAMES = {
    "Duration": "duration_ms",
    "Billed Duration": "billed_duration_ms",
    "Init Duration": "init_duration_ms",
    "Restore Duration": "restore_duration_ms",
    "Memory Size": "memory_size_mb",
    "Max Memory Used": "max_memory_used_mb",
    "Status": "status",
    "Error Type": "error_type",
}
_STATUS_NAMES = ("status", "error_type")
# The values whose meaning depends on all of their letters.
_WHOLE_VALUES = (
    *("error", "timeout", "failure", "success", "Runtime.OutOfMemory", "Runtime.ExitError"),
    *("Runtime.Unknown", "Runtime.ImportModuleError", "Runtime.UserCodeSyntaxError"),
    *("Runtime.HandlerNotFound", "Runtime.MalformedHandlerName", "Runtime.InvalidEntrypoint"),
)
# INIT_START Runtime Version: python:3.13.v74⇥Runtime Version ARN: arn:aws:lambda:…⏎
_RUNTIME_VERSION = re.compile(r"\w+ Runtime Version: (\S+)")
# INIT_REPORT Init Duration: 171.15 ms⇥Phase: init⇥Status: error⇥Error Type: Runtime.Unknown⏎
_INIT_REPORT = late_regex(
    rf"INIT_REPORT Init Duration: ({_NUMBER}) ms(?:\s+Phase: (\w+))?"
    r"(?:\s+Status: (\w+))?(?:\s+Error Type: (\S+))?"
)
# RESTORE_REPORT Restore Duration: 474.16 ms⇥Status: error⇥Error Type: RestoreError⏎
_RESTORE_REPORT = late_regex(
    rf"RESTORE_REPORT Restore Duration: ({_NUMBER}) ms"
    r"(?:\s+Status: (\w+))?(?:\s+Error Type: (\S+))?"
)
# EXTENSION⇥Name: agent⇥State: Ready⇥Events: [INVOKE, SHUTDOWN]⇥Error Type: PermissionDenied
# TELEMETRY⇥Name: agent⇥State: Subscribed⇥Types: [Platform, Function]
_EXTENSION = late_regex(
    r"(?:EXTENSION|TELEMETRY|LOGS)\s+Name: (\S+)\s+State: (\S+)"
    r"(?:\s+Events: \[([^\]]*)\])?(?:\s+Types: \[([^\]]*)\])?(?:\s+Error Type: (\S+))?"
)
# RequestId: 8f50… Error: Runtime exited with error: signal: killed⏎Runtime.ExitError⏎
# RequestId: 813a64e4-cd22-11e8-acad-d7f8fa4137e6 Process exited before completing request
_EXITED = late_regex(
    rf"RequestId: ({_ID}) (?:Error: |(Process exited before completing request)\s*\Z)"
)
_ERROR_TYPE = late_regex(r"[A-Z]\w*\.[A-Z]\w*")
_SIGNAL = late_regex(r"signal: ([\w ]+)")


def _report(head: re.Match[str]) -> Record | None:
    line, _, rest = head.string[head.end() :].partition("XRAY TraceId:")
    is_cut = line.endswith(CUT_MARK)
    line, fields, at = line.removesuffix(CUT_MARK), dict[str, Any](), 0
    while m := _REPORT_FIELD.match(line, at):
        at = m.end()
        name, value = m[1] or m[3] or m[5], m[2] or m[4] or m[6]
        if name in _REPORT_NAMES:
            fields[_REPORT_NAMES[name]] = value if m[5] else _number(value)
    if not fields and line.strip():
        return None
    is_cut |= any(map(_is_part, (fields.get(name) for name in _STATUS_NAMES)))
    if is_cut:  # the status or its type may be one of several words that begin so
        fields = {name: value for name, value in fields.items() if name not in _STATUS_NAMES}
    xray = _XRAY.match("XRAY TraceId:" + rest) if rest else None
    known = line[:at]
    # text that a file has behind the line, such as a prompt, is no part of the record
    ends_before = at < len(line) and "\n" not in known[len(known.rstrip()) :]
    return Report(
        request_id=head[1].lower(),
        # every REPORT has the memory
        cut=is_cut or ends_before or "max_memory_used_mb" not in fields,
        xray_trace_id=xray[1] if xray else None,
        **fields,
    )


def _is_part(value: str | None) -> bool:
    """Whether a status or an error type is only the beginning of one."""
    if not value or value in _WHOLE_VALUES:
        return False
    return any(whole.startswith(value) for whole in _WHOLE_VALUES)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _extension(m: re.Match[str]) -> Record:
    return Extension(
        name=m[1], state=m[2], events=_names(m[3]), types=_names(m[4]), error_type=m[5]
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _exited(m: re.Match[str]) -> Record | None:
    if m[2]:
        return RuntimeExited(request_id=m[1].lower(), error_message=m[2])
    text, kind = m.string[m.end() :].strip(), None
    words = text.rsplit(maxsplit=1)
    if len(words) == 2 and _ERROR_TYPE.fullmatch(words[1]):
        text, kind = words
    elif not text.startswith("Runtime exited "):
        return None
    signal = _SIGNAL.search(text)
    return RuntimeExited(
        request_id=m[1].lower(),
        error_message=text,
        error_type=kind,
        signal=signal[1].strip() if signal else None,
    )


_READERS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], Record | None]], ...] = (
    ("START RequestId: ", _START, lambda m: Start(request_id=m[1].lower(), version=m[2])),
    ("END RequestId: ", _END, lambda m: End(request_id=m[1].lower())),
    ("REPORT RequestId: ", _REPORT, _report),
    ("INIT_START ", _RUNTIME_VERSION, lambda m: InitStart(runtime_version=m[1])),
    (
        "INIT_REPORT ",
        _INIT_REPORT,
        lambda m: InitReport(duration_ms=float(m[1]), phase=m[2], status=m[3], error_type=m[4]),
    ),
    ("RESTORE_START ", _RUNTIME_VERSION, lambda m: RestoreStart(runtime_version=m[1])),
    (
        "RESTORE_REPORT ",
        _RESTORE_REPORT,
        lambda m: RestoreReport(duration_ms=float(m[1]), status=m[2], error_type=m[3]),
    ),
    ("EXTENSION", _EXTENSION, _extension),
    ("TELEMETRY", _EXTENSION, _extension),
    ("LOGS", _EXTENSION, _extension),
    ("RequestId: ", _EXITED, _exited),
)


def platform_text(message: str) -> Record | None:
    """Return the record that Lambda wrote in ``message``; ``None`` where it wrote none."""
    for prefix, pattern, reader in _READERS:
        if message.startswith(prefix):
            if len(message) > _LONGEST:
                return None
            found = pattern.match(message)
            return (found and reader(found)) or _spoilt(message)
    return None


_SPOILT = late_regex(
    rf"(?:START|END|REPORT) RequestId: (?:{_ID}|(\*{{4}}))|(?:INIT|RESTORE)_START Runtime Version:"
    r"|INIT_REPORT Init Duration:|RESTORE_REPORT Restore Duration:"
    r"|(?:EXTENSION|TELEMETRY|LOGS)\s+Name: "
)


def _spoilt(message: str) -> Unrecognised | None:
    """Keep a line that begins like a record of Lambda's, and does not go on like one.

    A START may be all that a log has of its attempt.
    """
    if m := _SPOILT.match(message):
        why = "a record in the text format that cannot be read"
        return Unrecognised(text=message, why=why, cut=bool(m[1]) or message.startswith("START "))
    return None
