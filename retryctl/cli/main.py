"""From a command line to an exit status.

``--version`` and completion must be fast, so modules are imported when they are needed.

A closed pipe (``| head``) ends the program quietly with status 0. A command that has its verdict
before it prints keeps the verdict's status.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from retryctl import __version__
from retryctl.cli.output.stdio import prepare_streams
from retryctl.errors import CouldNotRead, ExitStatus, RetryctlError, kind_of
from retryctl.machine_limits import TOO_LITTLE_MEMORY, grow_stack, is_out_of_memory, machine_limit

_COMPLETING = "_RETRYCTL_COMPLETE"
_REPORT = "Run it again with --debug for the traceback, and please report it."
# Few objects form cycles, and collections at Python's default took a tenth of the time.
_MANY_OBJECTS = 100_000
# Without memory to report an error, only this can be written. The reserve,
# which is never touched, is freed for the report: Python takes memory by the MiB.
_LAST_WORDS = "retryctl: {}.\n{}\n".format(*TOO_LITTLE_MEMORY).encode()
_RESERVE = [bytes(3 << 20)]


def run(arguments: Sequence[str]) -> int:
    """Run a command line, and return its exit status. All output is written then."""
    gc.set_threshold(_MANY_OBJECTS)
    grow_stack()
    prepare_streams()
    try:
        status = _status_of(arguments)
    except KeyboardInterrupt:
        status = ExitStatus.INTERRUPTED
        if not {"-q", "--quiet"}.intersection(arguments):
            with suppress(OSError):
                print("retryctl: stopped.", file=sys.stderr)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except MemoryError:
        _RESERVE.clear()
        with suppress(OSError):
            os.write(2, _LAST_WORDS)
        return ExitStatus.COULD_NOT_READ
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, CouldNotRead):  # reported already
            stream.flush()
    return status


def _status_of(arguments: Sequence[str]) -> int:
    debug = "--debug" in arguments
    if debug:
        import logging

        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    try:
        return _invoke(arguments)
    except BrokenPipeError:
        return ExitStatus.OK
    except SystemExit as end:
        # the reader of a help page closed the pipe
        if isinstance(end.__context__, BrokenPipeError):
            return ExitStatus.OK
        raise
    except RetryctlError as error:
        if _has_from(arguments) or (arguments and arguments[0] in ("doctor", "probe")):
            error.next_step = _without_saved_log(error.next_step)
        else:
            step = _from_demo(error, arguments) or _from_stdin(error, arguments)
            error.next_step = step or error.next_step
        return _print_error(error, arguments, debug=debug)
    except Exception as error:
        if not debug:
            error.with_traceback(None)  # where memory is short, its frames hold what is needed
        if is_out_of_memory(error):
            _RESERVE.clear()
        return _print_error(_unexpected(error), arguments, debug=debug)


def _invoke(arguments: Sequence[str]) -> int:
    if arguments[:1] in (["--version"], ["-V"]):
        print(f"retryctl {__version__}", flush=True)
        return ExitStatus.OK
    from retryctl.cli import commands

    if _COMPLETING in os.environ:
        commands.complete(_COMPLETING)
    from retryctl.cli.signals import signals_end_program

    with signals_end_program():
        status = commands.invoke(arguments or ["--help"])
        sys.stdout.flush()
    return status


def _unexpected(error: Exception) -> CouldNotRead:
    """Return the error to print for one that no command handles: a machine's limit, or a bug."""
    what, report = f"unexpected {type(error).__name__}: {error}", _REPORT
    translated = machine_limit(error) or CouldNotRead(what, report)
    translated.__cause__ = error
    return translated


def _has_from(arguments: Sequence[str]) -> bool:
    """Whether ``--from`` is among them; ``--from-queue`` reads no saved log."""
    return any(word == "--from" or word.startswith("--from=") for word in arguments)


def _without_saved_log(next_step: str) -> str:
    """Return the next step for a command that has no ``--from``, or has it already."""
    from retryctl.sources.aws.credential_errors import HOW_TO_SAVE, OR_SAVED

    return next_step.replace(f", {OR_SAVED}", "").replace(f"\n{HOW_TO_SAVE}", "")


def _from_demo(error: RetryctlError, arguments: Sequence[str]) -> str:
    """Return the next step for a command such as ``list demo``; ``""`` for others."""
    from shlex import join

    place = next((n for n, word in enumerate(arguments) if n and word == "demo"), 0)
    is_option = arguments[place - 1 : place] and arguments[place - 1].startswith("-")
    if not place or is_option or _has_from(arguments):
        return ""
    if not isinstance(error, CouldNotRead) and "'demo'" not in error.what:
        return ""
    words = [*arguments[:place], "--from", *arguments[place:]]
    step = f"For the recorded history: retryctl {join(words)}"
    return f"{step}\n{error.next_step}" if isinstance(error, CouldNotRead) else step


def _from_stdin(error: RetryctlError, arguments: Sequence[str]) -> str:
    """Return the next step where ``-`` named IDs and may have been meant as the log; or ``""``."""
    is_log = "-" in arguments[:2] and not _has_from(arguments)
    if not is_log or arguments[0] not in ("-", "trace"):
        return ""
    first, *_ = error.next_step.splitlines() or [""]
    return f"If standard input is the log, not IDs: retryctl trace --from -\n{first}".rstrip()


def _print_error(error: RetryctlError, arguments: Sequence[str], *, debug: bool) -> ExitStatus:
    """Print on stderr what went wrong and what to do, made inert."""
    from retryctl.cli.output.terminal import remark

    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if _wants_json(arguments):
        print(_error_document(error), file=sys.stderr)
        return error.status
    what = " ".join(error.what.splitlines()).rstrip(".")
    end = "" if what.endswith("?") else "."
    remark(f"retryctl: {what}{end}\n{error.next_step}")
    return error.status


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the arguments choose JSON or JSON lines."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        word in ("-ojson", "-ojsonl", "--output=json", "--output=jsonl")
        or (word in ("-o", "--output") and value in ("json", "jsonl"))
        for word, value in pairs
    )


def _error_document(error: RetryctlError) -> str:
    """Return the error as a JSON object on one line, in ASCII."""
    import json

    return json.dumps(
        {
            "schema": "retryctl/error/1",
            "kind": kind_of(type(error)),
            "status": int(error.status),
            "what": error.what,
            "next_step": error.next_step or None,
        }
    )
