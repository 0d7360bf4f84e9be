"""What a text view is made of, before it is laid out: paragraphs, tables, commands, drawings.

A view of a request or a summary says *what* is to be read as a sequence of blocks;
``views.text`` fits them to a width and makes every piece of them inert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Piece = tuple[str, str]
"""Some text and its style, in rich's words: ``("exhausted", "bold red")``."""

Pieces = Sequence[Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Words broken between words. Its lines hang under the end of ``lead``, a sign as a rule."""

    words: Pieces = ()
    lead: Pieces = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to copy: broken only where a shell reads on."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading and one cell for each row; ``shorter`` says the same in fewer cells."""

    head: str
    cells: Sequence[Pieces]
    shorter: Column | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns by name, left to right.

    Where they do not fit, those in ``gives_way`` are shortened or left out in that order,
    and then the one named ``clipped`` is cut. ``instead`` says below the table what a column
    that is gone or cut would have said. Where even that does not fit, each row becomes a
    paragraph. ``gap`` is the number of cells between columns below which a column gives way.
    """

    columns: Mapping[str, Column]
    gives_way: Sequence[str]
    clipped: str
    instead: Mapping[tuple[str, ...], Sequence[Paragraph]]
    gap: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Lines that are laid out already."""

    lines: Sequence[Pieces]


Block = Paragraph | Command | Table | Drawing

BLANK = Paragraph()
