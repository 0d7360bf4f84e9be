"""The properties of the terminal, and printing to stdout and stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from textwrap import wrap

from retryctl.cli.options.params import Color
from retryctl.views.screen import NARROWEST, Screen


def colour_wanted(choice: Color, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to use colour.

    The first of these decides: ``--color``, NO_COLOR, CLICOLOR_FORCE, whether stdout is a
    terminal with colours.
    """
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def stdout_is_redrawable() -> bool:
    """Whether stdout is a terminal on which lines can be redrawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def width() -> int:
    """Return the columns of the terminal; COLUMNS, or else 80, in a pipe."""
    return shutil.get_terminal_size((80, 24)).columns


def shows_only_ascii() -> bool:
    """Whether the encoding of stdout lacks the signs that the views draw with."""
    try:
        "✗●─█·".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def put(text: Iterable[str], *, document: bool = False) -> None:
    """Print text unchanged, whole or in pieces. A closed pipe is not an error.

    A ``document`` is for programs, and is UTF-8 on every terminal.
    """
    if document and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    with suppress(BrokenPipeError):
        sys.stdout.writelines((text,) if isinstance(text, str) else text)
        sys.stdout.flush()


def remark(text: str, *, quiet: bool = False) -> None:
    """Print a sentence on stderr, unless ``--quiet`` was given.

    A line that begins with spaces is a command to copy.
    """
    if not quiet:
        from retryctl.views.inert_text import inert

        for line in text.splitlines():
            print("\n".join(_fitted(inert(line))), file=sys.stderr)


def _fitted(line: str) -> list[str]:
    """Return the line; on a terminal it is broken between words, unless it is a command to copy."""
    if line.startswith(" ") or not sys.stderr.isatty():
        return [line]
    return wrap(line, width(), break_long_words=False, break_on_hyphens=False)


def stdout_screen(color: Color) -> Screen:
    """Return the properties of stdout, with the colours of ``--color``."""
    return Screen(
        width=max(width(), NARROWEST),
        colour=colour_wanted(color, os.environ, is_terminal=sys.stdout.isatty()),
        ascii_only=shows_only_ascii(),
    )
