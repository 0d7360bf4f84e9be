"""The screen or the file that a text is written to."""

from __future__ import annotations

from retryctl.core.value_classes import value_class


@value_class
class Screen:
    """A screen ``width`` cells wide, 20 at least; the defaults are those of a file."""

    width: int = 80
    colour: bool = False
    ascii_only: bool = False


A_FILE = Screen()
NARROWEST = 20
