"""The figures of one function as tables, for formats that have no width, such as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.blocks import Table, table_of
from retryctl.views.inert_text import cut
from retryctl.views.json.summary import branch_rows, durable_executions
from retryctl.views.signs import BAD, NOTHING
from retryctl.views.summary_figures import percent, reasons
from retryctl.views.times import duration

MOST_ROWS, MOST_OF_AN_ERROR = 50, 300
USUAL_WAITS = {1: "1 m", 2: "2 m"}


def _first_rows(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    """Return a table of the first rows, with a row that counts the others."""
    kept = list(rows)
    if more := kept[MOST_ROWS:]:
        others = (f"{len(more):,} more: --output json", *[NOTHING] * (len(heads) - 1))
        kept[MOST_ROWS:] = [others]
    return table_of(heads, kept)


def attempt_counts_table(tally: SummaryTally) -> Table:
    """Return the requests by number of attempts."""
    return _first_rows(
        ("attempts", "requests", "share of the requests"),
        (
            (f"{number:,}", f"{count:,}", percent(count, tally.requests))
            for number, count in sorted(tally.by_attempts.items())
        ),
    )


def outcomes_table(tally: SummaryTally) -> Table:
    """Return the requests by outcome."""
    there = [each for each in RequestOutcome if tally.outcomes[each]]
    return table_of(
        ("outcome", "requests", "share of the requests"),
        (
            (each.value, f"{tally.outcomes[each]:,}", percent(tally.outcomes[each], tally.requests))
            for each in there
        ),
    )


def branches_table(tally: SummaryTally, branches: Branches) -> Table:
    """Return how often each attempt ran each branch; a sign marks a branch that was not due."""
    names = [*branches.columns({name for _, name in tally.branches if name}), "none"]

    def cell(count: int, name: str, due: str | None) -> str:
        right = name in (due, "none") or branches.are_strange_to(name)
        return f"{count:,}" if right or not count else f"{BAD}{count:,}"

    return _first_rows(
        ("branch run", *names),
        (
            (
                f"attempt {row['attempt']}",
                *(cell(row[name], name, branches.due(row["attempt"] - 1)) for name in names),
            )
            for row in branch_rows(tally, branches)
        ),
    )


def counter_table(tally: SummaryTally) -> Table:
    """Return how many retries counted correctly, why others did not, and where they ran."""
    return table_of(("counter", "attempts", "of", "share"), _counter_rows(tally))


def _counter_rows(tally: SummaryTally) -> Iterator[tuple[str, ...]]:
    judged = tally.retries_judged
    right = judged[AttemptVerdict.AGREES]
    if whole := right + judged[AttemptVerdict.DISAGREES]:
        base = f"{whole:,} retries that logged one"
        yield "agrees", f"{right:,}", base, percent(right, whole)
        for rule, count in reasons(tally):
            yield f"disagrees: {rule}", f"{count:,}", base, percent(count, whole)
    if undetermined := tally.checks[AttemptVerdict.UNDETERMINED]:
        base = f"{tally.attempts:,} attempts"
        share = percent(undetermined, tally.attempts)
        yield "undetermined", f"{undetermined:,}", base, share
    here = tally.same_environment
    if retries := here + tally.other_environment:
        what = "ran in the environment of the attempt before"
        yield what, f"{here:,}", f"{retries:,} retries", percent(here, retries)


def waits_table(tally: SummaryTally) -> Table:
    """Return how long the retries waited."""
    return _first_rows(
        ("retry", "retries", "median wait", "p95", "longest", "usual"),
        (
            (
                f"{waits.retry}",
                f"{waits.count:,}",
                *map(duration, (waits.p50_ms, waits.p95_ms, waits.max_ms)),
                USUAL_WAITS.get(waits.retry, NOTHING),
            )
            for waits in tally.wait_figures()
        ),
    )


def errors_table(tally: SummaryTally) -> Table:
    """Return the errors, the most frequent first."""
    groups = tally.error_groups()
    more = groups[MOST_ROWS:]
    rows = [
        (
            cut(each.type, MOST_OF_AN_ERROR),
            f"{each.count:,}",
            cut(each.frame or NOTHING, MOST_OF_AN_ERROR),
            each.example,
        )
        for each in groups[:MOST_ROWS]
    ]
    if more:
        others = f"{sum(each.count for each in more):,}"
        rows.append((f"{len(more):,} other kinds: --output json", others, NOTHING, NOTHING))
    return table_of(("error", "attempts", "place", "example"), rows)


def executions_table(tally: SummaryTally) -> Table:
    """Return the requests of each durable execution, those with most requests first."""
    executions = durable_executions(tally)
    return _first_rows(
        ("durable execution", "requests"), ((arn, f"{count:,}") for arn, count in executions)
    )


def cost_table(tally: SummaryTally) -> Table:
    """Return what was billed for retries, and for all attempts."""
    cost = tally.cost()
    share = percent(cost.billed_ms_on_retries, cost.billed_ms)
    return table_of(
        ("billed", "time", "GB-s", "share of the time"),
        (
            (
                "retries",
                duration(cost.billed_ms_on_retries),
                f"{cost.gb_s_on_retries:,.3f}",
                share,
            ),
            ("all attempts", duration(cost.billed_ms), f"{cost.gb_s:,.3f}", percent(1, 1)),
        ),
    )
