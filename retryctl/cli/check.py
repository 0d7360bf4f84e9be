"""``retryctl check``: a log as a test, for a CI job that must fail when retries went wrong.

Mistakes in the options, the settings, the baseline or the report files are refused before
anything is read.
"""

from __future__ import annotations

from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options
from retryctl.cli.options.check_options import CheckOptions

app = CommandApp()

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FUNCTION | REQUEST_ID...]",
        help="A function, whose requests in the window are checked; or request IDs, failure "
        "records, or a file or folder of records. Not needed with --from.",
        show_default=False,
    ),
]


@app.command()
@options.grouped
def check(
    read: options.ReadOptions,
    aws: options.AwsOptions,
    screen: options.ScreenOptions,
    targets: Targets = None,
    from_queue: options.FromQueue = None,
    *,
    chosen: CheckOptions,
) -> int:
    """Check requests; exit non-zero if anything is wrong.

    retryctl check orders-worker --since 15m --report junit=report.xml

    Exit status: 0 if every check passed, 1 if one failed, 5 if the logs do not allow a\
 verdict, 4 if there was nothing to check or none of the IDs was found. If some were found, the\
 others are only printed. The settings file can set expectations too, in its table "check".
    """
    from retryctl.cli.runs.check import run_check

    return run_check(targets or (), read, aws, screen, chosen, queue=from_queue)
