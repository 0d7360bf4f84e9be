"""Commands that are built, and settings that are parsed, once a process of the tests."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from functools import cache
from typing import Any

from retryctl.cli import commands


def install() -> None:
    """Keep each command that typer made, which has no state of a run, and what a TOML text says.

    Most runs of the tests read the settings of the project's own folder.
    """
    vars(commands)["get_command"] = cache(vars(commands)["get_command"])
    parsed = cache(tomllib.loads)

    def loads(text: str) -> dict[str, Any]:
        return deepcopy(parsed(text))

    vars(tomllib)["loads"] = loads
