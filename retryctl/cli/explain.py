"""``retryctl explain``: what a finding, an outcome or a verdict means, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from textwrap import fill
from typing import Annotated

import typer

from retryctl.cli import choices
from retryctl.cli.help import CommandApp
from retryctl.errors import UsageError
from retryctl.views.rule_texts import RuleText, rule_texts, term_texts

app = CommandApp()

_WRITTEN_FOR = 80


@app.command()
def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The finding, outcome or verdict to explain. Without one, the list of all.",
            autocompletion=choices.some_of(choices.explained),
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FORM",
            help="text or json.",
            autocompletion=choices.one_of("text", "json"),
        ),
    ] = "text",
) -> None:
    """Explain a finding, an outcome or a verdict: what it means, how it is known, what to do.

    Without NAME: the list of all findings with their severity, of outcomes and of verdicts.
    """
    texts = {**rule_texts(), **term_texts()}
    if name is not None and name not in texts:
        from retryctl.core.wording import suggestions

        hint = suggestions(name, texts) or "retryctl explain lists all."
        raise UsageError(f"there is no finding, outcome or verdict {name!r}.", hint)
    if output == "json":
        _print_json({name: texts[name]} if name else texts)
    elif output != "text":
        raise UsageError(f"explain has no output {output!r}.", "Use text or json.")
    elif name is None:
        _print_list(texts)
    else:
        print(f"{name}\n{'=' * len(name)}\n")
        print("\n".join(_fitted(texts[name].section.splitlines())).replace("### ", ""))


def _print_json(texts: Mapping[str, RuleText]) -> None:
    from retryctl.cli.terminal import put
    from retryctl.views.json.explain import explain_document

    put(explain_document(texts), document=True)


def _print_list(texts: Mapping[str, RuleText]) -> None:
    for name, text in texts.items():
        print(f"{name:26} {text.severity}")
        print(fill(text.summary, _columns(), initial_indent="    ", subsequent_indent="    "))
    print("\nretryctl explain NAME prints the rest.")


def _columns() -> int:
    from retryctl.cli.terminal import width

    return min(width(), _WRITTEN_FOR)


def _fitted(lines: list[str]) -> Iterator[str]:
    """Yield the page without its marks, its paragraphs wrapped where the terminal is narrow."""
    columns = _columns()
    for is_text, some in groupby(lines, lambda line: bool(re.match(r"[^ #]", line))):
        if is_text:
            text = "\n".join(some).replace("**", "")
            narrow = columns < _WRITTEN_FOR
            yield fill(text, columns, break_on_hyphens=False) if narrow else text
        else:
            yield from some
