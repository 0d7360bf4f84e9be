"""What was read of the log, and what is missing from it: a sentence, and each gap as a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retryctl.core.model.coverage import Coverage, Gap
from retryctl.core.wording import in_a_row, number_of
from retryctl.views.blocks import Block, Command, paragraph
from retryctl.views.next_steps import place_options
from retryctl.views.signs import WARNING, signed
from retryctl.views.times import moment, span, time_in_zone

_MOST_NAMED = 3


def coverage_sentence(
    coverage: Coverage,
    tz: tzinfo,
    *,
    complete: str = "The log is complete.",
) -> str:
    """Return what was read, and whether anything is missing from it.

    ``complete`` is the sentence where nothing is known to be missing.
    """
    calls = f" in {number_of(coverage.api_calls, 'call')}" if coverage.api_calls else ""
    odd = coverage.events_unrecognised
    if coverage.only_own_streams:
        complete = _own_streams_only(coverage)
    elif coverage.lacks_lines:
        complete = "All of it was read."
    unread = f", {number_of(odd, 'line')} not understood" if odd else ""
    if coverage.web_requests:
        web = number_of(coverage.web_requests, "request")
        unread += f", and {web} to a web function (no events, never retried)"
    return (
        f"read {_place(coverage)}{_window(coverage, tz)}: "
        f"{number_of(coverage.events_read, 'event')}{calls}{unread}. "
        f"{_missing(coverage) or _outside(coverage, tz) or _cut_off(coverage, tz) or complete}"
    )


def _missing(coverage: Coverage) -> str:
    """Return the words before the list of gaps; ``""`` without gaps."""
    is_log = any(gap.kind != "skipped" or gap.hides_attempts for gap in coverage.gaps)
    return "Missing:" if is_log else "Not read:" if coverage.gaps else ""


def _own_streams_only(coverage: Coverage) -> str:
    """Return the sentence about a log of which only some streams were examined for lost lines."""
    return (
        "Only the log streams of this request were examined for lost lines: "
        f"retryctl list {place_options(coverage) or '--from -'} examines all."
    )


def _outside(coverage: Coverage, tz: tzinfo) -> str:
    """Return a sentence if the whole log is outside of the window; else ``""``."""
    first, last = coverage.first_event_ms, coverage.last_event_ms
    if coverage.since_ms is not None and last is not None and last < coverage.since_ms:
        return f"The log ends at {moment(last, tz, 'minutes')}, before --since."
    if coverage.until_ms is not None and first is not None and coverage.until_ms < first:
        return f"The log begins at {moment(first, tz, 'minutes')}, after --until."
    return ""


_CUT_OFF = {
    frozenset({"next attempt"}): "the next attempt was due",
    frozenset({"end"}): "the last attempt ended",
    frozenset({"next attempt", "end"}): "every request was over",
}


def _cut_off(coverage: Coverage, tz: tzinfo) -> str:
    """Return a sentence if a saved log ends before a request in it is over; else ``""``."""
    what = _CUT_OFF.get(coverage.ends_before)
    if coverage.source != "saved" or coverage.horizon_ms is None or not what:
        return ""
    ends = "The log" if coverage.as_of_ms is None else "The window"
    return f"{ends} ends at {time_in_zone(coverage.horizon_ms, tz)}, before {what}."


def _place(coverage: Coverage) -> str:
    groups = coverage.log_groups
    source = coverage.where or coverage.source
    if not groups:
        return source
    names = in_a_row(groups) if len(groups) <= _MOST_NAMED else f"{len(groups):,} log groups"
    given = ", as given" if coverage.given_names and coverage.source == "saved" else ""
    return names if source == "cloudwatch" else f"{source} ({names}{given})"


def _window(coverage: Coverage, tz: tzinfo) -> str:
    """Return the time range that was read; a saved log is always read whole."""
    if coverage.first_event_ms is None or coverage.last_event_ms is None:
        if coverage.source == "saved" and coverage.events_read:
            return ", which has no times: the order is that of its lines"
        return _requested(coverage.since_ms, coverage.until_ms, tz)
    read = f", {span(coverage.first_event_ms, coverage.last_event_ms, tz)}"
    since = None if coverage.since_ms == coverage.first_event_ms else coverage.since_ms
    until = None if coverage.until_ms == coverage.last_event_ms else coverage.until_ms
    if _outside(coverage, tz):
        return read
    requested = _requested(since, until, tz)
    return f"{read} (requested: {requested.removeprefix(', ')})" if requested else read


def _requested(since: int | None, until: int | None, tz: tzinfo) -> str:
    if since is not None and until is not None:
        return f", {span(since, until, tz)}"
    if since is not None:
        return f", from {moment(since, tz, 'minutes')}"
    return "" if until is None else f", up to {moment(until, tz, 'minutes')}"


_MOST_GAPS = 10


def coverage_blocks(coverage: Coverage, tz: tzinfo) -> Iterator[Block]:
    """Yield the sentence about what was read, and the first gaps."""
    yield paragraph(coverage_sentence(coverage, tz))
    gaps, more = first_gaps(coverage)
    for gap in gaps:
        yield signed(WARNING, gap.message)
        if gap.settle:
            yield paragraph("To close the gap:", lead="  ")
            yield Command(text=gap.settle)
    if more:
        yield signed(WARNING, more)


def first_gaps(coverage: Coverage) -> tuple[Sequence[Gap], str]:
    """Return the first gaps, and a sentence that counts the others. Equal ones are one."""
    distinct: dict[tuple[str, str | None], Gap] = {}
    for gap in coverage.gaps:
        distinct.setdefault((gap.message, gap.settle), gap)
    more = len(distinct) - _MOST_GAPS
    return list(distinct.values())[
        :_MOST_GAPS
    ], f"and {more:,} more: see --output json" if more > 0 else ""
