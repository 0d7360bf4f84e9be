"""``retryctl check``: a log as a test, for a CI job that must fail when retries went wrong.

Mistakes in the options, the settings, the baseline or the report files are refused before
anything is read.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from retryctl.cli.command_app import CommandApp, argument, option
from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.value_classes import value_class

app = CommandApp()

_expectation = partial(option, section="What to expect")
_FORMS = ("text", "json", "junit", "sarif", "github", "gitlab", "tap", "markdown")


def form_option() -> Any:
    """Return ``--output`` with the formats for CI systems."""
    names = f"{', '.join(_FORMS[:-1])} or {_FORMS[-1]}"
    return options.form_option(f"Output format: {names}.", *_FORMS, section="Reports")


def report_option() -> Any:
    """Return ``--report`` with the formats for CI systems."""
    return option(
        "Also write a file in one of these formats; without FORM, the format of its "
        "extension (xml: junit, md: markdown). Repeatable.",
        section="Reports",
        metavar="[FORM=]FILE",
        autocompletion=completions.report_of(*_FORMS),
    )


@value_class
class CheckOptions:
    """The expectations of a check as they were typed, ``None`` where they were not."""

    fail_on: str | None = _expectation(
        "Which findings fail: names, or a minimum severity. Default: error. A wrong counter "
        "fails too, unless --allow names its finding or --baseline has it.",
        metavar="FINDING,…|error|warning",
        autocompletion=completions.some_of(completions.failing),
    )
    allow: str | None = _expectation(
        "Findings to ignore, also those of a wrong counter or branch.",
        metavar="FINDING,…",
        autocompletion=completions.some_of(completions.findings),
    )
    expect_branches: str | None = _expectation(
        "Required branches of each retried request, or of each that is named, from the first "
        "attempt to the last: a request that recovered after A,B fails. To accept it: "
        "--max-wrong-branch 0.",
        metavar="A,B,C",
    )
    expect_outcome: str | None = _expectation(
        "Required outcome of each request that did not succeed on attempt 1, or of each that is "
        "named.",
        metavar="OUTCOME,…",
        autocompletion=completions.some_of(completions.outcomes),
    )
    min_requests: int | None = _expectation("At least N requests.", metavar="N", min=0)
    min_retried: int | None = _expectation("At least N retried requests.", metavar="N", min=0)
    max_exhausted: str | None = _expectation(
        "Lambda gave up on at most N requests, or P % of them.", metavar="N|P%"
    )
    max_wrong_branch: str | None = _expectation(
        "At most N wrong branches, or P % of all branches that ran. The findings of wrong "
        "branches fail too, unless --allow names them.",
        metavar="N|P%",
    )
    min_accuracy: str | None = _expectation(
        "The counter agrees on at least P % of the retries that logged one. The findings of the "
        "others fail too, unless --allow names them.",
        metavar="P%",
    )
    allow_empty: bool | None = _expectation(
        "Pass if there is nothing to check.", show_default=False
    )
    wait: str | None = options.wait_option()
    timeout: str | None = options.timeout_option()
    baseline: str | None = _expectation(
        "Known findings: they are shown, but do not fail.",
        metavar="FILE",
        autocompletion=completions.files,
    )
    update_baseline: bool = _expectation(
        "Add the findings that fail now to --baseline.", default=False
    )
    output: str = form_option()
    report: list[str] | None = report_option()


@value_class
class CheckArguments(options.LogOptions):
    """What to check, as it was typed."""

    targets: list[str] | None = argument(
        "[FUNCTION | REQUEST_ID...]",
        "A function, whose requests in the window are checked; or request IDs, failure records, "
        "or a file or folder of records. Not needed with --from.",
    )
    from_queue: str | None = options.queue_option()
    chosen: CheckOptions


@app.command()
def check(given: CheckArguments) -> int:
    """Check requests; exit non-zero if anything is wrong.

    retryctl check orders-worker --since 15m --report junit=report.xml

    Exit status: 0 if every check passed, 1 if one failed, 5 if the logs do not allow a\
 verdict, 4 if there was nothing to check or none of the IDs was found. If some were found, the\
 others are only printed. The settings file can set expectations too, in its table "check".
    """
    from retryctl.cli.runs.check import run_check

    return run_check(given)
