"""Commands on typer: options in groups, help pages in plain text, and the manual page.

A command takes its options as one value class, whose fields are made by ``option`` and
``argument``, or are such groups themselves.

Typer's own help pages are drawn by rich, whose Markdown and syntax modules take longer to import
than the whole command line.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, field, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from retryctl import __version__
from retryctl.errors import UsageError

CommandFunction = TypeVar("CommandFunction", bound=Callable[..., Any])
Rows = dict[str, list[tuple[str, str]]]

_LISTS = (
    *("--fail-on", "--allow", "--expect-branches", "--expect-outcome"),  # check, lab run
    *("--outcome", "--verdict", "--finding"),  # list
)
_GIVEN_ONCE = {
    "--from": "Name a folder of files, or several files by a pattern in quotes: --from '*.csv'",
    "--function": "Run the command once for each function.",
    **{name: f"Give one with commas between its values: {name} ONE,TWO" for name in _LISTS},
}
"""Options whose last value must not replace the others in silence, and what to do instead."""
_PLACES = {"Arguments": 0, "Output": 2, "AWS": 3, "Options": 4}
"""The order of the sections; those of a single command come behind the arguments."""


class PlainCommand(TyperCommand):
    """A command whose help lists its options by section.

    Two logs or functions are refused where it reads one: the first would not be read.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments into the parameters of ``ctx``."""
        if not ctx.resilient_parsing:
            *_, given = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_repeated(given)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line, without typer's braces around required arguments."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and options."""
        _write(formatter, _parameter_rows(self, ctx))


class PlainGroup(TyperGroup):
    """A group of commands whose help lists the commands by section."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of commands, then those of options."""
        commands: Rows = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                section = getattr(command, "rich_help_panel", None) or "Commands"
                commands.setdefault(str(section), []).append(
                    (name, command.get_short_help_str(200))
                )
        _write(formatter, commands)
        _write(formatter, _parameter_rows(self, ctx))


class CommandApp(typer.Typer):
    """A typer application with plain help pages and without typer's completion options."""

    def __init__(self, **options: Any) -> None:
        defaults = {"cls": PlainGroup, "add_completion": False, "rich_markup_mode": None}
        super().__init__(**{**defaults, **options})

    def command(
        self, name: str | None = None, **options: Any
    ) -> Callable[[CommandFunction], CommandFunction]:
        """Register a command, like ``typer.Typer.command``; its groups become options."""
        register = super().command(name, **{"cls": PlainCommand, **options})

        def registered(command: CommandFunction) -> CommandFunction:
            register(with_options(command))
            return command

        return registered


def _refuse_repeated(given: Iterable[Any]) -> None:
    single = (each.opts[0] for each in given if not getattr(each, "multiple", False))
    for option, count in Counter(single).items():
        if count > 1 and option in _GIVEN_ONCE:
            raise UsageError(f"{option} is given twice.", _GIVEN_ONCE[option])


def _parameter_rows(command: Any, ctx: Any) -> Rows:
    """Return the arguments and options of a command by section."""
    sections: Rows = {}
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is None:
            continue
        is_argument = parameter.param_type_name == "argument"
        default = "Arguments" if is_argument else "Options"
        section = getattr(parameter, "rich_help_panel", None) or default
        sections.setdefault(section, []).append(row)
    return dict(sorted(sections.items(), key=lambda item: _PLACES.get(item[0], 1)))


def _write(formatter: Any, sections: Rows) -> None:
    for name, rows in sections.items():
        with formatter.section(name):
            formatter.write_dl(rows, col_max=26)


# --------------------------------------------------------------------------- groups of options


def option(help: str, *flags: str, section: str, default: Any = None, **settings: Any) -> Any:
    """Return a field for an option; its long flag is the field's name, if ``flags`` has none."""
    shown = {"help": help, "rich_help_panel": section, **settings}
    return field(default=default, metadata={"kind": typer.Option, "flags": flags, **shown})


def argument(metavar: str, help: str, *, default: Any = None, **settings: Any) -> Any:
    """Return a field for an argument, which is optional."""
    settings = {"show_default": False, **settings, "metavar": metavar, "help": help}
    return field(default=default, metadata={"kind": typer.Argument, "flags": (), **settings})


def required_argument(metavar: str, help: str, *, show_default: bool = True) -> Any:
    """Return a field for an argument that must be given."""
    return argument(metavar, help, default=MISSING, show_default=show_default)


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that has the options of its groups in the place of each group."""
    groups = get_type_hints(command)
    del groups["return"]
    parameters = [each for group in groups.values() for each in _parameters(group)]

    @wraps(command)
    def run(**values: Any) -> Any:
        return command(*(_filled(group, values) for group in groups.values()))

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _parameters(group: Any) -> Iterator[inspect.Parameter]:
    types = get_type_hints(group)
    for each in fields(group):
        kind: Any = types[each.name]
        if is_dataclass(kind):
            yield from _parameters(kind)
            continue
        settings = dict(each.metadata)
        make, flags = settings.pop("kind"), settings.pop("flags")
        if make is typer.Option and not any(flag.startswith("--") for flag in flags):
            flags = (f"--{each.name.replace('_', '-')}", *flags)
        yield inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=Annotated[kind, make(*flags, **settings)],
        )


def _filled(group: Any, values: Mapping[str, Any]) -> Any:
    """Return a group with its values, and with those of the groups in it."""
    types = get_type_hints(group)
    return group(
        **{
            each.name: _filled(types[each.name], values)
            if is_dataclass(types[each.name])
            else values[each.name]
            for each in fields(group)
        }
    )


# --------------------------------------------------------------------------- the manual page

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
    context = typer.Context(command, info_name=path)
    yield f".SS {_roff(path)} {_roff(' '.join(command.collect_usage_pieces(context)))}"
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _roff(" ".join(paragraph.split()))
    for section, rows in _parameter_rows(command, context).items():
        yield from (".PP", f".I {_roff(section)}")
        for name, words in rows:
            yield from (".TP", f".B {_roff(name)}", _roff(words))
    for name in getattr(command, "commands", ()):
        yield from _command(f"{path} {name}", command.commands[name])


def _roff(text: str) -> str:
    """Return text without roff requests and escapes."""
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", plain)
