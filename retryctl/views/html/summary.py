"""``summary`` as one page to attach: every count in a table, bars beside it, failures over time.

Its size depends on the kinds of things that were counted, not on their number: long lists are cut
and end in the number of the rows that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.history.outcome import AttemptOutcome
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.changes import Change
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views import summary_tables as tables
from retryctl.views.blocks import Table
from retryctl.views.html.histogram import failures
from retryctl.views.html.markup import Markup, spans, tag
from retryctl.views.html.page import command_line, document, table, text_with_command
from retryctl.views.summary_figures import Tallies, advice, extent, lists_of_wrong
from retryctl.views.times import span


def summary_page(
    tally: SummaryTally,
    tallies: Tallies,
    coverage: Coverage,
    branches: Branches,
    changes: Sequence[Change] | None = None,
    *,
    tz: tzinfo,
) -> Iterator[str]:
    """Yield the summary of one function, or of all together, as an HTML document in ASCII.

    ``branches`` are those of the handler: they decide which branch each attempt should run.
    ``tally`` is the sum of ``tallies``. ``changes`` are the differences from an earlier summary.
    """
    function, several = tallies[0][0], len(tallies) > 1
    panels = {
        "Functions": [_table("Each function", tables.functions_table(tallies))] if several else [],
        "Compared with the earlier summary": [_table("What changed", tables.changes_table(changes))]
        if changes
        else [],
        "Requests": _requests(tally),
        "Branch and counter": _counting(tally, branches, lists_of_wrong(tallies, coverage)),
        "Failures": _failures(tally, tz),
        "Waits and cost": _waits_and_cost(tally),
    }
    name = f"{len(tallies):,} functions" if several else function or coverage.where
    what = number_of(tally.requests, "request")
    header = [tag("p", _extent(tally, tz)), tag("p", text_with_command(advice(tally, coverage)))]
    main = (
        tag("section", tag("h2", heading), *content, class_="panel")
        for heading, parts in panels.items()
        if (content := list(parts))
    )
    return document(f"{what} of {name}" if name else what, "summary", header, main, coverage, tz)


def _extent(tally: SummaryTally, tz: tzinfo) -> str:
    words = f"{extent(tally)}."
    if tally.first_ms is None or tally.last_ms is None:
        return words
    return f"{words} The attempts started {span(tally.first_ms, tally.last_ms, tz)}."


def _requests(tally: SummaryTally) -> Iterator[Markup]:
    by_attempts = tables.by_attempts(tally)
    yield _counts("Requests by number of attempts", "attempts", "requests", by_attempts)
    outcomes = tables.by_name(RequestOutcome, tally.outcomes)
    yield _counts("Outcomes", "outcome", "requests", outcomes)
    if tally.executions:
        yield _table("Durable executions", tables.executions_table(tally))


def _counting(tally: SummaryTally, branches: Branches, commands: Sequence[str]) -> Iterator[Markup]:
    yield _table("The counter on retries", tables.counter_table(tally))
    for command in commands:
        yield command_line("Requests with a wrong counter:", command)
    yield _table("Which branch ran", tables.branches_table(tally, branches))
    checks = tables.by_name(AttemptVerdict, tally.checks)
    yield _counts("The counter, by attempt", "verdict", "attempts", checks)
    if tally.findings:
        yield _table("Findings", tables.findings_table(tally))
        yield tag("p", "retryctl explain FINDING explains each of them.", class_="dim")


def _failures(tally: SummaryTally, tz: tzinfo) -> Iterator[Markup]:
    outcomes = tables.by_name(AttemptOutcome, tally.attempt_outcomes)
    yield _counts("How attempts ended", "outcome", "attempts", outcomes)
    yield from failures(tally, tz)
    if tally.error_groups():
        yield _table("Errors", tables.errors_table(tally))


def _waits_and_cost(tally: SummaryTally) -> Iterator[Markup]:
    if tally.wait_figures():
        yield _table("How long retries waited", tables.waits_table(tally))
    yield _table("What was billed", tables.cost_table(tally))


def _table(caption: str, content: Table, bars: Sequence[Markup] | None = None) -> Markup:
    """Return a table with a caption; ``bars`` are its last column, which has no heading."""
    columns = content.columns.values()
    rows = [list(map(spans, row)) for row in zip(*(each.cells for each in columns), strict=True)]
    heads = [column.head for column in columns]
    if bars is None:
        return table(caption, heads, rows)
    rest = [Markup()] * (len(rows) - len(bars))
    return table(
        caption,
        [*heads, ""],
        [[*row, bar] for row, bar in zip(rows, [*bars, *rest], strict=True)],
    )


def _counts(caption: str, what: str, counted: str, counts: Mapping[str, int]) -> Markup:
    most = max(counts.values(), default=0)
    bars = [_bar(count / most) for count in list(counts.values())[: tables.MOST_ROWS]]
    return _table(caption, tables.counts_table(what, counted, counts), bars)


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
