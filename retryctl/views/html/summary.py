"""``summary`` as one page to attach.

A summary has every count in a table, bars beside it, and failures over time. The size of its page
depends on the kinds of things that were counted, not on their number: long lists are cut and end
in the number of the rows that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.attempt import AttemptOutcome
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.failed_over_time import FailedOverTime
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views import summary_figures as figures
from retryctl.views.blocks import Table
from retryctl.views.html.markup import Markup, spans, tag
from retryctl.views.html.page import command_line, document, table, text_with_command
from retryctl.views.summary_answer import SummaryAnswer
from retryctl.views.text.timeline import round_times
from retryctl.views.times import moment, span


def summary_page(answer: SummaryAnswer) -> Iterator[str]:
    """Yield the summary of one function, or of all together, as an HTML document in ASCII."""
    tally, tallies, coverage, tz = answer.total, answer.tallies, answer.coverage, answer.tz
    several = len(tallies) > 1
    commands = figures.lists_of_wrong(tallies, coverage)
    each_function = [_table("Each function", figures.functions_table(tallies))] if several else []
    changed = (
        [_table("What changed", figures.changes_table(answer.changes))] if answer.changes else []
    )
    panels = {
        "Functions": each_function,
        "Compared with the earlier summary": changed,
        "Requests": _requests(tally),
        "Branch and counter": _counting(tally, answer.branches, commands),
        "Failures": _failures(tally, tz),
        "Waits and cost": _waits_and_cost(tally),
    }
    name = f"{len(tallies):,} functions" if several else answer.only or coverage.where
    what = number_of(tally.requests, "request")
    header = [
        tag("p", _extent(tally, tz)),
        tag("p", text_with_command(figures.advice(tally, coverage))),
    ]
    main = (
        tag("section", tag("h2", heading), *content, class_="panel")
        for heading, parts in panels.items()
        if (content := list(parts))
    )
    return document(f"{what} of {name}" if name else what, "summary", header, main, coverage, tz)


def _extent(tally: SummaryTally, tz: tzinfo) -> str:
    words = f"{figures.extent(tally)}."
    if tally.first_ms is None or tally.last_ms is None:
        return words
    return f"{words} The attempts started {span(tally.first_ms, tally.last_ms, tz)}."


def _requests(tally: SummaryTally) -> Iterator[Markup]:
    by_attempts = figures.by_attempts(tally)
    yield _counts("Requests by number of attempts", "attempts", "requests", by_attempts)
    outcomes = figures.by_name(RequestOutcome, tally.outcomes)
    yield _counts("Outcomes", "outcome", "requests", outcomes)
    if tally.executions:
        yield _table("Durable executions", figures.executions_table(tally))


def _counting(tally: SummaryTally, branches: Branches, commands: Sequence[str]) -> Iterator[Markup]:
    yield _table("The counter on retries", figures.counter_table(tally))
    for command in commands:
        yield command_line("Requests with a wrong counter:", command)
    yield _table("Which branch ran", figures.branches_table(tally, branches))
    checks = figures.by_name(AttemptVerdict, tally.checks)
    yield _counts("The counter, by attempt", "verdict", "attempts", checks)
    if tally.findings:
        yield _table("Findings", figures.findings_table(tally))
        yield tag("p", "retryctl explain FINDING explains each of them.", class_="dim")


def _failures(tally: SummaryTally, tz: tzinfo) -> Iterator[Markup]:
    outcomes = figures.by_name(AttemptOutcome, tally.attempt_outcomes)
    yield _counts("How attempts ended", "outcome", "attempts", outcomes)
    yield from failures(tally, tz)
    if tally.error_groups():
        yield _table("Errors", figures.errors_table(tally))


def _waits_and_cost(tally: SummaryTally) -> Iterator[Markup]:
    if tally.wait_figures():
        yield _table("How long retries waited", figures.waits_table(tally))
    yield _table("What was billed", figures.cost_table(tally))


def _table(caption: str, content: Table, bars: Sequence[Markup] | None = None) -> Markup:
    """Return a table with a caption; ``bars`` are its last column, which has no heading."""
    columns = content.columns.values()
    rows = [list(map(spans, row)) for row in zip(*(each.cells for each in columns), strict=True)]
    heads = [column.head for column in columns]
    if bars is None:
        return table(caption, heads, rows)
    rest = [Markup()] * (len(rows) - len(bars))
    return table(
        caption, [*heads, ""], [[*row, bar] for row, bar in zip(rows, [*bars, *rest], strict=True)]
    )


def _counts(caption: str, what: str, counted: str, counts: Mapping[str, int]) -> Markup:
    most = max(counts.values(), default=0)
    bars = [_bar(count / most) for count in list(counts.values())[: figures.MOST_ROWS]]
    return _table(caption, figures.counts_table(what, counted, counts), bars)


def _bar(share: float) -> Markup:
    """Return a bar beside its figure, hidden from screen readers."""
    return tag(
        "svg",
        tag("rect", width=f"{share:.2%}", height=10, rx=2),
        class_="bar cyan",
        width="100%",
        height=10,
        aria_hidden="true",
    )


# --------------------------------------------------------------------------- failures over time


_HEIGHT, _AXIS, _CELLS = 90, 24, 34


def failures(tally: SummaryTally, tz: tzinfo) -> Iterator[Markup]:
    """Yield a figure and a table of failed attempts; nothing where none failed at a known time."""
    over = figures.failures_over_time(tally, tz)
    if over is None:
        return
    each, most = figures.bucket_name(over), max(over.counts)
    peak = moment(over.start_ms(over.counts.index(most)), tz, "minutes")
    caption = f"Failed attempts per {each}, peak {most:,} at {peak}"
    yield tag(
        "figure",
        tag(
            "svg",
            *_axis(over, tz),
            *_bars(over, most),
            role="img",
            width="100%",
            height=_HEIGHT + _AXIS,
            aria_label=f"{caption}; the table below has the same data",
        ),
        tag("figcaption", f"{caption}."),
    )
    rows = [
        (moment(over.start_ms(place), tz, "minutes"), f"{count:,}")
        for place, count in enumerate(over.counts)
        if count
    ]
    yield tag(
        "details",
        tag("summary", f"failed attempts per {each}, as a table"),
        table("Those with a failed attempt", ("start", "failed attempts"), rows),
    )


def _bars(over: FailedOverTime, most: int) -> Iterator[Markup]:
    cell = 100 / len(over.counts)
    for place, count in enumerate(over.counts):
        if count:
            height = max(round(count / most * (_HEIGHT - 10)), 2)
            yield tag(
                "rect",
                class_="failed",
                x=f"{place * cell:.3f}%",
                width=f"{0.8 * cell:.3f}%",
                y=_HEIGHT - height,
                height=height,
            )


def _axis(over: FailedOverTime, tz: tzinfo) -> Iterator[Markup]:
    first_ms, last_ms = over.start_ms(0), over.start_ms(len(over.counts))
    yield tag("line", class_="lane", x1="0", x2="100%", y1=_HEIGHT, y2=_HEIGHT)
    for ms, label in round_times(first_ms, last_ms, tz, _CELLS):
        x = f"{(ms - first_ms) / (last_ms - first_ms) * 100:.2f}%"
        yield tag("line", class_="grid", x1=x, x2=x, y1=0, y2=_HEIGHT + 4)
        yield tag("text", label, class_="tick dim", x=x, y=_HEIGHT + 19)


# --------------------------------------------------------------------------- list
