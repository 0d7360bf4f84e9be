"""``retryctl trace``: show what happened on each attempt of requests."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options

app = CommandApp()

_selection = partial(typer.Option, rich_help_panel="What to show")

Lines = Annotated[bool, _selection("--lines", help="Show the log lines of each attempt.")]
AttemptNumber = Annotated[
    int | None,
    _selection("--attempt", metavar="N", min=1, help="Show only attempt N (not in JSON)."),
]
Failed = Annotated[
    bool,
    _selection(
        "--failed",
        help="Show only the attempts that failed (not in JSON). Without an ID: the newest "
        "request with an outcome other than succeeded and recovered.",
    ),
]
Last = Annotated[
    int | None,
    _selection(
        "--last",
        metavar="N",
        min=1,
        help="Without an ID: show the N newest requests that failed or were retried.",
    ),
]
ExitCode = Annotated[
    bool,
    _selection(
        "--exit-code", help="Exit with 1 if a verdict disagrees, with 5 if one is undetermined."
    ),
]

Links = Annotated[
    bool,
    _selection(
        "--links", help="Print the link to each attempt's log stream in the CloudWatch console."
    ),
]
Web = Annotated[
    bool, _selection("--web", help="Open the log stream of the newest attempt in the browser.")
]


@app.command()
@options.grouped
def trace(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    request_ids: options.RequestIds = None,
    store: options.Store = None,
    from_queue: options.FromQueue = None,
    last: Last = None,
    lines: Lines = False,
    attempt: AttemptNumber = None,
    failed: Failed = False,
    exit_code: ExitCode = False,
    wait: options.Wait = None,
    timeout: options.Timeout = None,
    links: Links = False,
    web: Web = False,
    related: options.Related = False,
    key: options.Key = None,
    output: options.OutputForm = options.Output.TEXT,
    report: options.Report = None,
) -> int:
    """Show what happened on each attempt of a request: when and where it ran, how it ended,
    what it counted, which branch it took, and whether that was right.

    retryctl trace 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Without -f or -g every log group of a Lambda function is searched. Without an ID, the newest\
 request that failed or was retried is shown.
    """
    if related or key:
        from retryctl.cli.runs.related import RelatedOptions, run_related

        wanted = RelatedOptions(key=key, output=output.value)
        return run_related(read, aws, screen, wanted, request_ids=request_ids or ())
    from retryctl.cli.runs.trace import run_trace

    show = options.OutputOptions(
        output=output,
        color=screen.color,
        tz=screen.tz,
        quiet=screen.quiet,
        lines=lines,
        attempt=attempt,
        failed=failed,
        exit_code=exit_code,
        links=links,
        web=web,
    )
    return run_trace(
        request_ids or (),
        read,
        aws,
        show,
        store=store,
        queue=from_queue,
        wait=wait,
        timeout=timeout,
        last=last,
        reports=report or (),
    )
