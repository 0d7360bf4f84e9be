"""The manual page, made from the help of every command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retryctl import __version__

Rows = Mapping[str, Sequence[tuple[str, str]]]

_EXIT_STATUSES = (
    ("0", "Done; check: every check passed."),
    ("1", "check: one failed. With --exit-code: a verdict disagrees."),
    ("2", "Usage error."),
    ("3", "The log could not be read."),
    ("4", "The log was read, and nothing was found to report on."),
    ("5", "Undetermined: the log that was read allows no verdict."),
    ("130", "Interrupted."),
)


def manual(summary: str, commands: Mapping[str, Any]) -> str:
    """Return the page in roff. ``commands`` are click commands by name, groups included."""
    return "\n".join(_page(summary, commands)) + "\n"


def _page(summary: str, commands: Mapping[str, Any]) -> Iterator[str]:
    yield f'.TH RETRYCTL 1 "" "retryctl {__version__}" "User Commands"'
    yield from (".SH NAME", r"retryctl \- inspect retried AWS Lambda events")
    yield from (".SH SYNOPSIS", r".B retryctl", r"\fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGS\fR...]")
    yield from (".SH DESCRIPTION", _roff(summary))
    yield ".SH COMMANDS"
    for name, command in commands.items():
        yield from _command(f"retryctl {name}", command)
    yield ".SH EXIT STATUS"
    for status, words in _EXIT_STATUSES:
        yield from (".TP", f".B {status}", _roff(words))
    yield from (".SH FILES", ".TP", ".I retryctl.toml")
    yield _roff("Settings, in the working folder or above it; also in pyproject.toml.")


def _command(path: str, command: Any) -> Iterator[str]:
    import typer

    context = typer.Context(command, info_name=path)
    yield f".SS {_roff(path)} {_roff(' '.join(command.collect_usage_pieces(context)))}"
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _roff(" ".join(paragraph.split()))
    for section, rows in command.option_rows(context).items():
        yield from (".PP", f".I {_roff(section)}")
        for name, words in rows:
            yield from (".TP", f".B {_roff(name)}", _roff(words))
    for name in getattr(command, "commands", ()):
        yield from _command(f"{path} {name}", command.commands[name])


def _roff(text: str) -> str:
    """Return text without roff requests and escapes."""
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", plain)
