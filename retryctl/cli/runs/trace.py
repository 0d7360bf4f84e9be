"""Run ``retryctl trace``: read, follow where that is wanted, and print.

Help and completion do not import this module.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retryctl.app.options import SourceOptions, TimeWindow, wall_clock_ms
from retryctl.app.trace import TraceResult, trace_reader
from retryctl.cli.options import params as options
from retryctl.cli.options.ids import NamedRequests, requests_in_queue
from retryctl.cli.options.shortened_ids import needs_whole_log, whole_ids
from retryctl.cli.options.source import source_options, time_window
from retryctl.cli.options.times import read_duration, wait_limit, zone
from retryctl.cli.output.messages import nothing_found
from retryctl.cli.output.report_files import ReportFile, trace_reports
from retryctl.cli.output.terminal import TerminalFeedback, remark
from retryctl.cli.output.trace_output import show_trace
from retryctl.config import ProjectConfig, config_for
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus, RetryctlError, UsageError
from retryctl.views.next_steps import window_options

if TYPE_CHECKING:
    from retryctl.app.selection import Selection
    from retryctl.core.model.coverage import Coverage
    from retryctl.sources.saved.live_pipe import LivePipe

_PATIENCE_S = 2.0
_DOCUMENTS = (options.Output.HTML, options.Output.SVG, options.Output.MARKDOWN)


def run_trace(
    request_ids: Sequence[str],
    read: options.ReadOptions,
    aws: options.AwsOptions,
    show: options.OutputOptions,
    *,
    store: str | None,
    queue: str | None,
    wait: str | None,
    timeout: str | None,
    last: int | None,
) -> ExitStatus:
    """Show the attempts of the requests whose IDs are in ``request_ids``, as they were typed."""
    config = config_for(read.source)
    source = source_options(read, aws, config, store=store)
    timeout_ms = _wait_timeout(timeout, read, wait=wait)
    _refuse_conflicts(request_ids, source, show)
    files = trace_reports(show.report, read.source)
    _announce_stdin(request_ids, source, quiet=show.quiet)
    feedback = TerminalFeedback(quiet=show.quiet)
    window = time_window(read, show.tz)
    if last is not None and (request_ids or queue):
        raise UsageError("--last selects requests, and IDs are given.", "Drop one of them.")
    traced, is_interrupted, selected = None, False, None
    if source.source == "-" and not queue and needs_whole_log(request_ids):
        source, is_interrupted = _with_copied_stdin(source, quiet=show.quiet)
    if queue:
        named = requests_in_queue(queue, request_ids, source, feedback)
    elif request_ids:
        named = whole_ids(request_ids, source, config, feedback)
    else:
        _refuse_no_place(source, config)
        selected = _newest(source, window, config, show, feedback, last=last)
        named, traced = NamedRequests(ids=selected.request_ids), selected.traced
        show = replace(show, failed=False)  # --failed has selected the requests already
    if named.records:
        from retryctl.app.failure_records import with_function_of

        source = with_function_of(source, named.records)
    pipe = None if source.stdin else _live_stdin(source)
    reader = trace_reader(
        named.ids,
        source,
        window,
        config=config,
        records=named.records,
        feedback=feedback,
        stdin=pipe.so_far if pipe else None,
    )
    if pipe:
        return _follow_pipe(pipe, reader, show, files, feedback)
    if traced or wait is None:
        result = traced or reader()
        if selected:
            result = replace(
                result,
                others_wrong=selected.others_wrong,
                others_exhausted=selected.others_exhausted,
            )
        status = show_trace(result, show, files)
        return ExitStatus.INTERRUPTED if is_interrupted else status
    return _follow(reader, show, files, feedback, timeout_ms=timeout_ms)


def _refuse_no_place(source: SourceOptions, config: ProjectConfig) -> None:
    named = source.function or source.functions or source.log_groups
    if source.source == "cloudwatch" and not (named or config.function or config.log_groups):
        raise UsageError(
            "no request ID, function, log group or saved log is given.",
            "Give the ID of a request; or name the function with -f, its log group with -g, or a "
            "saved log with --from, to trace the newest request that failed or was retried.",
        )


def _follow(
    reader: Callable[[], TraceResult],
    show: options.OutputOptions,
    files: Sequence[ReportFile],
    feedback: TerminalFeedback,
    *,
    timeout_ms: int | None,
) -> ExitStatus:
    """Follow the requests; Ctrl-C prints the result so far."""
    from retryctl.app.follow import follow
    from retryctl.cli.output.live_display import live_display

    with live_display(show, feedback) as display:
        try:
            result = follow(
                reader,
                timeout_ms=timeout_ms,
                clock=wall_clock_ms,
                sleep=display.sleep,
                on_wait=display.show,
                on_failure=lambda error: feedback.warn(f"reading again after: {error.what}"),
            )
        except KeyboardInterrupt:
            if display.latest is None or not display.latest.checked:
                raise
            display.finish(display.latest, files)
            return ExitStatus.INTERRUPTED
        return display.finish(result, files)


def _with_copied_stdin(source: SourceOptions, *, quiet: bool) -> tuple[SourceOptions, bool]:
    """Copy standard input to its end, or to Ctrl-C; return whether it was that."""
    from retryctl.sources.saved.files import find_files

    pipe, is_interrupted = _live_stdin(source), False
    if pipe is None:
        (copy,) = find_files(source.source, None)
        return replace(source, stdin=copy), False
    try:
        if not pipe.wait(_PATIENCE_S):
            remark(
                "retryctl: reading standard input to its end; Ctrl-C shows what has come.",
                quiet=quiet,
            )
            pipe.wait()
    except KeyboardInterrupt:
        is_interrupted = True
        if not pipe.so_far().size:
            raise
    return replace(source, stdin=pipe.so_far()), is_interrupted


def _live_stdin(source: SourceOptions) -> LivePipe | None:
    """Begin to copy the log from standard input, if that is a pipe."""
    if source.source != "-" or sys.stdin is None:
        return None
    from retryctl.sources.saved.live_pipe import LivePipe, is_pipe

    if not is_pipe(sys.stdin.buffer):
        return None
    pipe = LivePipe(sys.stdin.buffer)
    return pipe if pipe.start() else None


def _follow_pipe(
    pipe: LivePipe,
    reader: Callable[[], TraceResult],
    show: options.OutputOptions,
    files: Sequence[ReportFile],
    feedback: TerminalFeedback,
) -> ExitStatus:
    """Show the requests while their log arrives; Ctrl-C prints the result so far."""
    from retryctl.app.pipe_follower import PipeFollower
    from retryctl.cli.output.live_display import live_display

    follower = PipeFollower(pipe, reader)
    with live_display(show, feedback) as display:
        try:
            return display.finish(follower.follow(sleep=display.sleep, on_wait=display.show), files)
        except KeyboardInterrupt:
            latest = follower.read_on() or display.latest
            if latest is None or not latest.checked:
                raise
            display.finish(latest, files)
            return ExitStatus.INTERRUPTED


def _newest(
    source: SourceOptions,
    window: TimeWindow,
    config: ProjectConfig,
    show: options.OutputOptions,
    feedback: TerminalFeedback,
    *,
    last: int | None,
) -> Selection:
    """Select requests, and print how many others there are; ``--failed`` selects too."""
    from retryctl.app.selection import select_newest  # loads the engine of whole windows

    selected = select_newest(
        source, window, config=config, last=last, failed=show.failed, feedback=feedback
    )
    saved = "" if source.source == "cloudwatch" else f" --from {shlex.quote(source.source)}"
    place = f"{saved}{source.names}{source.aws_options}"
    listing = f"retryctl list{saved}{source.names}{window_options(selected.coverage)}"
    listing += source.aws_options
    if not selected.request_ids:
        if not selected.others:
            raise _no_request(source, window, selected.coverage, show.tz)
        what = "no request failed" if show.failed else "no request failed or was retried"
        raise nothing_found(
            f"{what}, of {selected.others:,}.",
            selected.coverage,
            zone(show.tz),
            f"{listing} shows them. "
            f"If one event ran several times: retryctl trace --related{place}",
        )
    if selected.others:
        feedback.warn(f"{number_of(selected.others, 'other request')}: {listing}")
    return selected


def _no_request(
    source: SourceOptions, window: TimeWindow, coverage: Coverage, tz: str
) -> RetryctlError:
    """Build the error that no request was found in the saved log or in its window."""
    from retryctl.cli.runs.summary import no_request  # loads the figures

    if source.source != "cloudwatch":
        coverage = replace(coverage, since_ms=window.since_ms)
    return no_request(coverage, zone(tz), bounded=not window.is_open)


def _wait_timeout(
    timeout: str | None, read: options.ReadOptions, *, wait: str | None
) -> int | None:
    """Return how long ``--wait`` waits, ``None`` without a limit. Raises ``UsageError``."""
    limit = wait_limit(wait, timeout)
    if limit is None:
        return None
    if read.source != "cloudwatch":
        raise UsageError(
            f"--wait needs CloudWatch, and --from {read.source} is given.",
            "Drop one of them.",
        )
    if read.until is not None:
        raise UsageError("--wait and --until exclude each other.", "Drop one of them.")
    return read_duration(limit) if limit else None


def _refuse_conflicts(
    arguments: Sequence[str], source: SourceOptions, show: options.OutputOptions
) -> None:
    if source.source == "-" and "-" in arguments:
        raise UsageError(
            "stdin cannot give both the IDs and the log.", "Save one of them and name its file."
        )
    if show.links and show.output in _DOCUMENTS:
        raise UsageError(
            f"--links is not available in {show.output.value}.", "Use text, json or jsonl."
        )


def _announce_stdin(arguments: Sequence[str], source: SourceOptions, *, quiet: bool) -> None:
    """Print what is read from standard input, where that is a terminal."""
    what = "request IDs" if "-" in arguments else "the log" if source.source == "-" else ""
    if what and sys.stdin is not None and sys.stdin.isatty():
        remark(f"retryctl: reading {what} from standard input; end with Ctrl-D.", quiet=quiet)
