"""The result of a check as text, for the log of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from retryctl.core.check.expectations import CheckResult
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus
from retryctl.views.blocks import Block, Command, LogLines, Paragraph
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
from retryctl.views.coverage_blocks import first_gaps
from retryctl.views.signs import BAD, GOOD, NOTE, UNSURE, WARNING, signed

_MOST_SHOWN, _MOST_NAMED = 50, 10
_SIGNS = {ExitStatus.OK: GOOD, ExitStatus.DID_NOT_HOLD: BAD}
# A CI runner obeys ::error::… at the start of a line and ##[error]… anywhere in one.
_OBEYED = re.compile(r":(?=:)|##(?=\[)")


def check_blocks(result: CheckReport) -> Iterator[Block]:
    """Yield what was checked, what did not pass, the status, and the coverage."""
    judgement = result.judgement
    yield _line("", headline(judgement, result.subject))
    found = alike_checks(result)
    for checks, some in found[:_MOST_SHOWN]:
        yield from _failed(checks, some, result)
    if more := len(found) - _MOST_SHOWN if len(found) > _MOST_SHOWN else 0:
        yield _line(NOTE, f"and {more:,} more; --output json has them all")
    if uncompared := uncompared_sentence(result):
        yield _line(NOTE, uncompared)
    for words in harmless_findings(judgement):
        yield _line(WARNING, words)
    sign = _SIGNS.get(result.status, UNSURE)
    if unchecked := unchecked_sentence(judgement):
        yield _line(UNSURE, unchecked)
        sign = BAD if sign == BAD else UNSURE
    yield _line(sign, f"{result_sentence(result)}.")
    if result.reports:
        yield _line("", f"Report: {', '.join(result.reports)}")
    yield _line("", result.coverage_sentence)
    gaps, more_gaps = first_gaps(result.coverage)
    for gap in gaps:
        yield _line(WARNING, gap.message)
        if gap.settle:
            yield _line("", "  To close the gap:")
            yield Command(text=gap.settle)
    if more_gaps:
        yield _line(WARNING, more_gaps)


def _failed(
    checks: Sequence[CheckResult], some: Sequence[Problem], result: CheckReport
) -> Iterator[Block]:
    """One sign for checks that are alike, their problems and evidence, and the next command."""
    check = checks[0]
    sign = BAD if check.passed is False else UNSURE
    who = f"{check.request_id}  " if check.request_id else ""
    if len(checks) > 1:
        who = f"{number_of(len(checks), 'request')}: "
    for number, problem in enumerate(some):
        if number:
            yield Paragraph(lead=[("  ", "")], words=[(_inert(problem.sentence), "")])
        else:
            yield _line(sign, f"{who}{problem.sentence}")
        evidence = [_inert(line) for line in problem.evidence(result.tz)]
        yield LogLines(lines=[(("    ", ""), (line, "dim")) for line in evidence])
    if len(checks) > 1:
        more = len(checks) - _MOST_NAMED
        names = [each.request_id or "" for each in checks[:_MOST_NAMED]]
        names += [f"and {more:,} more; --output json has them all"] if more > 0 else []
        yield LogLines(lines=[(("    ", ""), (name, "dim")) for name in names])
    command = next_command(check, result.coverage)
    if command and not _OBEYED.search(command):
        yield Command(text=command)


def _line(sign: str, words: str) -> Paragraph:
    return signed(sign, _inert(words))


def _inert(words: str) -> str:
    """Return the words without text that a CI runner would obey as a command."""
    return _OBEYED.sub(r"\g<0> ", words)
