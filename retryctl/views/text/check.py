"""The result of a check as a person reads it in the log of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from shlex import quote

from retryctl.core.check.evaluate import REQUEST
from retryctl.core.check.expectations import COVERAGE, CROSS_CHECK
from retryctl.core.model.coverage import Coverage
from retryctl.errors import ExitStatus
from retryctl.views.blocks import Block, Command, Paragraph
from retryctl.views.ci.report import (
    CheckReport,
    Problem,
    grouped,
    harmless_findings,
    headline,
    problems,
    result_sentence,
)
from retryctl.views.sentences import coverage_sentence
from retryctl.views.signs import BAD, GOOD, NOTE, STYLES, UNSURE, WARNING
from retryctl.views.text.layout import text_of

_MOST_SHOWN = 50
_SIGNS = {ExitStatus.OK: GOOD, ExitStatus.DID_NOT_HOLD: BAD}
# A CI runner obeys ::error::… at the start of a line and ##[error]… anywhere in one.
_OBEYED = re.compile(r":(?=:)|##(?=\[)")


def report(
    result: CheckReport, *, width: int = 80, colour: bool = False, ascii_only: bool = False
) -> str:
    """Return the result as text: what was checked, what did not pass, the status, the coverage."""
    return text_of(_blocks(result), width=width, colour=colour, ascii_only=ascii_only)


def _blocks(result: CheckReport) -> Iterator[Block]:
    judgement = result.judgement
    yield _line("", headline(judgement, result.subject))
    found = grouped(problems(judgement))
    shown = found[:_MOST_SHOWN]
    for number, group in enumerate(shown, start=1):
        yield _problem(group)
        request_id = group[0].request_id
        if request_id and request_id not in {other[0].request_id for other in shown[number:]}:
            yield from _next_command(request_id, result.coverage)
    more = sum(map(len, found[_MOST_SHOWN:]))
    if more:
        yield _line(NOTE, f"and {more:,} more; --output json has them all")
    if judgement.requests and not judgement.cross_checked:
        yield _line(NOTE, "nothing was cross-checked: no attempt logged a counter or a branch")
    for words in harmless_findings(judgement):
        yield _line(WARNING, words)
    written = f" Report: {', '.join(result.reports)}" if result.reports else ""
    yield _line(_SIGNS.get(result.status, UNSURE), f"{result_sentence(result)}.{written}")
    yield _line("", coverage_sentence(result.coverage, result.tz))
    for gap in result.coverage.gaps:
        yield _line(WARNING, gap.message)
        if gap.settle:
            yield Command(text=gap.settle)


def _problem(group: Sequence[Problem]) -> Block:
    """A line for the problems of one rule in one request: the first, and how many are alike."""
    first = group[0]
    sign = BAD if first.passed is False else UNSURE
    alike = f" ({len(group)} findings of this kind)" if len(group) > 1 else ""
    who = f"{first.request_id}  " if first.request_id else ""
    plain = first.judged or first.rule in (REQUEST, COVERAGE, CROSS_CHECK)
    name = "" if first.rule == REQUEST else f"{'' if plain else '--'}{first.rule}{alike}: "
    return _line(sign, f"{who}{name}{first.message}")


def _next_command(request_id: str, coverage: Coverage) -> Iterator[Block]:
    """The command that shows the attempts, unless a runner would obey a word of it."""
    where, groups = coverage.where, coverage.log_groups
    source = f"--from {quote(where)}" if where else f"-g {quote(groups[0])}" if groups else ""
    command = f"retryctl trace {request_id} {source}".rstrip()
    if (
        where != "standard input"
        and len(groups) < 2
        and command.isprintable()
        and not _OBEYED.search(command)
    ):
        yield Command(text=command)


def _line(sign: str, words: str) -> Paragraph:
    lead = ((f"{sign} ", STYLES[sign]),) if sign else ()
    return Paragraph(words=((_OBEYED.sub(r"\g<0> ", words), ""),), lead=lead)
