"""``retryctl trace``: show what happened on each attempt of requests."""

from __future__ import annotations

from typing import Annotated

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options

app = CommandApp()

Last = Annotated[
    int | None,
    options.shown_option(
        "--last",
        metavar="N",
        min=1,
        help="Without an ID: show the N newest requests that failed or were retried.",
    ),
]


@app.command()
@options.grouped
def trace(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    request_ids: options.RequestIds = None,
    store: options.Store = None,
    from_queue: options.FromQueue = None,
    last: Last = None,
    wait: options.Wait = None,
    timeout: options.Timeout = None,
    related: options.Related = False,
    key: options.Key = None,
    *,
    show: options.OutputOptions,
) -> int:
    """Show what happened on each attempt of a request: when and where it ran, how it ended,
    what it counted, which branch it took, and whether that was right.

    retryctl trace 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Without -f or -g every log group of a Lambda function is searched. Without an ID, the newest\
 request that failed or was retried is shown.
    """
    if related or key:
        from retryctl.cli.runs.related import RelatedOptions, run_related

        wanted = RelatedOptions(key=key, output=show.output.value)
        return run_related(read, aws, show, wanted, request_ids=request_ids or ())
    from retryctl.cli.runs.trace import run_trace

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
    )
