"""``retryctl demo``: a recorded history, shown like any other."""

from __future__ import annotations

from dataclasses import asdict

from retryctl.app.options import SourceOptions
from retryctl.app.trace import trace
from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options
from retryctl.cli.output.report_files import trace_reports
from retryctl.cli.output.terminal import TerminalFeedback, put
from retryctl.cli.output.trace_output import show_trace

app = CommandApp()


@app.command()
@options.grouped
def demo(
    screen: options.ScreenOptions,
    output: options.OutputForm = options.Output.TEXT,
    report: options.Report = None,
) -> int:
    """Show a recorded history of retries. It needs no AWS account and no network.

    One request runs A, B, C as it should, the retry of another lands in a new\
 execution environment, and the first attempt of a third times out.
    """
    show = options.OutputOptions(output=output, **asdict(screen))
    files = trace_reports(report)
    feedback = TerminalFeedback(quiet=screen.quiet)
    result = trace((), SourceOptions(source="demo"), feedback=feedback).only_retried()
    status = show_trace(result, show, files)
    if output is options.Output.TEXT and not screen.quiet:
        one = result.checked[0].request.request_id
        put(f"\nOne request with its log lines:\n  retryctl trace --from demo --lines {one}\n")
    return status
