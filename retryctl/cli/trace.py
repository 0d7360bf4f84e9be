"""``retryctl trace``: show what happened on each attempt of requests."""

from __future__ import annotations

from retryctl.cli.command_app import CommandApp, argument
from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

app = CommandApp()


@value_class
class TraceArguments:
    """What to trace, as it was typed."""

    read: options.ReadOptions
    aws: options.AwsOptions
    request_ids: list[str] | None = argument(
        "[REQUEST_ID...]",
        "AWS request IDs, or text that contains them: a log line, a URL, a failure record or "
        "a file or folder of records. - reads them from stdin. Of a saved log the first characters "
        "are enough. Without an ID: the newest request that failed or was retried, or all of a "
        "saved log with at most 3.",
    )
    store: str | None = options.source_option(
        "The durable store of the function's counter, dynamodb://TABLE or s3://BUCKET/PREFIX, to "
        "compare with the log.",
        metavar="URL",
        autocompletion=completions.stores,
    )
    from_queue: str | None = options.queue_option()
    last: int | None = options.shown_option(
        "Without an ID: show the N newest requests that failed or were retried.", metavar="N", min=1
    )
    wait: str | None = options.wait_option()
    timeout: str | None = options.timeout_option()
    events: options.RelatedOptions
    show: options.OutputOptions


@app.command()
def trace(given: TraceArguments) -> int:
    """Show what happened on each attempt of a request: when and where it ran, how it ended,
    what it counted, which branch it took, and whether that was right.

    retryctl trace 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Without -f or -g every log group of a Lambda function is searched. Without an ID, the newest\
 request that failed or was retried is shown.
    """
    if given.events.wanted:
        from retryctl.cli.runs.related import run_related

        log = options.LogOptions(read=given.read, aws=given.aws, screen=given.show)
        form = given.show.output.value
        return run_related(log, given.events.key, form, request_ids=given.request_ids or ())
    from retryctl.cli.runs.trace import run_trace

    return run_trace(given)
