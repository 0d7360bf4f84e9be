"""The claim of a function in its log: the counter that it read and the branch that it ran.

By default these are the lines of a handler that counts files in /tmp: a bare integer and,
directly after it, ``process A``, ``process B`` or ``process C``. A bare integer alone is no
counter. Functions that log otherwise give patterns of their own. The marker that
``retryctl.counters`` logs, ``{"retryctl": 1, "request_id": …}``, is always read. It comes first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from retryctl.core.grammar.masked_lines import MASK, may_be_masked
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import AppLine, Record
from retryctl.core.value_classes import value_class

_MASKED_INTEGER = re.compile(r"[\d*]{1,9}", re.ASCII)
_MARKER = '{"retryctl"'
_BARE_INTEGER = re.compile(r"\s*(\d{1,9})\s*\Z", re.ASCII)
_T = TypeVar("_T")
_ABC: Mapping[str, int] = MappingProxyType({"A": 0, "B": 1, "C": 2})


@value_class
class Claim:
    """What one attempt logged: ``counter`` (earlier attempts, as counted) and ``branch`` (a name).

    ``evidence`` are the events that show it. Both are ``None`` for an attempt that logged nothing.
    Only a marker has the rest: ``store`` counted, ``recorded`` whether it now counts this
    attempt, ``store_error`` how it refused.
    """

    counter: int | None = None
    branch: str | None = None
    evidence: tuple[LogEvent, ...] = ()
    store: str | None = None
    recorded: bool | None = None
    store_error: str | None = None

    @property
    def silent(self) -> bool:
        """Whether the attempt logged neither a counter nor a branch."""
        return self.counter is None and self.branch is None


@value_class
class Branches:
    """The branches of a handler by name, each with the number of retries that leads to it.

    The last one also serves every higher number.
    """

    numbers: Mapping[str, int] = field(default_factory=lambda: dict(_ABC))

    @property
    def last(self) -> int:
        """The number from which on the branch stays the same."""
        return max(self.numbers.values())

    def are_strange_to(self, branch: str | None) -> bool:
        """Whether ``branch`` cannot be judged: it has no number, and the settings name none."""
        return branch is not None and branch not in self.numbers and self.numbers == _ABC

    def columns(self, logged: Collection[str]) -> list[str]:
        """Return the names to count: these and those ``logged``; A, B, C only where logged."""
        other = sorted(set(logged) - self.numbers.keys())
        if self.are_strange_to(other[0] if other else None) and len(other) == len(set(logged)):
            return other
        return [*self.numbers, *other]

    def due(self, retries: int) -> str:
        """Return the name of the branch that is due after ``retries`` earlier attempts."""
        reached = [name for name, number in self.numbers.items() if number <= retries]
        return max(reached or self.numbers, key=lambda name: self.numbers[name])

    def same_branch(self, counter: int, retries: int) -> bool:
        """Whether ``counter`` and ``retries`` are equal, or both past the last branch."""
        return counter == retries or min(counter, retries) >= self.last


@value_class
class Markers:
    """How to find the counter and the branch in what a function logs.

    ``counter`` has a named group ``count``, ``branch`` a group ``branch``. The fields are
    dotted paths into a line of JSON. With none of the four the default lines are read.
    ``set_in`` names the file and the table that set them.
    """

    counter: re.Pattern[str] | None = None
    branch: re.Pattern[str] | None = None
    counter_field: str | None = None
    branch_field: str | None = None
    branches: Branches = field(default_factory=Branches)
    set_in: str = ""

    @property
    def are_default(self) -> bool:
        """Whether a bare integer and ``process X`` are searched for."""
        return not (self.counter or self.branch or self.counter_field or self.branch_field)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The configured patterns and fields, as ``counter = …`` in the order of the settings."""
        given = {
            "counter": self.counter and self.counter.pattern,
            "branch": self.branch and self.branch.pattern,
            "counter_field": self.counter_field,
            "branch_field": self.branch_field,
        }
        return tuple(f"{name} = '{value}'" for name, value in given.items() if value)

    @property
    def read_branches(self) -> bool:
        """Whether a branch is searched for, besides that of a marker."""
        return self.are_default or bool(self.branch or self.branch_field)


def read_claim(lines: Iterable[tuple[LogEvent, Record]], markers: Markers) -> Claim:
    """Read the claim in the lines of one attempt, in stream order; of several the last counts.

    A line that is not the attempt's own still parts an integer from its branch: pass it as
    an ``AppLine`` without text.
    """
    output = [(event, record) for event, record in lines if isinstance(record, AppLine)]
    if markers_logged := [(e, line.fields) for e, line in output if _is_marker(line)]:
        return _marker_claim(*markers_logged[-1])
    return _default_claim(output, markers) if markers.are_default else _own_claim(output, markers)


def may_claim(line: Record, markers: Markers) -> bool:
    """Whether a line could be a counter or a branch, or a part of one."""
    if not isinstance(line, AppLine):
        return False
    if markers.are_default and bare_integer(line.text) is not None:
        return True
    event = LogEvent(timestamp_ms=0, message="")
    return not read_claim([(event, line)], markers).silent


def may_hide_claim(line: Record, markers: Markers) -> bool:
    """Whether a line may have been a counter or a branch before data protection masked it.

    By default an integer, a branch or a marker; with patterns of one's own, any line.
    """
    if not isinstance(line, AppLine) or "*" not in line.text:
        return False
    if not markers.are_default:
        return MASK in line.text
    text, names = line.text.strip(), markers.branches.numbers
    return (
        _MASKED_INTEGER.fullmatch(text) is not None
        or any(may_be_masked(text, f"process {name}") for name in names)
        or may_be_masked(text[: len(_MARKER)], _MARKER)
    )


def has_hidden_claim(
    lines: Sequence[tuple[LogEvent, Record]], claim: Claim, markers: Markers
) -> bool:
    """Whether a masked line may be a claim of the attempt, of which the last one counts."""
    hidden = [at for at, (_, record) in enumerate(lines) if may_hide_claim(record, markers)]
    if not hidden or claim.counter is None or (markers.read_branches and claim.branch is None):
        return bool(hidden)
    first = next(at for at, (event, _) in enumerate(lines) if event is claim.evidence[0])
    return hidden[-1] > first


def _is_marker(line: AppLine) -> bool:
    return line.fields is not None and line.fields.get("retryctl") == 1


def _marker_claim(event: LogEvent, fields: Mapping[str, object] | None) -> Claim:
    def given(key: str, kind: type[_T]) -> _T | None:
        value = (fields or {}).get(key)
        return value if type(value) is kind else None

    counter = given("counter", int)
    # A count over another key than the request ID cannot be compared with one request's attempts.
    by_request = given("key", str) is None
    return Claim(
        counter=counter if by_request and counter is not None and counter >= 0 else None,
        branch=given("branch", str) if by_request else None,
        evidence=(event,),
        store=given("store", str),
        recorded=given("recorded", bool),
        store_error=given("error", str),
    )


def bare_integer(text: str) -> int | None:
    """Return the integer if a printed line has nothing else; else ``None``."""
    found = _BARE_INTEGER.match(text)
    return int(found[1]) if found else None


def branch_of(text: str, branches: Branches) -> str | None:
    """Return the branch that a printed line names, as a handler prints it by default."""
    found = _process(tuple(branches.numbers)).match(text)
    return found[1] if found else None


@cache
def _process(branches: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\s*process ({'|'.join(map(re.escape, branches))})\s*\Z")


def _default_claim(output: list[tuple[LogEvent, AppLine]], markers: Markers) -> Claim:
    process = _process(tuple(markers.branches.numbers))
    claim = Claim()
    before: tuple[LogEvent, int] | None = None
    for event, line in output:
        if branch := process.match(line.text):
            if before:
                evidence = (before[0], event)
                claim = Claim(counter=before[1], branch=branch[1], evidence=evidence)
            elif claim.counter is None:
                claim = Claim(branch=branch[1], evidence=(event,))
        integer = bare_integer(line.text)
        before = (event, integer) if integer is not None else None
    return claim


def _own_claim(output: list[tuple[LogEvent, AppLine]], markers: Markers) -> Claim:
    counter: tuple[LogEvent, int] | None = None
    branch: tuple[LogEvent, str] | None = None
    for event, line in output:
        count = _found(line, markers.counter, "count", markers.counter_field)
        if count is not None and re.fullmatch(r"\d{1,9}", count, re.ASCII):
            counter = (event, int(count))
        name = _found(line, markers.branch, "branch", markers.branch_field)
        if name is not None:
            branch = (event, name)
    events = [found[0] for found in (counter, branch) if found]
    return Claim(
        counter=counter[1] if counter else None,
        branch=branch[1] if branch else None,
        evidence=tuple(dict.fromkeys(events)),
    )


def _found(
    line: AppLine, pattern: re.Pattern[str] | None, group: str, path: str | None
) -> str | None:
    if path and line.fields is not None:
        value = _at(line.fields, path)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return str(value)
    if pattern:
        for text in _texts(line):
            if m := pattern.search(text):
                return str(m[group]) if m[group] is not None else None
    return None


def _texts(line: AppLine) -> Iterator[str]:
    """Yield the line as it stands and, of a JSON line, its message without the escapes."""
    yield line.text
    message = (line.fields or {}).get("message")
    if isinstance(message, str):
        yield message


def _at(fields: Mapping[str, object], path: str) -> object:
    value: object = fields
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
