"""``retryctl explain``: what a rule means, how it is known, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from textwrap import fill
from typing import Annotated

import typer

from retryctl.cli import choices
from retryctl.cli.help import CommandApp
from retryctl.errors import UsageError
from retryctl.views.rule_texts import rule_texts

app = CommandApp()

_WRITTEN_FOR = 80


@app.command()
def explain(
    rule: Annotated[
        str | None,
        typer.Argument(
            metavar="RULE",
            help="The rule to explain. Without one, the list of all.",
            autocompletion=choices.some_of(choices.explained),
            show_default=False,
        ),
    ] = None,
) -> None:
    """Explain a finding: what it means, how it is known, what to do.

    Without RULE: the list of all rules, with their severity.
    """
    texts = rule_texts()
    if rule is None:
        for name, text in texts.items():
            print(f"{name:26} {text.severity}")
            print(fill(text.summary, _columns(), initial_indent="    ", subsequent_indent="    "))
        print("\nretryctl explain RULE tells the rest.")
    elif rule in texts:
        print(f"{rule}\n{'=' * len(rule)}\n")
        print("\n".join(_fitted(texts[rule].section.splitlines())).replace("### ", ""))
    else:
        from retryctl.core.wording import suggestions

        hint = suggestions(rule, texts) or "retryctl explain lists the rules."
        raise UsageError(f"there is no rule {rule!r}.", hint)


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
