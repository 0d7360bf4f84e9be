"""Run ``retryctl list``: print one row for each request of a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from heapq import nsmallest
from typing import Any

from retryctl.app.window import list_rows
from retryctl.cli.options import params as options
from retryctl.cli.options.choices import refuse_unknown
from retryctl.cli.options.completions import LIST_FORMS
from retryctl.cli.options.list_options import ListOptions
from retryctl.cli.options.times import zone
from retryctl.cli.output.messages import warn_of_gaps
from retryctl.cli.output.report_files import announce, report_files, write
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.cli.runs.functions_window import open_functions
from retryctl.cli.runs.summary import no_request
from retryctl.core.crosscheck import attempt_check
from retryctl.core.crosscheck.checked_request import unmatched_patterns
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.core.rules import ALL_RULES
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.core.value_classes import state_class, value_class
from retryctl.errors import ExitStatus
from retryctl.views.json.request_list import listed_document, listed_line
from retryctl.views.json.trace import coverage_object
from retryctl.views.screen import A_FILE, Screen

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


def run_list(
    functions: Sequence[str],
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    show: ListOptions,
) -> ExitStatus:
    """List the requests of ``functions`` in the window that the options select."""
    wanted = _row_filter(show)
    refuse_unknown(show.output, LIST_FORMS, "--output")
    if show.sort:
        refuse_unknown(show.sort, list(ORDERS), "--sort")
    files = report_files(show.report or (), LIST_FORMS, source=read.source)
    tz = zone(screen.tz)
    with open_functions(functions, read, aws, screen) as window:
        reader, keep = window.reader, window.keep
        markers = window.config.markers
        # rows that the filter leaves out count too: they show whether the markers match a line
        read_rows = list_rows(reader, RowFilter() if markers.patterns else wanted)
        matches = _MarkerMatches(markers=markers)
        rows = matches.counted(row for row in read_rows if keep(row.function))
        listed, count = _sorted_rows(filter(wanted.has, rows), show, text_only=not files)
        answer = _Answer(
            rows=listed, count=count, coverage=reader.coverage, order=show.sort or "newest"
        )
        for file in files:
            write(file.path, _view(answer, file.form, tz, A_FILE))
        announce(files, quiet=screen.quiet)
        shown = answer if show.limit else answer.shortened(show.output)
        if listed or show.output != "text":
            put(
                _view(shown, show.output, tz, stdout_screen(screen.color)),
                document=show.output != "text",
            )
        coverage = reader.coverage
    if unmatched := matches.unmatched:
        window.feedback.warn(f"{unmatched}.")
    if not count:
        which = "" if wanted == RowFilter() else " that these options select"
        raise no_request(coverage, tz, which, bounded=bool(read.since or read.until))
    warn_of_gaps(coverage, window.feedback, show.output)
    return ExitStatus.OK


def _row_filter(wanted: ListOptions) -> RowFilter:
    """Return the filter of the options. Raises ``UsageError`` for an unknown name."""
    verdicts = [each.value for each in attempt_check.Verdict]
    return RowFilter(
        outcomes=_known_names(wanted.outcome, [one.value for one in RequestOutcome], "--outcome"),
        verdicts=_known_names(wanted.verdict, verdicts, "--verdict"),
        findings=_known_names(wanted.finding, [rule.id for rule in ALL_RULES], "--finding"),
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

    def shortened(self, form: str) -> _Answer:
        """Return the rows of text, which shows few unless ``--limit`` is given."""
        return replace(self, rows=self.rows[:_SHOWN_AS_TEXT]) if form == "text" else self

    @property
    def shown(self) -> str:
        """The sentence that counts the rows."""
        if self.count == 1:
            return "1 request"
        return f"{len(self.rows):,} of {self.count:,} requests, {_ORDER_WORDS[self.order]}"


def _view(answer: _Answer, form: str, tz: tzinfo, screen: Screen) -> Iterable[str]:
    rows = answer.rows
    if form == "json":
        return listed_document(rows, coverage_object(answer.coverage))
    if form == "jsonl":
        return map(listed_line, rows)
    if form == "csv":
        from retryctl.views.csv import list_csv

        return list_csv(rows)
    if form == "html":
        from retryctl.views.html.request_list import list_page

        return list_page(rows, answer.coverage, shown=answer.shown, tz=tz)
    from retryctl.views.text.layout import text_of
    from retryctl.views.text.request_list import durable_remarks, list_blocks

    more = "; --limit shows more" if len(rows) < answer.count else ""
    remarks = [f"{answer.shown}{more}.", *durable_remarks(rows)]
    blocks = list_blocks(rows, remarks, answer.coverage, tz)
    if form == "markdown":
        from retryctl.views.markdown import markdown_of

        return markdown_of(blocks)
    return text_of(blocks, screen)


def _sorted_rows(
    found: Iterator[RequestRow], show: ListOptions, *, text_only: bool
) -> tuple[list[RequestRow], int]:
    """Return the first rows in order and the number of all; only those are kept in memory."""
    count = 0

    def counted() -> Iterator[RequestRow]:
        nonlocal count
        for row in found:
            count += 1
            yield row

    order = ORDERS[show.sort or "newest"]

    def place(row: RequestRow) -> tuple[Any, ...]:
        return (*order(row), -row.placed_ms, row.request_id)

    few = _SHOWN_AS_TEXT if text_only and show.output == "text" else None
    at_most = show.limit or few
    if at_most is None:
        return sorted(counted(), key=place), count
    return nsmallest(at_most, counted(), key=place), count
