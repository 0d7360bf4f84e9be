"""The result of a check as a person reads it in the log of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retryctl.core.check.evaluate import REQUEST
from retryctl.core.check.expectations import COVERAGE, CROSS_CHECK
from retryctl.errors import ExitStatus
from retryctl.views.blocks import Block, Command, Paragraph
from retryctl.views.ci.report import (
    CheckReport,
    Problem,
    headline,
    problems,
    result_sentence,
    told_beside,
)
from retryctl.views.sentences import coverage_sentence
from retryctl.views.signs import BAD, GOOD, NOTE, STYLES, UNSURE, WARNING
from retryctl.views.text.layout import text_of

_MOST_TOLD = 50
_SIGNS = {ExitStatus.OK: GOOD, ExitStatus.DID_NOT_HOLD: BAD}
# A CI runner obeys ::error::… at the start of a line and ##[error]… anywhere in one.
_OBEYED = re.compile(r":(?=:)|##(?=\[)")


def report(
    result: CheckReport, *, width: int = 80, colour: bool = False, ascii_only: bool = False
) -> str:
    """What was checked, what did not pass, how it came out, and what was looked at."""
    return text_of(_blocks(result), width=width, colour=colour, ascii_only=ascii_only)


def _blocks(result: CheckReport) -> Iterator[Block]:
    judgement = result.judgement
    yield _line("", headline(judgement, result.subject))
    found = problems(judgement)
    for problem in found[:_MOST_TOLD]:
        yield _line(BAD if problem.passed is False else UNSURE, _said(problem))
    more = len(found) - _MOST_TOLD
    if more > 0:
        yield _line(NOTE, f"and {more:,} more; --output json has them all")
    if judgement.requests and not judgement.cross_checked:
        yield _line(NOTE, "nothing was cross-checked: no attempt logged a counter or a branch")
    for words in told_beside(judgement):
        yield _line(WARNING, words)
    written = f" Report: {', '.join(result.reports)}" if result.reports else ""
    yield _line(_SIGNS.get(result.status, UNSURE), f"{result_sentence(result)}.{written}")
    yield _line("", coverage_sentence(result.coverage, result.tz))
    for gap in result.coverage.gaps:
        yield _line(WARNING, gap.message)
        if gap.settle:
            yield Command(text=gap.settle)


def _said(problem: Problem) -> str:
    plain = problem.judged or problem.rule in (REQUEST, COVERAGE, CROSS_CHECK)
    name = problem.rule if plain else f"--{problem.rule}"
    who = f"{problem.request_id}  " if problem.request_id else ""
    return f"{who}{problem.message}" if name == REQUEST else f"{who}{name}: {problem.message}"


def _line(sign: str, words: str) -> Paragraph:
    lead = ((f"{sign} ", STYLES[sign]),) if sign else ()
    return Paragraph(words=((_OBEYED.sub(r"\g<0> ", words), ""),), lead=lead)
