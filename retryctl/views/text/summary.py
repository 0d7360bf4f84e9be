"""``summary`` as text: one function's figures, or a row for each of several functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.log_place import short_name
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.changes import Change
from retryctl.core.summary.histogram import failed_over_time
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import number_of
from retryctl.views.blocks import (
    BLANK,
    Block,
    Column,
    Command,
    Drawing,
    Figures,
    Paragraph,
    Piece,
    Pieces,
    Table,
    with_command_apart,
)
from retryctl.views.coverage_blocks import coverage_blocks
from retryctl.views.inert_text import cut
from retryctl.views.json.summary import branch_rows, durable_executions
from retryctl.views.next_steps import list_wrong
from retryctl.views.signs import BAD, EIGHTHS, GOOD, LEVELS, NOTHING, signed
from retryctl.views.summary_figures import (
    FUNCTION_FIGURES,
    Tallies,
    advice,
    before_and_after,
    percent,
    reasons,
)
from retryctl.views.summary_tables import (
    MOST_ROWS,
    USUAL_WAITS,
    attempt_counts_table,
    branches_table,
    cost_table,
    counter_table,
    errors_table,
    executions_table,
    outcomes_table,
    waits_table,
)
from retryctl.views.times import duration, span, stamp

_LABEL = 12
_BAR_CELLS, _BRANCHES_ABREAST = 16, 4
_MOST_ERRORS, _MOST_COMMANDS = 5, 3
_VERDICT_SIGNS = {"better": GOOD, "worse": BAD, "same": NOTHING, "changed": NOTHING}


def summary_blocks(
    total: SummaryTally,
    tallies: Tallies,
    coverage: Coverage,
    branches: Branches,
    changes: Sequence[Change] | None = None,
    *,
    tz: tzinfo,
    since_ms: int | None = None,
) -> Iterator[Block]:
    """Yield the figures; ``tallies`` are in the order in which they are shown.

    ``since_ms`` is the start of the window that was counted, where the log was read further back.
    """
    since_ms = coverage.since_ms if since_ms is None else since_ms
    window = _window(since_ms, coverage.until_ms, tz)
    several = len(tallies) > 1
    name = f"{len(tallies):,} functions" if several else tallies[0][0] or "function unknown"
    yield Paragraph(words=[(name, "bold"), (window, "")])
    yield Paragraph(words=[(_headline(total), "")])
    yield BLANK
    if several:
        yield _table(tallies)
        yield from _next_commands(tallies, coverage)
        yield BLANK
    else:
        yield from _figures(total, branches, tz, list_wrong(coverage, tallies[0][0]))
    if changes is not None:
        yield from _changed(changes)
        yield BLANK
    yield from with_command_apart(advice(total, coverage), style="bold")
    yield BLANK
    yield from coverage_blocks(coverage, tz)


def _window(since_ms: int | None, until_ms: int | None, tz: tzinfo) -> str:
    if since_ms is None or until_ms is None:
        return ""
    return f" · {span(since_ms, until_ms, tz)}"


def _headline(tally: SummaryTally) -> str:
    retried = f"{tally.retried:,} {'was' if tally.retried == 1 else 'were'} retried"
    return (
        f"{number_of(tally.requests, 'request')}, {number_of(tally.attempts, 'attempt')}; "
        f"{retried} ({percent(tally.retried, tally.requests)} of the requests)"
    )


def _rows(label: str, lines: Iterable[Pieces], table: Table) -> Iterator[Block]:
    """Yield words beside a label, and the table of the same figures; nothing without words."""
    laid_out = list(_row(label, *lines))
    if laid_out and not next(iter(table.columns.values())).cells:
        yield from laid_out
    elif laid_out:
        yield Figures(laid_out=laid_out, table=table)


def _row(label: str, *lines: Pieces) -> Iterator[Paragraph]:
    """Yield words beside a label; what does not fit hangs below the words."""
    for line in lines:
        yield Paragraph(lead=[(f"{label:<{_LABEL}}", "dim")], words=line)
        label = ""


# --------------------------------------------------------------------------- one function


def _figures(
    tally: SummaryTally, branches: Branches, tz: tzinfo, next_command: str
) -> Iterator[Block]:
    yield Figures(laid_out=[_bars(tally)], table=attempt_counts_table(tally))
    yield BLANK
    yield from _rows("outcome", [_outcomes(tally)], outcomes_table(tally))
    yield BLANK
    yield Figures(laid_out=[_heat(tally, branches)], table=branches_table(tally, branches))
    yield BLANK
    yield from _rows("counter", _counter(tally), counter_table(tally))
    if tally.retries_judged[AttemptVerdict.DISAGREES] and next_command:
        yield Command(text=next_command)
    yield BLANK
    yield from _rows("waits", _waits(tally), waits_table(tally))
    yield from _rows("errors", _errors(tally), errors_table(tally))
    yield from _rows("durable", _durable(tally), executions_table(tally))
    yield from _rows("cost", [[(_cost(tally), "")]], cost_table(tally))
    yield from _over_time(tally, tz)
    yield BLANK


def _bars(tally: SummaryTally) -> Drawing:
    most = max(tally.by_attempts.values(), default=0)
    lines: list[Pieces] = []
    for count, number in sorted(tally.by_attempts.items()):
        label = "attempts" if not lines else ""
        share = f"{percent(number, tally.requests)} of requests"
        bar = f"{_bar(number, most):<{_BAR_CELLS}}"
        lines.append(
            [
                (f"{label:<{_LABEL}}", "dim"),
                (f"{count}  ", ""),
                (bar, "cyan"),
                (f"{number:>8,}  {share}", ""),
            ]
        )
    return Drawing(lines=lines)


def _bar(number: int, most: int) -> str:
    """Return a bar in proportion to the longest, to an eighth of a cell, never empty."""
    eighths = max(1, round(8 * _BAR_CELLS * number / most)) if number else 0
    whole, rest = divmod(eighths, 8)
    return EIGHTHS[-1] * whole + (EIGHTHS[rest - 1] if rest else "")


def _outcomes(tally: SummaryTally) -> list[Piece]:
    there = [each for each in RequestOutcome if tally.outcomes[each]]
    counts = (f"{each.value.replace('-', ' ')} {tally.outcomes[each]:,}" for each in there)
    return [(" · ".join(counts), "")]


def _heat(tally: SummaryTally, branches: Branches) -> Drawing:
    """Return how often each attempt ran each branch, some branches beside each other."""
    names = [*branches.columns({name for _, name in tally.branches if name}), "none"]
    rows = branch_rows(tally, branches)
    lines: list[Pieces] = []
    for start in range(0, len(names), _BRANCHES_ABREAST):
        few = names[start : start + _BRANCHES_ABREAST]
        lines += _heat_lines(rows[:MOST_ROWS], few, branches, tally)
    if len(rows) > MOST_ROWS:
        more = f"  and {len(rows) - MOST_ROWS:,} later attempts: see JSON"
        lines.append([(more, "dim")])
    return Drawing(lines=lines)


def _heat_lines(
    rows: Sequence[Mapping[str, int]],
    names: Sequence[str],
    branches: Branches,
    tally: SummaryTally,
) -> list[Pieces]:
    any_wrong = tally.checks[AttemptVerdict.DISAGREES] > 0
    heads = "".join(f"{cut(name, 8):>10}" for name in names)
    lines: list[Pieces] = [[(f"{'branch run':<{_LABEL + 2}}{heads}", "dim")]]
    for row in rows:
        label = f"attempt {row['attempt']}"
        line: list[Piece] = [(f"  {label:<{_LABEL}}", "")]
        due = branches.due(row["attempt"] - 1)
        for name in names:
            unmarked = name == "none" or branches.are_strange_to(name)
            line.append(_heat_cell(row[name], unmarked, name == due or not any_wrong))
        lines.append(line)
    return lines


def _heat_cell(count: int, none: bool, due: bool) -> Piece:
    """Return the cell; a sign, not colour alone, marks a branch that was not due."""
    if not count:
        return (f"{'0':>10}", "dim")
    if none or due:
        return (f"{count:>10,}", "" if none else "green")
    marked = f"{BAD}{count:,}"
    return (f"{marked:>10}", "bold red")


def _counter(tally: SummaryTally) -> Iterator[Pieces]:
    right, wrong = (
        tally.retries_judged[AttemptVerdict.AGREES],
        tally.retries_judged[AttemptVerdict.DISAGREES],
    )
    if right + wrong:
        share = f"agrees on {percent(right, right + wrong)} of the retries that logged one"
        yield [(f"{share} ({right:,} of {right + wrong:,})", "")]
    elif tally.retried:
        yield [("no counter of a retry was compared", "")]
    else:
        yield [("no retry was read, so there is nothing to compare", "")]
    if tally.wrong_retries:
        why = ", ".join(f"{rule} {count:,}" for rule, count in reasons(tally))
        yield [(f"disagrees: {why}", "red")]
    undetermined = tally.checks[AttemptVerdict.UNDETERMINED]
    if undetermined:
        yield [(f"undetermined: {number_of(undetermined, 'attempt')}", "")]
    placed = tally.same_environment + tally.other_environment
    if placed:
        share = percent(tally.same_environment, placed)
        of = f"{tally.same_environment:,} of {number_of(placed, 'retry', 'retries')}"
        yield [(f"{share} ran in the environment of the attempt before ({of})", "")]


def _waits(tally: SummaryTally) -> Iterator[Pieces]:
    for waits in tally.wait_figures()[:3]:
        p50, p95, most = map(duration, (waits.p50_ms, waits.p95_ms, waits.max_ms))
        yield [(f"retry {waits.retry}: median {p50}, p95 {p95}, longest {most}", "")]
    if tally.wait_figures():
        yield [(f"Lambda usually waits {', then '.join(USUAL_WAITS.values())}", "dim")]


def _errors(tally: SummaryTally) -> Iterator[Pieces]:
    groups = tally.error_groups()
    for each in groups[:_MOST_ERRORS]:
        what = cut(each.type.replace("Task timed out", "timed out").replace(" seconds", " s"), 40)
        frame = f"  {cut(each.frame, 50)}" if each.frame else ""
        yield [(f"{each.count:>6,} × {what}{frame}  ", ""), (each.example, "dim")]
    if len(groups) > _MOST_ERRORS:
        rest = groups[_MOST_ERRORS:]
        count = sum(each.count for each in rest)
        yield [(f"{count:>6,} × {len(rest):,} other kinds: --output json", "")]


def _durable(tally: SummaryTally) -> Iterator[Pieces]:
    executions = durable_executions(tally)
    for arn, count in executions[:_MOST_ERRORS]:
        yield [(f"{number_of(count, 'request')} in {arn}", "")]
    if rest := executions[_MOST_ERRORS:]:
        yield [(f"{len(rest):,} other executions: --output json", "")]


def _cost(tally: SummaryTally) -> str:
    cost = tally.cost()
    took = duration(cost.billed_ms_on_retries)
    share = percent(cost.billed_ms_on_retries, cost.billed_ms)
    memory = (
        f", {cost.gb_s_on_retries:,.{1 if cost.gb_s_on_retries >= 1 else 3}f} GB-s"
        if cost.gb_s
        else ""
    )
    whole = duration(cost.billed_ms)
    return f"retries were billed {took}{memory}: {share} of all {whole}"


def _over_time(tally: SummaryTally, tz: tzinfo) -> Iterator[Block]:
    over = failed_over_time(tally)
    if over is None or len(over.counts) < 2 or not any(over.counts):
        return
    most = max(over.counts)
    line = "".join(LEVELS[-(-count * 7 // most)] for count in over.counts)
    when = stamp(
        over.since_ms + over.counts.index(most) * over.bucket_ms, tz, "minutes", dated=True
    )
    each = duration(over.bucket_ms).removesuffix(" 00 s").removesuffix(" 00 m")
    yield Drawing(lines=[[(f"{'over time':<{_LABEL}}", "dim"), (line, "yellow")]])
    yield from _row("", [(f"failed attempts per {each}; peak {most:,} at {when}", "")])


# --------------------------------------------------------------------------- several functions


def _table(tallies: Tallies) -> Table:
    def column(head: str, cells: Iterable[str]) -> Column:
        return Column(head=head, cells=[[(cell, "")] for cell in cells])

    columns = {
        "function": column("function", [short_name(name or "unknown") for name, _ in tallies])
    }
    for head, figure in FUNCTION_FIGURES.items():
        columns[head] = column(head, [figure(tally) for _, tally in tallies])
    return Table(columns=columns, gives_way=("disagrees because",), clipped="function")


def _next_commands(tallies: Tallies, coverage: Coverage) -> Iterator[Block]:
    """Yield a command for the worst functions with a wrong counter."""
    wrong = [name for name, tally in tallies if tally.retries_judged[AttemptVerdict.DISAGREES]]
    commands = dict.fromkeys(list_wrong(coverage, name) for name in wrong[:_MOST_COMMANDS])
    yield from (Command(text=command) for command in commands if command)


# --------------------------------------------------------------------------- since before


def _changed(changes: Sequence[Change]) -> Iterator[Block]:
    yield Paragraph(words=[("compared with the earlier summary", "dim")])
    for change in changes:
        if change.verdict == "same":
            continue
        sign = _VERDICT_SIGNS[change.verdict]
        figure = f"{change.figure}: {' → '.join(before_and_after(change))} {change.unit}".rstrip()
        verdict = "" if change.verdict == "changed" else f", {change.verdict}"
        yield signed(sign, figure + verdict)
    if all(change.verdict == "same" for change in changes):
        yield Paragraph(words=[("nothing changed", "")])
