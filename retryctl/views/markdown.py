"""Markdown of table cells and of documents; text from a log is never markup in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from retryctl.views.blocks import Block, Command, Figures, Paragraph, Pieces, Table
from retryctl.views.inert_text import inert

# Characters that Markdown, GitHub or GitLab can read as markup: emphasis,
# links, HTML, tables, headings, bare addresses, mentions and references.
_SPECIAL = re.compile(r"[\\`*_\[\]<>#+=|~&@$]|:(?=//)|(?<=www)\.")
# a list, where it begins a line
_ITEM = re.compile(r"(?<=^)-|(?<=^\d)[.)](?=\s|$)")


def markdown_escaped(text: str) -> str:
    """Return ``text`` with every character of markup escaped."""
    return _ITEM.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\g<0>", inert(text).strip()))


def table_lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table; the cells are Markdown."""
    for row in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(row)} |"


def markdown_of(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the blocks of a document as Markdown. Tables have all of their columns."""
    between = ""
    for block in blocks:
        lines = _lines(block)
        if first := next(lines, ""):
            yield f"{between}{first}\n"
            yield from (f"{line}\n" for line in lines)
            between = "\n"


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield _text([*block.lead, *block.words])
    elif isinstance(block, Command):
        yield from _fenced([inert(block.text)], "sh")
    elif isinstance(block, Figures):
        yield from _lines(block.table)
    elif isinstance(block, Table):
        columns = block.columns.values()
        rows = zip(*(column.cells for column in columns), strict=True)
        heads = [markdown_escaped(column.head) for column in columns]
        yield from table_lines(
            heads, ([markdown_escaped(_joined(cell)) for cell in row] for row in rows)
        )
    else:
        yield from _fenced(map(_joined, block.lines), "text")


def _text(pieces: Pieces) -> str:
    """Return escaped words; bold ones stay bold."""
    words = (
        f" **{markdown_escaped(text)}** " if style == "bold" else _spaced(text)
        for text, style in pieces
    )
    return " ".join("".join(words).split())


def _spaced(text: str) -> str:
    """Return ``text`` escaped; spaces at its ends stay."""
    return f"{' ' * text.startswith(' ')}{markdown_escaped(text)}{' ' * text.endswith(' ')}"


def _joined(pieces: Pieces) -> str:
    return "".join(inert(text) for text, _ in pieces).rstrip()


def _fenced(lines: Iterable[str], kind: str) -> Iterator[str]:
    """Yield a block of code; its fence is longer than any run of backticks within."""
    body = list(lines)
    runs = re.findall("`+", "\n".join(body))
    fence = "`" * max(3, *(len(run) + 1 for run in runs), 0)
    yield from (f"{fence}{kind}", *body, fence)
