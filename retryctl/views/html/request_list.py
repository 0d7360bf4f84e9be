"""``list`` as one page: a table of requests, for a message or an incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from retryctl.core.model.coverage import Coverage
from retryctl.core.summary.request_row import RequestRow
from retryctl.core.wording import number_of
from retryctl.views.html.markup import spans, tag
from retryctl.views.html.page import document, table
from retryctl.views.text.request_list import WRONG_BRANCH, durable_remarks, requests_table

_HEADS = {"#": "attempts", "env": "environments", "ran": "branches", "count": "counter"}
"""Heads that are short in text, where columns are narrow."""


def list_page(listed: Sequence[RequestRow], coverage: Coverage, *, shown: str, tz: tzinfo) -> str:
    """Return an HTML document in ASCII. ``shown`` is the sentence that counts the requests."""
    columns = list(requests_table(listed, tz).columns.values())
    rows = [
        [tag("code", spans(request)), *map(spans, cells)]
        for request, *cells in zip(*(column.cells for column in columns), strict=True)
    ]
    functions = {row.function for row in listed}
    name = f" of {functions.pop()}" if len(functions) == 1 and None not in functions else ""
    panel = tag(
        "section",
        tag("h2", "Requests"),
        table(shown, [_HEADS.get(column.head, column.head) for column in columns], rows),
        tag("p", WRONG_BRANCH, class_="dim"),
        *(tag("p", remark) for remark in durable_remarks(listed)),
        class_="panel wide",
    )
    title = f"{number_of(len(listed), 'request')}{name}"
    return document(title, "list", [], [panel], coverage, tz)
