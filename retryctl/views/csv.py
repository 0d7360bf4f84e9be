"""``summary`` and ``list`` for a spreadsheet: CSV in which no cell is a formula.

A name from a log that begins with ``=``, ``+``, ``-``, ``@`` or a tab would be run by a
spreadsheet; an apostrophe before it makes it text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.summary.request_row import RequestRow
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.inert import inert
from retryctl.views.json.request_list import listed_object
from retryctl.views.json.summary import summary_object
from retryctl.views.signs import NOTHING

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LIST_COLUMNS = (
    "request_id",
    "function",
    "started_at",
    "attempts",
    "outcome",
    "verdict",
    "findings",
    "branches",
    "wrong_branches",
    "environments",
    "error",
)
_LEFT_OUT = ("errors", "failed_over_time")


def summary_csv(tallies: Sequence[tuple[str | None, SummaryTally]], branches: Branches) -> str:
    """A heading and a row for each function; the errors are left to the other forms."""
    rows = [dict(_flat(summary_object(*each, branches))) for each in tallies]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return table(names, ([row.get(name) for name in names] for row in rows))


def list_csv(listed: Iterable[RequestRow]) -> str:
    """A heading and a row for each request; the values of a list share a cell, with spaces."""
    rows = [listed_object(each) for each in listed]
    return table(_LIST_COLUMNS, ([_joined(row[name]) for name in _LIST_COLUMNS] for row in rows))


def table(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV with CRLF, as RFC 4180 has it."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in heading])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    safe = f"'{value}" if value.startswith(_STARTS_FORMULA) else value
    return inert(safe)


def _joined(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(NOTHING if each is None else str(each) for each in value)
    return value


def _flat(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The figures by their path, with dots; a row of a list is named by its first figure."""
    for name, value in fields.items():
        if name in _LEFT_OUT and not before:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            for row in value:
                first, *_ = row.values()
                rest = dict(list(row.items())[1:])
                yield from _flat(rest, f"{before}{name}.{first}.")
        else:
            yield f"{before}{name}", value
