"""``retryctl diff``: the differences between the log lines of two attempts."""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import completions
from retryctl.cli.options import params as options

app = CommandApp()

RequestIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REQUEST_ID [REQUEST_ID]]",
        help="One request: its first attempt is compared with its last. Two requests: the last "
        "attempt of each. Default: the newest request that was retried.",
        show_default=False,
    ),
]
Attempts = Annotated[
    str | None,
    typer.Option(
        "--attempts",
        metavar="N,M",
        help="Compare attempt N with attempt M, of the first and of the second request.",
    ),
]
Form = Annotated[
    str,
    options.output_option(
        "--output",
        "-o",
        metavar="FORM",
        help="text or json.",
        autocompletion=completions.one_of("text", "json"),
    ),
]


@app.command()
@options.grouped
def diff(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    request_ids: RequestIds = None,
    attempts: Attempts = None,
    output: Form = "text",
) -> int:
    """Show where the log lines of two attempts differ.

    Times, IDs and figures are ignored, except the counter.

    retryctl diff 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Exit status: 0 with and without differences, 4 if an attempt is not in the log.
    """
    from retryctl.cli.runs.diff import run_diff

    return run_diff(request_ids or (), read, aws, screen, attempts=attempts, output=output)
