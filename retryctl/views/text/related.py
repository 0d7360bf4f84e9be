"""The requests of one event under several request IDs, as a table for each event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import is_timed
from retryctl.core.related.groups import RelatedRequests
from retryctl.core.wording import number_of
from retryctl.views.blocks import BLANK, Block, Column, Paragraph, Pieces, Table
from retryctl.views.sentences import coverage_sentence
from retryctl.views.signs import NOTE, STYLES
from retryctl.views.text.layout import text_of
from retryctl.views.times import duration, stamp, zone_name


def related_text(
    groups: Sequence[RelatedRequests],
    coverage: Coverage,
    *,
    tz: tzinfo,
    console_width: int = 80,
    colour: bool = False,
    ascii_only: bool = False,
) -> str:
    """A heading and a table for each event, its deliveries numbered in the order of time."""
    blocks = _blocks(groups, coverage, tz)
    return text_of(blocks, width=console_width, colour=colour, ascii_only=ascii_only)


def _blocks(groups: Sequence[RelatedRequests], coverage: Coverage, tz: tzinfo) -> Iterator[Block]:
    for group in groups:
        key = f"{group.key.name} {group.key.value}" if group.key else "client retry"
        count = number_of(len(group.requests), "request ID")
        yield Paragraph(words=(("one event · ", ""), (key, "bold"), (f" · {count}", "")))
        yield _table(group, tz)
        if group.finding:
            lead = ((f"{NOTE} ", STYLES[NOTE]),)
            yield Paragraph(lead=lead, words=((group.finding.message, ""),))
            yield Paragraph(lead=(("  → ", ""),), words=((group.finding.remedy, ""),))
        yield BLANK
    yield Paragraph(words=((coverage_sentence(coverage, tz), ""),))


def _table(group: RelatedRequests, tz: tzinfo) -> Table:
    requests = [one.request for one in group.requests]
    starts = [request.placed_ms for request in requests]

    def plain(texts: Sequence[str]) -> list[Pieces]:
        return [[(text, "")] for text in texts]

    columns = {
        "delivery": Column(head="#", cells=plain([str(n + 1) for n in range(len(requests))])),
        "request": Column(head="request", cells=[[(r.request_id, "bold")] for r in requests]),
        "started": Column(
            head=f"started ({zone_name(tz, starts)})",
            cells=plain([stamp(ms, tz, dated=False) if is_timed(ms) else "" for ms in starts]),
        ),
        "ran": Column(head="ran", cells=plain([_ran(group, n) for n in range(len(requests))])),
        "attempts": Column(head="attempts", cells=plain([str(len(r.attempts)) for r in requests])),
        "outcome": Column(head="outcome", cells=plain([r.outcome.value for r in requests])),
    }
    return Table(columns=columns, gives_way=(), clipped="outcome", instead={})


def _ran(group: RelatedRequests, place: int) -> str:
    """How long the last attempt ran."""
    attempts = group.requests[place].request.attempts
    took_ms = attempts[-1].duration_ms if attempts else None
    return "" if took_ms is None else duration(took_ms)
