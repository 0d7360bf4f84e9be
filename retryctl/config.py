"""``retryctl.toml``, or ``[tool.retryctl]`` in ``pyproject.toml``: what a project sets once.

The nearest file wins, from the working folder upwards; in one folder ``retryctl.toml`` does.
Its keys, all optional::

    function = "orders-worker"                       # like -f
    log_groups = ["/aws/lambda/orders-worker"]       # like -g

    [markers]                                        # how the function logs its count and branch
    counter = 'retry count is (?P<count>\\d+)'        # a pattern, or
    counter_field = "retry.count"                    # a field of a JSON line
    branch = 'running (?P<branch>\\w+)'
    branch_field = "retry.branch"

    [branches]                                       # the branch of each number of retries
    first = 0
    second = 1
    rest = 2

    [related]                                        # what names the event of a request
    key = 'order=(\\d+)'                             # what --key would give

    [check]                                          # see retryctl check
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from os.path import lexists
from pathlib import Path
from typing import NoReturn

from retryctl.core.crosscheck.claims import Branches, Markers
from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import UsageError

_OURS = "retryctl.toml"
_UNPREFIXED = "In retryctl.toml write [markers], where pyproject.toml has [tool.retryctl.markers]."
_BRANCHES = "Name each branch once, with the retries that lead to it: first = 0, again = 1."
_KEYS = ("function", "log_groups", "profile", "region", "markers", "branches", "related", "check")
_MARKER_KEYS = ("counter", "counter_field", "branch", "branch_field")


@value_class
class ProjectConfig:
    """The settings of the nearest file. ``path`` is that file, ``None`` where there is none.

    ``check`` is its table as it stands, for ``retryctl check`` to read. ``related_key`` is the
    pattern of ``--key``.
    """

    path: Path | None = None
    function: str | None = None
    log_groups: tuple[str, ...] = ()
    profile: str | None = None
    region: str | None = None
    markers: Markers = field(default_factory=Markers)
    check: Mapping[str, object] = field(default_factory=dict)
    related_key: str | None = None


def load_settings(folder: Path) -> ProjectConfig:
    """Return the settings of ``folder``; the defaults where no file sets any.

    Raises ``UsageError`` that names the file and the key, where one cannot be understood.
    """
    for path in _candidates(folder.absolute()):
        table = _table_of(path)
        if table is not None:
            return _Reader(path=path).settings(table)
    return ProjectConfig()


def config_for(source: str) -> ProjectConfig:
    """Return the settings of the working folder; the demo is always read with the defaults."""
    return ProjectConfig() if source == "demo" else load_settings(Path.cwd())


def _candidates(folder: Path) -> Iterator[Path]:
    for place in (folder, *folder.parents):
        # a folder of that name, or a link that leads nowhere, is refused and not passed over
        if lexists(ours := place / _OURS):
            yield ours
        if (shared := place / "pyproject.toml").is_file():
            yield shared


def _table_of(path: Path) -> Mapping[str, object] | None:
    """Return the table of settings in a file; ``None`` where a pyproject.toml sets none."""
    try:
        raw = path.read_bytes()
        if path.name != _OURS and b"retryctl" not in raw:
            return None
        import tomllib

        document: dict[str, object] = tomllib.loads(raw.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}.",
            "Make it readable, or remove it.",
        ) from None
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.", _correction(str(error))) from None
    if path.name == _OURS:
        return document
    tool = document.get("tool")
    table = tool.get("retryctl") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _correction(error: str) -> str:
    if "\\" in error:
        return r"Put a pattern in single quotes, in which \d stands for itself: '(?P<count>\d+)'."
    return """Correct it there: a value is "a text", 1, true or ["a list"]."""


@value_class
class _Reader:
    """Reads the tables of one file, and names it in every error."""

    path: Path

    def settings(self, table: Mapping[str, object]) -> ProjectConfig:
        self._known(table, _KEYS, "")
        return ProjectConfig(
            path=self.path,
            function=self._text(table, "function"),
            log_groups=self._texts(table, "log_groups"),
            profile=self._text(table, "profile"),
            region=self._text(table, "region"),
            markers=self._markers(table),
            check=self._table(table, "check"),
            related_key=self._related_key(table),
        )

    def _related_key(self, table: Mapping[str, object]) -> str | None:
        related = self._table(table, "related")
        self._known(related, ("key",), "related.")
        return self._text(related, "key", "related.")

    def _markers(self, table: Mapping[str, object]) -> Markers:
        markers = self._table(table, "markers")
        self._known(markers, _MARKER_KEYS, "markers.")
        numbers = self._table(table, "branches")
        return Markers(
            counter=self._pattern(markers, "counter", "count"),
            branch=self._pattern(markers, "branch", "branch"),
            counter_field=self._text(markers, "counter_field", "markers."),
            branch_field=self._text(markers, "branch_field", "markers."),
            branches=self._branches(numbers) if numbers else Branches(),
            set_in=f"{self._heading('markers')} in {self.path}" if markers else "",
        )

    def _pattern(
        self, markers: Mapping[str, object], key: str, group: str
    ) -> re.Pattern[str] | None:
        text = self._text(markers, key, "markers.")
        if text is None:
            return None
        try:
            pattern = re.compile(text)
        except re.error as error:
            self._refuse(
                f"markers.{key}",
                f"is not a regular expression: {error}.",
                rf"Example: {key} = 'my {key} is (?P<{group}>\w+)'; "
                r"\( stands for a bracket in the line.",
            )
        if group not in pattern.groupindex:
            self._refuse(
                f"markers.{key}",
                f"has no group named {group}.",
                f"Put (?P<{group}>…) around the part of the line that is the {key}.",
            )
        return pattern

    def _branches(self, table: Mapping[str, object]) -> Branches:
        numbers: dict[str, int] = {}
        for name, number in table.items():
            # True is an int to Python, and no number of retries
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                self._refuse(
                    f"branches.{name}", "is not a whole number of retries, 0 or more.", _BRANCHES
                )
            if number in numbers.values():
                self._refuse(
                    f"branches.{name}", f"is a second branch for {number} retries.", _BRANCHES
                )
            numbers[name] = number
        if 0 not in numbers.values():
            self._refuse("branches", "names no branch for 0 retries, the first attempt.", _BRANCHES)
        return Branches(numbers=numbers)

    def _text(self, table: Mapping[str, object], key: str, prefix: str = "") -> str | None:
        value = table.get(key)
        if value is not None and not (isinstance(value, str) and value):
            self._refuse(prefix + key, "is not a text.", f'Write {key} = "…", in quotes.')
        return value if isinstance(value, str) else None

    def _texts(self, table: Mapping[str, object], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._refuse(key, "is not a list of texts.", f'Write {key} = ["…", "…"].')
        return tuple(value)

    def _table(self, table: Mapping[str, object], key: str) -> Mapping[str, object]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            self._refuse(key, "is not a table.", f"Write {self._heading(key)}, and its keys below.")
        return value

    def _known(self, table: Mapping[str, object], keys: tuple[str, ...], prefix: str) -> None:
        for key in table:
            if key == "tool" and self.path.name == _OURS:
                self._refuse(key, "is not a setting.", _UNPREFIXED)
            if key not in keys:
                hint = suggestions(key, keys) or f"Known: {', '.join(keys)}."
                self._refuse(prefix + key, "is not a setting.", hint)

    def _heading(self, key: str) -> str:
        return f"[{key}]" if self.path.name == _OURS else f"[tool.retryctl.{key}]"

    def _refuse(self, key: str, why: str, next_step: str) -> NoReturn:
        raise UsageError(f"{self.path}: {key} {why}", next_step)
