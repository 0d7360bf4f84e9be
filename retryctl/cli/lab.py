"""``retryctl lab``: run a handler here as Lambda would, or serve a log as CloudWatch Logs would."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from retryctl.cli.help import CommandApp
from retryctl.cli.options import params as options
from retryctl.cli.options.lab_options import (
    LabFunctionOptions,
    LabRequestOptions,
    LabShowOptions,
)

app = CommandApp(
    help="Run a handler locally as Lambda would, with its retries.",
)


@app.command()
@options.grouped
def run(
    request: LabRequestOptions,
    function: LabFunctionOptions,
    show: LabShowOptions,
    handler: Annotated[
        str | None,
        typer.Argument(
            metavar="HANDLER",
            help="file.py:function, or module.function as on Lambda. With --template: the "
            "function's name in it.",
            show_default=False,
        ),
    ] = None,
    output: options.OutputForm = options.Output.TEXT,
    report: options.Report = None,
    *,
    screen: options.ScreenOptions,
) -> int:
    """Run HANDLER through its retries: real runtime client, /tmp and signals, virtual waits.

    retryctl lab run app.py:handler --plan same,fresh --event '{"order": 1}'
    """
    from retryctl.cli.runs import lab as lab_runs

    of_function = {"handler": handler, **asdict(function)}
    printed = options.OutputOptions(
        output=output,
        report=report,
        lines=show.lines,
        exit_code=show.exit_code,
        **asdict(screen),
    )
    return lab_runs.run(request, of_function, show, printed)


@app.command()
def serve(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A log saved by lab run --save, any other saved log, or demo."
        ),
    ],
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="The port on loopback. 0: a free one."),
    ] = 0,
    debug: options.Debug = False,
) -> int:
    """Serve a saved log as CloudWatch Logs would, on loopback, until interrupted.

    Prints an export line: a client with these variables reads the log.
    """
    from retryctl.cli.runs import lab as lab_runs

    lab_runs.serve_saved(source, port)
