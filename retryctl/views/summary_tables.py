"""The figures of one function as tables: those of Markdown and of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TypeVar

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.summary.changes import Change
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.blocks import Piece, Table, table_of
from retryctl.views.inert_text import cut
from retryctl.views.json.summary import durable_executions
from retryctl.views.signs import BAD, NOTHING, STYLES
from retryctl.views.summary_figures import (
    Tallies,
    before_and_after,
    cells_of_function,
    percent,
    reasons,
)
from retryctl.views.times import duration

MOST_ROWS = 50
_MOST_BRANCHES, _MOST_OF_AN_ERROR = 8, 300
USUAL_WAITS = {1: "1 m", 2: "2 m"}
_Kind = TypeVar("_Kind", bound=Enum)


def _first_rows(heads: Sequence[str], rows: Iterable[Sequence[str | Piece]]) -> Table:
    """Return a table of the first rows, with a row that counts the others."""
    kept = list(rows)
    if more := kept[MOST_ROWS:]:
        others = (f"{len(more):,} more: --output json", *[NOTHING] * (len(heads) - 1))
        kept[MOST_ROWS:] = [others]
    return table_of(heads, kept)


def counts_table(what: str, counted: str, counts: Mapping[str, int]) -> Table:
    """Return each count with its share of the whole."""
    whole = sum(counts.values())
    rows = ((name, f"{count:,}", percent(count, whole)) for name, count in counts.items())
    return _first_rows((what, counted, f"share of the {counted}"), rows)


def by_attempts(tally: SummaryTally) -> Mapping[str, int]:
    """Return the number of requests by their number of attempts."""
    return {f"{number:,}": count for number, count in sorted(tally.by_attempts.items())}


def by_name(kinds: type[_Kind], counts: Counter[_Kind]) -> Mapping[str, int]:
    """Return the counts that are not zero, by the words of the contract, in its order."""
    return {kind.value: counts[kind] for kind in kinds if counts[kind]}


def ran_branches(
    tally: SummaryTally, branches: Branches, names: Sequence[str]
) -> Iterator[tuple[str, list[Piece]]]:
    """Yield each attempt, and how often it ran each branch.

    A sign marks a branch that was not due, in a log in which some attempt disagrees; where none
    does, the attempts that ran another branch are undetermined. ``none`` counts the attempts that
    logged no branch, ``other`` those of all other branches.
    """
    any_wrong = tally.checks[AttemptVerdict.DISAGREES] > 0
    ran: Counter[tuple[int, str]] = Counter()
    for (attempt, name), count in tally.branches.items():
        ran[attempt, "none" if name is None else name if name in names else "other"] += count
    for attempt in sorted({attempt for attempt, _ in tally.branches}):
        due = branches.due(attempt - 1)
        cells: list[Piece] = []
        for name in names:
            count = ran[attempt, name]
            if count and name == due:
                cells.append((f"{count:,}", "green"))
            elif count and any_wrong and name != "none" and not branches.are_strange_to(name):
                cells.append((f"{BAD}{count:,}", STYLES[BAD]))
            else:
                cells.append((f"{count:,}", "" if count else "dim"))
        yield f"attempt {attempt}", cells


def branch_names(tally: SummaryTally, branches: Branches) -> list[str]:
    """Return the branches that are counted, in the order of their columns."""
    return branches.columns({name for _, name in tally.branches if name})


def branches_table(tally: SummaryTally, branches: Branches) -> Table:
    """Return how often each attempt ran each of the first branches."""
    names = branch_names(tally, branches)
    other = ["other"] if len(names) > _MOST_BRANCHES else []
    heads = ["branch run", *names[:_MOST_BRANCHES], *other, "none"]
    ran = ran_branches(tally, branches, heads[1:])
    return _first_rows(heads, ([(attempt, ""), *cells] for attempt, cells in ran))


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


def findings_table(tally: SummaryTally) -> Table:
    """Return the findings, the most frequent first."""
    found = sorted(tally.findings.items(), key=lambda item: (-item[1], item[0]))
    return table_of(
        ("finding", "number", "wrong counters on retries"),
        ((rule, f"{count:,}", f"{tally.wrong_retries[rule]:,}") for rule, count in found),
    )


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
    rows = [
        (_cut(each.type), f"{each.count:,}", _cut(each.frame or NOTHING), each.example)
        for each in groups[:MOST_ROWS]
    ]
    if more := groups[MOST_ROWS:]:
        others = f"{sum(each.count for each in more):,}"
        rows.append((f"{len(more):,} other kinds: --output json", others, NOTHING, NOTHING))
    return table_of(("error", "attempts", "place", "example"), rows)


def _cut(text: str) -> str:
    return cut(text, _MOST_OF_AN_ERROR)


def executions_table(tally: SummaryTally) -> Table:
    """Return the requests of each durable execution, those with most requests first."""
    executions = ((arn, f"{count:,}") for arn, count in durable_executions(tally))
    return _first_rows(("durable execution", "requests"), executions)


def cost_table(tally: SummaryTally) -> Table:
    """Return what was billed for retries, and for all attempts."""
    cost = tally.cost()
    share = percent(cost.billed_ms_on_retries, cost.billed_ms)
    retries, whole = duration(cost.billed_ms_on_retries), duration(cost.billed_ms)
    return table_of(
        ("billed", "time", "GB-s", "share of the time"),
        (
            ("retries", retries, f"{cost.gb_s_on_retries:,.3f}", share),
            ("all attempts", whole, f"{cost.gb_s:,.3f}", percent(1, 1)),
        ),
    )


def functions_table(tallies: Tallies) -> Table:
    """Return a row for each of the first functions."""
    rows = [cells_of_function(name, tally) for name, tally in tallies]
    return _first_rows(list(rows[0]), (list(row.values()) for row in rows))


def changes_table(changes: Sequence[Change]) -> Table:
    """Return what changed since an earlier summary."""
    rows = (
        (_cut(each.figure), *before_and_after(each), each.unit, each.verdict) for each in changes
    )
    return _first_rows(("figure", "before", "now", "unit or base", "change"), rows)
