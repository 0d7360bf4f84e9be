"""Run ``retryctl check``: evaluate, write the reports and the baseline, and print the result.

Mistakes in the options, the settings, the baseline or the report files are refused before
anything is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retryctl import __version__
from retryctl.app.check import CheckPlan, CheckRun
from retryctl.app.check import check as app_check
from retryctl.app.failure_records import with_function_of
from retryctl.app.options import SourceOptions, TimeWindow
from retryctl.cli.options.expectations import read_expected
from retryctl.cli.options.ids import (
    NamedRequests,
    WholeIds,
    completed,
    records_named,
    requests_in_queue,
)
from retryctl.cli.options.params import refuse_unknown
from retryctl.cli.options.source import Reading, reading_of, with_function
from retryctl.cli.options.times import wait_limit
from retryctl.cli.output import report_files
from retryctl.cli.output.messages import (
    no_request,
    not_found_step,
    nothing_found,
    refuse_not_found,
)
from retryctl.cli.output.terminal import put, remark, stdout_screen
from retryctl.core.check.baseline import baseline_text
from retryctl.core.failure_records.documents import FailureRecord
from retryctl.core.model.events import request_id_in
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus, RetryctlError, UsageError
from retryctl.views.ci.formats import CHECK_FORMATS, ELSEWHERE
from retryctl.views.ci.report import CheckReport
from retryctl.views.screen import Screen
from retryctl.views.text.check import check_text

if TYPE_CHECKING:
    from retryctl.cli.check import CheckArguments


def run_check(given: CheckArguments) -> ExitStatus:
    """Check what the targets name: request IDs, or a function."""
    limit = wait_limit(given.chosen.wait, given.chosen.timeout)
    chosen = replace(given.chosen, wait=limit, report=given.chosen.report or None)
    reading, screen = reading_of(given.read, given.aws, given.screen), given.screen
    whole = _with_whole_ids(given.targets or (), reading)
    named, source = _targets(whole.arguments, reading.source)
    if not named.ids:
        refuse_not_found(whole, reading.tz)
    if given.from_queue:
        named = requests_in_queue(given.from_queue, named.ids, replace(reading, source=source))
    source = with_function_of(source, named.records) if named.records else source
    expected = read_expected(chosen, reading.config, named.ids)
    if source.source != "cloudwatch":
        _refuse_waiting(chosen.wait, source)
        # a wait of the settings is for CloudWatch
        unawaited = replace(expected.expectations, awaited=frozenset())
        expected = replace(expected, wait_ms=0, expectations=unawaited)
    files = report_files.report_files(
        expected.reports, CHECK_FORMATS, ELSEWHERE, source=source.source, baseline=expected.baseline
    )
    plan = CheckPlan(
        request_ids=named.ids,
        not_found=whole.not_found,
        records=named.records,
        options=source,
        window=reading.window,
        config=reading.config,
        expectations=expected.expectations,
        wait_ms=expected.wait_ms,
        baseline=report_files.read_known(expected.baseline, update=chosen.update_baseline),
        learns=chosen.update_baseline,
    )
    refuse_unknown(chosen.output, CHECK_FORMATS, "--output", ELSEWHERE)
    run = app_check(plan, feedback=reading.feedback, sleep=time.sleep)
    result = CheckReport(
        judgement=run.outcome,
        coverage=run.coverage,
        version=__version__,
        tz=reading.tz,
        reports=tuple(str(file.path) for file in files),
    )

    def view(form: str, screen: Screen) -> Iterable[str]:
        return check_text(result, screen) if form == "text" else CHECK_FORMATS[form](result)

    report_files.write_reports(files, view, quiet=True)
    if chosen.update_baseline and expected.baseline:
        found = run.outcome.known
        report_files.write(expected.baseline, baseline_text(plan.baseline | found))
        new = len(found - plan.baseline)
        known = number_of(len(plan.baseline | found), "known finding")
        remark(f"retryctl: wrote {known} to {expected.baseline}, {new:,} new", quiet=screen.quiet)
    is_text = chosen.output == "text"
    if not is_text or result.status is not ExitStatus.NOTHING_FOUND:
        put(view(chosen.output, stdout_screen(screen.color)), document=not is_text)
    report_files.annotate(result, chosen.output)
    if result.status is ExitStatus.NOTHING_FOUND:
        raise _nothing_to_check(result, run, reading.window)
    for why in run.not_found.values():
        remark(f"retryctl: {why}")
    return result.status


def _with_whole_ids(arguments: Sequence[str], reading: Reading) -> WholeIds:
    """Return the arguments; in a saved log that can be read again an ID may be shortened."""
    if reading.source.source in ("cloudwatch", "-"):
        return WholeIds(arguments=arguments)
    return completed(
        arguments,
        reading,
        lambda prefix: f"Give more of the ID, or -f {prefix} if it is the function.",
    )


def _targets(
    arguments: Sequence[str], source: SourceOptions
) -> tuple[NamedRequests, SourceOptions]:
    """Split the arguments into requests and the function, which is neither an ID nor a record."""
    ids: dict[str, None] = {}
    records: list[FailureRecord] = []
    for argument in arguments:
        if request_id := request_id_in(argument):
            ids[request_id] = None
        elif _may_be_records(argument) and (named := records_named(argument)).records:
            ids |= dict.fromkeys(named.ids)
            records += named.records
        elif {source.function, *source.functions} <= {None, argument}:
            source = with_function(source, argument)
        else:
            other = source.function or source.functions[0]
            raise UsageError(
                f"both {other} and {argument} are named as the function.",
                "Name one function; a request ID has 36 characters.",
            )
    return NamedRequests(ids=tuple(ids), records=tuple(dict.fromkeys(records))), source


def _may_be_records(argument: str) -> bool:
    """Return whether this is a path or a document: function names have none of these characters."""
    return any(sign in argument for sign in "{/.")


def _refuse_waiting(wait: str | None, source: SourceOptions) -> None:
    if wait is not None:
        raise UsageError(
            f"--wait needs CloudWatch, and --from {source.source} is given.", "Drop --wait."
        )


def _nothing_to_check(result: CheckReport, run: CheckRun, window: TimeWindow) -> RetryctlError:
    if run.not_found:
        step = not_found_step(run.coverage, "--wait 5m waits for logs that are late.")
        return nothing_found(" ".join(run.not_found.values()), run.coverage, result.tz, step)
    is_bounded = not window.is_open
    since_ms = window.since_ms if is_bounded else run.coverage.since_ms
    coverage = replace(run.coverage, since_ms=since_ms)
    error = no_request(coverage, result.tz, bounded=is_bounded)
    error.next_step += " With --allow-empty a check of no requests passes."
    return error
