"""``summary`` and ``list`` for a spreadsheet: CSV in which no cell is a formula.

A name from a log that begins with ``=``, ``+``, ``-``, ``@`` or a tab would be run by a
spreadsheet; an apostrophe before it makes it text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import chain
from typing import Any

from retryctl.core.crosscheck.checked_request import RULES
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.summary.request_row import RequestRow
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.inert_text import inert
from retryctl.views.json.documents import KEYS, listed_object
from retryctl.views.json.objects import coverage_object
from retryctl.views.json.summary import summary_object
from retryctl.views.signs import NOTHING
from retryctl.views.summary_answer import SummaryAnswer
from retryctl.views.summary_figures import durable_executions

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LEFT_OUT = ("errors", "failed_over_time")
_COVERAGE = ("since", "until", "complete")
_ATTEMPTS = (1, 2, 3)
_MOST_ATTEMPTS = _ATTEMPTS[-1]
_NO_WAIT = {"count": 0, "p50": None, "p95": None, "max": None}


def summary_csv(answer: SummaryAnswer) -> Iterator[str]:
    """Yield a heading and a row for each function, without the errors, with the time that was read.

    The heading depends on the branches alone, so rows of several runs can be appended.
    """
    read = coverage_object(answer.coverage)
    ends = [read[key] for key in _COVERAGE]
    rows = [_summary_row(*each, answer.branches) for each in answer.tallies]
    heading = [*_summary_row(None, SummaryTally(), answer.branches)]
    return csv_rows(
        [*heading, *(f"coverage.{key}" for key in _COVERAGE)],
        ([*(row[name] for name in heading), *ends] for row in rows),
    )


def _summary_row(function: str | None, tally: SummaryTally, branches: Branches) -> dict[str, Any]:
    """Return the figures of a function. More attempts than retries allow are one figure."""
    fields = summary_object(function, tally, branches)
    many = sum(count for number, count in tally.by_attempts.items() if number > _MOST_ATTEMPTS)
    fields["by_attempts"] = {
        **{str(number): tally.by_attempts[number] for number in _ATTEMPTS},
        "more": many,
    }
    fields["branches"] = {str(number): _ran(tally, number, branches) for number in _ATTEMPTS}
    for name in ("findings", "wrong_on_retries"):
        fields[name] = {rule.id: fields[name].get(rule.id, 0) for rule in RULES}
    waits = {each["retry"]: each for each in fields["waits_s"]}
    fields["waits_s"] = {
        str(retry): {key: waits.get(retry, _NO_WAIT)[key] for key in _NO_WAIT}
        for retry in _ATTEMPTS[:-1]
    }
    executions = durable_executions(tally)
    fields["durable_executions"] = " ".join(f"{arn} ({count})" for arn, count in executions)
    return dict(_flat(fields))


def _ran(tally: SummaryTally, attempt: int, branches: Branches) -> dict[str, int]:
    """How often each branch ran on an attempt; ``other`` for names that are not configured."""
    ran = {name: tally.branches[attempt, name] for name in branches.numbers}
    none = tally.branches[attempt, None]
    all_of_it = sum(count for (number, _), count in tally.branches.items() if number == attempt)
    return {**ran, "other": all_of_it - none - sum(ran.values()), "none": none}


def list_csv(listed: Iterable[RequestRow]) -> Iterator[str]:
    """Yield a heading and a row for each request. Values of a list are separated by spaces."""
    return csv_rows(KEYS, (map(_joined, row.values()) for row in map(listed_object, listed)))


def csv_rows(heading: Sequence[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield rows as CSV with CRLF, as RFC 4180 has it."""
    line = StringIO()
    writer = csv.writer(line)
    for row in chain([heading], rows):
        writer.writerow([_cell(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    safe = f"'{value}" if value.startswith(_STARTS_FORMULA) else value
    return inert(safe)


def _joined(value: Any) -> Any:
    if isinstance(value, tuple):
        some = any(each is not None for each in value)
        return " ".join(NOTHING if each is None else str(each) for each in value) if some else ""
    return value


def _flat(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the figures by their path, with dots."""
    for name, value in fields.items():
        if name in _LEFT_OUT and not before:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
