"""``summary`` as text: one function's figures, or a row for each of several functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.changes import Change
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views import blocks
from retryctl.views import summary_figures as figures
from retryctl.views.coverage import coverage_blocks
from retryctl.views.inert_text import cut
from retryctl.views.signs import BAD, EIGHTHS, GOOD, HEIGHTS, NOTHING, signed
from retryctl.views.summary_answer import SummaryAnswer, Tallies
from retryctl.views.times import duration, span, stamp

_LABEL = 12
_BAR_CELLS, _BRANCHES_ABREAST = 16, 4
_MOST_ERRORS = 5
_VERDICT_SIGNS = {"better": GOOD, "worse": BAD, "same": NOTHING, "changed": NOTHING}


def summary_blocks(answer: SummaryAnswer) -> Iterator[blocks.Block]:
    """Yield the figures, and what was read."""
    total, tallies, coverage, tz = answer.total, answer.tallies, answer.coverage, answer.tz
    since_ms = coverage.since_ms if answer.since_ms is None else answer.since_ms
    until_ms, window = coverage.until_ms, ""
    if since_ms is not None and until_ms is not None:
        window = f" · {span(since_ms, until_ms, tz)}"
    several = len(tallies) > 1
    name = f"{len(tallies):,} functions" if several else answer.only or "function unknown"
    yield blocks.Paragraph(words=[(name, "bold"), (window, "")])
    yield blocks.paragraph(f"{number_of(total.requests, 'request')}, {figures.extent(total)}")
    yield blocks.BLANK
    if several:
        yield from _functions(tallies, coverage)
        yield blocks.BLANK
    else:
        commands = figures.lists_of_wrong(tallies, coverage)
        yield from _figures(total, answer.branches, tz, commands)
    if answer.changes is not None:
        yield from _changed(answer.changes)
        yield blocks.BLANK
    yield from blocks.with_command_apart(figures.advice(total, coverage), style="bold")
    yield blocks.BLANK
    yield from coverage_blocks(coverage, tz)


def _rows(
    label: str, lines: Iterable[blocks.Pieces], table: blocks.Table
) -> Iterator[blocks.Block]:
    """Yield words beside a label, and the table of the same figures; nothing without words."""
    laid_out = list(_row(label, *lines))
    if laid_out and not next(iter(table.columns.values())).cells:
        yield from laid_out
    elif laid_out:
        yield blocks.Figures(laid_out=laid_out, table=table)


def _row(label: str, *lines: blocks.Pieces) -> Iterator[blocks.Paragraph]:
    """Yield words beside a label; what does not fit hangs below the words.

    The first piece of a line of several is a count, which stays beside the label.
    """
    for line in lines:
        lead, words = [(f"{label:<{_LABEL}}", "dim"), *line[:-2]], line[-2:]
        yield blocks.Paragraph(lead=lead, words=words)
        label = ""


# --------------------------------------------------------------------------- one function


def _figures(
    tally: SummaryTally, branches: Branches, tz: tzinfo, commands: Sequence[str]
) -> Iterator[blocks.Block]:
    by_attempts = figures.counts_table("attempts", "requests", figures.by_attempts(tally))
    yield blocks.Figures(laid_out=[_bars(tally)], table=by_attempts)
    yield blocks.BLANK
    outcomes = figures.by_name(RequestOutcome, tally.outcomes)
    words = " · ".join(f"{name.replace('-', ' ')} {count:,}" for name, count in outcomes.items())
    yield from _rows(
        "outcome", [[(words, "")]], figures.counts_table("outcome", "requests", outcomes)
    )
    yield blocks.BLANK
    yield blocks.Figures(
        laid_out=[_heat(tally, branches)], table=figures.branches_table(tally, branches)
    )
    yield blocks.BLANK
    yield from _rows("counter", _counter(tally), figures.counter_table(tally))
    yield from (blocks.Command(text=command) for command in commands)
    yield blocks.BLANK
    yield from _rows("waits", _waits(tally), figures.waits_table(tally))
    yield from _rows("errors", _errors(tally), figures.errors_table(tally))
    yield from _rows("durable", _durable(tally), figures.executions_table(tally))
    yield from _rows("cost", [[(_cost(tally), "")]], figures.cost_table(tally))
    yield from _over_time(tally, tz)
    yield blocks.BLANK


def _bars(tally: SummaryTally) -> blocks.Drawing:
    most = max(tally.by_attempts.values(), default=0)
    lines: list[blocks.Pieces] = []
    for count, number in sorted(tally.by_attempts.items()):
        label = "attempts" if not lines else ""
        share = f"{figures.percent(number, tally.requests)} of requests"
        bar = f"{_bar(number, most):<{_BAR_CELLS}}"
        lines.append(
            [
                (f"{label:<{_LABEL}}", "dim"),
                (f"{count}  ", ""),
                (bar, "cyan"),
                (f"{number:>8,}  {share}", ""),
            ]
        )
    return blocks.Drawing(lines=lines)


def _bar(number: int, most: int) -> str:
    """Return a bar in proportion to the longest, to an eighth of a cell, never empty."""
    eighths = max(1, round(8 * _BAR_CELLS * number / most)) if number else 0
    whole, rest = divmod(eighths, 8)
    return EIGHTHS[-1] * whole + (EIGHTHS[rest - 1] if rest else "")


def _heat(tally: SummaryTally, branches: Branches) -> blocks.Drawing:
    """Return how often each attempt ran each branch, some branches beside each other."""
    names = [*figures.branch_names(tally, branches), "none"]
    lines: list[blocks.Pieces] = []
    for start in range(0, len(names), _BRANCHES_ABREAST):
        few = names[start : start + _BRANCHES_ABREAST]
        heads = "".join(f"{cut(name, 8):>10}" for name in few)
        lines.append([(f"{'branch run':<{_LABEL + 2}}{heads}", "dim")])
        rows = list(figures.ran_branches(tally, branches, few))
        for attempt, cells in rows[: figures.MOST_ROWS]:
            ran = ((f"{text:>10}", style) for text, style in cells)
            lines.append([(f"  {attempt:<{_LABEL}}", ""), *ran])
    if more := rows[figures.MOST_ROWS :]:
        lines.append([(f"  and {len(more):,} later attempts: --output json", "dim")])
    return blocks.Drawing(lines=lines)


def _counter(tally: SummaryTally) -> Iterator[blocks.Pieces]:
    right, wrong = (
        tally.retries_judged[AttemptVerdict.AGREES],
        tally.retries_judged[AttemptVerdict.DISAGREES],
    )
    if right + wrong:
        share = f"agrees on {figures.percent(right, right + wrong)} of the retries that logged one"
        yield [(f"{share} ({right:,} of {right + wrong:,})", "")]
    elif tally.retried:
        yield [("no counter of a retry was compared", "")]
    else:
        yield [("no retry was read, so there is nothing to compare", "")]
    if tally.wrong_retries:
        why = ", ".join(f"{rule} {count:,}" for rule, count in figures.reasons(tally))
        yield [(f"disagrees: {why}", "red")]
    undetermined = tally.checks[AttemptVerdict.UNDETERMINED]
    if undetermined:
        yield [(f"undetermined: {number_of(undetermined, 'attempt')}", "")]
    placed = tally.same_environment + tally.other_environment
    if placed:
        share = figures.percent(tally.same_environment, placed)
        of = f"{tally.same_environment:,} of {number_of(placed, 'retry', 'retries')}"
        yield [(f"{share} ran in the environment of the attempt before ({of})", "")]


def _waits(tally: SummaryTally) -> Iterator[blocks.Pieces]:
    for waits in tally.wait_figures()[:3]:
        p50, p95, most = map(duration, (waits.p50_ms, waits.p95_ms, waits.max_ms))
        yield [(f"retry {waits.retry}: median {p50}, p95 {p95}, longest {most}", "")]
    if tally.wait_figures():
        yield [(f"Lambda usually waits {', then '.join(figures.USUAL_WAITS.values())}", "dim")]


def _errors(tally: SummaryTally) -> Iterator[blocks.Pieces]:
    groups = tally.error_groups()
    for each in groups[:_MOST_ERRORS]:
        what = cut(each.type.replace("Task timed out", "timed out").replace(" seconds", " s"), 40)
        frame = f"  {cut(each.frame, 50)}" if each.frame else ""
        yield [(f"{each.count:>6,} × ", ""), (f"{what}{frame}  ", ""), (each.example, "dim")]
    if len(groups) > _MOST_ERRORS:
        rest = groups[_MOST_ERRORS:]
        count = sum(each.count for each in rest)
        yield [(f"{count:>6,} × {len(rest):,} other kinds: --output json", "")]


def _durable(tally: SummaryTally) -> Iterator[blocks.Pieces]:
    executions = figures.durable_executions(tally)
    for arn, count in executions[:_MOST_ERRORS]:
        yield [(f"{number_of(count, 'request')} in {arn}", "")]
    if rest := executions[_MOST_ERRORS:]:
        yield [(f"{len(rest):,} other executions: --output json", "")]


def _cost(tally: SummaryTally) -> str:
    cost = tally.cost()
    took = duration(cost.billed_ms_on_retries)
    share = figures.percent(cost.billed_ms_on_retries, cost.billed_ms)
    memory = (
        f", {cost.gb_s_on_retries:,.{1 if cost.gb_s_on_retries >= 1 else 3}f} GB-s"
        if cost.gb_s
        else ""
    )
    whole = duration(cost.billed_ms)
    return f"retries were billed {took}{memory}: {share} of all {whole}"


def _over_time(tally: SummaryTally, tz: tzinfo) -> Iterator[blocks.Block]:
    over = figures.failures_over_time(tally, tz)
    if over is None or len(over.counts) < 2:
        return
    most = max(over.counts)
    line = "".join(HEIGHTS[-(-count * 7 // most)] for count in over.counts)
    when = stamp(over.start_ms(over.counts.index(most)), tz, "minutes", dated=True)
    yield blocks.Drawing(lines=[[(f"{'over time':<{_LABEL}}", "dim"), (line, "yellow")]])
    words = f"failed attempts per {figures.bucket_name(over)}; peak {most:,} at {when}"
    yield from _row("", [(words, "")])


# --------------------------------------------------------------------------- several functions


def _functions(tallies: Tallies, coverage: Coverage) -> Iterator[blocks.Block]:
    rows = [figures.cells_of_function(*each) for each in tallies]
    columns = {head: blocks.text_column(head, [row[head] for row in rows]) for head in rows[0]}
    yield blocks.Table(columns=columns, gives_way=("disagrees because",), clipped="function")
    yield from (
        blocks.Command(text=command) for command in figures.lists_of_wrong(tallies, coverage)
    )


# --------------------------------------------------------------------------- since before


def _changed(changes: Sequence[Change]) -> Iterator[blocks.Block]:
    yield blocks.paragraph("compared with the earlier summary", "dim")
    for change in changes:
        if change.verdict == "same":
            continue
        sign = _VERDICT_SIGNS[change.verdict]
        values = " → ".join(figures.before_and_after(change))
        figure = f"{change.figure}: {values} {change.unit}".rstrip()
        verdict = "" if change.verdict == "changed" else f", {change.verdict}"
        yield signed(sign, figure + verdict)
    if all(change.verdict == "same" for change in changes):
        yield blocks.paragraph("nothing changed")
