"""The result of a check as Markdown: for a merge request, an issue, or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retryctl.core.check.evaluate import REQUEST
from retryctl.errors import ExitStatus
from retryctl.views.ci.report import (
    CheckReport,
    Problem,
    harmless_findings,
    headline,
    problems,
    result_sentence,
)
from retryctl.views.inert import inert
from retryctl.views.sentences import coverage_sentence

_MOST_ROWS = 100
_SIGNS = {ExitStatus.OK: "✅", ExitStatus.DID_NOT_HOLD: "❌"}
# Whatever Markdown or GitHub's and GitLab's own additions to it could take for markup: emphasis,
# links, HTML, tables, headings, bare addresses, mentions and references.
_SPECIAL = re.compile(r"[\\`*_\[\]<>#+=|~&@$]|:(?=//)|(?<=www)\.")


def report(result: CheckReport) -> str:
    """A heading, a table of what did not pass, and what was looked at."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: CheckReport) -> Iterator[str]:
    judgement = result.judgement
    sign = _SIGNS.get(result.status, "❔")
    yield f"## {sign} retryctl check: {_text(result_sentence(result))}"
    yield ""
    yield _text(headline(judgement, result.subject))
    found = problems(judgement)
    if found:
        yield from ("", "| | request | what | why |", "| --- | --- | --- | --- |")
        yield from map(_row, found[:_MOST_ROWS])
    if len(found) > _MOST_ROWS:
        yield from ("", f"and {len(found) - _MOST_ROWS:,} more")
    for words in harmless_findings(judgement):
        yield from ("", _text(words))
    yield from ("", _text(coverage_sentence(result.coverage, result.tz)))
    for gap in result.coverage.gaps:
        yield f"- {_text(gap.message)}"


def _row(problem: Problem) -> str:
    sign = "❌" if problem.passed is False else "❔"
    who = f"`{problem.request_id}`" if problem.request_id else ""
    what = "" if problem.rule == REQUEST else problem.rule
    return f"| {sign} | {who} | {_text(what)} | {_text(problem.message)} |"


def _text(text: str) -> str:
    """Text in which Markdown finds nothing to interpret."""
    return _SPECIAL.sub(r"\\\g<0>", inert(text))
