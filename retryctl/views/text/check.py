"""The results of ``check``, for the log of a CI job, of ``doctor`` and of ``probe`` as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from retryctl.core.check.expectations import CheckResult
from retryctl.core.doctor.result import Diagnosis, DoctorReport
from retryctl.core.probe_report import ProbeReport
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus
from retryctl.views import blocks
from retryctl.views.ci.report import CheckReport, Problem
from retryctl.views.coverage import coverage_blocks
from retryctl.views.screen import A_FILE, Screen
from retryctl.views.signs import BAD, GOOD, NOTE, STYLES, UNSURE, WARNING, signed
from retryctl.views.text.layout import text_of

_MOST_SHOWN, _MOST_NAMED = 50, 10
_SIGNS = {ExitStatus.OK: GOOD, ExitStatus.CHECK_FAILED: BAD}
# A CI runner obeys ::error::… at the start of a line and ##[error]… anywhere in one.
_OBEYED = re.compile(r":(?=:)|##(?=\[)")


def check_text(result: CheckReport, screen: Screen = A_FILE) -> str:
    """Return the result laid out for a screen, without text that a CI runner would obey."""
    return _OBEYED.sub(r"\g<0> ", text_of(_check_blocks(result), screen))


def _check_blocks(result: CheckReport) -> Iterator[blocks.Block]:
    """Yield what was checked, what did not pass, the status, and the coverage."""
    yield blocks.paragraph(result.headline)
    found = result.alike_checks
    for checks, some in found[:_MOST_SHOWN]:
        yield from _failed(checks, some, result)
    if len(found) > _MOST_SHOWN:
        more = len(found) - _MOST_SHOWN
        yield signed(NOTE, f"and {more:,} more; --output json has them all")
    if uncompared := result.uncompared:
        yield signed(NOTE, uncompared)
    for words in result.harmless_findings:
        yield signed(WARNING, words)
    sign = _SIGNS.get(result.status, UNSURE)
    if unchecked := result.unchecked:
        yield signed(UNSURE, unchecked)
        sign = BAD if sign == BAD else UNSURE
    yield signed(sign, f"{result.result_sentence}.")
    if result.reports:
        yield blocks.paragraph(f"Report: {', '.join(result.reports)}")
    yield from coverage_blocks(result.coverage, result.tz)


def _failed(
    checks: Sequence[CheckResult], some: Sequence[Problem], result: CheckReport
) -> Iterator[blocks.Block]:
    """Yield one sign for checks that are alike, their problems with evidence, and a command."""
    check = checks[0]
    sign = BAD if check.passed is False else UNSURE
    who = f"{check.request_id}  " if check.request_id else ""
    if len(checks) > 1:
        who = f"{number_of(len(checks), 'request')}: "
    for number, problem in enumerate(some):
        if number:
            yield blocks.paragraph(problem.sentence, lead="  ")
        else:
            yield signed(sign, f"{who}{problem.sentence}")
        yield _indented(problem.evidence(result.tz))
    if len(checks) > 1:
        more = len(checks) - _MOST_NAMED
        names = [each.request_id or "" for each in checks[:_MOST_NAMED]]
        names += [f"and {more:,} more; --output json has them all"] if more > 0 else []
        yield _indented(names)
    command = result.next_command(check)
    if command and not _OBEYED.search(command):
        yield blocks.Command(text=command)


def _indented(lines: Sequence[str]) -> blocks.LogLines:
    return blocks.LogLines(lines=[(("    ", ""), (line, "dim")) for line in lines])


# --------------------------------------------------------------------------- doctor


_PASSED_SIGNS = {True: GOOD, False: BAD, None: UNSURE}
_PASSED_ORDER = (False, None, True)


def doctor_blocks(report: DoctorReport) -> Iterator[blocks.Block]:
    """Yield the checks: first what failed, then what could not be checked, then what passed."""
    yield signed("", report.function)
    yield from diagnosis_blocks(report.diagnoses)
    yield blocks.BLANK
    yield signed(_PASSED_SIGNS[report.passed], doctor_result(report))


def diagnosis_blocks(diagnoses: Iterable[Diagnosis]) -> Iterator[blocks.Block]:
    """Yield a paragraph for each check: those that failed, those not made, those that passed."""
    for diagnosis in sorted(diagnoses, key=lambda one: _PASSED_ORDER.index(one.passed)):
        sign = _PASSED_SIGNS[diagnosis.passed]
        yield blocks.Paragraph(
            lead=((f"{sign} ", STYLES[sign]),),
            words=((diagnosis.name, "bold"), (f"  {diagnosis.evidence}", "")),
        )
        if diagnosis.remedy:
            yield from blocks.with_command_apart(diagnosis.remedy, lead=(("    → ", ""),))


def doctor_result(report: DoctorReport) -> str:
    """``2 failed and 1 could not be checked, of 21 checks``."""
    counts = [sum(d.passed is passed for d in report.diagnoses) for passed in _PASSED_ORDER[:2]]
    labels = ("failed", "could not be checked")
    parts = [f"{count} {label}" for count, label in zip(counts, labels, strict=True) if count]
    checks = number_of(len(report.diagnoses), "check")
    return f"{' and '.join(parts)}, of {checks}." if parts else f"All {checks} passed."


# --------------------------------------------------------------------------- probe


def probe_blocks(report: ProbeReport) -> Iterator[blocks.Block]:
    """Yield the wrong assumptions, then those that could not be tested, then the right ones."""
    yield from diagnosis_blocks(report.diagnoses)
    yield blocks.BLANK
    yield blocks.paragraph(_probe_result(report))
    yield blocks.paragraph(
        f"It took {report.seconds:.0f} s and {number_of(report.calls, 'call')}, and cost about "
        f"${report.usd:.4f}: {report.bytes_written / 1e6:.1f} MB written, "
        f"{report.bytes_scanned / 1e6:.1f} MB scanned."
    )
    if report.kept_groups:
        yield blocks.paragraph(
            f"Log groups of a probe that still exist: {', '.join(report.kept_groups)}."
        )


def _probe_result(report: ProbeReport) -> str:
    """``28 of 31 assumptions are right, 2 wrong, 1 not tested.``"""
    right, wrong, untested = (
        sum(one.passed is passed for one in report.diagnoses) for passed in (True, False, None)
    )
    return (
        f"{right} of {number_of(len(report.diagnoses), 'assumption')} are right, "
        f"{wrong} wrong, {untested} not tested."
    )
