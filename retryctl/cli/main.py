"""Where the program begins and ends: the one place that turns what happened into an exit status.

``--version`` and a completion answer in a few times the start of Python itself, so nothing
is imported here before it is needed.

A closed pipe ends the program quietly with status 0: who closes it has seen enough, and that
is no failure. A command that has its verdict before it prints keeps the verdict's status.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from retryctl import __version__
from retryctl.errors import ExitStatus, RetryctlError

_COMPLETING = "_RETRYCTL_COMPLETE"


def run() -> NoReturn:
    """The console script."""
    try:
        status = _status_of(sys.argv[1:])
    except KeyboardInterrupt:
        status = ExitStatus.INTERRUPTED
    sys.exit(status)


def _status_of(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--version"]:
        print(f"retryctl {__version__}")
        return ExitStatus.OK
    debug = "--debug" in arguments
    for stream in (sys.stdout, sys.stderr):
        # a lone surrogate of a log, or a terminal that is not UTF-8, is no reason to fail
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    if debug:
        import logging

        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    try:
        status = _invoke(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        from retryctl.cli.terminal import drop_output

        drop_output()
        return ExitStatus.OK
    except RetryctlError as error:
        return _tell(error, error.what, error.next_step, debug=debug, status=error.status)
    except Exception as error:
        return _tell(
            error,
            f"unexpected {type(error).__name__}: {error}",
            "Run it again with --debug for the traceback, and please report it."
            if not debug
            else "",
            debug=debug,
            status=ExitStatus.COULD_NOT_LOOK,
        )
    return status


def _invoke(arguments: Sequence[str]) -> int:
    """Run the command, with click's own refusals in the form of ours."""
    from retryctl.cli import commands

    if _COMPLETING in os.environ:
        commands.complete(_COMPLETING)
    return commands.invoke(arguments or ["--help"])


def _tell(
    error: BaseException, what: str, next_step: str, *, debug: bool, status: ExitStatus
) -> ExitStatus:
    """Say on stderr what went wrong and what to do, in lines that a terminal cannot obey."""
    from retryctl.views.inert import inert

    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    lines = [f"retryctl: {what}", *next_step.splitlines()]
    print("\n".join(inert(line) for line in lines), file=sys.stderr)
    return status
