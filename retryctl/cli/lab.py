"""``retryctl lab``: run a handler here as Lambda would, or serve a log as CloudWatch Logs would."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from retryctl.cli.command_app import CommandApp, argument, option, required_argument
from retryctl.cli.options import completions
from retryctl.cli.options import params as options
from retryctl.core.model.limits import LONGEST_TIMEOUT_S
from retryctl.core.value_classes import value_class

app = CommandApp(help="Run a handler locally as Lambda would, with its retries.")

LogLevel = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
SystemLevel = Literal["DEBUG", "INFO", "WARN"]

_request = partial(option, section="The request and its retries")
_function = partial(option, section="The function")
_unshown = partial(_function, show_default=False)
_show = partial(option, section="How to show it")


@value_class
class LabRequestOptions:
    """The request of ``lab run`` and its retries, as they were typed."""

    plan: str = _request(
        "same, fresh or env=N for each retry, each with +timeout, +kill, +exit or +oom "
        "(+kill=early, =late, @250ms: later), +throttle, +duplicate or +twin; first+… before "
        "them for attempt 1. Or all: every sequence.",
        default="",
        metavar="PLAN",
        autocompletion=completions.plans,
        show_default="same for each",
    )
    event: str = _request(
        "The event: a file, JSON, - for stdin, or a sample: s3-put, sqs, sns, eventbridge, "
        "dynamodb-stream.",
        default="{}",
        metavar="FILE|JSON|NAME|-",
        autocompletion=completions.events,
    )
    requests: int = _request("Run N requests, each by the plan.", default=1, metavar="N", min=1)
    retries: int | None = _request(
        "MaximumRetryAttempts. Default: the template's, else 2.",
        metavar="N",
        min=0,
        max=99,
        show_default=False,
    )
    source: Literal["async", "sqs", "stream"] = _request(
        "The event source, which retries the event.", default="async"
    )
    between: str | None = _request(
        "Run this shell command before each retry; RETRYCTL_ATTEMPT is its number.", metavar="CMD"
    )
    seed: int | None = _request(
        "Use the IDs, log streams, start time and waits of this seed, the same in every run.",
        metavar="N",
        show_default=False,
    )


@value_class
class LabFunctionOptions:
    """The function of ``lab run``, as it was typed."""

    template: Path | None = _function(
        "Read the function from a SAM or CloudFormation template or a serverless.yml. Options "
        "override it.",
        metavar="FILE",
    )
    name: str | None = _function(
        "Function name. Default: the name of the handler's file.", metavar="NAME"
    )
    timeout: float | None = _unshown(
        "Timeout. Default: 3.", metavar="SECONDS", min=0.1, max=LONGEST_TIMEOUT_S
    )
    memory: int | None = _unshown("Memory. Default: 128.", metavar="MB", min=128, max=10240)
    ephemeral_storage: int | None = _unshown(
        "Size of /tmp. Default: 512.", metavar="MB", min=512, max=10240
    )
    log_format: Literal["text", "json"] | None = _unshown("Log format. Default: text.")
    log_level: LogLevel | None = _function(
        "Application log level (JSON format).", case_sensitive=False
    )
    system_log_level: SystemLevel | None = _unshown(
        "System log level (JSON format). Default: INFO.", case_sensitive=False
    )
    env: list[str] | None = _function("An environment variable (repeatable).", metavar="K=V")
    env_file: Path | None = _function(
        "A file of environment variables, one per line.", metavar="FILE"
    )
    layer: list[Path] | None = _function("A layer, unpacked (repeatable).", metavar="DIR")
    python: str | None = _function(
        "Its interpreter, with its packages and awslambdaric. Default: that of $VIRTUAL_ENV, else "
        "retryctl's own.",
        metavar="PATH",
    )
    isolation: Literal["namespaces", "bubblewrap", "patched"] | None = _unshown(
        "Use only this isolation method. Default: the first that the host allows."
    )
    real_time: bool | None = _function("Let the function use the host's clock.")
    aws: Literal["moto"] | None = options.aws_option(
        "Send the function's AWS calls to a local server, which also has its logs.",
        show_default=False,
    )
    profile_through: str | None = options.aws_option(
        "Pass the credentials of this profile to the function.",
        metavar="PROFILE",
        autocompletion=completions.profiles,
    )
    region: str | None = options.aws_option(
        "The function's region. Default: us-east-1.",
        metavar="NAME",
        autocompletion=completions.regions,
        show_default=False,
    )


@value_class
class LabShowOptions:
    """How ``lab run`` shows its result, as it was typed."""

    expect_branches: str | None = _show(
        "Exit with 1 if a request runs other branches.", metavar="A,B,C"
    )
    exit_code: bool = _show(options.EXIT_CODE_HELP, default=False)
    save: Path | None = _show("Save the log, for any command's --from.", metavar="FILE")
    destination: str | None = _show(
        "Write the record that Lambda would send to a destination.", metavar="FILE|-"
    )
    dead_letter: str | None = _show(
        "Write the dead-letter message that Lambda would send.", metavar="FILE|-"
    )
    follow: bool = _show("Print the log on stderr as it is written.", default=False)
    lines: bool = _show("Also show each attempt's log lines.", default=False)


@value_class
class LabArguments:
    """A run of the lab, as it was typed."""

    request: LabRequestOptions
    function: LabFunctionOptions
    show: LabShowOptions
    handler: str | None = argument(
        "HANDLER",
        "file.py:function, or module.function as on Lambda. With --template: the function's name "
        "in it.",
    )
    output: options.Output = options.output_form_option()
    report: list[str] | None = options.report_option(*options.Output)
    screen: options.ScreenOptions


@app.command()
def run(given: LabArguments) -> int:
    """Run HANDLER through its retries: a runtime client, /tmp and signals, virtual waits.

    The runtime client is Lambda's own where the function's Python has it (on Linux: pip install
    awslambdaric). Else a small stand-in runs the handler, and a warning says so.

    retryctl lab run app.py:handler --plan same,fresh --event '{"order": 1}'
    """
    from retryctl.cli.runs.lab import run_handler

    return run_handler(given)


@value_class
class ServeArguments:
    """The log to serve, as it was typed."""

    source: str = required_argument(
        "SOURCE", "A log saved by lab run --save, any other saved log, or demo."
    )
    port: int = option(
        "The port on loopback. 0: a free one.",
        section="Options",
        default=0,
        metavar="N",
        min=0,
        max=65535,
    )
    debug: bool = options.debug_option()


@app.command()
def serve(given: ServeArguments) -> int:
    """Serve a saved log as CloudWatch Logs would, on loopback, until interrupted.

    Prints an export line: a client with these variables reads the log.
    """
    from retryctl.cli.runs.lab import serve_saved

    serve_saved(given.source, given.port)
