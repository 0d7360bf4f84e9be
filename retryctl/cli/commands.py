"""The table of commands. A command's module is imported when it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from retryctl import __version__
from retryctl.cli.command_app import CommandApp, PlainGroup, manual
from retryctl.cli.options.ids import names_request
from retryctl.core.late_regex import late_regex
from retryctl.core.wording import suggestions
from retryctl.errors import ExitStatus, UsageError

_STORY = "What happened"
_FUNCTION = "Your function"
_HELP = "Help"

# 5m · 1h30m · 5 minutes · 300
_LIKE_A_TIME = late_regex(r"[0-9][0-9a-z. ]*", re.IGNORECASE)

# 'josn' is not one of 'text', 'json'
_CHOICE = late_regex(r"'([^']*)' is not one of (.+)", re.DOTALL)

# orders-worker
_FUNCTION_NAME = late_regex(r"(?=.*[-_0-9])[a-zA-Z][\w-]{2,63}", re.ASCII)

# No such command 'srve'.
_NO_COMMAND = late_regex(r"[Nn]o such command ('[^']*')")

# click's UsageError, wherever the installed typer keeps its click
_ClickUsageError: type[Exception] = typer.BadParameter.__mro__[1]


_TABLE = {
    "trace": ("Show what happened on each attempt of a request.", _STORY),
    "check": ("Fail a CI job when retries went wrong.", _STORY),
    "summary": ("Count a function's retries, errors, waits and cost.", _STORY),
    "list": ("List a function's requests, one row each.", _STORY),
    "doctor": ("Check a function's configuration before anything fails.", _STORY),
    "diff": ("Show where the log lines of two attempts differ.", _STORY),
    "demo": ("Show a recorded history; no AWS account is needed.", _STORY),
    "lab": ("Run a handler locally as Lambda would, with its retries.", _FUNCTION),
    "counters": ("Get the code a function imports to count its retries.", _FUNCTION),
    "probe": ("Test what retryctl assumes of CloudWatch Logs, in your account.", _HELP),
    "explain": ("Explain a finding, an outcome or a verdict.", _HELP),
    "schema": ("Print the JSON Schema of what a command prints with -o json.", _HELP),
}
"""Each command with one line of help, and its section."""

_HELP_ENTRY = ("Show the options of a command, or the manual page (--man).", _HELP)

_ELSEWHERE = {
    "man": "For the manual page: retryctl help --man",
    "version": "For the version: retryctl -V",
    "--from": "For the newest request of a saved log: retryctl trace --from FILE",
    "trace --verdict": "To select requests by their verdict: retryctl list --verdict disagrees",
    "trace --outcome": "To select requests by their outcome: retryctl list --outcome exhausted",
}

_OTHER_NAMES = {
    **dict.fromkeys(("--file", "--input", "--path", "--log-file", "--source"), "--from"),
    **dict.fromkeys(("--start", "--start-time"), "--since"),
    **dict.fromkeys(("--end", "--end-time"), "--until"),
    **dict.fromkeys(("--format", "--json"), "--output"),
}
"""Options as other tools name them."""


class _Commands(PlainGroup):
    """The commands by name, each with one line of help; their modules are imported later."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return [*_TABLE, "help"]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        entry = _HELP_ENTRY if cmd_name == "help" else _TABLE.get(cmd_name)
        if entry is None:
            return None
        help, section = entry
        return TyperCommand(cmd_name, help=help, rich_help_panel=section)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        name, *rest = args
        if name in _TABLE:
            return name, _load(name), rest
        if ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        hint = _ELSEWHERE.get(name) or suggestions(name, _TABLE)
        if not hint and _FUNCTION_NAME.fullmatch(name):
            hint = f"If it is a function: retryctl summary {name}"
        hint = hint or "retryctl --help lists the commands."
        raise UsageError(f"{name!r} is not a command.", hint)


def _shortcut(arguments: Sequence[str]) -> list[str]:
    """Return ``trace ID`` for an ID or a file, and ``COMMAND --help`` for ``help COMMAND``."""
    name, *rest = arguments
    if name == "help":
        return [*(word for word in rest if word not in ("--help", "-h")), "--help"]
    is_request = name == "-" or names_request(name) or _is_path(name)
    return ["trace", *arguments] if is_request and name not in _TABLE else list(arguments)


def _is_path(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long for a name, or a null character
        return False


def _with_wait_joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--wait 5m`` as ``--wait=5m``.

    In click an option has always a value, or never.
    """
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1] == "--wait=" and _LIKE_A_TIME.fullmatch(word):
            joined[-1] += word
        elif word == "--wait" and "--" not in joined:
            joined.append("--wait=")
        else:
            joined.append(word)
    return joined


def _print_manual() -> ExitStatus:
    """Print the manual page: ``retryctl help --man > retryctl.1``."""
    summary = " ".join((_retryctl.__doc__ or "").split())
    print(manual(summary, {name: _load(name) for name in _TABLE}), end="")
    return ExitStatus.OK


def _load(name: str) -> Any:
    command = get_command(import_module(f"retryctl.cli.{name}").app)
    command.name = name
    return command


app = CommandApp(
    cls=_Commands, add_completion=True, context_settings={"help_option_names": ["--help", "-h"]}
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"retryctl {__version__}")
        raise typer.Exit


@app.callback()
def _retryctl(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Show what happened on each attempt of a retried AWS Lambda event, and whether the function
    counted its retries correctly."""


def invoke(arguments: Sequence[str]) -> int:
    """Run a command line, and return its exit status.

    Raises ``UsageError`` for a command line that cannot be understood, and the errors of the
    command.
    """
    if arguments[0] == "help" and "--man" in arguments:
        return _print_manual()
    arguments = _with_wait_joined(_shortcut(arguments))
    _refuse_shell(arguments)
    program = get_command(app)
    try:
        with program.make_context("retryctl", list(arguments)) as context:
            return program.invoke(context) or ExitStatus.OK
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except _ClickUsageError as error:
        raise _as_ours(error, arguments[0] if arguments[0] in _TABLE else "") from error


def _refuse_shell(arguments: Sequence[str]) -> None:
    """Refuse the name of a shell, which typer would ignore."""
    option, *words = arguments
    if words and option in ("--show-completion", "--install-completion"):
        raise UsageError(
            f"{option} does not accept {words[0]!r}: it uses the shell that runs it.",
            "To print the script of another shell: _RETRYCTL_COMPLETE=source_zsh retryctl",
        )


def complete(variable: str) -> None:
    """Answer the shell's completion request in the environment ``variable``, and exit."""
    from typer import _completion_classes

    # Typer removes markup from help texts with rich, which takes longer to import than all the
    # rest. Our help texts have no markup.
    vars(_completion_classes)["_sanitize_help_text"] = str
    get_command(app).main([], prog_name="retryctl", complete_var=variable)


def _as_ours(error: Any, command: str) -> UsageError:
    """Return the error for one of click's, with the nearest options or the page that lists them.

    Raises ``UsageError`` for a value that is not one of a few.
    """
    what = str(error.message if hasattr(error, "possibilities") else error.format_message())
    what = " ".join(what.split())
    what = re.sub(r"is not a valid int\w*( range)?", "is not a whole number", what)
    what = re.sub(r"is not in the range (\S+?)<=x<=(\S+?)\.", r"is not from \1 to \2.", what)
    what = re.sub(r"is not in the range x>=(\S+?)\.", r"is less than \1.", what)
    option = getattr(error, "option_name", "")
    hint = _ELSEWHERE.get(f"{command} {option}".strip(), "")
    known = (
        {name for each in error.ctx.command.params for name in each.opts} if error.ctx else set()
    )
    if (usual := _OTHER_NAMES.get(option)) in known:
        hint = hint or f"Did you mean {usual}?"
    hint = hint or suggestions(option, getattr(error, "possibilities", None) or ())
    if choice := _CHOICE.search(what):
        from retryctl.cli.options.params import refuse_unknown

        refuse_unknown(choice[1], re.findall(r"'([^']*)'", choice[2]), error.param.opts[0])
    if unknown := _NO_COMMAND.search(what):
        what = f"{unknown[1]} is not a command."
    path = error.ctx.command_path if error.ctx else f"retryctl {command}".rstrip()
    what = f"{what[:1].lower()}{what[1:].rstrip('.')}."
    return UsageError(what, hint or f"See {path} --help.")
