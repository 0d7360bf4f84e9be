"""Run ``retryctl trace``: read, follow where that is wanted, and print.

It is apart from the options, so that help and completion import nothing of it.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from retryctl.app.follow import follow
from retryctl.app.options import Feedback, SourceOptions, TimeWindow, wall_clock_ms
from retryctl.app.trace import TraceResult, trace_reader
from retryctl.cli import params as options
from retryctl.cli.answers import nothing_found
from retryctl.cli.ids import request_ids as read_ids
from retryctl.cli.ids import shortened_id
from retryctl.cli.report_files import report_files
from retryctl.cli.source import source_options, time_window
from retryctl.cli.terminal import TerminalFeedback, remark
from retryctl.cli.times import read_duration, zone
from retryctl.cli.trace_output import show_trace
from retryctl.config import ProjectConfig, config_for
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.errors import ExitStatus, UsageError
from retryctl.views.sentences import outcome_sentence


def run_trace(
    request_ids: Sequence[str],
    read: options.ReadOptions,
    aws: options.AwsOptions,
    show: options.OutputOptions,
    *,
    store: str | None,
    wait: bool,
    timeout: str | None,
    last: int | None,
    reports: Sequence[str],
) -> ExitStatus:
    """Show the attempts of the requests whose IDs are in ``request_ids``, as they were typed."""
    config = config_for(read.source)
    source = source_options(read, aws, config, store=store)
    timeout_ms = _wait_timeout(timeout, read, wait=wait)
    _refuse_conflicts(request_ids, source, show)
    files = report_files(reports, [form.value for form in options.Output], source=read.source)
    _announce_stdin(request_ids, source, quiet=show.quiet)
    feedback = TerminalFeedback(quiet=show.quiet)
    window = time_window(read, show.tz)
    if last is not None and request_ids:
        raise UsageError("--last selects requests, and IDs are given.", "Drop one of them.")
    if request_ids:
        ids = _whole_ids(request_ids, source, window, config, feedback)
    else:
        ids, show = _newest(source, window, config, show, feedback, last=last)
    reader = trace_reader(
        ids,
        source,
        window,
        config=config,
        feedback=feedback,
    )
    if not wait:
        return show_trace(reader(), show, files)
    waiting = _Waiting(quiet=show.quiet, tz=zone(show.tz))
    result = follow(
        reader, timeout_ms=timeout_ms, clock=wall_clock_ms, sleep=time.sleep, on_wait=waiting.show
    )
    return show_trace(result, show, files)


def _whole_ids(
    arguments: Sequence[str],
    source: SourceOptions,
    window: TimeWindow,
    config: ProjectConfig,
    feedback: Feedback,
) -> tuple[str, ...]:
    """Return the IDs of the arguments; of a saved log an ID may be cut short."""
    prefixes = [] if source.source in ("cloudwatch", "-") else _shortened(arguments)
    if not prefixes:
        return read_ids(arguments, _stdin_lines())
    from retryctl.app.selection import matching_ids  # loads the engine of whole windows

    found = matching_ids(prefixes, source, window, config=config, feedback=feedback)
    for prefix, ids in found.items():
        if len(ids) != 1:
            several = f"{len(ids)} requests: {', '.join(ids[:3])}{', …' if len(ids) > 3 else ''}"
            raise UsageError(
                f"{prefix} begins the ID of {several if ids else 'no request of this log'}.",
                "Give more of the ID; retryctl list shows the requests.",
            )
    whole = {prefix: ids[0] for prefix, ids in found.items()}
    named = [whole.get(shortened_id(each) or "", each) for each in arguments]
    return read_ids(named, _stdin_lines())


def _shortened(arguments: Sequence[str]) -> list[str]:
    prefixes = map(shortened_id, arguments)
    return [prefix for prefix in prefixes if prefix]


def _newest(
    source: SourceOptions,
    window: TimeWindow,
    config: ProjectConfig,
    show: options.OutputOptions,
    feedback: TerminalFeedback,
    *,
    last: int | None,
) -> tuple[tuple[str, ...], options.OutputOptions]:
    """Select requests, and print how many others there are; ``--failed`` selects too."""
    if source.source == "-":
        raise UsageError(
            "standard input can be read once, and no request ID is given.",
            "Name the ID, or save the log and name its file.",
        )
    from retryctl.app.selection import select_newest  # loads the engine of whole windows

    selected = select_newest(
        source, window, config=config, last=last, failed=show.failed, feedback=feedback
    )
    listing = " ".join(["retryctl list", *_source_words(source)])
    if not selected.request_ids:
        what = "no request failed" if show.failed else "no request failed or was retried"
        raise nothing_found(
            f"{what}, of {selected.others:,}." if selected.others else "there is no request.",
            selected.coverage,
            zone(show.tz),
            f"{listing} shows them." if selected.others else "Is it the right file?",
        )
    if selected.others:
        feedback.warn(f"{selected.others:,} more: {listing}")
    return selected.request_ids, replace(show, failed=False)


def _source_words(source: SourceOptions) -> Iterator[str]:
    """Yield the options that name the source, to be copied."""
    if source.source != "cloudwatch":
        yield f"--from {shlex.quote(source.source)}"
    if source.function:
        yield shlex.quote(source.function)
    for group in source.log_groups:
        yield f"-g {shlex.quote(group)}"


def _wait_timeout(timeout: str | None, read: options.ReadOptions, *, wait: bool) -> int | None:
    """Read ``--wait`` and ``--timeout``. Raises ``UsageError``."""
    if not wait:
        if timeout is not None:
            raise UsageError("--timeout sets how long to wait.", "Give --wait too.")
        return None
    if read.source != "cloudwatch":
        raise UsageError(
            f"--wait has nothing to wait for with --from {read.source}.",
            "It follows a request on CloudWatch.",
        )
    if read.until is not None:
        raise UsageError("--wait follows a request beyond --until.", "Drop one of them.")
    return None if timeout is None else read_duration(timeout)


def _refuse_conflicts(
    arguments: Sequence[str], source: SourceOptions, show: options.OutputOptions
) -> None:
    if source.source == "-" and "-" in arguments:
        raise UsageError(
            "stdin cannot give both the IDs and the log.", "Save one of them and name its file."
        )
    if show.web and show.output in (options.Output.HTML, options.Output.SVG):
        raise UsageError(f"--web has no place in {show.output.value}.", "Use text, json or jsonl.")


def _announce_stdin(arguments: Sequence[str], source: SourceOptions, *, quiet: bool) -> None:
    """Print what is read from standard input, where that is a terminal."""
    what = "request IDs" if "-" in arguments else "the log" if source.source == "-" else ""
    if what and sys.stdin is not None and sys.stdin.isatty():
        remark(f"retryctl: reading {what} from standard input; end with Ctrl-D.", quiet=quiet)


def _stdin_lines() -> Iterator[str]:
    for line in sys.stdin.buffer if sys.stdin else ():
        yield line.decode("utf-8", "replace")


class _Waiting:
    """Prints what is awaited, once for each state of a request."""

    def __init__(self, *, quiet: bool, tz: tzinfo) -> None:
        self._quiet, self._tz = quiet, tz
        self._shown: set[str] = set()

    def show(self, result: TraceResult) -> None:
        """Print a sentence for each open request whose state changed."""
        for key, sentence in _awaited(result, self._tz):
            if key not in self._shown:
                self._shown.add(key)
                remark(f"retryctl: {sentence}", quiet=self._quiet)


def _awaited(result: TraceResult, tz: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield a key and a sentence for each request that is open."""
    for checked in result.checked:
        request = checked.request
        if request.outcome in (RequestOutcome.PENDING, RequestOutcome.RUNNING):
            sentence = outcome_sentence(request, result.coverage, tz).words
            yield _state_key(request), f"waiting: {request.request_id} {sentence}"
    for request_id in result.not_found:
        yield request_id, f"waiting: no log line of {request_id} yet"


def _state_key(request: Request) -> str:
    return f"{request.request_id} {request.log_group} {request.outcome} {len(request.attempts)}"
