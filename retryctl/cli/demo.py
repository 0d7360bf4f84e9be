"""``retryctl demo``: a recorded history, shown like any other."""

from __future__ import annotations

from dataclasses import asdict

from retryctl.cli.command_app import CommandApp
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

app = CommandApp()


@value_class
class DemoArguments:
    """How to show the history, as it was typed."""

    screen: options.ScreenOptions
    output: options.Output = options.output_form_option()
    report: list[str] | None = options.report_option(*options.Output)


@app.command()
def demo(given: DemoArguments) -> int:
    """Show a recorded history of retries. It needs no AWS account and no network.

    One request runs A, B, C as it should, the retry of another lands in a new\
 execution environment, and the first attempt of a third times out.
    """
    from retryctl.app.options import SourceOptions
    from retryctl.app.trace import trace
    from retryctl.cli.output.progress import TerminalFeedback
    from retryctl.cli.output.report_files import trace_reports
    from retryctl.cli.output.terminal import put
    from retryctl.cli.output.trace_output import show_trace

    screen = given.screen
    show = options.OutputOptions(output=given.output, **asdict(screen))
    files = trace_reports(given.report)
    feedback = TerminalFeedback(quiet=screen.quiet)
    result = trace((), SourceOptions(source="demo"), feedback=feedback).only_retried()
    status = show_trace(result, show, files)
    if given.output is options.Output.TEXT and not screen.quiet:
        one = result.checked[0].request.request_id
        put(f"\nOne request with its log lines:\n  retryctl trace --from demo --lines {one}\n")
    return status
