"""``retryctl diff``: the differences between the log lines of two attempts."""

from __future__ import annotations

from retryctl.cli.command_app import CommandApp, argument, option
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

app = CommandApp()


@value_class
class DiffArguments(options.LogOptions):
    """Which attempts to compare, as it was typed."""

    request_ids: list[str] | None = argument(
        "[REQUEST_ID [REQUEST_ID]]",
        "One request: its first attempt is compared with its last. Two requests: the last "
        "attempt of each. Default: the newest request that was retried.",
    )
    attempts: str | None = option(
        "Compare attempt N with attempt M, of the first and of the second request.",
        section="Options",
        metavar="N,M",
    )
    output: str = options.form_option("text or json.", "text", "json")


@app.command()
def diff(given: DiffArguments) -> int:
    """Show where the log lines of two attempts differ.

    Times, IDs and figures are ignored, except the counter.

    retryctl diff 8f507cfc-0d3f-4697-b07a-ac58fc914c95 -f orders-worker

    Exit status: 0 with and without differences, 4 if an attempt is not in the log.
    """
    from retryctl.cli.runs.diff import run_diff

    return run_diff(given)
