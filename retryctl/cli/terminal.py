"""What stdout can show, and putting text there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from io import TextIOWrapper
from textwrap import wrap

from retryctl.cli.options import Color


def colour_wanted(choice: Color, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to use colour.

    ``--color`` decides; left at auto, NO_COLOR does, then CLICOLOR_FORCE, then whether
    stdout is a terminal that knows colours.
    """
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def stdout_is_terminal() -> bool:
    """Whether somebody looks at stdout."""
    return sys.stdout.isatty()


def width() -> int:
    """The columns of the terminal; 80 in a pipe, unless COLUMNS says otherwise."""
    return shutil.get_terminal_size((80, 24)).columns


def shows_only_ascii() -> bool:
    """Whether the encoding of stdout lacks the signs that the views draw with."""
    try:
        "✗●─█·".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def put(text: str, *, document: bool = False) -> None:
    """Print text as it is. A reader who has seen enough and closed the pipe is no error.

    A ``document``, which is for programs, is UTF-8 whatever the terminal would show.
    """
    if document and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    with suppress(BrokenPipeError):
        print(text, end="", flush=True)


def remark(text: str, *, quiet: bool = False) -> None:
    """Say something beside the answer on stderr, unless ``--quiet`` was given.

    A line that begins with spaces is to be copied.
    """
    if not quiet:
        from retryctl.views.inert import inert

        for line in text.splitlines():
            print("\n".join(_fitted(inert(line))), file=sys.stderr)


def _fitted(line: str) -> list[str]:
    """The line, broken between words where a person looks at it, unless it is to be copied."""
    if line.startswith(" ") or not sys.stderr.isatty():
        return [line]
    return wrap(line, width(), break_long_words=False, break_on_hyphens=False)
