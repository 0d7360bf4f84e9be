"""Exports of Logs Insights: rows of one millisecond in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from retryctl.app.options import SourceOptions
from retryctl.core.model.coverage import UNORDERED
from retryctl.core.model.events import LogEvent
from tests.support.log_answers import Answers, answers
from tests.support.saved_logs import GROUP, Event
from tests.support.saved_shapes import SHAPES, insights_rows, table_of

EXPORTS = {
    name: SHAPES[name][0]
    for name in (
        "Insights CSV",
        "Insights JSON",
        "get-query-results",
        "Insights Markdown",
        "Insights ASCII",
    )
}


def without_streams(events: Sequence[Event]) -> str:
    rows = insights_rows(events)
    table = ((row["@timestamp"], row["@message"]) for row in rows)
    return table_of(["@timestamp", "@message"], table)


def read(path: Path, text: str, request_ids: tuple[str, ...] = ()) -> Answers:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return answers(SourceOptions(source=str(path), log_groups=(GROUP,)), request_ids)


def rows_of(events: Sequence[LogEvent], within_ms: int = 1) -> list[Event]:
    """The events as rows; those of so many milliseconds get one time."""
    rows = [
        (e.timestamp_ms // within_ms * within_ms, e.log_stream or "", e.message) for e in events
    ]
    return sorted(rows, key=itemgetter(0))


def with_ties(rows: Sequence[Event], arrange: Callable[[list[Event]], None]) -> list[Event]:
    """The rows, with those of one millisecond arranged otherwise."""
    found: list[Event] = []
    for _, tied in groupby(rows, itemgetter(0)):
        some = list(tied)
        arrange(some)
        found += some
    return found


def unordered(found: Answers) -> int:
    return sum(gap.kind == UNORDERED for gap in found.gaps["trace"])
