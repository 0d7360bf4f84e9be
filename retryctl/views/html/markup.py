"""HTML in which log text is never markup: every plain string is made inert and escaped.

``tag`` makes every part of a page. It escapes each plain string, in an element, in an attribute
and in SVG. Only the results of ``tag`` and the constants of this package are of the type
``Markup`` and are not escaped again.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from retryctl.views.blocks import Pieces
from retryctl.views.inert_text import inert


class Markup(str):
    """HTML that needs no escaping."""

    __slots__ = ()


def inert_markup(text: str) -> Markup:
    """Return ``text`` on one line, inert and escaped."""
    return Markup(escape(inert(text)))


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Join the parts; plain strings are escaped."""
    return Markup(between.join(map(_safe, parts)))


def tag(name: str, *children: str, **attributes: str | int | None) -> Markup:
    """Return an element, with its end tag. ``class_`` and ``aria_label`` name attributes.

    An attribute that is ``None`` is left out.
    """
    return Markup(f"{opening(name, **attributes)}{joined(children)}{closing(name)}")


def opening(name: str, **attributes: str | int | None) -> Markup:
    """Return the start tag of an element that is written in pieces."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_safe(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>")


def closing(name: str) -> Markup:
    """Return the end tag of an element that is written in pieces."""
    return Markup(f"</{name}>")


def spans(pieces: Pieces) -> Markup:
    """Pieces of a document. The words of a style are classes: ``bold red``."""
    return joined(tag("span", text, class_=style) if style else text for text, style in pieces)


def _safe(text: str) -> Markup:
    return text if isinstance(text, Markup) else inert_markup(text)
