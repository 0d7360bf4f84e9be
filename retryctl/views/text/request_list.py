"""``list``: one line for each request, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow
from retryctl.views.blocks import BLANK, Block, Column, Paragraph, Pieces, Table
from retryctl.views.signs import BAD, GOING, GOOD, STYLES, UNSURE
from retryctl.views.text.layout import text_of
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


def list_text(
    listed: Sequence[RequestRow],
    remarks: Sequence[str],
    *,
    tz: tzinfo,
    console_width: int = 80,
    colour: bool = False,
    ascii_only: bool = False,
) -> str:
    """A table for a person; ``remarks`` are said below it."""
    blocks = _blocks(listed, remarks, tz)
    return text_of(blocks, width=console_width, colour=colour, ascii_only=ascii_only)


def _blocks(listed: Sequence[RequestRow], remarks: Sequence[str], tz: tzinfo) -> Iterator[Block]:
    yield _table(listed, tz)
    yield BLANK
    for remark in remarks:
        yield Paragraph(words=[(remark, "")])


def _table(listed: Sequence[RequestRow], tz: tzinfo) -> Table:
    starts = [each.placed_ms for each in listed]
    dated = not on_one_day(starts, tz)
    functions = {each.function for each in listed}

    def column(head: str, cells: list[Pieces]) -> Column:
        return Column(head=head, cells=cells)

    def plain(texts: list[str]) -> list[Pieces]:
        return [[(text, "")] for text in texts]

    columns = {
        "request": column("request", [[(each.request_id, "bold")] for each in listed]),
        "started": column(
            f"started ({zone_name(tz, starts)})",
            plain([stamp(each.placed_ms, tz, "seconds", dated=dated) for each in listed]),
        ),
        "attempts": column("#", plain([str(each.attempts) for each in listed])),
        "outcome": column("outcome", [_outcome(each) for each in listed]),
        "function": column("function", plain([each.function or "" for each in listed])),
        "findings": column("findings", plain([_found(each) for each in listed])),
    }
    if len(functions) < 2:
        del columns["function"]
    return Table(columns=columns, gives_way=(), clipped="findings", instead={})


def _outcome(listed: RequestRow) -> Pieces:
    sign = _SIGNS[listed.outcome]
    return [(f"{sign} ", STYLES[sign]), (listed.outcome.value, "")]


def _found(listed: RequestRow) -> str:
    if listed.findings:
        return ", ".join(listed.findings)
    return "" if listed.verdict.value in ("not-counted", "agrees") else listed.verdict.value
