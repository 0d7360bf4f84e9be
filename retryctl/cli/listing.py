"""From the words of ``list`` to the lines and its exit status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import islice

from retryctl.app.trace import settings_for
from retryctl.app.window import WindowInfo, requests_listed
from retryctl.cli import telling
from retryctl.cli.answers import (
    functions_asked,
    nothing_found,
    refuse_unknown,
    tell_not_seen,
    tell_remarks,
    window_asked,
)
from retryctl.cli.params import OutputOptions, SourceOptions
from retryctl.cli.terminal import put, stdout_screen
from retryctl.cli.times import zone
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.verdict import RULES
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow, RowFilter
from retryctl.errors import ExitStatus
from retryctl.views.json.request_list import listed_document
from retryctl.views.json.trace import coverage_object
from retryctl.views.sentences import coverage_sentence

_FORMS = ("text", "json", "jsonl", "csv")
_SHOWN_AS_TEXT = 50
_LINES_AT_ONCE = 100


def wanted(
    *,
    outcome: str | None,
    verdict: str | None,
    finding: str | None,
    error: str | None,
    least_attempts: int,
) -> RowFilter:
    """The filter that the options of ``list`` mean. Raises UsageError for an unknown name."""
    return RowFilter(
        outcomes=_names(outcome, [each.value for each in RequestOutcome], "--outcome"),
        verdicts=_names(verdict, [each.value for each in Verdict], "--verdict"),
        findings=_names(finding, [rule.id for rule in RULES], "--finding"),
        error=error,
        least_attempts=least_attempts,
    )


def _names(text: str | None, known: Sequence[str], option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        refuse_unknown(name, known, option)
    return names


def list_requests(
    functions: Sequence[str],
    look: SourceOptions,
    show: OutputOptions,
    wanted: RowFilter,
    *,
    form: str,
    limit: int | None,
) -> ExitStatus:
    """List the requests of ``functions`` in the window that are wanted."""
    refuse_unknown(form, _FORMS, "--output")
    now_ms = telling.now_ms()
    look, keep = functions_asked(functions, look)
    settings, window = settings_for(look), window_asked(look, show, now_ms)
    whole, found = requests_listed(look, settings, window, wanted, now_ms=now_ms, quiet=show.quiet)
    listed = (each for each in found if keep(each.function))
    tell_remarks(whole, show)
    count = (
        _put_lines(islice(listed, limit))
        if form == "jsonl"
        else _put_sorted(listed, whole, show, form, limit)
    )
    if not count:
        raise nothing_found(whole.coverage, show)
    tell_not_seen(whole.coverage, show, form)
    return ExitStatus.OK


# --------------------------------------------------------------------------- showing it


def _put_lines(listed: Iterator[RequestRow]) -> int:
    """Print each request as it is found; returns how many there were."""
    from retryctl.views.json.request_list import listed_line

    count = 0
    lines = map(listed_line, listed)
    while some := list(islice(lines, _LINES_AT_ONCE)):
        put("".join(some))
        count += len(some)
    return count


def _put_sorted(
    listed: Iterator[RequestRow],
    whole: WindowInfo,
    show: OutputOptions,
    form: str,
    limit: int | None,
) -> int:
    """Print the requests, the newest first; returns how many there were."""
    from retryctl.views.text import request_list as listing

    at_most = limit or (_SHOWN_AS_TEXT if form == "text" else None)
    newest, count = _newest(listed, at_most)
    coverage = whole.coverage  # whole by now
    if form == "json":
        put(listed_document(newest, coverage_object(coverage)))
    elif form == "csv":
        from retryctl.views.csv import list_csv

        put(list_csv(newest))
    elif newest:
        shown = f"{len(newest):,} of {count:,} requests, the newest first"
        remarks = [
            f"{shown}; --limit shows more." if len(newest) < count else f"{shown}.",
            coverage_sentence(coverage, zone(show.tz)),
            *(gap.message for gap in coverage.gaps),
        ]
        screen = stdout_screen(show.color)
        put(
            listing.list_text(
                newest,
                remarks,
                tz=zone(show.tz),
                console_width=screen.width,
                colour=screen.colour,
                ascii_only=screen.ascii_only,
            )
        )
    return count


def _newest(listed: Iterator[RequestRow], at_most: int | None) -> tuple[list[RequestRow], int]:
    """The newest of them, and how many there are in all; no more than those are held."""
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
