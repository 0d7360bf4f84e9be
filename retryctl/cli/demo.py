"""``retryctl demo``: a recorded history, shown as any other."""

from __future__ import annotations

import typer

from retryctl.cli import params as options

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    output: options.OutputForm = options.Output.TEXT,
    color: options.ColorChoice = options.Color.AUTO,
    tz: options.Tz = "UTC",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Show a recorded history of retries. It needs no AWS account and no network.

    One request runs A, B, C as it should, the retry of another lands in a new\
 execution environment, and the first attempt of a third times out.
    """
    from retryctl.cli import telling
    from retryctl.cli.terminal import put

    show = options.OutputOptions(output=output, color=color, tz=tz, quiet=quiet)
    look = options.SourceOptions(source="demo")
    story = telling.read_story((), look, show, now_ms=telling.now_ms()).only_retried()
    status = telling.show_story(story, show)
    if output is options.Output.TEXT and not quiet:
        one = story.checked[0].request.request_id
        put(f"\nOne of them with its log lines:\n  retryctl trace --from demo --lines {one}\n")
    return status
