"""``list`` as text: one row for each request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.group_names import short_name
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow
from retryctl.core.wording import number_of
from retryctl.views.blocks import BLANK, Block, Column, Piece, Pieces, Table, paragraph, text_column
from retryctl.views.coverage import coverage_blocks
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
_MOST_BRANCHES, _BRANCH_CELLS = 6, 12
_MOST_EXECUTIONS = 3
_SHORT_HEADS = {
    "attempts": "#: attempts",
    "environments": "E or env: execution environments",
    "branches": "ran: the branch of each attempt",
}


def durable_remarks(rows: Sequence[RequestRow]) -> Iterator[str]:
    """Yield a sentence for each of the first durable executions, and how many more there are."""
    executions = Counter(row.execution_arn for row in rows if row.execution_arn)
    for arn, count in executions.most_common(_MOST_EXECUTIONS):
        yield f"durable execution {arn}: {number_of(count, 'request')}, which are not retries."
    if len(executions) > _MOST_EXECUTIONS:
        yield f"{len(executions) - _MOST_EXECUTIONS:,} other durable executions: --output json."


def legend(rows: Sequence[RequestRow]) -> Iterator[str]:
    """Yield the meaning of each sign that the table of these rows has."""
    if any(row.wrong_branches for row in rows):
        yield f"{BAD} after a branch: another branch was expected."
    if any(None in row.branches for row in rows):
        yield f"{NOTHING} among branches: the attempt logged none."
    if any(row.verdict is Verdict.NOT_COUNTED for row in rows):
        yield f"{NOTHING} as a verdict: no attempt logged a counter."
    if any(len(row.branches) > _MOST_BRANCHES and any(row.branches) for row in rows):
        yield "+2 after branches: 2 more attempts; --output json has the branch of each."
    if any(row.environments is None and row.attempts > 1 for row in rows):
        yield f"{NOTHING} for environments: no line names the log streams."


def list_blocks(
    listed: Sequence[RequestRow],
    remarks: Sequence[str],
    coverage: Coverage,
    tz: tzinfo,
    selected_by: Collection[str] = (),
) -> Iterator[Block]:
    """Yield the table, the remarks, and what was read.

    ``selected_by`` are the findings for which the requests were selected.
    """
    yield requests_table(listed, tz, selected_by)
    yield from (paragraph(words, "dim") for words in legend(listed))
    yield BLANK
    for remark in remarks:
        yield paragraph(remark)
    yield from coverage_blocks(coverage, tz)


def requests_table(
    rows: Sequence[RequestRow], tz: tzinfo, selected_by: Collection[str] = ()
) -> Table:
    """Return one row for each request. Columns in which every cell is empty are left out.

    Where two requests started in one minute, the seconds stay longer than the environments.
    """
    minutes = {row.placed_ms // 60_000 for row in rows}
    needs_seconds = ["environments"] * 2 if len(minutes) < len(rows) else []
    functions = [short_name(row.function or "") for row in rows]
    columns = {
        "request": Column(head="request", cells=[[(row.request_id, "bold")] for row in rows]),
        "started": _started(rows, tz),
        "attempts": _abridged(text_column("attempts", [str(row.attempts) for row in rows]), "#"),
        "environments": _abridged(
            text_column("environments", [_environments(row) for row in rows]), "env", "E"
        ),
        "branches": _abridged(
            Column(head="branches", cells=[_branches(row) for row in rows]), "ran"
        ),
        "outcome": Column(head="outcome", cells=[_outcome(row) for row in rows]),
        "verdict": Column(head="verdict", cells=[_verdict(row.verdict) for row in rows]),
        "function": text_column("function", functions if len(set(functions)) > 1 else []),
        "error": text_column("error", [row.error or "" for row in rows]),
        "findings": text_column(
            "findings", [", ".join(_findings(row, selected_by)) for row in rows]
        ),
    }
    columns = {
        name: column
        for name, column in columns.items()
        if any(text for cell in column.cells for text, _ in cell)
    }
    heads = "; ".join(meaning for name, meaning in _SHORT_HEADS.items() if name in columns)
    return Table(
        columns=columns,
        gives_way=(
            *("attempts", "environments", "branches", "findings", "started", "error"),
            *(*needs_seconds, "started", "function", "environments", "environments", "started"),
            *("attempts", "branches", "verdict", "outcome"),
        ),
        instead={
            tuple(f"shorter {name}" for name in _SHORT_HEADS): [paragraph(f"{heads}.", "dim")]
        },
        gap=1,
        below=True,
    )


def _environments(row: RequestRow) -> str:
    """Return their number; one attempt has one, which needs no figure."""
    return str(row.environments or NOTHING) if row.attempts > 1 else ""


def _abridged(column: Column, *heads: str) -> Column:
    """Return the column, whose shorter forms have these heads."""
    shorter = None
    for head in reversed(heads):
        shorter = replace(column, head=head, shorter=shorter)
    return replace(column, shorter=shorter)


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


def _findings(row: RequestRow, selected_by: Collection[str]) -> list[str]:
    """Return the names of the findings, without one that only repeats the outcome.

    One by which the request was selected is among them.
    """
    repeated = {"retries-exhausted"} if row.outcome is RequestOutcome.EXHAUSTED else set()
    return [name for name in row.findings if name not in repeated.difference(selected_by)]
