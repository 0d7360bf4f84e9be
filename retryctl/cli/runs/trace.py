"""Run ``retryctl trace``: read, follow where that is wanted, and print.

Help and completion do not import this module.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retryctl.app.options import SourceOptions, wall_clock_ms
from retryctl.app.trace import TraceResult, trace_reader
from retryctl.cli.options.ids import (
    NamedRequests,
    WholeIds,
    needs_whole_log,
    requests_in_queue,
    whole_ids,
)
from retryctl.cli.options.params import Output, OutputOptions
from retryctl.cli.options.source import Reading, reading_of
from retryctl.cli.options.times import read_duration, wait_limit
from retryctl.cli.output.messages import no_request, nothing_found
from retryctl.cli.output.progress import TerminalFeedback
from retryctl.cli.output.report_files import ReportFile, trace_reports
from retryctl.cli.output.terminal import remark
from retryctl.cli.output.trace_output import show_trace
from retryctl.core.wording import number_of
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.next_steps import window_options

if TYPE_CHECKING:
    from retryctl.app.unnamed_requests import Selection
    from retryctl.cli.trace import TraceArguments
    from retryctl.sources.saved.live_pipe import LivePipe

_PATIENCE_S = 2.0
_DOCUMENTS = (Output.HTML, Output.SVG, Output.MARKDOWN)


def run_trace(given: TraceArguments) -> ExitStatus:
    """Show the attempts of the requests that are given."""
    show, request_ids, queue = given.show, given.request_ids or (), given.from_queue
    reading = reading_of(given.read, given.aws, show, store=given.store)
    source = reading.source
    timeout_ms = _wait_timeout(given)
    _refuse_conflicts(request_ids, source, show)
    files = trace_reports(show.report, given.read.source)
    _announce_stdin(request_ids, source, quiet=show.quiet)
    if given.last is not None and (request_ids or queue):
        raise UsageError("--last selects requests, and IDs are given.", "Drop one of them.")
    traced, is_interrupted, selected = None, False, None
    whole = WholeIds(arguments=request_ids)
    if source.source == "-" and not queue and needs_whole_log(request_ids):
        source, is_interrupted = _with_copied_stdin(source, quiet=show.quiet)
        reading = replace(reading, source=source)
    if queue:
        named = requests_in_queue(queue, request_ids, reading)
    elif request_ids:
        named, whole = whole_ids(request_ids, reading)
        if whole.coverage and not named.ids:
            traced = TraceResult(checked=(), coverage=whole.coverage)
    else:
        _refuse_no_place(reading)
        selected = _newest(reading, show, last=given.last)
        named, traced = NamedRequests(ids=selected.request_ids), selected.traced
        show = replace(show, failed=False)  # --failed has selected the requests already
    if named.records:
        from retryctl.app.failure_records import with_function_of

        source = with_function_of(source, named.records)
    pipe = None if source.stdin else _live_stdin(source)
    reader = trace_reader(
        named.ids,
        source,
        reading.window,
        config=reading.config,
        records=named.records,
        feedback=reading.feedback,
        stdin=pipe.so_far if pipe else None,
    )
    if not pipe and (traced or given.wait is None):
        result = traced or reader()
        result = replace(result, not_found={**result.not_found, **whole.not_found})
        if selected:
            result = replace(
                result,
                others_wrong=selected.others_wrong,
                others_exhausted=selected.others_exhausted,
            )
        status = show_trace(result, show, files)
        return ExitStatus.INTERRUPTED if is_interrupted else status
    return _follow(reader, show, files, reading.feedback, timeout_ms=timeout_ms, pipe=pipe)


def _refuse_no_place(reading: Reading) -> None:
    source, config = reading.source, reading.config
    named = source.function or source.functions or source.log_groups
    if source.source == "cloudwatch" and not (named or config.function or config.log_groups):
        raise UsageError(
            "no request ID, function, log group or saved log is given.",
            "Give the ID of a request; or name the function with -f, its log group with -g, or a "
            "saved log with --from, to trace the newest request that failed or was retried.",
        )


def _follow(
    reader: Callable[[], TraceResult],
    show: OutputOptions,
    files: Sequence[ReportFile],
    feedback: TerminalFeedback,
    *,
    timeout_ms: int | None,
    pipe: LivePipe | None,
) -> ExitStatus:
    """Follow the requests, or their log in a ``pipe``; Ctrl-C prints the result so far."""
    from retryctl.app.follow import PipeFollower, follow
    from retryctl.cli.output.live_display import live_display

    follower = PipeFollower(pipe, reader) if pipe else None
    with live_display(show, feedback) as display:
        try:
            if follower:
                result = follower.follow(sleep=display.sleep, on_wait=display.show)
                return display.finish(result, files)
            result = follow(
                reader,
                timeout_ms=timeout_ms,
                clock=wall_clock_ms,
                sleep=display.sleep,
                on_wait=display.show,
                on_failure=lambda error: feedback.warn(f"reading again after: {error.what}"),
            )
        except KeyboardInterrupt:
            latest = (follower and follower.read_on()) or display.latest
            if latest is None or not latest.checked:
                raise
            display.finish(latest, files)
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


def _newest(reading: Reading, show: OutputOptions, *, last: int | None) -> Selection:
    """Select requests, and print how many others there are; ``--failed`` selects too."""
    from retryctl.app.unnamed_requests import select_newest  # loads the engine of whole windows

    source, window, feedback = reading.source, reading.window, reading.feedback
    selected = select_newest(
        source, window, config=reading.config, last=last, failed=show.failed, feedback=feedback
    )
    saved = "" if source.source == "cloudwatch" else f" --from {shlex.quote(source.source)}"
    place = f"{saved}{source.names}{source.aws_options}"
    listing = f"retryctl list{saved}{source.names}{window_options(selected.coverage)}"
    listing += source.aws_options
    if not selected.request_ids and not selected.others:
        coverage = selected.coverage
        if saved:
            coverage = replace(coverage, since_ms=window.since_ms)
        raise no_request(coverage, reading.tz, bounded=not window.is_open)
    if not selected.request_ids:
        what = "no request failed" if show.failed else "no request failed or was retried"
        raise nothing_found(
            f"{what}, of {selected.others:,}.",
            selected.coverage,
            reading.tz,
            f"{listing} shows them. "
            f"If one event ran several times: retryctl trace --related{place}",
        )
    if selected.others:
        feedback.warn(f"{number_of(selected.others, 'other request')}: {listing}")
    return selected


def _wait_timeout(given: TraceArguments) -> int | None:
    """Return how long ``--wait`` waits, ``None`` without a limit. Raises ``UsageError``."""
    limit = wait_limit(given.wait, given.timeout)
    if limit is None:
        return None
    if given.read.source != "cloudwatch":
        raise UsageError(
            f"--wait needs CloudWatch, and --from {given.read.source} is given.",
            "Drop one of them.",
        )
    if given.read.until is not None:
        raise UsageError("--wait and --until exclude each other.", "Drop one of them.")
    return read_duration(limit) if limit else None


def _refuse_conflicts(arguments: Sequence[str], source: SourceOptions, show: OutputOptions) -> None:
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
