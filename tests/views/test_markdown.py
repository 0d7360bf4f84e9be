"""Markdown, read by another parser: whole, and log text in it stays text."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise

from markdown_it import MarkdownIt

from retryctl.core.crosscheck.claims import Branches
from retryctl.core.summary.tally import SummaryTally
from retryctl.views.blocks import LogLines
from retryctl.views.markdown import markdown_escaped, markdown_of
from retryctl.views.summary_answer import SummaryAnswer
from retryctl.views.text.summary import summary_blocks
from retryctl.views.text.trace import trace_blocks
from retryctl.views.trace_answer import TraceAnswer
from tests.support import checked_requests as world
from tests.support.hostile import hostile_request

PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
ACTIVE = {"html_block", "html_inline", "link_open", "image", "hr", "heading_open"}


def document(*checked: object) -> str:
    answer = TraceAnswer(
        checked=checked,  # type: ignore[arg-type]
        coverage=world.COVERAGE,
        lines=True,
    )
    return "".join(markdown_of(trace_blocks(answer, 80)))


def kinds(text: str) -> set[str]:
    tokens = PARSER.parse(text)
    return {one.type for token in tokens for one in (token, *(token.children or ()))}


def test_a_trace_has_a_table_the_drawing_and_the_log_lines() -> None:
    text = document(world.SWITCHED)
    page = PARSER.render(text)
    assert page.count("<table>") == 1
    assert "<td>0 not 2</td>" in page
    assert "<strong>environment-switch</strong>" in page
    fences = [token for token in PARSER.parse(text) if token.type == "fence"]
    assert [fence.info for fence in fences] == ["sh", "text", "text", "text", "text"]
    assert "retryctl list -f orders-worker --verdict disagrees" in fences[0].content
    assert not kinds(text) & ACTIVE


def summary_of(*checked: object) -> str:
    tally = SummaryTally()
    for one in checked:
        tally.add(one)  # type: ignore[arg-type]
    answer = SummaryAnswer(
        total=tally,
        tallies=[("orders-worker", tally)],
        coverage=world.COVERAGE,
        branches=Branches(),
        tz=UTC,
    )
    return "".join(markdown_of(summary_blocks(answer)))


def test_a_summary_has_every_figure_of_the_screen_in_tables() -> None:
    text = summary_of(world.SWITCHED, world.RECOVERED, *[world.SUCCEEDED] * 8)
    heads = [line.strip("| ").split(" | ") for line in before_rules(text)]
    assert heads == [
        ["attempts", "requests", "share of the requests"],
        ["outcome", "requests", "share of the requests"],
        ["branch run", "A", "B", "C", "none"],
        ["counter", "attempts", "of", "share"],
        ["retry", "retries", "median wait", "p95", "longest", "usual"],
        ["error", "attempts", "place", "example"],
        ["billed", "time", "GB-s", "share of the time"],
    ]
    assert "| 1 | 2 | 1 m 03 s | 1 m 03 s | 1 m 03 s | 1 m |" in text
    assert "| disagrees: environment-switch | 1 | 3 retries that logged one | 33.3 % |" in text
    assert PARSER.render(text).count("<table>") == len(heads)


def before_rules(text: str) -> list[str]:
    """The lines before the rules of tables: their heads."""
    return [before for before, line in pairwise(text.splitlines()) if line.startswith("| ---")]


def test_text_of_a_summarised_log_never_becomes_markup() -> None:
    assert not kinds(summary_of(hostile_request())) & ACTIVE


def test_text_of_a_log_never_becomes_markup() -> None:
    assert not kinds(document(hostile_request())) & ACTIVE


def test_what_begins_a_line_is_no_list() -> None:
    for text in ("- a", "1. a", "+ a", "# a", "    a", "* a"):
        assert not {"bullet_list_open", "ordered_list_open", "code_block"} & kinds(
            markdown_escaped(text)
        )


def test_a_fence_is_longer_than_the_backticks_within() -> None:
    line = (("", ""), ("````\n# x", ""))
    (fence,) = PARSER.parse("".join(markdown_of([LogLines(lines=[line, (("", ""), ("```", ""))])])))
    assert fence.type == "fence"
    assert fence.content.endswith("```\n")
