"""Which log lines tell of attempts, as one regular expression that CloudWatch Logs can search for.

Of a busy log most lines say nothing of attempts. What the grammar reads are Lambda's records, the
runtimes' errors, and the lines of the counter and the branch: those are selected in the service.
The expression may match more than that, never less. It keeps to what FilterLogEvents takes between
two ``%``: no parentheses, no spaces, no quotes; Logs Insights takes it between two slashes.

Two things are told by lines that stand side by side: the printed integer is the counter only
directly before its branch, and some errors count only as the last line. What stands between them
is not selected; such a *pair* is proof only where nothing does (``Pairs``).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from retryctl.core.brackets import CLOSING, Line
from retryctl.core.claims import Markers, read_claim
from retryctl.core.grammar import read
from retryctl.core.records import AppLine, FunctionError, LogEvent, Record

LONGEST_PATTERN = 1024
_TELLING = (
    *(r"^START.RequestId:", r"^END.RequestId:", r"^REPORT.RequestId:", r"^RequestId:"),
    *(r"^INIT_START", r"^INIT_REPORT", r"^RESTORE_", r"^EXTENSION", r"^TELEMETRY", r"^LOGS\s"),
    *(r"platform\.", r"Task.timed.out.after", r"LAMBDA_WARNING"),
    *(r"^\[ERROR\]\s[A-Za-z_]", r"errorMessage", r"errorType"),  # Python; JSON, Go and Ruby
    *(r"Invoke.Error", r"Uncaught.Exception", r"Unhandled.Promise.Rejection"),  # Node.js
    *(r"\s\sat\s", r"\\tat\s", r"^[0-9T:.Z-]+\s[0-9a-z-]*\sfail\s"),  # Java in both formats; .NET
    *(r"^Error.raised.from.handler", r"^Critical.exception.from", r"^Init.error.when.loading"),
    r"retryctl",  # the marker of the counters
)
_MOST_LINES = ("START RequestId:", "END RequestId:", "REPORT RequestId:")
_PRINTED = (r"^\s*[0-9]+\s*$", r"^\s*process\s")


def telling_lines(markers: Markers) -> str | None:
    """The expression; ``None`` where the settings' own lines cannot be put into it."""
    own: list[str | None] = [
        _searchable(pattern) for pattern in (markers.counter, markers.branch) if pattern
    ]
    own += [_key(path) for path in (markers.counter_field, markers.branch_field) if path]
    if None in own:
        return None
    expression = "|".join((*_TELLING, *(_PRINTED if markers.are_default else filter(None, own))))
    return expression if len(expression) <= LONGEST_PATTERN - 2 else None


def _key(path: str) -> str | None:
    """The last key of a field, as it stands in a line of JSON."""
    key = path.rpartition(".")[2]
    return re.sub(r"[^A-Za-z0-9_-]", ".", key) if key.isascii() and key else None


# The group of the value, an escape, a set, a count, or another sign of an expression.
_PART = re.compile(
    r"(?P<group>\(\?P<\w+>(?:[^()\\]|\\.)*\)(?![*+?{]))"
    r"|(?P<escape>\\[dswDSW.+*?$^|\[\]{}\-/])"
    r"|(?P<set>\[\^?(?:\\[dsw\-.]|[A-Za-z0-9:_#=@/;,.+*?|${}-])+\])"
    r"|(?P<count>(?:[*+?]|\{\d+(?:,\d*)?\})\??)"
    r"|(?P<anchor>[\^$])"
    r"|(?P<sign>[.|])"
    r"|(?P<plain>[A-Za-z0-9:_#=@/;,-])"
    r"|(?P<quote>\\?\")"
    r"|(?P<other>[ !%&'<>~`])"
)


def _searchable(pattern: re.Pattern[str]) -> str | None:
    """An expression that matches wherever ``pattern`` does; ``None`` where that is not sure.

    Its value can be any text of one line. Anchors are dropped, since ``pattern`` is also held
    against the message inside a line of JSON.
    """
    if pattern.flags & ~re.UNICODE:
        return None
    text = pattern.pattern
    made: list[str] = []
    at = 0
    while at < len(text):
        m = _PART.match(text, at)
        if not m:
            return None
        at, kind = m.end(), m.lastgroup
        if kind == "group":
            made.append(".*")
        elif kind == "count":
            made.append(m[0][:1] if m[0][0] in "*+?" else m[0].removesuffix("?"))
        elif kind == "quote":
            made.append(r".?.")  # JSON puts a backslash before it
        elif kind == "other":
            made.append(".")
        elif kind != "anchor":
            made.append(m[0])
    return "".join(made) or None


# --------------------------------------------------------------------------- pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two lines of a stream that tell something only if no line of the function parts them."""

    first: LogEvent
    second: LogEvent

    @property
    def apart_ms(self) -> int:
        """The farther apart, the more can lie between."""
        return self.second.timestamp_ms - self.first.timestamp_ms


class Pairs:
    """Finds the pairs among selected lines, taken in the order of time; ``found`` counts them.

    Of each kind at most ``most`` are held: those with the most time between.
    """

    def __init__(self, markers: Markers, most: int) -> None:
        self._markers = markers
        self._most = most
        self._before: dict[str | None, tuple[LogEvent, Record]] = {}
        self._heaps: dict[type[Record], list[tuple[int, int, Pair]]] = {}
        self._ties = count()
        self.found = 0

    def take(self, event: LogEvent) -> None:
        """Take the next line of the log group."""
        first = self._before.get(event.log_stream)
        if not first and event.message.startswith(_MOST_LINES):
            return
        second = (event, read(event))
        if first and self._belong(first, second):
            self.found += 1
            self._keep(type(first[1]), Pair(first=first[0], second=event))
        if isinstance(second[1], (AppLine, FunctionError)):
            self._before[event.log_stream] = second
        elif isinstance(second[1], CLOSING):
            self._before.pop(event.log_stream, None)

    def merge(self, other: Pairs) -> None:
        """Add what was found elsewhere."""
        self.found += other.found
        for kind, heap in other._heaps.items():
            for _, _, pair in heap:
                self._keep(kind, pair)

    def farthest(self, most: int) -> list[Pair]:
        """Of each kind at most so many, those with the most time between first."""
        ordered = (sorted(heap, reverse=True)[:most] for heap in self._heaps.values())
        return [pair for heap in ordered for _, _, pair in heap]

    def _belong(self, first: Line, second: Line) -> bool:
        one, other = first[1], second[1]
        if isinstance(one, FunctionError):
            return not one.certain and isinstance(other, CLOSING)
        if not (isinstance(one, AppLine) and isinstance(other, AppLine)):
            return False
        if not self._markers.are_default or not one.text.strip().isdigit():
            return False
        return read_claim([first, second], self._markers).counter is not None

    def _keep(self, kind: type[Record], pair: Pair) -> None:
        heap = self._heaps.setdefault(kind, [])
        item = (pair.apart_ms, next(self._ties), pair)
        if len(heap) < self._most:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)


def is_parted(pair: Pair, lines: Sequence[LogEvent]) -> bool:
    """Whether a line of the function stands between the two, by all ``lines`` of that time."""

    def at(event: LogEvent, begin: int) -> int:
        same = (event.timestamp_ms, event.message)
        found = (n for n in range(begin, len(lines)) if _place(lines[n]) == same)
        return next(found, -1)

    first = at(pair.first, 0)
    second = at(pair.second, first + 1)
    if first < 0 or second < 0:
        return True
    return any(isinstance(read(line), AppLine) for line in lines[first + 1 : second])


def _place(event: LogEvent) -> tuple[int, str]:
    return event.timestamp_ms, event.message
