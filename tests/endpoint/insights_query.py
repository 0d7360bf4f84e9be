"""The language of Logs Insights, as far as the program writes it; every other query is refused.

Two forms. Lines are ``fields`` (all of ``_FIELDS``, perhaps ``_UNMASKED`` too), at most one
``filter`` or ``filterIndex``, ``sort @timestamp asc`` and ``limit``. Counts are at most one
``filter`` and ``stats count(*) as events by bin(…) as t``. A filter is ``@message like "…"`` or
``@message like /…/``, joined by ``or``, or it is ``@logStream in ["…"]``, or ``FIELD in ["…"]``
of a field with a request's ID. ``filterIndex`` takes the last form only.

Where the service's own dialect is not certain, the narrower reading holds: ``$`` is the end of
the text and not also the place before a last newline, look-arounds are refused, and a string
knows no escapes but those of a quote and a backslash.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from tests.endpoint.errors import Refusal

_DISCOVERED = re.compile(r"(?:START|END|REPORT) RequestId: ([0-9a-f-]{36})")
MOST_ROWS = 100_000
MOST_GROUPS = 10_000  # what ``stats`` answers at most

_FIELDS = "fields @timestamp, @message, @logStream, @log"
_UNMASKED = ", unmask(@message) as unmasked"
_LIKE = r'@message like (?:"(?:[^"\\\n]|\\.)+"|/(?:[^/\\\n]|\\.)+/)'
_LIKES = re.compile(rf"{_LIKE}(?: or {_LIKE})*")
_STREAMS = re.compile(r'@logStream in \[("[^"]+"(?:, "[^"]+")*)\]')
_VALUES = re.compile(
    r'(filter|filterIndex) (@requestId|requestId|record\.requestId) in \[("[^"]+"(?:, "[^"]+")*)\]'
)
_LIMIT = re.compile(r"limit (\d+)")
_STATS = re.compile(r"stats count\(\*\) as events by (bin\((\d+)(ms|[smh])\))(?: as (\w+))?")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
# A larger number is not refused: it counts as this one, so that bin(300s) is bin(60s).
_MOST_OF_A_UNIT = {"ms": 1000, "s": 60, "m": 60, "h": 24}
# An escape, a class of characters, or the end of the text.
_PIECE_OF_REGEX = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$")
_UNKNOWN_TO_LINEAR_ENGINES = re.compile(r"\(\?(?:<?[=!]|>)|\\[1-9AGZz]|[*+?}]\+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """``bin_name`` and ``bin_ms`` are those of ``stats``; without them lines are asked for."""

    phrases: tuple[str, ...] = ()
    regexes: tuple[re.Pattern[str], ...] = ()
    streams: frozenset[str] = frozenset()
    field: str = ""
    values: frozenset[str] = frozenset()
    only_indexed: bool = False
    unmask: bool = False
    limit: int = MOST_GROUPS
    bin_name: str = ""
    bin_ms: int = 0

    def wants(self, message: str, stream: str) -> bool:
        if self.streams and stream not in self.streams:
            return False
        if self.field:
            return field_of(message, self.field) in self.values
        if not self.phrases and not self.regexes:
            return True
        return any(phrase in message for phrase in self.phrases) or any(
            regex.search(message) for regex in self.regexes
        )


def parse(text: str) -> Query:
    """Raises the service's refusal where it is none of the two forms."""
    parts = text.split("\n| ")
    if len(parts) <= 2 and (stats := _STATS.fullmatch(parts[-1])):
        phrases, regexes = _likes(parts[0]) if len(parts) == 2 else ((), ())
        number = min(int(stats[2]), _MOST_OF_A_UNIT[stats[3]])
        if number < 1:
            raise _malformed(parts[1])
        return Query(
            phrases=phrases,
            regexes=regexes,
            bin_name=stats[4] or stats[1],
            bin_ms=number * _UNIT_MS[stats[3]],
        )
    return _lines(text, parts)


def _lines(text: str, parts: list[str]) -> Query:
    head = parts[0].removesuffix(_UNMASKED)
    if not 3 <= len(parts) <= 4 or head != _FIELDS or parts[-2] != "sort @timestamp asc":
        raise _malformed(text)
    return replace(_selected(parts), unmask=head != parts[0])


def _selected(parts: list[str]) -> Query:
    limit = _LIMIT.fullmatch(parts[-1])
    if limit is None or not 1 <= int(limit[1]) <= MOST_ROWS:
        raise _malformed(parts[-1])
    if len(parts) == 3:
        return Query(limit=int(limit[1]))
    if streams := _STREAMS.fullmatch(parts[1].removeprefix("filter ")):
        names = frozenset(name.strip('"') for name in streams[1].split(", "))
        return Query(streams=names, limit=int(limit[1]))
    if values := _VALUES.fullmatch(parts[1]):
        return Query(
            field=values[2],
            values=frozenset(value.strip('"') for value in values[3].split(", ")),
            only_indexed=values[1] == "filterIndex",
            limit=int(limit[1]),
        )
    phrases, regexes = _likes(parts[1])
    return Query(phrases=phrases, regexes=regexes, limit=int(limit[1]))


def field_of(message: str, field: str) -> str | None:
    """What Insights discovers in a message: of text a request's ID, of JSON any field."""
    if field == "@requestId":
        found = _DISCOVERED.match(message)
        return found[1] if found else None
    try:
        value = json.loads(message)
        for name in field.split("."):
            value = value[name]
    except (ValueError, LookupError, TypeError):
        return None
    return str(value)


def _likes(part: str) -> tuple[tuple[str, ...], tuple[re.Pattern[str], ...]]:
    kind, _, condition = part.partition(" ")
    if kind != "filter" or not _LIKES.fullmatch(condition):
        raise _malformed(part)
    operands = [like.removeprefix("@message like ") for like in re.findall(_LIKE, condition)]
    return (
        tuple(_string(operand) for operand in operands if operand.startswith('"')),
        tuple(_regex(operand) for operand in operands if operand.startswith("/")),
    )


def _string(quoted: str) -> str:
    if set(re.findall(r"\\(.)", quoted)) - {'"', "\\"}:
        raise _malformed(quoted)
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _regex(delimited: str) -> re.Pattern[str]:
    source = delimited[1:-1].replace("\\/", "/")
    if _UNKNOWN_TO_LINEAR_ENGINES.search(source):
        raise _malformed(delimited)
    try:
        return re.compile(
            _PIECE_OF_REGEX.sub(lambda piece: r"\Z" if piece[0] == "$" else piece[0], source)
        )
    except re.error as error:
        raise _malformed(delimited) from error


def _malformed(text: str) -> Refusal:
    return Refusal("MalformedQueryException", f"unexpected symbol found in: {text}")
