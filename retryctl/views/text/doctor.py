"""The checks of a function's configuration, one paragraph each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retryctl.core.doctor.result import Diagnosis, DoctorReport
from retryctl.core.wording import number_of
from retryctl.views.blocks import BLANK, Block, Paragraph, with_command_apart
from retryctl.views.signs import BAD, GOOD, STYLES, UNSURE, signed

_SIGNS = {True: GOOD, False: BAD, None: UNSURE}
_ORDER = (False, None, True)


def doctor_blocks(report: DoctorReport) -> Iterator[Block]:
    """Yield the checks: first what failed, then what could not be checked, then what passed."""
    yield signed("", report.function)
    yield from diagnosis_blocks(report.diagnoses)
    yield BLANK
    yield signed(_SIGNS[report.passed], doctor_result(report))


def diagnosis_blocks(diagnoses: Iterable[Diagnosis]) -> Iterator[Block]:
    """Yield a paragraph for each check: those that failed, those not made, those that passed."""
    for diagnosis in sorted(diagnoses, key=lambda one: _ORDER.index(one.passed)):
        sign = _SIGNS[diagnosis.passed]
        yield Paragraph(
            lead=((f"{sign} ", STYLES[sign]),),
            words=((diagnosis.name, "bold"), (f"  {diagnosis.evidence}", "")),
        )
        if diagnosis.remedy:
            yield from with_command_apart(diagnosis.remedy, lead=(("    → ", ""),))


def doctor_result(report: DoctorReport) -> str:
    """``2 failed and 1 could not be checked, of 21 checks``."""
    counts = [sum(d.passed is passed for d in report.diagnoses) for passed in _ORDER[:2]]
    labels = ("failed", "could not be checked")
    parts = [f"{count} {label}" for count, label in zip(counts, labels, strict=True) if count]
    checks = number_of(len(report.diagnoses), "check")
    return f"{' and '.join(parts)}, of {checks}." if parts else f"All {checks} passed."
