"""``list`` as text: one row for each request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.log_place import short_name
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow
from retryctl.core.wording import number_of
from retryctl.views.blocks import (
    BLANK,
    Block,
    Column,
    Paragraph,
    Piece,
    Pieces,
    Table,
    text_column,
)
from retryctl.views.inert_text import cut
from retryctl.views.signs import BAD, GOING, GOOD, NOTHING, STYLES, UNSURE, WARNING
from retryctl.views.times import on_one_day, stamp, zone_name

_SIGNS = {
    RequestOutcome.SUCCEEDED: GOOD,
    RequestOutcome.RECOVERED: GOOD,
    RequestOutcome.EXHAUSTED: BAD,
    RequestOutcome.NOT_RETRIED: BAD,
    RequestOutcome.PENDING: GOING,
    RequestOutcome.RUNNING: GOING,
    RequestOutcome.UNKNOWN: UNSURE,
}
_VERDICT_STYLES = {
    Verdict.AGREES: "green",
    Verdict.DISAGREES: "bold red",
    Verdict.UNDETERMINED: "yellow",
    Verdict.NOT_COUNTED: "dim",
}
WRONG_BRANCH = f"{BAD} after a branch: another branch was expected."
_MOST_BRANCHES, _BRANCH_CELLS = 6, 12
_MOST_EXECUTIONS = 3


def durable_remarks(rows: Sequence[RequestRow]) -> Iterator[str]:
    """Yield a sentence for each of the first durable executions, and how many more there are."""
    executions = Counter(row.execution_arn for row in rows if row.execution_arn)
    for arn, count in executions.most_common(_MOST_EXECUTIONS):
        yield f"durable execution {arn}: {number_of(count, 'request')}, which are not retries."
    if len(executions) > _MOST_EXECUTIONS:
        yield f"{len(executions) - _MOST_EXECUTIONS:,} other durable executions: --output json."


def list_blocks(
    listed: Sequence[RequestRow], remarks: Sequence[str], tz: tzinfo
) -> Iterator[Block]:
    """Yield the table and the remarks."""
    yield requests_table(listed, tz)
    if any(row.wrong_branches for row in listed):
        yield Paragraph(words=[(WRONG_BRANCH, "dim")])
    yield BLANK
    for remark in remarks:
        yield Paragraph(words=[(remark, "")])


def requests_table(rows: Sequence[RequestRow], tz: tzinfo) -> Table:
    """Return one row for each request. Columns in which every cell is empty are left out."""
    functions = [short_name(row.function or "") for row in rows]
    columns = {
        "request": Column(head="request", cells=[[(row.request_id, "bold")] for row in rows]),
        "started": _started(rows, tz),
        "attempts": _abridged(text_column("attempts", [str(row.attempts) for row in rows]), "#"),
        "environments": _abridged(
            text_column("environments", [str(row.environments or NOTHING) for row in rows]), "env"
        ),
        "branches": _abridged(
            Column(head="branches", cells=[_branches(row) for row in rows]), "ran"
        ),
        "outcome": Column(head="outcome", cells=[_outcome(row) for row in rows]),
        "verdict": Column(head="verdict", cells=[_verdict(row.verdict) for row in rows]),
        "function": text_column("function", functions if len(set(functions)) > 1 else []),
        "error": text_column("error", [row.error or "" for row in rows]),
        "findings": text_column("findings", [", ".join(_findings(row)) for row in rows]),
    }
    return Table(
        columns={
            name: column
            for name, column in columns.items()
            if any(text for cell in column.cells for text, _ in cell)
        },
        gives_way=(
            *("attempts", "environments", "branches", "findings", "started", "error", "started"),
            *("function", "environments", "started", "attempts", "branches", "verdict", "outcome"),
        ),
        gap=1,
        below=True,
    )


def _abridged(column: Column, head: str) -> Column:
    """Return the column, whose shorter form has a shorter head."""
    return replace(column, shorter=replace(column, head=head))


def _started(rows: Sequence[RequestRow], tz: tzinfo) -> Column:
    starts = [row.placed_ms for row in rows]
    dated = not on_one_day(starts, tz)

    def stamps(timespec: str) -> list[str]:
        return [stamp(start, tz, timespec, dated=dated) for start in starts]

    seconds, minutes = stamps("seconds"), stamps("minutes")
    short = replace(text_column("started", seconds), shorter=text_column("start", minutes))
    return replace(text_column(f"started ({zone_name(tz, starts)})", seconds), shorter=short)


def _branches(row: RequestRow) -> Pieces:
    """Return the branch of each attempt in order; a wrong one is marked, and many are folded."""
    numbered = list(enumerate(row.branches, start=1))
    hidden = len(numbered) - _MOST_BRANCHES
    if hidden > 0:
        numbered = numbered[:_MOST_BRANCHES]
    pieces: list[Piece] = []
    for number, branch in numbered:
        wrong = number in row.wrong_branches
        name = cut(branch, _BRANCH_CELLS) if branch else NOTHING
        gap = " " if pieces else ""
        pieces.append((f"{gap}{name}{BAD if wrong else ''}", "red" if wrong else ""))
    return [*pieces, (f" +{hidden:,}", "dim")] if hidden > 0 else pieces


def _outcome(row: RequestRow) -> Pieces:
    sign = _SIGNS[row.outcome]
    if sign == GOOD and row.verdict is Verdict.DISAGREES:
        sign = WARNING
    return [(f"{sign} ", STYLES[sign]), (row.outcome.value, "")]


def _verdict(verdict: Verdict) -> Pieces:
    counted = verdict is not Verdict.NOT_COUNTED
    return [(verdict.value if counted else NOTHING, _VERDICT_STYLES[verdict])]


def _findings(row: RequestRow) -> list[str]:
    """Return the names of the findings, without the one that only repeats the outcome."""
    repeated = "retries-exhausted" if row.outcome is RequestOutcome.EXHAUSTED else None
    return [name for name in row.findings if name != repeated]
