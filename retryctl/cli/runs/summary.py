"""Run ``retryctl summary``: count the requests of a window, and print the figures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

from retryctl.app.partition_results import TalliesByFunction
from retryctl.app.window import count_requests
from retryctl.cli.options import params as options
from retryctl.cli.options.choices import refuse_unknown
from retryctl.cli.options.completions import SUMMARY_FORMS
from retryctl.cli.options.times import zone
from retryctl.cli.output.messages import (
    NO_RECORD,
    next_step,
    nothing_found,
    warn_of_gaps,
)
from retryctl.cli.output.report_files import announce, report_files, write
from retryctl.cli.output.terminal import put, stdout_screen
from retryctl.cli.runs.functions_window import open_functions
from retryctl.core.crosscheck.attempt_check import AttemptVerdict
from retryctl.core.crosscheck.checked_request import unmatched_patterns
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.attempt import function_from_names
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.group_names import function_name
from retryctl.core.summary.changes import Change, changes
from retryctl.core.summary.tally import SummaryTally
from retryctl.core.value_classes import value_class
from retryctl.core.wording import in_a_row
from retryctl.errors import ExitStatus, RetryctlError, UsageError
from retryctl.views.json.summary import summary_document, summary_lines, summary_object
from retryctl.views.screen import A_FILE, Screen
from retryctl.views.summary_figures import Tallies

_LAMBDA_GROUP = "/aws/lambda/"
_MOST_NAMED = 3
_FORMS_WITH_CHANGES = ("text", "json", "html", "svg", "markdown")
_TO_COMPARE = "Save one with retryctl summary --output json > FILE."
_NO_REQUEST_STEPS = {
    "cloudwatch": "Widen the window with --since or --until, or name another function.",
    "demo": "retryctl list --from demo lists the requests of the demo.",
    "": "Widen the window with --since or --until.",
}
_NO_REQUEST_AT_ALL = _NO_REQUEST_STEPS | {"": NO_RECORD}
_BEGAN_BEFORE = "A request belongs to the window in which its first attempt started."


def run_summary(
    functions: Sequence[str],
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    *,
    compare: Path | None,
    output: str,
    reports: Sequence[str],
) -> ExitStatus:
    """Count the requests of ``functions`` in the window; print and write the figures."""
    refuse_unknown(output, SUMMARY_FORMS, "--output")
    files = report_files(reports, SUMMARY_FORMS, source=read.source)
    _refuse_hidden_changes(compare, {output, *(file.form for file in files)}, output)
    before = _earlier(compare) if compare else None
    with open_functions(functions, read, aws, screen) as window:
        tallies, keep = count_requests(window.reader), window.keep
        coverage = window.reader.coverage
    kept = {name: each for name, each in tallies.items() if keep(name)}
    for name in _quiet_functions([*functions, *(read.function or ())], coverage):
        if keep(name):
            kept.setdefault(name, SummaryTally())
    named = _worst_first(kept)
    total, branches = _total(named), window.config.markers.branches
    if before and (sentence := _other_functions(before, [name for name, _ in named])):
        window.feedback.warn(sentence)
    markers = window.config.markers
    failed = sum(n for outcome, n in total.attempt_outcomes.items() if outcome.failed)
    if unmatched := unmatched_patterns(failed, total.cross_checked, markers):
        window.feedback.warn(f"{unmatched}.")
    zone_option = "" if screen.tz.upper() == "UTC" else f" --tz {shlex.quote(screen.tz)}"
    figures = _Figures(
        total=total,
        named=named or [(window.source.function, total)],
        coverage=replace(coverage, aws_options=f"{coverage.aws_options}{zone_option}"),
        since_ms=window.reader.since_ms,
        branches=branches,
        changed=changes(before, summary_object(None, total, branches)) if before else None,
    )
    tz = zone(screen.tz)
    for file in files:
        write(file.path, _summary(figures, file.form, tz, A_FILE))
    announce(files, quiet=screen.quiet)
    if total.requests or output != "text":
        text = _summary(figures, output, tz, stdout_screen(screen.color))
        put(text, document=output != "text")
    if not total.requests:
        raise no_request(coverage, tz, bounded=bool(read.since or read.until))
    warn_of_gaps(coverage, window.feedback, output)
    return ExitStatus.OK


def no_request(coverage: Coverage, tz: tzinfo, which: str = "", *, bounded: bool) -> RetryctlError:
    """Build the error that there is no request, or none of those that ``which`` describes.

    ``bounded``: --since or --until is given.
    """
    place = "window" if bounded or coverage.source == "cloudwatch" else "log"
    step = next_step(coverage, _NO_REQUEST_STEPS if place == "window" else _NO_REQUEST_AT_ALL)
    first_ms, last_ms = coverage.first_event_ms, coverage.last_event_ms
    if place == "window" and first_ms is not None and last_ms is not None:
        if coverage.until_ms is not None and coverage.until_ms < first_ms:
            step = "Give a later --until."
        elif coverage.since_ms is not None and first_ms < coverage.since_ms <= last_ms:
            step = f"{_BEGAN_BEFORE} {step}"
    if coverage.source == "cloudwatch" and coverage.events_read:
        step = f"{_BEGAN_BEFORE} {step}"
    if coverage.source != "cloudwatch" and (which or coverage.given_names):
        which = which or f" that{coverage.given_names} selects"
        step = f"retryctl list --from {shlex.quote(coverage.where or 'FILE')} lists all requests."
    what = f"the {place} contains no request{which}."
    return nothing_found(what, coverage, tz, step)


def _refuse_hidden_changes(compare: Path | None, forms: set[str], output: str) -> None:
    if compare and not forms.intersection(_FORMS_WITH_CHANGES):
        raise UsageError(
            f"--compare is not shown in {output}.",
            f"Show it in {', '.join(_FORMS_WITH_CHANGES)}: -o FORM.",
        )


@value_class
class _Figures:
    """The figures of each function, the worst first, and their sum.

    ``since_ms`` is where the window begins, where the log was read further back.
    """

    total: SummaryTally
    named: Tallies
    coverage: Coverage
    since_ms: int | None
    branches: Branches
    changed: list[Change] | None


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
    from retryctl.sources.aws.function_name import parse_function_name
    from retryctl.sources.aws.log_groups import is_pattern

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


# --------------------------------------------------------------------------- showing it


def _summary(figures: _Figures, form: str, tz: tzinfo, screen: Screen) -> Iterable[str]:
    total, named, coverage = figures.total, figures.named, figures.coverage
    branches, changed = figures.branches, figures.changed
    if form == "json":
        return summary_document(total, named, coverage, branches, changed)
    if form == "jsonl":
        return summary_lines(named, coverage, branches)
    if form == "csv":
        from retryctl.views.csv import summary_csv

        return summary_csv(named, coverage, branches)
    if form == "html":
        from retryctl.views.html.summary import summary_page

        return summary_page(total, named, coverage, branches, changed, tz=tz)
    from retryctl.views.text.layout import svg_of, text_of
    from retryctl.views.text.summary import summary_blocks

    blocks = summary_blocks(
        total, named, coverage, branches, changed, since_ms=figures.since_ms, tz=tz
    )
    if form == "svg":
        return svg_of(blocks, title="retryctl summary", width=80)
    if form == "markdown":
        from retryctl.views.markdown import markdown_of

        return markdown_of(blocks)
    return text_of(blocks, screen)
