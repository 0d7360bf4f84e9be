"""Print a trace to stdout and to report files, and name the requests that were not found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from retryctl.app.trace import TraceResult, with_recorded_ends
from retryctl.cli.options.params import Output, OutputOptions
from retryctl.cli.options.times import zone
from retryctl.cli.output.messages import not_found_step, nothing_found
from retryctl.cli.output.report_files import ReportFile, write_reports
from retryctl.cli.output.terminal import put, remark, stdout_screen
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.core.crosscheck.claims import Branches
from retryctl.core.model.coverage import Coverage
from retryctl.errors import ExitStatus, NothingFound, RetryctlError, UsageError
from retryctl.views.screen import A_FILE, Screen
from retryctl.views.trace_answer import TraceAnswer

_ON_CLOUDWATCH = "Widen the window with --since or --until, or name another function with -f."


def show_trace(
    result: TraceResult,
    show: OutputOptions,
    files: Sequence[ReportFile] = (),
    *,
    is_printed: bool = False,
) -> ExitStatus:
    """Write the reports, print the answer, and print on stderr what was not found.

    Raises ``NothingFound`` where nothing was found; JSON is printed and reports are written even
    then. Raises ``UsageError`` behind the answer where links are wanted and the region is not
    known. With ``is_printed`` the answer is on stdout already.
    """
    tz, result = zone(show.tz), with_recorded_ends(result)
    if result.checked:
        _refuse_missing_attempt(result.checked, show.attempt)
    write_trace_reports(result, show, files)
    is_table = _is_table(result, show)
    if not is_printed and (result.checked or is_table or show.output is not Output.TEXT):
        put(
            trace_view(result, show, tz, stdout_screen(show.color)),
            document=show.output is not Output.TEXT,
        )
    if not result.checked:
        raise _nothing_found(result, tz)
    for why in () if is_table else result.not_found.values():
        remark(f"retryctl: {why}")
    for sentence in _beside(result.coverage, show):
        remark(f"retryctl: {sentence}", quiet=show.quiet)
    if result.unmatched:
        remark(f"retryctl: {result.unmatched}.", quiet=show.quiet)
    if show.links:
        _region(result)
    if show.web:
        _open_browser(result)
    return verdict_status(result.checked, result.unmatched) if show.exit_code else ExitStatus.OK


def write_trace_reports(
    result: TraceResult, show: OutputOptions, files: Sequence[ReportFile]
) -> None:
    """Write the report files, and name them on stderr."""

    def view(form: str, screen: Screen) -> Iterable[str]:
        return trace_view(result, replace(show, output=Output(form)), zone(show.tz), screen)

    write_reports(files, view, quiet=show.quiet)


def _beside(coverage: Coverage, show: OutputOptions) -> Iterator[str]:
    """Yield remarks that the chosen format does not contain."""
    if show.output in (Output.JSON, Output.JSONL) and (show.attempt or show.failed):
        yield "--attempt and --failed do not change JSON: it has every attempt."
    if show.output is Output.JSONL:
        for gap in coverage.gaps:
            yield f"not read: {gap.message.rstrip('.')}."


def trace_view(
    result: TraceResult, show: OutputOptions, tz: tzinfo, screen: Screen = A_FILE
) -> Iterable[str]:
    """Return the result in the chosen format, whole or in pieces."""
    answer = TraceAnswer(
        checked=result.checked,
        coverage=result.coverage,
        not_found=tuple(result.not_found),
        tz=tz,
        lines=show.lines,
        attempt=show.attempt,
        failed_only=show.failed,
        dated=show.output is Output.MARKDOWN,
        region=result.region if show.links else None,
        branches=result.branches or Branches(),
        responses=result.responses,
        records=result.records,
        others_wrong=result.others_wrong,
        others_exhausted=result.others_exhausted,
    )
    if show.output in (Output.JSON, Output.JSONL):
        from retryctl.views.json.trace import trace_document, trace_lines

        return trace_document(answer) if show.output is Output.JSON else trace_lines(answer)
    if show.output is Output.HTML:
        from retryctl.views.html.trace import trace_page

        return trace_page(answer)
    from retryctl.views.text.trace import trace_blocks

    width = screen.width if show.output is Output.TEXT else A_FILE.width
    blocks = trace_blocks(answer, width)
    from retryctl.views.text.layout import rendered, text_of

    if show.output is not Output.TEXT:
        return rendered(blocks, show.output, title="retryctl trace")
    records = ""
    if result.records:
        from retryctl.views.text.failure_records import records_blocks

        records = text_of(
            records_blocks(result.records, result.checked, result.coverage, tz), screen
        )
    if _is_table(result, show):
        return records
    text = text_of(blocks, screen) + records
    if answer.region:
        from retryctl.views.console_links import console_lines

        text += "".join(console_lines(result.checked, answer.region))
    return text


def _region(result: TraceResult) -> str:
    if result.region is None:
        raise UsageError("a link needs the region of the log.", "Give --region, or set AWS_REGION.")
    return result.region


def _open_browser(result: TraceResult) -> None:
    """Open the log stream of the newest attempt; where no browser can be opened, print the link."""
    import webbrowser

    from retryctl.views.console_links import attempt_link

    attempts = [attempt for one in result.checked for attempt in one.request.attempts]
    newest = max(attempts, key=lambda attempt: attempt.placed_ms, default=None)
    link = newest and attempt_link(newest, _region(result))
    if not link:
        remark("retryctl: no link can be opened, because the log names no log stream.")
    elif not webbrowser.open(link):
        remark(f"retryctl: no browser could be opened:\n  {link}")


def verdict_status(checked: Iterable[CheckedRequest], unmatched: str = "") -> ExitStatus:
    """Return the status of ``--exit-code``: ``disagrees`` outranks ``undetermined``.

    ``unmatched`` explains that nothing was cross-checked; empty where something was.
    """
    verdicts = {one.verdict for one in checked}
    if Verdict.DISAGREES in verdicts:
        return ExitStatus.CHECK_FAILED
    unclear = Verdict.UNDETERMINED in verdicts or unmatched
    return ExitStatus.UNDETERMINED if unclear else ExitStatus.OK


def _refuse_missing_attempt(checked: Iterable[CheckedRequest], number: int | None) -> None:
    most = max(len(one.request.attempts) for one in checked)
    if number is not None and number > most:
        raise NothingFound(
            f"attempt {number} does not exist.", f"The requests here have at most {most} attempts."
        )


def _is_table(result: TraceResult, show: OutputOptions) -> bool:
    """Return whether the result is a table of failure records, with requests not found."""
    return show.output is Output.TEXT and _has_many_records(result)


def _has_many_records(result: TraceResult) -> bool:
    if not result.records:
        return False
    from retryctl.core.failure_records.documents import MOST_SHOWN_ONE_BY_ONE

    return len(result.records) > MOST_SHOWN_ONE_BY_ONE


def _nothing_found(result: TraceResult, tz: tzinfo) -> RetryctlError:
    what = " ".join(result.not_found.values()) or "no request was retried."
    if _has_many_records(result):
        what = f"none of the requests of the {len(result.records):,} records was found."
    step = not_found_step(result.coverage, _ON_CLOUDWATCH)
    if result.not_found and not result.records and not result.coverage.web_function:
        step += " If it is the ID of a message or an execution, add --related."
    return nothing_found(what, result.coverage, tz, step)
