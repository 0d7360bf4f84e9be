"""``list`` as text: one line for each request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.events import is_timed
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
from retryctl.views.times import moment, on_one_day, span, stamp, zone_name

_SIGNS = {
    RequestOutcome.SUCCEEDED: GOOD,
    RequestOutcome.RECOVERED: GOOD,
    RequestOutcome.EXHAUSTED: BAD,
    RequestOutcome.NOT_RETRIED: BAD,
    RequestOutcome.PENDING: GOING,
    RequestOutcome.RUNNING: GOING,
    RequestOutcome.UNKNOWN: UNSURE,
}
_VERDICTS = {
    Verdict.AGREES: ("right", "green"),
    Verdict.DISAGREES: ("wrong", "bold red"),
    Verdict.UNDETERMINED: ("unclear", "yellow"),
    Verdict.NOT_COUNTED: (NOTHING, "dim"),
}
WRONG_BRANCH = f"{BAD} after a branch: another branch was expected."
_MOST_BRANCHES, _BRANCH_CELLS, _MOST_COUNTED = 6, 12, 8
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
    columns = {
        "request": Column(head="request", cells=[[(row.request_id, "bold")] for row in rows]),
        "started": _started(rows, tz),
        "attempts": _plain("attempts", [str(row.attempts) for row in rows], "#"),
        "environments": _plain(
            "environments", [str(row.environments or NOTHING) for row in rows], "env"
        ),
        "branches": Column(head="ran", cells=[_branches(row) for row in rows]),
        "outcome": Column(head="outcome", cells=[_outcome(row) for row in rows]),
        "verdict": Column(head="count", cells=[[_VERDICTS[row.verdict]] for row in rows]),
        "function": _plain("function", [short_name(row.function or "") for row in rows]),
        "error": _plain("error", [row.error or "" for row in rows]),
        "findings": _findings_column(rows),
    }
    if len({row.function for row in rows}) < 2:
        del columns["function"]
    for name in ("error", "findings"):
        if not any(text for cell in columns[name].cells for text, _ in cell):
            del columns[name]
    return Table(
        columns=columns,
        gives_way=(
            *("attempts", "environments", "findings", "started", "findings"),
            *("started", "started", "attempts", "error", "environments"),
        ),
        gap=1,
        stacks_all=True,
        clipped="function" if "function" in columns else "outcome",
        instead={
            ("error",): _counted(
                "requests by last error", (row.error for row in rows if row.error)
            ),
            ("started",): _start_range(rows, tz),
            ("findings", "shorter findings"): _counted(
                "findings", (name for row in rows for name in _findings(row))
            ),
        },
    )


def _plain(head: str, texts: Sequence[str], short_head: str = "") -> Column:
    shorter = text_column(short_head, texts) if short_head else None
    return replace(text_column(head, texts), shorter=shorter)


def _findings_column(rows: Sequence[RequestRow]) -> Column:
    """All names; the shorter form has the first name and the number of the others."""
    names = [_findings(row) for row in rows]
    first = [f"{one[0]} +{len(one) - 1}" if len(one) > 1 else "".join(one) for one in names]
    shorter = text_column("findings", first)
    return replace(text_column("findings", map(", ".join, names)), shorter=shorter)


def _started(rows: Sequence[RequestRow], tz: tzinfo) -> Column:
    starts = [row.placed_ms for row in rows]
    dated = not on_one_day(starts, tz)

    def stamps(timespec: str) -> list[str]:
        return [stamp(start, tz, timespec, dated=dated) for start in starts]

    seconds, minutes = stamps("seconds"), stamps("minutes")
    short = replace(text_column("started", seconds), shorter=text_column("start", minutes))
    return replace(text_column(f"started ({zone_name(tz, starts)})", seconds), shorter=short)


def _start_range(rows: Sequence[RequestRow], tz: tzinfo) -> list[Paragraph]:
    """Return the first and the last start, for a table that has no room for each."""
    starts = [row.placed_ms for row in rows if is_timed(row.placed_ms)]
    if not starts:
        return []
    if len(starts) == 1:
        words = f"started {moment(starts[0], tz, 'seconds')}"
    else:
        words = f"started {span(min(starts), max(starts), tz)}"
        words += "; a wider terminal or -o csv shows each"
    return [Paragraph(words=[(words, "")])]


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


def _findings(row: RequestRow) -> list[str]:
    """Return the names of the findings, without the one that only repeats the outcome."""
    repeated = "retries-exhausted" if row.outcome is RequestOutcome.EXHAUSTED else None
    return [name for name in row.findings if name != repeated]


def _counted(what: str, names: Iterable[str]) -> list[Paragraph]:
    """Return ``findings: environment-switch 2, counter-lost 1``: the most frequent first."""
    counts = Counter(names).most_common()
    words = ", ".join(f"{cut(name, 60)} {count:,}" for name, count in counts[:_MOST_COUNTED])
    more = f" and {len(counts) - _MOST_COUNTED:,} more" if len(counts) > _MOST_COUNTED else ""
    return [Paragraph(words=[(f"{what}: {words}{more}", "")])] if counts else []
