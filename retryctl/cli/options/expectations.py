"""The expectations of a check, from the options, else from the table ``check`` of the settings.

Every mistake is a ``UsageError`` that names the option or the key, and comes before anything is
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from retryctl.cli.options import completions
from retryctl.cli.options.times import read_duration
from retryctl.config import ProjectConfig
from retryctl.core.check.expectations import Expectations, Limit
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.crosscheck.findings import Severity
from retryctl.core.model.request import RequestOutcome
from retryctl.core.rules import ALL_RULES
from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import UsageError

if TYPE_CHECKING:
    from retryctl.cli.check import CheckOptions

_LEVELS = {
    "error": (Severity.ERROR,),
    "warning": (Severity.ERROR, Severity.WARNING),
    "info": tuple(Severity),
}
_NO_SETTINGS = ("timeout", "update_baseline", "output")
_RULES = {rule.id: rule.severity for rule in ALL_RULES}


@value_class
class Expected:
    """The expectations that the options and the settings give together.

    ``wait_ms`` is 0 without a wait, ``None`` for one without a limit.
    """

    expectations: Expectations
    baseline: Path | None
    wait_ms: int | None
    reports: tuple[str, ...]


def read_expected(
    options: CheckOptions, settings: ProjectConfig, request_ids: Iterable[str]
) -> Expected:
    """Return the expectations of a check of ``request_ids``, or of a window without them.

    Raises ``UsageError`` for a value that cannot be read, a setting or a rule that is not known,
    and expectations of which no result could satisfy both.
    """
    values = _Values(options, settings)
    given = frozenset(request_ids)
    wait_ms = values.wait_ms()
    expectations = Expectations(
        fail_on=values.fail_on(),
        allow=values.allowed(),
        branches=values.branches(settings.markers.branches),
        outcomes=values.outcomes(),
        min_requests=values.number("min_requests"),
        min_retried=values.number("min_retried"),
        max_exhausted=values.limit("max_exhausted"),
        max_wrong_branch=values.limit("max_wrong_branch"),
        min_accuracy=values.limit("min_accuracy", only_share=True),
        allow_empty=bool(values.flag("allow_empty")),
        given=given,
        awaited=frozenset() if wait_ms == 0 else given or None,
    )
    _refuse_conflicts(values, expectations)
    return Expected(
        expectations=expectations,
        baseline=values.path("baseline"),
        wait_ms=wait_ms,
        reports=values.words("report"),
    )


class _Values:
    """The value of each option or of its key in the settings, and its name for errors."""

    def __init__(self, options: CheckOptions, settings: ProjectConfig) -> None:
        self._options = options
        self._file = settings.path
        self._table: Mapping[str, object] = settings.check
        known = [each.name for each in fields(options) if each.name not in _NO_SETTINGS]
        for key in self._table:
            if key not in known:
                hint = suggestions(key, known) or f"Known: {', '.join(known)}."
                raise UsageError(f"{self._file}: check.{key} is not a setting.", hint)

    def label(self, key: str) -> str:
        """``--fail-on``, or ``retryctl.toml: check.fail_on`` where the value comes from there."""
        if getattr(self._options, key) is None and key in self._table:
            return f"{self._file}: check.{key}"
        return f"--{key.replace('_', '-')}"

    def get(self, key: str) -> object:
        """Return the option's or the setting's value; ``None`` where neither is given."""
        value = getattr(self._options, key)
        return self._table.get(key) if value is None else value

    # ----------------------------------------------------------------------- by kind

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list, or a text with commas."""
        value = self.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            self._refuse(key, "is not a list of texts.")
        words = tuple(word.strip() for word in value)
        if not all(words):
            self._refuse(key, "has an empty item between commas.")
        return words

    def number(self, key: str) -> int | None:
        """Return a number of requests."""
        value = self.get(key)
        if value is not None and (type(value) is not int or value < 0):
            self._refuse(key, "is not a whole number, 0 or more.")
        return value if isinstance(value, int) else None

    def flag(self, key: str) -> bool:
        """Return a setting that is true or false; false where it is not set."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self._refuse(key, "is neither true nor false.")
        return bool(value)

    def path(self, key: str) -> Path | None:
        """Return a file; one of the settings lies beside them."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            self._refuse(key, "is not the name of a file.")
        from_settings = getattr(self._options, key) is None and self._file
        return self._file.parent / value if from_settings and self._file else Path(value)

    def limit(self, key: str, *, only_share: bool = False) -> Limit | None:
        """``3`` or ``0.5%``."""
        value = self.get(key)
        if value is None:
            return None
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(%?)", str(value).strip(), re.ASCII)
        if match is None or isinstance(value, bool):
            hint = "Give a share such as 0.5%" + ("." if only_share else ", or a count such as 3.")
            self._refuse(key, f"{value!r} cannot be read.", hint)
        number, is_share = Fraction(match[1]), bool(match[2])
        if is_share and number > 100:
            self._refuse(key, f"{value} is more than 100%.", "Give a share of at most 100%.")
        if not is_share and (only_share or number.denominator != 1):
            share = number * 100 if number <= 1 else number  # 0.4 means 40 %
            self._refuse(key, f"{value} is not a share.", f"Did you mean {float(share):.15g}%?")
        return Limit(text=match[0], value=number / 100 if is_share else number, is_share=is_share)

    def wait_ms(self) -> int | None:
        """Return how long to wait: 0 where that is not set, ``None`` without a limit."""
        value = self.get("wait")
        if value is None or value is False:
            return 0
        if value is True or value == "":
            return None
        try:
            return read_duration(value if isinstance(value, str) else repr(value))
        except UsageError as error:
            self._refuse("wait", error.what, error.next_step)

    # ----------------------------------------------------------------------- by meaning

    def fail_on(self) -> frozenset[str]:
        """Return the rules that fail: those that are named, and those of a severity."""
        failing: set[str] = set()
        for word in self.words("fail_on") or ("error",):
            severities = _LEVELS.get(word, ())
            failing |= {rule for rule, severity in _RULES.items() if severity in severities}
            if word not in _LEVELS:
                failing.add(self._rule("fail_on", word, (*_LEVELS, *_RULES)))
        return frozenset(failing)

    def allowed(self) -> frozenset[str]:
        """Return the findings to ignore."""
        return frozenset(self._rule("allow", word, _RULES) for word in self.words("allow"))

    def branches(self, known: Branches) -> tuple[str, ...]:
        """Return the branches of a whole sequence."""
        words = self.words("expect_branches")
        for word in words:
            if word not in known.numbers:
                hint = f"The branches are {', '.join(known.numbers)}."
                self._refuse("expect_branches", f"names no branch {word!r}.", hint)
        return words

    def outcomes(self) -> frozenset[RequestOutcome]:
        """Return the accepted outcomes."""
        names = completions.outcomes()
        for word in (words := self.words("expect_outcome")):
            if word not in names:
                hint = suggestions(word, names) or f"There are {', '.join(names)}."
                self._refuse("expect_outcome", f"names no outcome {word!r}.", hint)
        return frozenset(map(RequestOutcome, words))

    def _rule(self, key: str, word: str, known: Iterable[str]) -> str:
        if word not in known:
            hint = suggestions(word, known) or "retryctl explain lists the findings."
            if "branch" in word:
                names = ", ".join(name for name in known if "branch" in name)
                hint = (
                    f"Findings: {names}. To fail on wrong branches: --max-wrong-branch 0, or "
                    "--expect-branches A,B,C."
                )
            self._refuse(key, f"has {word!r}, which is not a finding.", hint)
        return word

    def _refuse(self, key: str, why: str, next_step: str = "") -> NoReturn:
        raise UsageError(f"{self.label(key)} {why}", next_step)


def _refuse_conflicts(values: _Values, expected: Expectations) -> None:
    """Refuse expectations that no result can satisfy, or that contradict each other."""
    both = sorted(set(values.words("fail_on")) & expected.allow)
    if both:
        raise UsageError(
            f"{both[0]} is both in {values.label('fail_on')} and in {values.label('allow')}.",
            "Drop it from one of them.",
        )
    for key in ("min_requests", "min_retried"):
        if expected.allow_empty and values.number(key):
            raise UsageError(
                f"{values.label('allow_empty')} and {values.label(key)} exclude each other.",
                "Drop one of them.",
            )
    at_once = expected.outcomes == {RequestOutcome.SUCCEEDED}
    if at_once and (expected.branches or expected.min_retried):
        other = "expect_branches" if expected.branches else "min_retried"
        raise UsageError(
            f"{values.label('expect_outcome')} succeeded excludes {values.label(other)}: "
            "a request that succeeds on attempt 1 is not retried.",
            "Drop one of them.",
        )
