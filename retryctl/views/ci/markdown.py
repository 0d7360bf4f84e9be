"""Markdown, for the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retryctl.core.check.check_evaluator import REQUEST
from retryctl.core.check.expectations import CheckResult
from retryctl.errors import ExitStatus
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.coverage import first_gaps
from retryctl.views.markdown import markdown_escaped, table_lines

_MOST_ROWS, _MOST_NAMED = 100, 10


_SIGNS = {ExitStatus.OK: "✅", ExitStatus.CHECK_FAILED: "❌"}


def markdown_report(result: CheckReport) -> Iterator[str]:
    """Yield a heading, a table of what did not pass, and what was read."""
    return (f"{line}\n" for line in _lines_of(result))


def _lines_of(result: CheckReport) -> Iterator[str]:
    judgement = result.judgement
    is_whole = result.status is ExitStatus.CHECK_FAILED or not judgement.unchecked
    sign = _SIGNS.get(result.status, "❔") if is_whole else "❔"
    yield f"## {sign} retryctl {result.command}: {markdown_escaped(result.result_sentence)}"
    if result.command == "check":
        yield from ("", markdown_escaped(result.headline))
    found = [(checks, each) for checks, some in result.alike_checks for each in some]
    if found:
        yield ""
        yield from table_lines(
            ("", "request", "what", "why"), (_row(*each) for each in found[:_MOST_ROWS])
        )
    if len(found) > _MOST_ROWS:
        yield from ("", f"and {len(found) - _MOST_ROWS:,} more")
    for words in result.notes:
        yield from ("", markdown_escaped(words))
    if result.command == "check":
        yield from ("", markdown_escaped(result.coverage_sentence))
    gaps, more = first_gaps(result.coverage)
    yield from (
        f"- {markdown_escaped(words)}" for words in (*(gap.message for gap in gaps), more) if words
    )


def _row(checks: Sequence[CheckResult], problem: Problem) -> tuple[str, str, str, str]:
    sign = "❌" if problem.passed is False else "❔"
    named = [f"`{check.request_id}`" for check in checks[:_MOST_NAMED] if check.request_id]
    more = len(checks) - _MOST_NAMED
    who = ", ".join([*named, *([f"{more:,} more"] if more > 0 else [])])
    what = "" if problem.rule == REQUEST else problem.name.removeprefix("--")
    return sign, who, markdown_escaped(what), markdown_escaped(problem.message)
