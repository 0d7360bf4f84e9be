"""Figures of a summary as the text, the Markdown and the page show them, alone and in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from enum import Enum
from typing import TypeVar

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.group_names import short_name
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.changes import Change
from retryctl.core.summary.failed_over_time import FailedOverTime, failed_over_time
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views.blocks import Piece, Table, table_of
from retryctl.views.inert_text import cut
from retryctl.views.next_steps import list_wrong
from retryctl.views.sentences import may_lack_lines
from retryctl.views.signs import BAD, NOTHING, STYLES
from retryctl.views.summary_answer import Tallies
from retryctl.views.times import duration, offset_ms

_MOST_COMMANDS = 3


def percent(part: float, whole: float) -> str:
    """``3.7 %``; a share is shown as 0 or 100 only if it is exactly that."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "under 0.1 %"
    if 99.95 <= share < 100:
        return "over 99.9 %"
    return f"{share:.1f} %"


def before_and_after(change: Change) -> tuple[str, str]:
    """Return the figure of the earlier summary and of this one."""
    return _shown(change, change.before), _shown(change, change.after)


def _shown(change: Change, value: float | None) -> str:
    if value is None:
        return NOTHING
    return percent(value, 1) if change.is_share else f"{value:,.12g}"


def _agreeing(tally: SummaryTally) -> str:
    judged = tally.retries_judged
    whole = judged[AttemptVerdict.AGREES] + judged[AttemptVerdict.DISAGREES]
    return _of(percent(judged[AttemptVerdict.AGREES], whole), whole)


def _of(share: str, whole: int) -> str:
    """``3.7 % of 12,408``."""
    return f"{share} of {whole:,}" if whole else NOTHING


def extent(tally: SummaryTally) -> str:
    """``13,011 attempts; 458 requests were retried (3.7 % of the requests)``."""
    were = "was" if tally.retried == 1 else "were"
    share = f" ({percent(tally.retried, tally.requests)} of the requests)" if tally.requests else ""
    return (
        f"{number_of(tally.attempts, 'attempt')}; "
        f"{number_of(tally.retried, 'request')} {were} retried{share}"
    )


def cells_of_function(name: str | None, tally: SummaryTally) -> dict[str, str]:
    """Return the row of one of several functions, by the heads of its columns."""
    return {
        "function": short_name(name or "unknown"),
        "requests": f"{tally.requests:,}",
        "retried": _of(percent(tally.retried, tally.requests), tally.requests),
        "exhausted": f"{tally.outcomes[RequestOutcome.EXHAUSTED]:,}",
        "counter agrees": _agreeing(tally),
        "disagrees because": next((rule for rule, _ in reasons(tally)), ""),
    }


def lists_of_wrong(tallies: Tallies, coverage: Coverage) -> list[str]:
    """Return the commands that list the wrong counters of the worst functions."""
    wrong = [name for name, tally in tallies if tally.retries_judged[AttemptVerdict.DISAGREES]]
    commands = dict.fromkeys(list_wrong(coverage, name) for name in wrong[:_MOST_COMMANDS])
    return [command for command in commands if command]


def failures_over_time(tally: SummaryTally, tz: tzinfo) -> FailedOverTime | None:
    """Count the failed attempts over time by the clock of ``tz``; ``None`` where none failed."""
    offset = 0 if tally.first_ms is None else offset_ms(tally.first_ms, tz)
    over = failed_over_time(tally, offset)
    return over if over and any(over.counts) else None


def bucket_name(over: FailedOverTime) -> str:
    """``1 m``, ``3 h``, ``7 d``."""
    return (
        duration(over.bucket_ms).removesuffix(" 00 s").removesuffix(" 00 m").removesuffix(" 00 h")
    )


_DO = {
    "environment-switch": "because earlier attempts ran in another environment: /tmp is not enough "
    "here. Count where every environment can read it, in DynamoDB or S3: "
    "retryctl counters vendor DIR --store dynamodb",
    "uncounted-attempt": "because an earlier attempt did not record itself. Record each attempt "
    "when it starts: retryctl counters vendor DIR --store dynamodb",
}


def reasons(tally: SummaryTally) -> list[tuple[str, int]]:
    """Return the findings on wrong counts of retries, the most frequent first."""
    return sorted(tally.wrong_retries.items(), key=lambda item: (-item[1], item[0]))


def advice(tally: SummaryTally, coverage: Coverage) -> str:
    """Return one or two sentences of advice."""
    right, wrong = (
        tally.retries_judged[AttemptVerdict.AGREES],
        tally.retries_judged[AttemptVerdict.DISAGREES],
    )
    if wrong:
        return _of_wrong(tally, right, wrong)
    if right:
        words = "The counter agrees on every retry that logged one."
    elif tally.retried:
        words = _nothing_compared(tally, coverage)
    else:
        return nothing_retried(tally, coverage)
    return words + _of_exhausted(tally)


def _nothing_compared(tally: SummaryTally, coverage: Coverage) -> str:
    """Return why no retry has a verdict, and what to do."""
    if may_lack_lines(coverage):
        return (
            "No counter of a retry was compared: part of the log is missing, and a counter may be "
            "in it. Save the whole log."
        )
    if tally.checks[AttemptVerdict.UNDETERMINED]:
        return (
            "No counter of a retry was compared: each is undetermined. retryctl trace ID shows why."
        )
    return (
        "No retry logged a counter: let the function log one (retryctl counters --help), or match "
        "its lines with [markers] in retryctl.toml."
    )


_NOT_OVER = (RequestOutcome.PENDING, RequestOutcome.RUNNING, RequestOutcome.UNKNOWN)


def nothing_retried(tally: SummaryTally, coverage: Coverage) -> str:
    """Return the sentence that no request was retried, which a gap makes uncertain."""
    if may_lack_lines(coverage):
        return "No retry was read, and the missing part of the log may have some."
    if count := sum(tally.outcomes[outcome] for outcome in _NOT_OVER):
        requests = number_of(count, "request")
        return f"No retry was read, and the log does not show how {requests} ended."
    return "Nothing was retried."


def _of_wrong(tally: SummaryTally, right: int, wrong: int) -> str:
    total, in_wrong_branch = right + wrong, tally.right_counts_in_wrong_branch
    rule = "branch-contradicts-counter"
    branch = f"ran another branch than that of its count ({rule})."
    if wrong == in_wrong_branch:
        return f"{_share(wrong, total)} {branch}"
    words = f"{_share(wrong - in_wrong_branch, total)} counted wrong"
    also = f" {_share(in_wrong_branch, total)} {branch}" if in_wrong_branch else ""
    counts = dict(reasons(tally))
    counts[rule] = counts.get(rule, 0) - in_wrong_branch
    rule, count = max(counts.items(), key=lambda item: item[1])
    if count <= 0:
        return f"{words}. See retryctl list --verdict disagrees.{also}"
    share = "" if count >= wrong - in_wrong_branch else f", {count:,} of them"
    return f"{words}{share} {_DO.get(rule, f'({rule}). See retryctl explain {rule}.')}{also}"


def _of_exhausted(tally: SummaryTally) -> str:
    count = tally.outcomes[RequestOutcome.EXHAUSTED]
    if not count:
        return ""
    were = "request" if count == 1 else "requests"
    return (
        f" Lambda gave up on {count:,} {were}: an on-failure destination or a dead-letter queue "
        "keeps such events."
    )


def _share(part: int, whole: int) -> str:
    """``2 of the 5 retries that logged a count``."""
    if part == whole:
        return "Every retry that logged a count"
    return f"{part:,} of the {whole:,} retries that logged a count"


def durable_executions(tally: SummaryTally) -> list[tuple[str, int]]:
    """Return the ARNs of durable executions, those with most requests first."""
    return sorted(tally.executions.items(), key=lambda item: (-item[1], item[0]))


# --------------------------------------------------------------------------- tables


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
