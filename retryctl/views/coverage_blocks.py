"""What was read of the log, and each gap with the command that closes it, as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retryctl.core.model.coverage import Coverage, Gap
from retryctl.views.blocks import Block, Command, Paragraph, plain_paragraph
from retryctl.views.coverage_sentence import coverage_sentence
from retryctl.views.signs import WARNING, signed

_MOST_GAPS = 10


def coverage_blocks(coverage: Coverage, tz: tzinfo) -> Iterator[Block]:
    """Yield the sentence about what was read, and the first gaps."""
    yield plain_paragraph(coverage_sentence(coverage, tz))
    gaps, more = first_gaps(coverage)
    for gap in gaps:
        yield signed(WARNING, gap.message)
        if gap.settle:
            yield Paragraph(lead=(("  ", ""),), words=(("To close the gap:", ""),))
            yield Command(text=gap.settle)
    if more:
        yield signed(WARNING, more)


def first_gaps(coverage: Coverage) -> tuple[Sequence[Gap], str]:
    """Return the first gaps, and a sentence that counts the others. Equal ones are one."""
    distinct: dict[tuple[str, str | None], Gap] = {}
    for gap in coverage.gaps:
        distinct.setdefault((gap.message, gap.settle), gap)
    more = len(distinct) - _MOST_GAPS
    return list(distinct.values())[
        :_MOST_GAPS
    ], f"and {more:,} more: see --output json" if more > 0 else ""
