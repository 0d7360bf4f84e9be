"""The blocks of a document before it is laid out: paragraphs, tables, commands, drawings.

A view of a request or a summary is a sequence of blocks. ``views.text`` fits them to a width,
``views.markdown`` writes them as Markdown; both make every piece of them inert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from retryctl.core.value_classes import value_class

Piece = tuple[str, str]
"""Some text and its style, in rich's words: ``("exhausted", "bold red")``."""

Pieces = Sequence[Piece]


@value_class
class Paragraph:
    """Words, broken at spaces. Continuation lines hang under the end of ``lead``, mostly a sign."""

    words: Pieces = ()
    lead: Pieces = ()


@value_class
class Command:
    """A command to copy, broken only with a backslash at the end of the line."""

    text: str


@value_class
class Column:
    """A heading and one cell for each row; ``shorter`` is a narrower form of it."""

    head: str
    cells: Sequence[Pieces]
    shorter: Column | None = None


def text_column(head: str, texts: Iterable[str], style: str = "") -> Column:
    """Return a column whose cells are plain texts of one style."""
    return Column(head=head, cells=[[(text, style)] for text in texts])


@value_class
class Table:
    """Columns by name, left to right.

    Where they do not fit, each name in ``gives_way``, in that order, takes the next shorter form
    of its column, or removes the column that has none. Then the column ``clipped`` is cut.
    With ``below``, the cells of removed columns are below their row; else ``instead`` has the
    paragraphs below the table that replace columns which are cut, removed or shortened; of these
    the key is ``shorter NAME``. Where even that does not fit, each row becomes a paragraph.
    ``gap`` is the number of cells between columns below which a column gives way.
    """

    columns: Mapping[str, Column]
    gives_way: Sequence[str]
    clipped: str | None = None
    instead: Mapping[tuple[str, ...], Sequence[Paragraph]] = field(default_factory=dict)
    gap: int = 2
    below: bool = False


def table_of(heads: Sequence[str], rows: Iterable[Sequence[str | Piece]]) -> Table:
    """Return a table of texts, plain or with a style, for a format that has no width."""
    cells = [[[(cell, "") if isinstance(cell, str) else cell] for cell in row] for row in rows]
    columns = {
        str(place): Column(head=head, cells=[row[place] for row in cells])
        for place, head in enumerate(heads)
    }
    return Table(columns=columns, gives_way=())


@value_class
class Figures:
    """Figures laid out for a terminal, and the same as a table.

    The table is for a narrow terminal, and for a format without a width.
    """

    laid_out: Sequence[Block]
    table: Table


@value_class
class Drawing:
    """Lines that are laid out already."""

    lines: Sequence[Pieces]


@value_class
class LogLines:
    """Lines of a log, each with its prefix: the time, or spaces below it."""

    lines: Sequence[tuple[Piece, Piece]]


Block = Paragraph | Command | Table | Figures | Drawing | LogLines

BLANK = Paragraph()


_LAST_COMMAND = re.compile(r"(.*:) (retryctl(?: [\w./=-]+)+(?<!\.))", re.DOTALL)


def with_command(text: str) -> tuple[str, str]:
    """Return the words of a text, and the command at its end; ``""`` if it has none."""
    found = _LAST_COMMAND.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


def with_command_apart(text: str, *, lead: Pieces = (), style: str = "") -> Iterator[Block]:
    """Yield a paragraph, and the command at its end on a line of its own."""
    words, command = with_command(text)
    yield Paragraph(lead=lead, words=((words, style),))
    if command:
        yield Command(text=command)


def paragraph(text: str, style: str = "", *, lead: str = "", lead_style: str = "") -> Paragraph:
    """Return a paragraph of one style behind a lead."""
    return Paragraph(lead=((lead, lead_style),) if lead else (), words=((text, style),))
