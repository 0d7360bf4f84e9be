"""``retryctl explain``: what a rule means, how it is known, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from textwrap import fill
from typing import Annotated

import typer

from retryctl.errors import UsageError

app = typer.Typer(add_completion=False)

_WRITTEN_FOR = 80


def _rule_names(incomplete: str) -> list[str]:
    return [name for name in _sections() if name.startswith(incomplete)]


@app.command()
def explain(
    rule: Annotated[
        str | None,
        typer.Argument(
            metavar="RULE",
            help="The rule to explain. Without one, the list of all.",
            autocompletion=_rule_names,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Explain a rule of the cross-check: what it means, how it is known, what to do.

    Without RULE: the list of all rules, with their severity.
    """
    sections = _sections()
    if rule is None:
        for name, section in sections.items():
            severity, summary = section.split("\n", 1)[0].split(" · ")
            print(f"{name:26} {severity.strip('*')}")
            print(fill(summary, _columns(), initial_indent="    ", subsequent_indent="    "))
        print("\nretryctl explain RULE tells the rest.")
    elif rule in sections:
        print(f"{rule}\n{'=' * len(rule)}\n")
        print("\n".join(_fitted(sections[rule].splitlines())).replace("### ", ""))
    else:
        from retryctl.core.near import near

        hint = near(rule, sections) or "retryctl explain lists the rules."
        raise UsageError(f"there is no rule {rule!r}.", hint)


def _sections() -> dict[str, str]:
    """The text of each rule by its name, from the page of rules in the package."""
    from importlib.resources import files

    page = files("retryctl").joinpath("rules.md").read_text(encoding="utf-8")
    _, *sections = page.split("\n## ")
    split = (section.split("\n", 1) for section in sections)
    return {name.strip(): text.strip() for name, text in split}


def _columns() -> int:
    from retryctl.cli.terminal import width

    return min(width(), _WRITTEN_FOR)


def _fitted(lines: list[str]) -> Iterator[str]:
    """The page without its marks; its paragraphs broken anew where the terminal is narrow."""
    columns = _columns()
    for is_text, some in groupby(lines, lambda line: bool(re.match(r"[^ #]", line))):
        if is_text:
            text = "\n".join(some).replace("**", "")
            narrow = columns < _WRITTEN_FOR
            yield fill(text, columns, break_on_hyphens=False) if narrow else text
        else:
            yield from some
