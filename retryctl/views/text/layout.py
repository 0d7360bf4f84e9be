"""Documents laid out for a terminal of any width, a pipe or a picture, with rich.

``_Page.text`` makes every piece of text inert, and a ``rich.text.Text`` of it, in which rich
finds no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from importlib import resources
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, chop_cells
from rich.text import Span, Text

from retryctl.core.late_regex import late_regex
from retryctl.views.blocks import (
    Block,
    Column,
    Command,
    Drawing,
    Figures,
    LogLines,
    Paragraph,
    Pieces,
    Table,
)
from retryctl.views.inert_text import inert
from retryctl.views.markdown import markdown_of
from retryctl.views.screen import A_FILE, Screen
from retryctl.views.signs import ASCII, NOTHING

if TYPE_CHECKING:
    from rich.console import Console


_Grid = dict[str, list[Text]]
"""The columns of a table by name; each begins with its heading."""

_MARGIN, _GAP, _BELOW = 1, 2, 3
_LEAST_CLIPPED = 9
_EMPTY = ("", NOTHING, NOTHING.translate(ASCII))
# --function orders-worker · 'two words' · an open quote
_COMMAND_WORD = late_regex(r"""(?:-[\w-]+ (?=[^-]))?(?:'[^']*'|"[^"]*"|[^\s'"])+|['"]""")
# blanks inside 54.6 ms, 128 MB, 3.4 % and 1 m 04 s; _GLUE, which no text has, replaces them
_IN_QUANTITY = re.compile(r"(?<=\d) (?=(?:ms|[smhd]|[KMG]B)\b|%)|(?<=\d [mhd]) (?=\d\d [smh]\b)")
_GLUE = "\ufffe"
_NO_CONSOLE: Any = None
"""rich takes a console to wrap text, and uses it for justified text only."""


def rendered(
    blocks: Iterable[Block], form: str, screen: Screen = A_FILE, *, title: str = ""
) -> Iterable[str]:
    """Return the blocks as Markdown, as a picture with a title (SVG), or as text for a screen."""
    if form == "markdown":
        return markdown_of(blocks)
    if form == "svg":
        return svg_of(blocks, title=title, width=A_FILE.width)
    return text_of(blocks, screen)


def svg_of(blocks: Iterable[Block], *, title: str, width: int) -> str:
    """Return a picture of a terminal with the blocks in ``width`` cells."""
    console = _console(width)
    _print(console, _Page(width, ascii_only=False).lines(blocks))
    # rich's own frame loads its font from the network. This one is self-contained and looks the
    # same in a README, in a mail and offline. The fields in its braces are those of export_svg.
    frame = resources.files("retryctl").joinpath("views", "picture_frame.svg").read_text("ascii")
    svg = console.export_svg(title=title, code_format=frame, unique_id="retryctl")
    return _each_word_placed(svg)


def text_of(blocks: Iterable[Block], screen: Screen = A_FILE) -> str:
    """Return the blocks laid out for the screen; no line is wider, and each ends in a newline."""
    lines = _Page(screen.width, ascii_only=screen.ascii_only).lines(blocks)
    if screen.colour:
        console = _console(screen.width)
        with console.capture() as capture:
            _print(console, lines)
        text = capture.get()
    else:
        text = "".join(f"{line.plain.rstrip()}\n" for line in lines)
    return text.translate(ASCII) if screen.ascii_only else text


def _console(width: int) -> Console:
    """Return a colour console that reads neither the terminal nor the environment."""
    from rich.console import Console

    return Console(
        file=StringIO(),
        record=True,
        width=width,
        color_system="standard",
        force_terminal=True,
        force_jupyter=False,
        legacy_windows=False,
        _environ={},
    )


def _print(console: Console, lines: Iterable[Text]) -> None:
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True)


class _Page:
    """Lays blocks out, line by line, in some width."""

    def __init__(self, width: int, *, ascii_only: bool) -> None:
        self._width = width
        self._ascii_only = ascii_only

    def lines(self, blocks: Iterable[Block]) -> Iterator[Text]:
        """Yield the lines of the blocks, none of them too wide."""
        for block in blocks:
            if isinstance(block, Paragraph):
                yield from self._hanging(self.text(block.lead), self.text(block.words))
            elif isinstance(block, Command):
                yield from self._command(block.text)
            elif isinstance(block, Table):
                yield from self._table(block)
            elif isinstance(block, Figures):
                yield from self._figures(block)
            elif isinstance(block, LogLines):
                for prefix, line in block.lines:
                    yield from self._hanging(self.text([prefix]), self.text([line]))
            else:
                yield from map(self.text, block.lines)

    def _figures(self, figures: Figures) -> Iterator[Text]:
        """Yield the drawing, or the table where the drawing is too wide."""
        drawings = (block for block in figures.laid_out if isinstance(block, Drawing))
        drawn = chain.from_iterable(drawing.lines for drawing in drawings)
        fits = all(self.text(line).cell_len <= self._width for line in drawn)
        return self.lines(figures.laid_out if fits else [figures.table])

    def text(self, pieces: Pieces) -> Text:
        """Return one text of the pieces, made inert."""
        if len(pieces) != 1:
            return Text.assemble(*((self._clean(text), style) for text, style in pieces))
        ((text, style),) = pieces  # most cells of a table
        clean = self._clean(text)
        return Text(clean, spans=[Span(0, len(clean), style)] if style and clean else None)

    def _clean(self, text: str) -> str:
        clean = inert(text)
        if not self._ascii_only:
            return clean
        return clean.translate(ASCII).encode("ascii", "backslashreplace").decode("ascii")

    # ----------------------------------------------------------------- paragraphs

    def _hanging(self, lead: Text, body: Text) -> Iterator[Text]:
        cells = self._room(lead.cell_len)
        body.plain = _IN_QUANTITY.sub(_GLUE, body.plain)
        for line in body.wrap(_NO_CONSOLE, cells, overflow="fold") or [Text()]:
            line.plain = line.plain.replace(_GLUE, " ")
            yield lead + line
            lead = Text(" " * lead.cell_len)

    def _command(self, command: str) -> Iterator[Text]:
        r"""Break the command between words, with a ``\`` at each line's end for the shell."""
        cells = self._width - len(r" \ ")
        line = indent = "   "
        for word in _COMMAND_WORD.findall(self._clean(command)):
            if line != indent and cell_len(f"{line} {word}") > cells:
                yield Text(f"{line} \\", "bold")
                line = indent
            *full, line = chop_cells(f"{line} {word}", cells)
            yield from (Text(f"{part}\\", "bold") for part in full)
        yield Text(line, "bold")

    def _room(self, taken: int) -> int:
        return max(self._width - taken, 1)

    # ----------------------------------------------------------------- tables

    def _table(self, table: Table) -> Iterator[Text]:
        columns = dict(table.columns)
        grid = {name: self._cells(column) for name, column in columns.items()}
        gone: set[str] = set()
        for name in table.gives_way:
            if name not in grid or self._spare(grid, table.gap) >= 0:
                continue
            if shorter := columns[name].shorter:
                gone.add(f"shorter {name}")
                columns[name] = shorter
                grid[name] = self._cells(shorter)
            else:
                gone.add(name)
                gone.discard(f"shorter {name}")
                del grid[name]
        gap = _GAP if self._spare(grid, _GAP) >= 0 else 1
        if table.clipped and (spare := self._spare(grid, gap)) < 0:
            room = _widest(grid[table.clipped]) + spare
            if room >= _LEAST_CLIPPED:
                grid[table.clipped] = [_clipped(cell, room) for cell in grid[table.clipped]]
                gone.add(table.clipped)
        if self._spare(grid, gap) < 0:
            kept = table.columns.values() if table.below else (columns[name] for name in grid)
            gone = set() if table.below else gone
            yield from self._stacked([self._cells(each) for each in kept], apart=table.below)
        else:
            rest = [self._cells(table.columns[name]) for name in table.columns if name in gone]
            rows = _rows(grid, gap)
            yield from self._with_rest(rows, rest) if table.below and rest else rows
        for names, blocks in table.instead.items():
            if gone.intersection(names):
                yield from self.lines(blocks)

    def _cells(self, column: Column) -> list[Text]:
        head = self.text([(column.head, "dim")])
        return [head, *(self.text(cell) for cell in column.cells)]

    def _spare(self, grid: _Grid, gap: int) -> int:
        """Return the number of free cells; below zero, of missing ones."""
        taken = sum(map(_widest, grid.values())) + gap * (len(grid) - 1)
        return self._width - _MARGIN - taken

    def _stacked(self, columns: Iterable[list[Text]], *, apart: bool) -> Iterator[Text]:
        """Yield each row as a few lines. With ``apart`` a blank line separates two rows."""
        heads, *rows = zip(*columns, strict=True)
        for number, row in enumerate(rows):
            if number and apart:
                yield Text()
            yield from self._items(heads, row)

    def _with_rest(self, rows: Iterator[Text], rest: Iterable[list[Text]]) -> Iterator[Text]:
        """Yield the heading, and each row with its cells of the columns ``rest`` below it."""
        heads, *cells = zip(*rest, strict=True)
        yield next(rows)
        for row, below in zip(rows, cells, strict=True):
            yield row
            yield from self._items(heads, below, indent=_BELOW)

    def _items(
        self, heads: Iterable[Text], row: Iterable[Text], *, indent: int = 0
    ) -> Iterator[Text]:
        """Yield headings and cells on a few lines, without empty cells."""
        line, lead = Text(), Text(" " * indent)
        for head, cell in zip(heads, row, strict=True):
            if cell.plain in _EMPTY:
                continue
            item = Text.assemble(head, " ", cell)
            if line and line.cell_len + _GAP + item.cell_len > self._room(indent or _GAP):
                yield from self._hanging(lead, line)
                line, lead = Text(), Text(" " * (indent or _GAP))
            line = Text.assemble(line, " " * _GAP if line else "", item)
        if line:
            yield from self._hanging(lead, line)


def _rows(grid: _Grid, gap: int) -> Iterator[Text]:
    widths = [_widest(column) for column in grid.values()]
    for row in zip(*grid.values(), strict=True):
        line = Text(" " * _MARGIN)
        for cell, width in zip(row, widths, strict=True):
            line.append_text(cell).append(" " * (width - cell.cell_len + gap))
        yield line


def _widest(column: Sequence[Text]) -> int:
    return max(cell.cell_len for cell in column)


def _clipped(cell: Text, cells: int) -> Text:
    short = cell.copy()
    short.truncate(cells, overflow="ellipsis")
    return short


# --------------------------------------------------------------------------- pictures


_TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" '
    r'textLength="(?P<length>[\d.]+)"(?P<clip>[^>]*)>(?P<words>[^<]*)</text>'
)
_WORD = re.compile("[^\xa0\n]+")


def _each_word_placed(svg: str) -> str:
    """Return the picture with a text element for each word.

    rich aligns columns with no-break spaces, which librsvg drops at the ends of an element.
    """
    return _TEXT.sub(lambda match: "".join(_words(match)), svg)


def _words(match: re.Match[str]) -> Iterator[str]:
    text = unescape(match["words"])
    cells = cell_len(text.rstrip("\n"))
    if not cells:
        return
    cell = float(match["length"]) / cells
    for word in _WORD.finditer(text):
        x = float(match["x"]) + cell * cell_len(text[: word.start()])
        length = cell * cell_len(word[0])
        yield (
            f'<text class="{match["style"]}" x="{x:g}" y="{match["y"]}" '
            f'textLength="{length:g}"{match["clip"]}>{escape(word[0])}</text>'
        )
