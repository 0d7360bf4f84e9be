"""The log lines that describe attempts, as one regular expression for CloudWatch Logs.

Most lines of a busy log do not describe attempts. The grammar reads Lambda's records, the
runtimes' errors, and the lines of the counter and the branch: those are selected in the service.
The expression may match more than that, and not less, but for JSON that hides plain letters behind
escapes (``\\u006c``). It keeps to what FilterLogEvents takes between two ``%``: no parentheses, no
spaces, no quotes; Logs Insights takes it between two slashes.

Two lines that prove something only as neighbours need a lookup (``adjacent_pairs``).
"""

from __future__ import annotations

import re

from retryctl.core.crosscheck.claims import Markers
from retryctl.core.grammar.older_runtimes import OLDER_SENTENCES

LONGEST_PATTERN = 1024
MASKED_LINE = r"\*\*\*\*"
_RECORDS = (
    *(r"^START.RequestId:", r"^END.RequestId:", r"^REPORT.RequestId:", r"^RequestId:"),
    *(r"^INIT_START", r"^INIT_REPORT", r"^RESTORE_", r"^EXTENSION", r"^TELEMETRY", r"^LOGS\s"),
    *(r"platform\.", r"Task.timed.out.after", r"LAMBDA_WARNING"),
    *(r"^\[ERROR\]\s[A-Za-z_]", r"errorMessage", r"errorType"),  # Python; JSON, Go and Ruby
    *(r"Invoke.Error", r"Uncaught.Exception", r"Unhandled.Promise.Rejection"),  # Node.js
    *(
        r"\s\sat\s",
        r"\\tat\s",
        r"^[0-9T:.Z-]+\s[0-9a-zA-Z-]*\sfail\s",
    ),  # Java in both formats; .NET
    *(r"^Error.raised.from.handler", r"^Critical.exception.from", r"^Init.error.when.loading"),
    *(
        re.sub("[^A-Za-z^+]", ".", f"^{begin}.+{rest}" if rest else f"^{begin}")
        for begin, rest in OLDER_SENTENCES
    ),
    r"\sTraceback..most.recent.call.last.:",
    MASKED_LINE,
    *(r"retryctl", r"durable-execution"),  # the marker of the counters; an ARN
)
_PRINTED = (r"^\s*[0-9]+\s*$", r"^\s*process\s")


def attempt_line_pattern(markers: Markers) -> str | None:
    """Return the expression; ``None`` where the settings' own lines cannot be put into it."""
    own: list[str | None] = [
        _searchable(pattern) for pattern in (markers.counter, markers.branch) if pattern
    ]
    own += [_key(path) for path in (markers.counter_field, markers.branch_field) if path]
    if None in own:
        return None
    expression = "|".join((*_RECORDS, *(_PRINTED if markers.are_default else filter(None, own))))
    return expression if len(expression) <= LONGEST_PATTERN - 2 else None


def _key(path: str) -> str | None:
    """Return the last key of a field, as it stands in a line of JSON."""
    key = path.rpartition(".")[2]
    return re.sub(r"[^A-Za-z0-9_-]", ".", key) if key.isascii() and key else None


_ANYTHING = r"[\s\S]*"  # of several lines too
_COUNT = r"(?:[*+?]|\{\d+(?:,\d*)?\})\??"
# What can be any text, and what JSON may write with more signs than one; a sign that stands for
# itself; a count of it; another sign of an expression, or one that the service does not take.
_PART = re.compile(
    r"(?P<wide>(?:\(\?P<\w+>(?:[^()\\]|\\.)*\)|\[\^?\]?(?:[^\]\\]|\\.)*\]"
    rf"|\\?[\"/<>&'=+`]|\\[dswDSW]|\.)(?:{_COUNT})?)"
    r"|(?P<itself>\\[.*?$^|\[\]{}-]|[A-Za-z0-9:_#@;,-])"
    rf"|(?P<count>{_COUNT})"
    r"|(?P<anchor>[\^$])"
    r"|(?P<or>\|)"
    r"|(?P<other>[ !%~])"
)


def _searchable(pattern: re.Pattern[str]) -> str | None:
    """Return an expression that matches wherever ``pattern`` does; ``None`` where that is not sure.

    Anchors are dropped, since ``pattern`` is also compared with the message inside a line of JSON.
    """
    if pattern.flags & ~re.UNICODE:
        return None
    made: list[str] = []
    at = 0
    while at < len(pattern.pattern):
        part = _PART.match(pattern.pattern, at)
        if not part:
            return None
        at, kind = part.end(), part.lastgroup
        if kind == "wide":
            made += [_ANYTHING] if made[-1:] != [_ANYTHING] else []
        elif kind == "count":
            made.append(part[0] if len(part[0]) == 1 else part[0].removesuffix("?"))
        elif kind == "other":
            made.append(".")
        elif kind != "anchor":
            made.append(part[0])
    return "".join(made) or None
