"""The frame of a picture of a terminal, and its text, which every renderer places alike.

rich's own frame loads its font from the network. This frame is self-contained and looks the same
in a README, in a mail and offline. The fields in braces are those of
``rich.console.Console.export_svg``.
"""

import re
from collections.abc import Iterator
from html import escape, unescape

from rich.cells import cell_len

_TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" '
    r'textLength="(?P<length>[\d.]+)"(?P<clip>[^>]*)>(?P<words>[^<]*)</text>'
)
_WORD = re.compile("[^\xa0\n]+")

FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{
        font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
    }}
    .{unique_id}-title {{
        font-family: system-ui, sans-serif;
        font-size: 18px;
        font-weight: bold;
    }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})"
       clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def each_word_placed(svg: str) -> str:
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
