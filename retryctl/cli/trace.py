"""``retryctl trace``: what happened on each attempt of some requests."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Annotated

import typer

from retryctl.app.follow import follow
from retryctl.app.options import SourceOptions, wall_clock_ms
from retryctl.app.trace import TraceResult, trace_reader
from retryctl.cli import params as options
from retryctl.cli.ids import request_ids as read_ids
from retryctl.cli.report_files import report_files
from retryctl.cli.terminal import TerminalFeedback, remark
from retryctl.cli.times import read_duration, zone
from retryctl.cli.trace_output import show_trace
from retryctl.config import config_for
from retryctl.core.model.request import Request, RequestOutcome
from retryctl.errors import UsageError
from retryctl.views.sentences import outcome_sentence

app = typer.Typer(add_completion=False)

_WHICH = "What to show"

Lines = Annotated[
    bool,
    typer.Option("--lines", help="Show the log lines of each attempt.", rich_help_panel=_WHICH),
]
AttemptNumber = Annotated[
    int | None,
    typer.Option(
        "--attempt",
        metavar="N",
        min=1,
        help="Show only attempt N (not in JSON).",
        rich_help_panel=_WHICH,
    ),
]
Failed = Annotated[
    bool,
    typer.Option(
        "--failed", help="Show only the attempts that failed (not in JSON).", rich_help_panel=_WHICH
    ),
]
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code",
        help="Exit with 1 if a verdict disagrees, with 5 if one is undetermined.",
        rich_help_panel=_WHICH,
    ),
]

Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Follow the request on CloudWatch until no attempt is running or due.",
        rich_help_panel=_WHICH,
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="5m",
        help="With --wait: stop after this long and print what is known.",
        rich_help_panel=_WHICH,
    ),
]
Web = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Print the link to each attempt's log stream in the CloudWatch console.",
        rich_help_panel=_WHICH,
    ),
]


@app.command()
@options.grouped
def trace(
    request_ids: options.RequestIds,
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    store: options.Store = None,
    lines: Lines = False,
    attempt: AttemptNumber = None,
    failed: Failed = False,
    exit_code: ExitCode = False,
    wait: Wait = False,
    timeout: Timeout = None,
    web: Web = False,
    output: options.OutputForm = options.Output.TEXT,
    report: options.Report = None,
) -> int:
    """Show what happened on each attempt of a request: when and where it ran, how it ended,
    what it counted, which branch it took, and whether that was right.

    retryctl trace 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Without -f or -g every log group of a Lambda function is searched.
    """
    show = options.OutputOptions(
        output=output,
        color=screen.color,
        tz=screen.tz,
        quiet=screen.quiet,
        lines=lines,
        attempt=attempt,
        failed=failed,
        exit_code=exit_code,
        web=web,
    )
    source = options.source_options(read, aws, store=store)
    timeout_ms = _wait_timeout(timeout, read, wait=wait)
    _refuse_conflicts(request_ids, source, show)
    files = report_files(report or (), [form.value for form in options.Output], source=read.source)
    _announce_stdin(request_ids, source, quiet=screen.quiet)
    feedback = TerminalFeedback(quiet=screen.quiet)
    reader = trace_reader(
        read_ids(request_ids, _stdin_lines()),
        source,
        options.time_window(read, screen.tz),
        config=config_for(source.source),
        feedback=feedback,
    )
    if not wait:
        return show_trace(reader(), show, files)
    waiting = _Waiting(quiet=screen.quiet, tz=zone(screen.tz))
    result = follow(
        reader, timeout_ms=timeout_ms, clock=wall_clock_ms, sleep=time.sleep, on_wait=waiting.show
    )
    return show_trace(result, show, files)


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
