"""The result of a check as text, for the log of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retryctl.core.check.expectations import CheckResult
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus
from retryctl.views.blocks import Block, Command, LogLines, Paragraph, plain_paragraph
from retryctl.views.ci.report import (
    CheckReport,
    Problem,
    alike_checks,
    harmless_findings,
    headline,
    next_command,
    result_sentence,
    unchecked_sentence,
    uncompared_sentence,
)
from retryctl.views.coverage_blocks import coverage_blocks
from retryctl.views.screen import A_FILE, Screen
from retryctl.views.signs import BAD, GOOD, NOTE, UNSURE, WARNING, signed
from retryctl.views.text.layout import text_of

_MOST_SHOWN, _MOST_NAMED = 50, 10
_SIGNS = {ExitStatus.OK: GOOD, ExitStatus.DID_NOT_HOLD: BAD}
# A CI runner obeys ::error::… at the start of a line and ##[error]… anywhere in one.
_OBEYED = re.compile(r":(?=:)|##(?=\[)")


def check_text(result: CheckReport, screen: Screen = A_FILE) -> str:
    """Return the result laid out for a screen, without text that a CI runner would obey."""
    return _OBEYED.sub(r"\g<0> ", text_of(_check_blocks(result), screen))


def _check_blocks(result: CheckReport) -> Iterator[Block]:
    """Yield what was checked, what did not pass, the status, and the coverage."""
    judgement = result.judgement
    yield plain_paragraph(headline(judgement, result.subject))
    found = alike_checks(result)
    for checks, some in found[:_MOST_SHOWN]:
        yield from _failed(checks, some, result)
    if len(found) > _MOST_SHOWN:
        more = len(found) - _MOST_SHOWN
        yield signed(NOTE, f"and {more:,} more; --output json has them all")
    if uncompared := uncompared_sentence(result):
        yield signed(NOTE, uncompared)
    for words in harmless_findings(judgement):
        yield signed(WARNING, words)
    sign = _SIGNS.get(result.status, UNSURE)
    if unchecked := unchecked_sentence(judgement):
        yield signed(UNSURE, unchecked)
        sign = BAD if sign == BAD else UNSURE
    yield signed(sign, f"{result_sentence(result)}.")
    if result.reports:
        yield plain_paragraph(f"Report: {', '.join(result.reports)}")
    yield from coverage_blocks(result.coverage, result.tz)


def _failed(
    checks: Sequence[CheckResult], some: Sequence[Problem], result: CheckReport
) -> Iterator[Block]:
    """Yield one sign for checks that are alike, their problems with evidence, and a command."""
    check = checks[0]
    sign = BAD if check.passed is False else UNSURE
    who = f"{check.request_id}  " if check.request_id else ""
    if len(checks) > 1:
        who = f"{number_of(len(checks), 'request')}: "
    for number, problem in enumerate(some):
        if number:
            yield Paragraph(lead=[("  ", "")], words=[(problem.sentence, "")])
        else:
            yield signed(sign, f"{who}{problem.sentence}")
        yield _indented(problem.evidence(result.tz))
    if len(checks) > 1:
        more = len(checks) - _MOST_NAMED
        names = [each.request_id or "" for each in checks[:_MOST_NAMED]]
        names += [f"and {more:,} more; --output json has them all"] if more > 0 else []
        yield _indented(names)
    command = next_command(check, result.coverage)
    if command and not _OBEYED.search(command):
        yield Command(text=command)


def _indented(lines: Sequence[str]) -> LogLines:
    return LogLines(lines=[(("    ", ""), (line, "dim")) for line in lines])
