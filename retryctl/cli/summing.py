"""From the words of ``summary`` to the figures and its exit status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from retryctl.app.trace import settings_for
from retryctl.app.window import Tallies, counted
from retryctl.cli import telling
from retryctl.cli.answers import (
    functions_asked,
    nothing_found,
    refuse_unknown,
    tell_not_seen,
    tell_remarks,
    window_asked,
)
from retryctl.cli.params import OutputOptions, SourceOptions
from retryctl.cli.report_files import report_files, write
from retryctl.cli.terminal import Screen, put, stdout_screen
from retryctl.cli.times import zone
from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.core.summary.diff import Change, changes
from retryctl.core.summary.tally import SummaryTally
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.figures import Tallies as FunctionTallies
from retryctl.views.json.summary import summary_document, summary_lines, summary_object

_FORMS = ("text", "json", "jsonl", "csv", "html")
_OF_CHANGES = ("text", "json", "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that a summary tells: each function's figures, the worst first, and their sum.

    ``since_ms`` is when the window begins, where it was looked further back.
    """

    total: SummaryTally
    named: FunctionTallies
    coverage: Coverage
    since_ms: int | None
    branches: Branches
    changed: list[Change] | None


def summarise(
    functions: Sequence[str],
    look: SourceOptions,
    show: OutputOptions,
    *,
    form: str,
    compare: Path | None,
    reports: Sequence[str],
) -> ExitStatus:
    """Count the requests of ``functions`` in the window, and print and write the figures."""
    refuse_unknown(form, _FORMS, "--output")
    files = report_files(reports, _FORMS, source=look.source)
    if compare and not {form, *(file.form for file in files)}.intersection(_OF_CHANGES):
        raise UsageError(
            f"--compare is not shown in {form}.", f"Show it in {', '.join(_OF_CHANGES)}: -o FORM."
        )
    before = _earlier(compare) if compare else None
    now_ms = telling.now_ms()
    look, keep = functions_asked(functions, look)
    settings, window = settings_for(look), window_asked(look, show, now_ms)
    whole, tallies = counted(look, settings, window, now_ms=now_ms, quiet=show.quiet)
    named = _worst_first({name: each for name, each in tallies.items() if keep(name)})
    total, branches = _total(named), settings.markers.branches
    figures = Figures(
        total=total,
        named=named or [(look.function, total)],
        coverage=whole.coverage,
        since_ms=whole.since_ms,
        branches=branches,
        changed=changes(before, summary_object(None, total, branches)) if before else None,
    )
    tell_remarks(whole, show)
    for file in files:
        write(file.path, _summary(figures, file.form, zone(show.tz), Screen()))
    if total.requests or form != "text":
        text = _summary(figures, form, zone(show.tz), stdout_screen(show.color))
        put(text, document=form != "text")
    if not total.requests:
        raise nothing_found(whole.coverage, show)
    tell_not_seen(whole.coverage, show, form)
    return ExitStatus.OK


def _earlier(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
        changes(document, document)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{path} is no summary.", "Save one with retryctl summary --output json > FILE."
        ) from None
    return dict(document)


# --------------------------------------------------------------------------- figures


def _worst_first(tallies: Tallies) -> FunctionTallies:
    """By wrong counts on retries, then by failed attempts."""

    def badness(item: tuple[str | None, SummaryTally]) -> tuple[int, int, str]:
        name, tally = item
        failed = sum(count for each, count in tally.attempt_outcomes.items() if each.failed)
        return (-tally.retries_judged[AttemptVerdict.DISAGREES], -failed, name or "")

    return sorted(tallies.items(), key=badness)


def _total(named: FunctionTallies) -> SummaryTally:
    total = SummaryTally()
    for _, tally in named:
        total.merge(tally)
    return total


# --------------------------------------------------------------------------- showing it


def _summary(figures: Figures, form: str, tz: tzinfo, screen: Screen) -> str:
    total, named, coverage = figures.total, figures.named, figures.coverage
    branches, changed = figures.branches, figures.changed
    if form == "json":
        return summary_document(total, named, coverage, branches, changed)
    if form == "jsonl":
        return summary_lines(named, coverage, branches)
    if form == "csv":
        from retryctl.views.csv import summary_csv

        return summary_csv(named, branches)
    if form == "html":
        from retryctl.views.html.summary import summary_page

        several = named if len(named) > 1 else ()
        return summary_page(
            total,
            coverage,
            function=named[0][0],
            tz=tz,
            branches=branches,
            several=several,
            changes=changed or (),
        )
    from retryctl.views.text.summary import summary_text

    return summary_text(
        total,
        named,
        coverage,
        branches,
        changed,
        since_ms=figures.since_ms,
        tz=tz,
        console_width=screen.width,
        colour=screen.colour,
        ascii_only=screen.ascii_only,
    )
