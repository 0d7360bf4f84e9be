"""``retryctl list``: one row for each request."""

from __future__ import annotations

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options
from retryctl.cli.options.list_options import ListOptions
from retryctl.cli.summary import Functions

app = CommandApp()


@app.command(name="list")
@options.grouped
def list_requests(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    functions: Functions = None,
    related: options.Related = False,
    key: options.Key = None,
    *,
    chosen: ListOptions,
) -> int:
    """List the requests of a function, one row each, with whole IDs for retryctl trace.

    retryctl list orders-worker --since 24h --retried --verdict disagrees
    """
    if related or key:
        from retryctl.cli.runs.related import RelatedOptions, run_related

        related_options = RelatedOptions(key=key, output=chosen.output, shape="list")
        return run_related(read, aws, screen, related_options, functions=functions or ())
    from retryctl.cli.runs.list import run_list

    return run_list(functions or (), read, aws, screen, chosen)
