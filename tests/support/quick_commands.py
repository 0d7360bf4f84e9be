"""Commands that are built from their functions once a process of the tests, not once a run."""

from __future__ import annotations

from functools import cache

from retryctl.cli import commands


def install() -> None:
    """Keep each command that typer made: it has no state of a run."""
    for name in ("get_command", "get_group"):
        vars(commands)[name] = cache(vars(commands)[name])
