"""``summary`` as one page to attach: every count in a table, bars beside it, failures over time.

Its size depends on the kinds of things that were counted, not on their number: long lists are cut
and end in the number of the rows that are missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from enum import Enum
from typing import TypeVar

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.summary.changes import Change
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views.blocks import Table
from retryctl.views.html.histogram import failures
from retryctl.views.html.markup import Markup, tag
from retryctl.views.html.page import document, table
from retryctl.views.inert_text import cut
from retryctl.views.json.summary import durable_executions
from retryctl.views.next_steps import list_wrong
from retryctl.views.signs import BAD, NOTHING, STYLES
from retryctl.views.summary_figures import (
    FUNCTION_FIGURES,
    Tallies,
    advice,
    before_and_after,
    percent,
)
from retryctl.views.summary_tables import MOST_OF_AN_ERROR, MOST_ROWS, cost_table, waits_table
from retryctl.views.times import span

_MOST_BRANCHES = 8
_Kind = TypeVar("_Kind", bound=Enum)


def summary_page(
    tally: SummaryTally,
    coverage: Coverage,
    *,
    function: str | None,
    tz: tzinfo,
    branches: Branches | None = None,
    several: Tallies = (),
    changes: Sequence[Change] = (),
) -> Iterator[str]:
    """Yield the summary of one function, or of all together, as an HTML document in ASCII.

    ``branches`` are those of the handler: they decide which branch each attempt should run.
    ``tally`` is the sum of the functions in ``several``. ``changes`` are the differences from an
    earlier summary.
    """
    what = number_of(tally.requests, "request")
    panels = [
        *([_panel("Functions", _functions(several))] if several else []),
        *([_panel("Compared with the earlier summary", _changed(changes))] if changes else []),
        _panel("Requests", *_requests(tally)),
        _panel(
            "Branch and counter",
            *_counting(tally, branches or Branches(), list_wrong(coverage, function)),
        ),
        _panel("Failures", *_failures(tally, tz)),
        _panel("Waits and cost", *_waits_and_cost(tally)),
    ]
    name = f"{len(several):,} functions" if several else function or coverage.where
    header = [tag("p", _extent(tally, tz)), tag("p", advice(tally, coverage))]
    return document(f"{what} of {name}" if name else what, "summary", header, panels, coverage, tz)


def _extent(tally: SummaryTally, tz: tzinfo) -> str:
    retried = number_of(tally.retried, "request")
    were = "was" if tally.retried == 1 else "were"
    words = f"{number_of(tally.attempts, 'attempt')}; {retried} {were} retried"
    if tally.requests:
        words += f" ({percent(tally.retried, tally.requests)} of the requests)"
    if tally.first_ms is None or tally.last_ms is None:
        return f"{words}."
    return f"{words}. The attempts started {span(tally.first_ms, tally.last_ms, tz)}."


def _panel(heading: str, *content: Markup) -> Markup:
    return tag("section", tag("h2", heading), *content, class_="panel")


def _functions(several: Tallies) -> Markup:
    rows = [
        [name or "unknown", *(figure(tally) for figure in FUNCTION_FIGURES.values())]
        for name, tally in several[:MOST_ROWS]
    ]
    return table(_capped("Each function", len(several)), ["function", *FUNCTION_FIGURES], rows)


def _changed(changes: Sequence[Change]) -> Markup:
    rows = [
        (
            cut(change.figure, MOST_OF_AN_ERROR),
            *before_and_after(change),
            change.unit,
            change.verdict,
        )
        for change in changes[:MOST_ROWS]
    ]
    return table(
        _capped("What changed", len(changes)), ("figure", "before", "now", "unit or base", ""), rows
    )


# --------------------------------------------------------------------------- requests


def _requests(tally: SummaryTally) -> Iterator[Markup]:
    by_attempts = {f"{n:,}": count for n, count in sorted(tally.by_attempts.items())}
    yield _shares("Requests by number of attempts", "attempts", "requests", by_attempts)
    yield _shares("Outcomes", "outcome", "requests", _named(tally.outcomes))
    if executions := dict(durable_executions(tally)):
        yield _shares("Durable executions", "execution", "requests", executions)


def _named(counts: Counter[_Kind]) -> dict[str, int]:
    """Return the counts by the words of the contract, the largest first, those of zero left out."""
    return dict(_largest_first({kind.value: n for kind, n in counts.items() if n}))


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Sort equal counts by name, so that the order of reading has no effect."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _shares(caption: str, what: str, counted: str, counts: Mapping[str, int]) -> Markup:
    total, most = sum(counts.values()), max(counts.values(), default=0)
    rows = [
        (name, f"{count:,}", percent(count, total), _bar(count, most))
        for name, count in list(counts.items())[:MOST_ROWS]
    ]
    return table(_capped(caption, len(counts)), (what, counted, "share", ""), rows)


def _bar(count: int, most: int) -> Markup:
    """Return a bar beside its figure, hidden from screen readers."""
    width = f"{count / most * 100:.2f}%" if most else "0"
    return tag(
        "svg",
        tag("rect", width=width, height=10, rx=2),
        class_="bar cyan",
        width="100%",
        height=10,
        aria_hidden="true",
    )


# --------------------------------------------------------------------------- the counter


def _counting(tally: SummaryTally, branches: Branches, command: str) -> Iterator[Markup]:
    right, wrong = (
        tally.retries_judged[check] for check in (AttemptVerdict.AGREES, AttemptVerdict.DISAGREES)
    )
    if judged := right + wrong:
        of = f"the retries that logged one ({right:,} of {judged:,})"
        yield tag("p", f"The counter agrees on {percent(right, judged)} of {of}.")
    if wrong and command:
        yield tag("p", "Requests with a wrong counter: ", tag("code", command))
    here, other = tally.same_environment, tally.other_environment
    if here + other:
        same = f"{percent(here, here + other)} of the retries ({here:,} of {here + other:,})"
        yield tag("p", f"{same} ran in the environment of the attempt before.")
    yield _branches(tally, branches)
    yield _shares("The counter, by attempt", "verdict", "attempts", _named(tally.checks))
    if tally.findings:
        rows = [
            (tag("code", rule), f"{count:,}", f"{tally.wrong_retries[rule]:,}")
            for rule, count in _largest_first(tally.findings)
        ]
        yield table("Findings", ("finding", "number", "wrong counters on retries"), rows)
        yield tag("p", "retryctl explain FINDING explains each of them.", class_="dim")


def _branches(tally: SummaryTally, branches: Branches) -> Markup:
    logged = branches.columns({name for _, name in tally.branches if name})
    names, other = logged[:_MOST_BRANCHES], logged[_MOST_BRANCHES:]
    ran: Counter[tuple[int, str]] = Counter()
    for (attempt, name), count in tally.branches.items():
        ran[attempt, "none" if name is None else name if name in names else "other"] += count
    heads = [*names, *(["other"] if other else []), "none"]
    attempts = sorted({attempt for attempt, _ in tally.branches})
    rows = [
        [
            f"attempt {attempt}",
            *(_branch(ran[attempt, head], head, attempt, branches) for head in heads),
        ]
        for attempt in attempts[:MOST_ROWS]
    ]
    caption = _capped("Which branch ran", len(attempts))
    return table(caption, ["", *heads], rows)


def _branch(count: int, name: str, attempt: int, branches: Branches) -> str:
    """Return how many attempts ran it, marked where another branch should have run."""
    if not count:
        return tag("span", NOTHING, class_="dim")
    due = branches.due(attempt - 1)
    if name in (due, "none") or branches.are_strange_to(name):
        return tag("b", f"{count:,}") if name == due else f"{count:,}"
    return tag("span", f"{count:,} {BAD}", class_=STYLES[BAD])


# --------------------------------------------------------------------------- failures


def _failures(tally: SummaryTally, tz: tzinfo) -> Iterator[Markup]:
    yield _shares("How attempts ended", "outcome", "attempts", _named(tally.attempt_outcomes))
    if tally.first_ms is not None and tally.last_ms is not None and tally.failed_by_minute:
        yield from failures(tally.failed_by_minute, tally.first_ms, tally.last_ms, tz)
    groups = tally.error_groups()
    if groups:
        rows = [
            (
                cut(one.type, MOST_OF_AN_ERROR),
                f"{one.count:,}",
                cut(one.frame or NOTHING, MOST_OF_AN_ERROR),
                tag("code", one.example),
            )
            for one in groups[:MOST_ROWS]
        ]
        heads = ("error", "attempts", "place", "example")
        yield table(_capped("Errors", len(groups)), heads, rows)


# --------------------------------------------------------------------------- waits and cost


def _waits_and_cost(tally: SummaryTally) -> Iterator[Markup]:
    if waits := len(tally.wait_figures()):
        yield _plain(_capped("How long retries waited", waits), waits_table(tally))
    yield _plain("What was billed", cost_table(tally))


def _plain(caption: str, content: Table) -> Markup:
    """Return a table whose cells have no style."""
    columns = content.columns.values()
    rows = zip(*([cell[0][0] for cell in column.cells] for column in columns), strict=True)
    return table(caption, [column.head for column in columns], rows)


def _capped(caption: str, number: int) -> str:
    more = number - MOST_ROWS
    return f"{caption} ({more:,} more: see --output json)" if more > 0 else caption
