"""What text is laid out for: the terminal or pipe that stdout is, or a file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from retryctl.cli.options import Color
from retryctl.cli.terminal import colour_wanted, shows_only_ascii, stdout_is_terminal, width


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Its columns and what it can show; as it is here, that of a file."""

    width: int = 80
    colour: bool = False
    ascii_only: bool = False


def stdout_screen(color: Color) -> Screen:
    """What stdout is, with colours as ``--color`` says."""
    return Screen(
        width=width(),
        colour=colour_wanted(color, os.environ, is_terminal=stdout_is_terminal()),
        ascii_only=shows_only_ascii(),
    )
