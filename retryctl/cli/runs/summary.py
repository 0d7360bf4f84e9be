"""Run ``retryctl summary``: count the requests of a window, and print the figures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retryctl.app.saved_window import TalliesByFunction
from retryctl.app.window import count_requests
from retryctl.cli.options.completions import SUMMARY_FORMS
from retryctl.cli.options.params import refuse_unknown
from retryctl.cli.options.source import open_functions
from retryctl.cli.output.messages import no_request, warn_of_gaps
from retryctl.cli.output.report_files import report_files, write_reports
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.checked_request import unmatched_patterns
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.group_names import function_from_names, function_name
from retryctl.core.summary.changes import changes
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.wording import in_a_row
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.json.summary import summary_document, summary_lines, summary_object
from retryctl.views.screen import Screen
from retryctl.views.summary_answer import SummaryAnswer, Tallies

if TYPE_CHECKING:
    from retryctl.cli.summary import SummaryArguments

_LAMBDA_GROUP = "/aws/lambda/"
_MOST_NAMED = 3
_FORMS_WITH_CHANGES = ("text", "json", "html", "svg", "markdown")
_TO_COMPARE = "Save one with retryctl summary --output json > FILE."


def run_summary(given: SummaryArguments) -> ExitStatus:
    """Count the requests of the functions in the window; print and write the figures."""
    functions, read, tz_name = given.functions or (), given.read, given.screen.tz
    refuse_unknown(given.output, SUMMARY_FORMS, "--output")
    files = report_files(given.report or (), SUMMARY_FORMS, source=read.source)
    forms = {given.output, *(file.form for file in files)}
    if given.compare and not forms.intersection(_FORMS_WITH_CHANGES):
        raise UsageError(
            f"--compare is not shown in {given.output}.",
            f"Show it in {', '.join(_FORMS_WITH_CHANGES)}: -o FORM.",
        )
    before = _earlier(given.compare) if given.compare else None
    with open_functions(functions, given) as window:
        tallies, keep = count_requests(window.reader), window.keep
        coverage = window.reader.coverage
    kept = {name: each for name, each in tallies.items() if keep(name)}
    for name in _quiet_functions([*functions, *(read.function or ())], coverage):
        if keep(name):
            kept.setdefault(name, SummaryTally())
    named, reading = _worst_first(kept), window.reading
    total, markers = _total(named), reading.config.markers
    if before and (sentence := _other_functions(before, [name for name, _ in named])):
        reading.feedback.warn(sentence)
    failed = sum(n for outcome, n in total.attempt_outcomes.items() if outcome.failed)
    if unmatched := unmatched_patterns(failed, total.cross_checked, markers):
        reading.feedback.warn(f"{unmatched}.")
    zone_option = "" if tz_name.upper() == "UTC" else f" --tz {shlex.quote(tz_name)}"
    changed = changes(before, summary_object(None, total, markers.branches)) if before else None
    answer = SummaryAnswer(
        total=total,
        tallies=named or [(reading.source.function, total)],
        coverage=replace(coverage, aws_options=f"{coverage.aws_options}{zone_option}"),
        branches=markers.branches,
        tz=reading.tz,
        changes=changed,
        since_ms=window.reader.since_ms,
    )
    view = partial(_view, answer)
    write_reports(files, view, quiet=given.screen.quiet)
    is_text = given.output == "text"
    if total.requests or not is_text:
        screen = stdout_screen(given.screen.color)
        put(view(given.output, screen), document=not is_text)
    if not total.requests:
        raise no_request(coverage, reading.tz, bounded=bool(read.since or read.until))
    warn_of_gaps(coverage, reading.feedback, given.output)
    return ExitStatus.OK


def _earlier(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
        changes(document, document)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.", _TO_COMPARE) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path} is not a summary.", _TO_COMPARE) from None
    return dict(document)


def _other_functions(before: Mapping[str, Any], now: Iterable[str | None]) -> str:
    """Return a warning where the earlier summary is of other functions; else ``""``."""
    documents = before.get("functions") or [before]
    earlier = sorted({name for each in documents if (name := each.get("function"))})
    present = sorted({name for name in now if name})
    if earlier == present:
        return ""
    return (
        f"--compare compares different functions: {_named(earlier)} in the earlier summary, "
        f"{_named(present)} now."
    )


def _named(functions: Sequence[str]) -> str:
    if not functions:
        return "a log without the function's name"
    few = len(functions) <= _MOST_NAMED
    return in_a_row(functions) if few else f"{len(functions):,} functions"


# --------------------------------------------------------------------------- figures


def _worst_first(tallies: TalliesByFunction) -> Tallies:
    """Sort by wrong counts on retries, then by failed attempts."""

    def badness(item: tuple[str | None, SummaryTally]) -> tuple[int, int, str]:
        name, tally = item
        failed = sum(count for each, count in tally.attempt_outcomes.items() if each.failed)
        return (-tally.retries_judged[AttemptVerdict.DISAGREES], -failed, name or "")

    return sorted(tallies.items(), key=badness)


def _quiet_functions(functions: Sequence[str], coverage: Coverage) -> Iterator[str]:
    """Yield the functions that were named or whose log groups were read, even without requests.

    A log group with a gap is left out: requests may lie there. One function alone needs no such
    row: its figures are printed whatever was found.
    """
    from retryctl.sources.aws.function_discovery import is_pattern
    from retryctl.sources.aws.function_name import parse_function_name

    named = [parse_function_name(name).name for name in functions if not is_pattern(name)]
    if len(functions) < 2 and named:
        return
    unread = {gap.log_group for gap in coverage.gaps}
    groups = coverage.log_groups if coverage.source == "cloudwatch" else ()
    logging = {each: name for each in groups if (name := function_from_names(each, None))}
    yield from (name for each, name in logging.items() if each not in unread)
    known = set(map(function_name, logging.values()))
    yield from (each for each in named if each not in known and _LAMBDA_GROUP + each not in unread)


def _total(named: Tallies) -> SummaryTally:
    total = SummaryTally()
    for _, tally in named:
        total.merge(tally)
    return total


def _view(answer: SummaryAnswer, form: str, screen: Screen) -> Iterable[str]:
    """Return the answer in a format, whole or in pieces."""
    if form == "json":
        return summary_document(answer)
    if form == "jsonl":
        return summary_lines(answer)
    if form == "csv":
        from retryctl.views.csv import summary_csv

        return summary_csv(answer)
    if form == "html":
        from retryctl.views.html.summary import summary_page

        return summary_page(answer)
    from retryctl.views.text.layout import rendered
    from retryctl.views.text.summary import summary_blocks

    return rendered(summary_blocks(answer), form, screen, title="retryctl summary")
