"""``list`` as one page to attach."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import tzinfo

from retryctl.core.model.coverage import Coverage
from retryctl.core.summary.request_row import RequestRow
from retryctl.core.wording import number_of
from retryctl.views.blocks import Table
from retryctl.views.html.markup import Markup, closing, opening, spans, tag
from retryctl.views.html.page import document, table_pieces
from retryctl.views.text.request_list import durable_remarks, legend, requests_table


def list_page(
    listed: Sequence[RequestRow],
    coverage: Coverage,
    *,
    shown: str,
    tz: tzinfo,
    selected_by: Collection[str] = (),
) -> Iterator[str]:
    """Yield an HTML document in ASCII. ``shown`` is the sentence that counts the requests.

    ``selected_by`` are the findings for which they were selected.
    """
    functions = {row.function for row in listed}
    name = (functions.pop() if len(functions) == 1 else None) or coverage.where
    title = f"{number_of(len(listed), 'request')}{f' of {name}' if name else ''}"
    panel = _panel(listed, shown, requests_table(listed, tz, selected_by))
    return document(title, "list", [], panel, coverage, tz)


def _panel(listed: Sequence[RequestRow], shown: str, table: Table) -> Iterator[Markup]:
    columns = list(table.columns.values())
    heads = [column.head for column in columns]
    rows = (
        [tag("code", spans(request)), *map(spans, cells)]
        for request, *cells in zip(*(column.cells for column in columns), strict=True)
    )
    yield opening("section", class_="panel wide")
    yield tag("h2", "Requests")
    yield from table_pieces(shown, heads, rows)
    yield from (tag("p", words, class_="dim") for words in legend(listed))
    yield from (tag("p", remark) for remark in durable_remarks(listed))
    yield closing("section")
