"""The result of a probe of CloudWatch Logs, one paragraph for each assumption."""

from __future__ import annotations

from collections.abc import Iterator

from retryctl.core.probe_report import ProbeReport
from retryctl.core.wording import number_of
from retryctl.views.blocks import BLANK, Block, plain_paragraph
from retryctl.views.text.doctor import diagnosis_blocks


def probe_blocks(report: ProbeReport) -> Iterator[Block]:
    """Yield the wrong assumptions, then those that could not be tested, then the right ones."""
    yield from diagnosis_blocks(report.diagnoses)
    yield BLANK
    yield plain_paragraph(_result(report))
    yield plain_paragraph(
        f"It took {report.seconds:.0f} s and {number_of(report.calls, 'call')}, and cost about "
        f"${report.usd:.4f}: {report.bytes_written / 1e6:.1f} MB written, "
        f"{report.bytes_scanned / 1e6:.1f} MB scanned."
    )
    if report.kept_groups:
        yield plain_paragraph(
            f"Log groups of a probe that still exist: {', '.join(report.kept_groups)}."
        )


def _result(report: ProbeReport) -> str:
    """``28 of 31 assumptions are right, 2 wrong, 1 not tested.``"""
    right, wrong, untested = (
        sum(one.passed is passed for one in report.diagnoses) for passed in (True, False, None)
    )
    return (
        f"{right} of {number_of(len(report.diagnoses), 'assumption')} are right, "
        f"{wrong} wrong, {untested} not tested."
    )
