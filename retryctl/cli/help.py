"""Help pages in plain text, with the options in sections.

Typer's own pages are drawn by rich, whose Markdown and syntax modules take longer to import than
the whole command line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from retryctl.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
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
        _write(formatter, self.option_rows(ctx))

    def option_rows(self, ctx: Any) -> Rows:
        """Return the arguments and options by section."""
        return _parameter_rows(self.get_params(ctx), ctx)


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
        _write(formatter, self.option_rows(ctx))

    def option_rows(self, ctx: Any) -> Rows:
        """Return the options by section."""
        return _parameter_rows(self.get_params(ctx), ctx)


class CommandApp(typer.Typer):
    """A typer application with plain help pages and without typer's completion options."""

    def __init__(self, **options: Any) -> None:
        defaults = {"cls": PlainGroup, "add_completion": False, "rich_markup_mode": None}
        super().__init__(**{**defaults, **options})

    def command(self, name: str | None = None, **options: Any) -> Callable[[Command], Command]:
        """Register a command, like ``typer.Typer.command``."""
        return super().command(name, **{"cls": PlainCommand, **options})


def _refuse_repeated(given: Iterable[Any]) -> None:
    single = (each.opts[0] for each in given if not getattr(each, "multiple", False))
    for option, count in Counter(single).items():
        if count > 1 and option in _GIVEN_ONCE:
            raise UsageError(f"{option} is given twice.", _GIVEN_ONCE[option])


def _parameter_rows(parameters: Iterable[Any], ctx: Any) -> Rows:
    sections: Rows = {}
    for parameter in parameters:
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
