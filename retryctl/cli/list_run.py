"""Run ``retryctl list``: print one row for each request of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import islice

from retryctl.app.options import wall_clock_ms
from retryctl.app.window import WindowReader, list_rows, open_window
from retryctl.cli import params as options
from retryctl.cli.answers import refuse_unknown, select_functions, warn_of_gaps
from retryctl.cli.source import source_options, time_window
from retryctl.cli.summary_run import no_request
from retryctl.cli.terminal import TerminalFeedback, put, stdout_screen
from retryctl.cli.times import zone
from retryctl.config import config_for
from retryctl.core.crosscheck import attempt_check
from retryctl.core.model.request import RequestOutcome
from retryctl.core.rules import ALL_RULES
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.errors import ExitStatus
from retryctl.views.json.request_list import listed_document, listed_line
from retryctl.views.json.trace import coverage_object
from retryctl.views.sentences import coverage_sentence

_FORMS = ("text", "json", "jsonl", "csv")
_SHOWN_AS_TEXT = 50
_LINES_AT_ONCE = 100


def run_list(
    functions: Sequence[str],
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    wanted: RowFilter,
    *,
    output: str,
    limit: int | None,
) -> ExitStatus:
    """List the requests of ``functions`` in the window that pass the filter."""
    refuse_unknown(output, _FORMS, "--output")
    config = config_for(read.source)
    source, keep = select_functions(functions, source_options(read, aws, config))
    window = time_window(read, screen.tz)
    feedback = TerminalFeedback(quiet=screen.quiet)
    opened = open_window(
        source,
        config,
        window,
        now_ms=wall_clock_ms(),
        feedback=feedback,
        since_ms=window.since_ms,
    )
    with opened as reader:
        rows = (row for row in list_rows(reader, wanted) if keep(row.function))
        if output == "jsonl":
            count = _put_lines(islice(rows, limit))
        else:
            count = _put_sorted(rows, reader, screen, output, limit)
        coverage = reader.coverage
    if not count:
        raise no_request(coverage, zone(screen.tz))
    warn_of_gaps(coverage, feedback, output)
    return ExitStatus.OK


def row_filter(
    *,
    outcome: str | None,
    verdict: str | None,
    finding: str | None,
    error: str | None,
    least_attempts: int,
) -> RowFilter:
    """Return the filter of the options. Raises ``UsageError`` for an unknown name."""
    return RowFilter(
        outcomes=_known_names(outcome, [each.value for each in RequestOutcome], "--outcome"),
        verdicts=_known_names(verdict, [each.value for each in attempt_check.Verdict], "--verdict"),
        findings=_known_names(finding, [rule.id for rule in ALL_RULES], "--finding"),
        error=error,
        least_attempts=least_attempts,
    )


def _known_names(text: str | None, known: Sequence[str], option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        refuse_unknown(name, known, option)
    return names


# --------------------------------------------------------------------------- showing it


def _put_lines(listed: Iterator[RequestRow]) -> int:
    """Print each request as it is found; return their number."""
    count = 0
    lines = map(listed_line, listed)
    while some := list(islice(lines, _LINES_AT_ONCE)):
        put("".join(some))
        count += len(some)
    return count


def _put_sorted(
    rows: Iterator[RequestRow],
    reader: WindowReader,
    screen: options.ScreenOptions,
    form: str,
    limit: int | None,
) -> int:
    """Print the requests, the newest first; return their number."""
    from retryctl.views.text import request_list as listing

    at_most = limit or (_SHOWN_AS_TEXT if form == "text" else None)
    newest, count = _newest(rows, at_most)
    coverage = reader.coverage  # complete by now
    if form == "json":
        put(listed_document(newest, coverage_object(coverage)))
    elif form == "csv":
        from retryctl.views.csv import list_csv

        put(list_csv(newest))
    elif newest:
        shown = f"{len(newest):,} of {count:,} requests, the newest first"
        remarks = [
            f"{shown}; --limit shows more." if len(newest) < count else f"{shown}.",
            coverage_sentence(coverage, zone(screen.tz)),
            *(gap.message for gap in coverage.gaps),
        ]
        stdout = stdout_screen(screen.color)
        put(
            listing.list_text(
                newest,
                remarks,
                tz=zone(screen.tz),
                console_width=stdout.width,
                colour=stdout.colour,
                ascii_only=stdout.ascii_only,
            )
        )
    return count


def _newest(listed: Iterator[RequestRow], at_most: int | None) -> tuple[list[RequestRow], int]:
    """Return the newest rows and the number of all; only those are kept in memory."""
    count = 0

    def counted_on() -> Iterator[RequestRow]:
        nonlocal count
        for each in listed:
            count += 1
            yield each

    def by_age(each: RequestRow) -> tuple[int, str]:
        return (each.placed_ms, each.request_id)

    if at_most is None:
        newest = sorted(counted_on(), key=by_age, reverse=True)
    else:
        newest = nlargest(at_most, counted_on(), key=by_age)
    return newest, count
