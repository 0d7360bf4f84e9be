"""From a user's options to the function that the lab runs; the command and the fixture share it."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

from retryctl.core.model.limits import LONGEST_TIMEOUT_S
from retryctl.errors import UsageError
from retryctl.lab import handler_location
from retryctl.lab.function import (
    EPHEMERAL_MB,
    ISOLATIONS,
    RESERVED,
    Function,
    Isolation,
)
from retryctl.lab.interpreter import default_python
from retryctl.lab.log_level import LEVELS, SYSTEM_LEVELS
from retryctl.lab.platform_log import SystemLevel
from retryctl.temporary import temporary_folder

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_ENVIRONMENT = 4096
_MEMORY_MB = (128, 10_240)


FIELD_OF_OPTION = {
    "timeout": "timeout_s",
    "memory": "memory_mb",
    "ephemeral_storage": "ephemeral_mb",
    "log_level": "application_level",
    "system_log_level": "system_level",
    "env": "environment",
}
"""The options of the command that are not named as the field of ``Function``."""


def option_names() -> set[str]:
    """Return the options of a function, under the names that the command gives them."""
    renamed = {field: option for option, field in FIELD_OF_OPTION.items()}
    return {renamed.get(each.name, each.name) for each in fields(Function)} - {"task"}


def make_function(options: Mapping[str, Any], folder: Path) -> Function:
    """Return the function of the options of the command; its code is found from ``folder``.

    ``handler`` is ``file.py:function``, ``module.function``, or the function itself. Without
    ``python`` it is the interpreter of ``$VIRTUAL_ENV``, else retryctl's own.

    :raises UsageError: an option has a value that Lambda or the lab does not accept.
    """
    require_posix()
    given = {FIELD_OF_OPTION.get(name, name): value for name, value in options.items()}
    handler, python = given["handler"], given.get("python") or default_python()
    if isinstance(handler, str):
        task, handler = handler_location.locate(handler, folder, python, given.get("layers"))
    else:
        task, handler = handler_location.locate_function(handler)
    name = given.get("name") or re.sub(r"[^A-Za-z0-9_-]", "-", handler.rpartition(".")[0])[:64]
    located = {"handler": handler, "task": task, "name": name, "python": python}
    function = Function(**{**given, **located, "isolation": ISOLATIONS})
    _check_numbers(function)
    _check_levels(function)
    if not _REGION.fullmatch(str(function.region)):
        raise UsageError(f"region={function.region!r} is not a region", "Write one as us-east-1.")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a function name", "Use at most 64 letters, digits, - and _."
        )
    level = function.application_level
    return replace(
        function,
        application_level=level.upper() if level else None,
        system_level=cast("SystemLevel", function.system_level.upper()),
        environment=_checked_environment(function.environment),
        isolation=_isolations(given.get("isolation")),
    )


def require_posix() -> None:
    """Refuse a host that has no processes to fork.

    :raises UsageError: on Windows.
    """
    if sys.platform == "win32":
        raise UsageError(
            "the lab needs fork, signals and /tmp, which Windows does not have",
            "Run retryctl in the Windows Subsystem for Linux.",
        )


def parse_variables(texts: Sequence[str]) -> dict[str, str]:
    """Read environment variables given as ``NAME=VALUE``.

    :raises UsageError: one is something else.
    """
    variables = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"{text!r} is not an environment variable", "Write NAME=VALUE.")
        variables[name] = value
    return variables


def read_variables(path: Path) -> dict[str, str]:
    """Read a file of ``NAME=VALUE`` lines, with comments and an ``export`` before each if present.

    :raises UsageError: it cannot be read.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the environment file {path} cannot be read: {error}",
            "Name a text file with one NAME=VALUE on each line.",
        ) from error
    wanted = [line.removeprefix("export ") for line in lines if line and not line.startswith("#")]
    return {name: _unquoted(value) for name, value in parse_variables(wanted).items()}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _check_numbers(function: Function) -> None:
    for name, value, least, most in (
        ("timeout", function.timeout_s, 0.1, LONGEST_TIMEOUT_S),
        ("memory", function.memory_mb, *_MEMORY_MB),
        ("ephemeral_storage", function.ephemeral_mb, *EPHEMERAL_MB),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UsageError(f"{name}={value!r} is not a number", f"Give {least} to {most}.")
        if not least <= value <= most:
            raise UsageError(f"{name}={value} is out of range", f"Give {least} to {most}.")


def _check_levels(function: Function) -> None:
    if function.log_format not in ("text", "json"):
        raise UsageError(f"log_format={function.log_format!r} is unknown", "Known: text, json.")
    for name, level, levels in (
        ("log_level", function.application_level, LEVELS),
        ("system_log_level", function.system_level, SYSTEM_LEVELS),
    ):
        if level is not None and str(level).upper() not in levels:
            raise UsageError(f"{name}={level!r} is unknown", f"Known: {', '.join(levels)}.")
    if function.application_level is not None and function.log_format == "text":
        raise UsageError(
            "a log level applies to the JSON format only, as on Lambda", "Add --log-format json."
        )


def _checked_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, refused as Lambda refuses them."""
    for name, value in variables.items():
        if not isinstance(value, str):
            raise UsageError(
                f"the environment variable {name} is {value!r}, which is not a string",
                f"Use {str(value)!r}.",
            )
        if not _VARIABLE.fullmatch(name):
            raise UsageError(
                f"{name!r} is not an environment variable name",
                "Use letters, digits and _, and begin with a letter.",
            )
    if reserved := sorted(RESERVED.intersection(variables)):
        raise UsageError(
            f"{reserved[0]} is reserved: Lambda sets it itself",
            "Use --region for the region, and other options for the function.",
        )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > _LARGEST_ENVIRONMENT:
        raise UsageError(
            f"the environment variables have {size} bytes",
            f"Shorten them to {_LARGEST_ENVIRONMENT} bytes, the maximum of Lambda.",
        )
    return dict(variables)


def _isolations(wanted: Isolation | Sequence[Isolation] | None) -> tuple[Isolation, ...]:
    if wanted is None:
        return ISOLATIONS
    ways: tuple[Any, ...] = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for way in ways:
        if way not in ISOLATIONS:
            raise UsageError(f"isolation={way!r} is unknown", f"Known: {', '.join(ISOLATIONS)}.")
    return ways


# --------------------------------------------------------------------------- layers


@contextlib.contextmanager
def merged_layers(folders: Sequence[Path]) -> Iterator[Path | None]:
    """Copy the layers, in order, into one folder that exists until the block ends.

    :raises UsageError: one of them is not a folder.
    """
    if not folders:
        yield None
        return
    with temporary_folder("layers") as folder_of_run:
        merged = folder_of_run / "opt"
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(
                    f"the layer {folder} is not a folder", "Unpack it, and name the folder."
                )
            shutil.copytree(folder, merged, symlinks=True, dirs_exist_ok=True)
        yield merged
