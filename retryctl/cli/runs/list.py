"""Run ``retryctl list``: print one row for each request of a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from retryctl.app.window import list_rows
from retryctl.cli.options import completions
from retryctl.cli.options.params import refuse_unknown
from retryctl.cli.options.source import open_functions
from retryctl.cli.output.messages import no_request, warn_of_gaps
from retryctl.cli.output.report_files import report_files, write_reports
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.core.crosscheck.checked_request import unmatched_patterns
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Coverage
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import ExitStatus
from retryctl.views.json.documents import listed_document, listed_line
from retryctl.views.json.objects import coverage_object
from retryctl.views.screen import Screen

if TYPE_CHECKING:
    from retryctl.cli.list import ListArguments

_SHOWN_AS_TEXT = 50

_WORST_OUTCOMES = ("exhausted", "not-retried", "pending", "running", "unknown", "recovered")
_WORST_VERDICTS = ("disagrees", "undetermined", "not-counted", "agrees")


def _worst(value: str, order: Sequence[str]) -> int:
    return order.index(value) if value in order else len(order)


ORDERS: dict[str, Callable[[RequestRow], tuple[Any, ...]]] = {
    "newest": lambda row: (),
    "oldest": lambda row: (row.placed_ms,),
    "attempts": lambda row: (-row.attempts,),
    "outcome": lambda row: (_worst(row.outcome.value, _WORST_OUTCOMES),),
    "verdict": lambda row: (_worst(row.verdict.value, _WORST_VERDICTS),),
}
"""The orders of ``--sort``. Equal requests are sorted by time, the newest first."""

_ORDER_WORDS = {
    "newest": "the newest first",
    "oldest": "the oldest first",
    "attempts": "most attempts first",
    "outcome": "the worst outcome first",
    "verdict": "the worst verdict first",
}


def run_list(given: ListArguments) -> ExitStatus:
    """List the requests of the functions in the window that the options select."""
    wanted, order = _row_filter(given), given.sort or "newest"
    refuse_unknown(given.output, completions.LIST_FORMS, "--output")
    refuse_unknown(order, list(ORDERS), "--sort")
    files = report_files(given.report or (), completions.LIST_FORMS, source=given.read.source)
    is_text = given.output == "text"
    with open_functions(given.functions or (), given) as window:
        reader, keep, reading = window.reader, window.keep, window.reading
        markers = reading.config.markers
        # rows that the filter leaves out count too: they show whether the markers match a line
        read_rows = list_rows(reader, RowFilter() if markers.patterns else wanted)
        matches = _MarkerMatches(markers=markers)
        rows = matches.counted(row for row in read_rows if keep(row.function))
        few = _SHOWN_AS_TEXT if is_text and not files else None
        listed, count = _sorted_rows(filter(wanted.has, rows), order, given.limit or few)
        coverage = reader.coverage
        answer = _Answer(
            rows=listed,
            count=count,
            coverage=coverage,
            order=order,
            tz=reading.tz,
            selected_by=wanted.findings,
        )
        write_reports(files, answer.view, quiet=given.screen.quiet)
        if is_text and not given.limit:
            answer = replace(answer, rows=listed[:_SHOWN_AS_TEXT])
        if listed or not is_text:
            screen = stdout_screen(given.screen.color)
            put(answer.view(given.output, screen), document=not is_text)
    if unmatched := matches.unmatched:
        reading.feedback.warn(f"{unmatched}.")
    if not count:
        which = "" if wanted == RowFilter() else " that these options select"
        bounded = bool(given.read.since or given.read.until)
        raise no_request(coverage, reading.tz, which, bounded=bounded)
    warn_of_gaps(coverage, reading.feedback, given.output)
    return ExitStatus.OK


def _row_filter(wanted: ListArguments) -> RowFilter:
    """Return the filter of the options. Raises ``UsageError`` for an unknown name."""
    return RowFilter(
        outcomes=_known_names(wanted.outcome, completions.outcomes(), "--outcome"),
        verdicts=_known_names(wanted.verdict, completions.verdicts(), "--verdict"),
        findings=_known_names(wanted.finding, completions.findings(), "--finding"),
        error=wanted.error,
        least_attempts=max(wanted.min_attempts, 2 if wanted.retried else 0),
        failed=wanted.failed,
    )


def _known_names(text: str | None, known: Sequence[str], option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        refuse_unknown(name, known, option)
    return names


# --------------------------------------------------------------------------- showing it


@state_class
class _MarkerMatches:
    """Counts the attempts that failed, and those whose lines the markers match."""

    markers: Markers
    failed: int = 0
    cross_checked: int = 0

    def counted(self, rows: Iterable[RequestRow]) -> Iterator[RequestRow]:
        """Yield the rows, and count their attempts."""
        for row in rows:
            self.failed += row.failed_attempts
            self.cross_checked += row.cross_checked
            yield row

    @property
    def unmatched(self) -> str:
        """The sentence that the markers match no line; ``""`` if they match one."""
        return unmatched_patterns(self.failed, self.cross_checked, self.markers)


@value_class
class _Answer:
    """The rows to show, and the number of requests that passed the filter."""

    rows: list[RequestRow]
    count: int
    coverage: Coverage
    order: str
    tz: tzinfo
    selected_by: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The sentence that counts the rows."""
        if self.count == 1:
            return "1 request"
        return f"{len(self.rows):,} of {self.count:,} requests, {_ORDER_WORDS[self.order]}"

    def view(self, form: str, screen: Screen) -> Iterable[str]:
        """Return the rows in a format, whole or in pieces."""
        rows = self.rows
        if form == "json":
            return listed_document(rows, coverage_object(self.coverage))
        if form == "jsonl":
            return map(listed_line, rows)
        if form == "csv":
            from retryctl.views.csv import list_csv

            return list_csv(rows)
        if form == "html":
            from retryctl.views.html.request_list import list_page

            return list_page(
                rows,
                self.coverage,
                shown=self.shown,
                tz=self.tz,
                selected_by=self.selected_by,
            )
        from retryctl.views.text.layout import rendered
        from retryctl.views.text.request_list import durable_remarks, list_blocks

        more = "; --limit shows more" if len(rows) < self.count else ""
        remarks = [f"{self.shown}{more}.", *durable_remarks(rows)]
        blocks = list_blocks(rows, remarks, self.coverage, self.tz, self.selected_by)
        return rendered(blocks, form, screen)


def _sorted_rows(
    found: Iterator[RequestRow], order: str, at_most: int | None
) -> tuple[list[RequestRow], int]:
    """Return the first rows in order and the number of all; only those are kept in memory."""
    count = 0

    def counted() -> Iterator[RequestRow]:
        nonlocal count
        for row in found:
            count += 1
            yield row

    def place(row: RequestRow) -> tuple[Any, ...]:
        return (*ORDERS[order](row), -row.placed_ms, row.request_id)

    if at_most is None:
        return sorted(counted(), key=place), count
    return nsmallest(at_most, counted(), key=place), count
