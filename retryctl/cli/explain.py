"""``retryctl explain``: what a finding or another word of the output means, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from textwrap import fill

from retryctl.cli.command_app import CommandApp, argument
from retryctl.cli.options import completions
from retryctl.cli.options.params import form_option, refuse_unknown
from retryctl.cli.output.terminal import put, width
from retryctl.core.value_classes import value_class
from retryctl.core.wording import suggestions
from retryctl.errors import UsageError
from retryctl.views.rule_texts import RuleText, key_texts, rule_texts, term_texts

app = CommandApp()

_WRITTEN_FOR = 80
_HEADINGS = {
    "cold": "cold_start",
    "right": "agrees",
    "wrong": "disagrees",
    "e": "environment",
    "env": "environment",
    "envs": "environment",
    "environments": "environment",
    "ran": "branch",
    "branches": "branch",
    "due": "next_attempt_due_at",
    "coverage": "gaps",
    "log_stream": "environment",
    "wait_s": "wait",
    "waits_s": "wait",
    "not in log": "start",
    "no time": "start",
}
"""The names of pages by the words that screens or JSON show instead."""


@value_class
class ExplainArguments:
    """The word to explain, as it was typed."""

    name: str | None = argument(
        "NAME",
        "A finding, outcome, verdict, kind of gap, or key of the JSON. Default: list all.",
        autocompletion=completions.some_of(completions.explained),
    )
    output: str = form_option("text or json.", "text", "json", section="Options")


@app.command()
def explain(given: ExplainArguments) -> None:
    """Explain a finding or another word of the output: what it means, and what to do.

    The words are findings, outcomes, verdicts, kinds of delivery, gap and error, and JSON keys.
    """
    texts = {**rule_texts(), **term_texts()}
    name = given.name
    if name is not None and name not in texts:
        name = _of_heading(name)
    if name is not None and name not in texts:
        texts |= key_texts()
    if name is not None and name not in texts:
        hint = suggestions(name, texts) or "retryctl explain lists all."
        raise UsageError(f"explain does not know {given.name!r}.", hint)
    refuse_unknown(given.output, ("text", "json"), "--output")
    if given.output == "json":
        from retryctl.views.json.documents import explain_document

        put(explain_document({name: texts[name]} if name else texts), document=True)
    elif name is None:
        _print_list(texts)
    else:
        print(f"{name}\n{'=' * len(name)}\n")
        print("\n".join(_fitted(texts[name].section.splitlines())).replace("### ", ""))


def _of_heading(word: str) -> str:
    """Return the name of the page for a word of a screen or of JSON: ``env``, ``2+``, ``A✗``."""
    if at_least := re.fullmatch(r"(\d+|[\w-]+)\+", word):
        return "counter" if at_least[1].isdigit() else "branch"
    if re.fullmatch(r"[\w-]+✗|[A-Z]x|\+\d+", word):
        return "branch"
    key = word.rpartition(".")[2].removesuffix("[]")  # coverage.gaps[]
    return _HEADINGS.get(key.lower(), key)


def _print_list(texts: Mapping[str, RuleText]) -> None:
    for name, text in texts.items():
        print(f"{name:26} {text.severity}")
        print(fill(text.summary, _columns(), initial_indent="    ", subsequent_indent="    "))
    print("\nretryctl explain NAME prints the rest.")


def _columns() -> int:
    return min(width(), _WRITTEN_FOR)


def _fitted(lines: list[str]) -> Iterator[str]:
    """Yield the page without its marks, its paragraphs wrapped where the terminal is narrow."""
    columns = _columns()
    for is_text, some in groupby(lines, lambda line: bool(re.match(r"[^ #]", line))):
        if is_text:
            text = "\n".join(some).replace("**", "")
            narrow = columns < _WRITTEN_FOR
            is_wide = max(map(len, text.splitlines())) > _WRITTEN_FOR
            yield fill(text, columns, break_on_hyphens=False) if narrow or is_wide else text
        else:
            yield from some
