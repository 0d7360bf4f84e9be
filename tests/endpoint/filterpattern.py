"""The filter patterns of CloudWatch Logs, as its user guide gives their grammar.

A pattern is text terms (``word``, ``"a phrase"``, ``%regex%``, with ``-`` to exclude or ``?`` for
any of), or a JSON selector (``{ $.level = "ERROR" && $.count > 3 }``). What is neither is refused.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from tests.endpoint.errors import Refusal, invalid

_LONGEST = 1024
_WORD = re.compile(r"\w+")
# The regex syntax that the service takes: no parentheses and no spaces.
_REGEX_CHARACTERS = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]+")
_TERM = re.compile(r'\s*([-?]?)(?:"((?:\\.|[^"\\])*)"|%([^%]*)%|([^\s"%]+))(?=\s|$)')

_Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A compiled pattern. ``literal`` is a text that every match contains, or ``None``."""

    matches: _Test
    literal: str | None = None


@lru_cache(maxsize=16)
def compile_pattern(pattern: str | None) -> Pattern | None:
    """``None`` for a pattern that every event matches; raises ``Refusal`` for a bad one.

    The verdict on each message is kept: tests search the same events by the same pattern often.
    """
    compiled = _compiled(pattern)
    return compiled and replace(compiled, matches=lru_cache(maxsize=30_000)(compiled.matches))


def _compiled(pattern: str | None) -> Pattern | None:
    if pattern is None or not pattern.strip():
        return None
    if len(pattern) > _LONGEST:
        raise invalid(
            "1 validation error detected: Value at 'filterPattern' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LONGEST}"
        )
    pattern = pattern.strip()
    if pattern.startswith("{"):
        return Pattern(matches=_json_pattern(pattern))
    if pattern.startswith("["):
        raise invalid("Invalid filter pattern: space-delimited patterns are not served here")
    return _text_pattern(pattern)


def _bad(term: str) -> Refusal:
    return invalid(f"Invalid filter pattern: Invalid character(s) in term '{term}'")


def _regex(text: str) -> _Test:
    """Whether one of the alternatives is found; one by one ``re`` searches them faster."""
    if not _REGEX_CHARACTERS.fullmatch(text):
        raise _bad(f"%{text}%")
    try:
        searches = [re.compile(part).search for part in _alternatives(text)]
    except re.error as error:
        raise _bad(f"%{text}%") from error
    return lambda message: any(search(message) for search in searches)


def _alternatives(text: str) -> list[str]:
    """Without parentheses every ``|`` outside of a set parts two."""
    parts = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\||.", text)
    return "".join("\0" if part == "|" else part for part in parts).split("\0")


# --------------------------------------------------------------------------- text terms


def _text_pattern(pattern: str) -> Pattern:
    every: list[_Test] = []
    none: list[_Test] = []
    some: list[_Test] = []
    literals: list[str] = []
    at = 0
    while at < len(pattern):
        term = _TERM.match(pattern, at)
        if not term:
            raise _bad(pattern[at:].strip())
        sign, phrase, regex, word = term.groups()
        literal, test = _term(phrase, regex, word)
        {"": every, "-": none, "?": some}[sign].append(test)
        if sign == "" and literal is not None:
            literals.append(literal)
        at = term.end()
    if every or none:  # documented: optional terms are ignored when mixed with others
        return Pattern(
            matches=lambda text: all(t(text) for t in every) and not any(t(text) for t in none),
            literal=max(literals, key=len, default=None),
        )
    return Pattern(matches=lambda text: any(t(text) for t in some))


def _term(phrase: str | None, regex: str | None, word: str | None) -> tuple[str | None, _Test]:
    if regex is not None:
        return None, _regex(regex)
    if phrase is not None:
        literal = re.sub(r"\\(.)", r"\1", phrase)
        if not literal:
            raise _bad('""')
    else:
        literal = word or ""
        if not _WORD.fullmatch(literal):
            raise _bad(re.sub(r"\w", "", literal)[:1])
    return literal, lambda text: literal in text


# --------------------------------------------------------------------------- JSON selectors

_TOKEN = re.compile(
    r'\s*(\(|\)|&&|\|\||!=|<=|>=|=|<|>|"(?:\\.|[^"\\])*"|%[^%]*%'
    r"|\$(?:\.[\w\-]+|\[\d+\]|\['[^']+'\])+|IS|NOT|EXISTS|NULL|TRUE|FALSE|[\w.*+\-:]+)"
)
_STEP = re.compile(r"\.([\w\-]+)|\[(\d+)\]|\['([^']+)'\]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
_ABSENT = object()

_JsonTest = Callable[[object], bool]


def _json_pattern(pattern: str) -> _Test:
    if not pattern.endswith("}"):
        raise invalid("Invalid filter pattern: If it starts with '{' it must end with '}'")
    test = _JsonParser(pattern[1:-1]).whole()

    def matches(text: str) -> bool:
        try:
            document = json.loads(text)
        except ValueError:
            return False
        return isinstance(document, dict) and test(document)

    return matches


class _JsonParser:
    """Recursive descent over ``or`` of ``and`` of comparisons."""

    def __init__(self, body: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while body[at:].strip():
            token = _TOKEN.match(body, at)
            if not token:
                raise _bad(body[at:].strip()[:1])
            self._tokens.append(token[1])
            at = token.end()
        self._tokens.reverse()

    def whole(self) -> _JsonTest:
        test = self._any()
        if self._tokens:
            raise _bad(self._tokens[-1])
        return test

    def _next(self) -> str:
        if not self._tokens:
            raise invalid("Invalid filter pattern")
        return self._tokens.pop()

    def _took(self, token: str) -> bool:
        if self._tokens and self._tokens[-1] == token:
            self._tokens.pop()
            return True
        return False

    def _any(self) -> _JsonTest:
        tests = [self._all()]
        while self._took("||"):
            tests.append(self._all())
        return lambda document: any(test(document) for test in tests)

    def _all(self) -> _JsonTest:
        tests = [self._one()]
        while self._took("&&"):
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> _JsonTest:
        if self._took("("):
            inner = self._any()
            if not self._took(")"):
                raise invalid("Invalid filter pattern: a parenthesis is not closed")
            return inner
        selector = self._next()
        if not selector.startswith("$"):
            raise _bad(selector)
        steps = [name or key or int(index) for name, index, key in _STEP.findall(selector)]
        return self._comparison(lambda document: _select(document, steps))

    def _comparison(self, value: Callable[[object], object]) -> _JsonTest:
        sign = self._next()
        if sign == "NOT":
            if not self._took("EXISTS"):
                raise invalid("Invalid filter pattern: EXISTS is expected after NOT")
            return lambda document: value(document) is _ABSENT
        operand = self._next()
        if sign == "IS":
            if operand not in _CONSTANTS:
                raise _bad(operand)
            return lambda document: value(document) is _CONSTANTS[operand]
        if sign not in _COMPARE:
            raise _bad(sign)
        if _NUMBER.fullmatch(operand):
            number, compare = float(operand), _COMPARE[sign]
            return lambda document: _compares(value(document), compare, number)
        if sign not in ("=", "!="):
            raise _bad(operand)
        found = _text_test(operand)
        return lambda document: (
            value(document) is not _ABSENT and found(str(value(document))) == (sign == "=")
        )


def _select(document: object, steps: list[str | int]) -> object:
    for step in steps:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step, _ABSENT)
        elif isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return _ABSENT
    return document


def _compares(value: object, compare: Callable[[float, float], bool], number: float) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and compare(float(str(value)), number)


def _text_test(operand: str) -> _Test:
    if operand.startswith("%"):
        return _regex(operand[1:-1])
    if operand.startswith('"'):
        operand = re.sub(r"\\(.)", r"\1", operand[1:-1])
    wildcard = re.compile(".*".join(map(re.escape, operand.split("*"))), re.DOTALL)
    return lambda text: wildcard.fullmatch(text) is not None
