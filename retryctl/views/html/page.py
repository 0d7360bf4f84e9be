"""Parts of every page: the document with its security policy, tables, and the coverage."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import chain

from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.wording import capitalised
from retryctl.views.blocks import with_command
from retryctl.views.coverage import coverage_sentence, first_gaps
from retryctl.views.html.markup import Markup, closing, joined, opening, tag
from retryctl.views.sentences import Sentence
from retryctl.views.signs import STYLES, WARNING
from retryctl.views.times import moment

_ROOT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{hash}'; \
base-uri 'none'; form-action 'none'">
<meta name="generator" content="retryctl">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def document(
    title: str,
    command: str,
    header: Sequence[Markup],
    main: Iterable[Markup],
    coverage: Coverage,
    tz: tzinfo,
) -> Iterator[str]:
    """Yield a page with the result of ``command``; each part of ``main`` is written as it is made.

    The coverage is at its end.

    It is in ASCII, so that every encoding of a pipe, an editor or a mail shows it alike.
    """
    style = _style()
    eyebrow = tag("p", f"retryctl {command}", class_="eyebrow")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    pieces = (
        (_ROOT.format(hash=digest, title=joined([title]), style=style),),
        (tag("a", "Skip to the content", class_="skip", href="#main"), "\n"),
        (tag("header", eyebrow, tag("h1", title), *_missing(coverage), *header), "\n"),
        (opening("main", id="main", tabindex=-1),),
        main,
        (_read_part(coverage, tz), closing("main")),
        ("\n</body>\n</html>\n",),
    )
    for piece in chain.from_iterable(pieces):
        yield piece.encode("ascii", "xmlcharrefreplace").decode("ascii")


@cache
def _style() -> str:
    return resources.files("retryctl").joinpath("views", "page_style.css").read_text("ascii")


def sentence_line(sentence: Sentence) -> Markup:
    """Return a sign and its words, in a paragraph of their own."""
    sign, words = sentence
    return tag("p", tag("span", sign, class_="sign"), " ", words, class_=f"sentence {STYLES[sign]}")


def text_with_command(text: str) -> Markup:
    """Return a text; the command at its end is code, to copy."""
    words, command = with_command(text)
    return joined([words, " ", tag("code", command)]) if command else joined([words])


def command_line(words: str, command: str) -> Markup:
    """Return words and a command to copy."""
    return tag("p", f"{words} ", tag("code", command), class_="dim")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table; the first cell of a row is its heading."""
    return joined(table_pieces(caption, heads, rows))


def table_pieces(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[Markup]:
    """Yield a table row by row."""
    named = (tag("th", head, scope="col") if head else tag("td") for head in heads)
    yield opening("table")
    yield tag("caption", caption)
    yield tag("thead", tag("tr", *named))
    yield opening("tbody")
    yield from (_row(heads, row) for row in rows)
    yield closing("tbody")
    yield closing("table")


def _row(heads: Sequence[str], row: Sequence[str]) -> Markup:
    first, *rest = row
    cells = (tag("td", cell, data_head=head) for head, cell in zip(heads[1:], rest, strict=True))
    return tag("tr", tag("th", first, scope="row"), *cells)


# --------------------------------------------------------------------------- what was read


def _missing(coverage: Coverage) -> Iterator[Markup]:
    if coverage.gaps:
        link = tag("a", "part of the log is missing", href="#coverage")
        yield tag("p", tag("span", WARNING, class_=STYLES[WARNING]), " ", link)


def _read_part(coverage: Coverage, tz: tzinfo) -> Markup:
    """Return what was read, each gap with the command that would close it, and as of when."""
    sentence = coverage_sentence(coverage, tz)
    gaps, more = first_gaps(coverage)
    as_of = coverage.horizon_ms
    return tag(
        "section",
        tag("h2", "What was read", id="coverage"),
        tag("p", capitalised(sentence)),
        *map(_gap, gaps),
        *([tag("p", more)] if more else []),
        *([] if as_of is None else [tag("p", f"As of {moment(as_of, tz, 'seconds')}.")]),
        class_="panel",
    )


def _gap(gap: Gap) -> Markup:
    settle = [tag("p", "To close the gap: ", tag("code", gap.settle))] if gap.settle else []
    return tag("div", tag("p", gap.message), *settle, class_=f"finding edge {STYLES[WARNING]}")
