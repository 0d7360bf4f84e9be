"""Run the program: in this process where that is enough, in a process of its own where not.

``run`` calls the console script's function with real streams (files), an environment, a folder
and arguments of its own, and restores all of them. It starts a process where an interpreter
setting is part of the test, and outside of the main thread, which alone may
set signal handlers.
"""

from __future__ import annotations

import logging
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from retryctl.cli import main
from tests.support.json_schemas import refuse_undocumented

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
PROGRAM = (PYTHON, "-m", "retryctl")
# With a minute for its end after a signal: on a loaded machine the usual 1.5 s can be too short.
PATIENT_PROGRAM = (
    PYTHON,
    "-c",
    "import runpy; from retryctl.cli import signals; signals._LONGEST_END_S = 60; "
    "runpy.run_module('retryctl', run_name='__main__')",
)
_OF_THE_INTERPRETER = ("PYTHONUNBUFFERED", "PYTHONHASHSEED", "LANG", "LC_")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the test without what colours, redirects or configures the program."""
    ours = ("NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "TZ", "RETRYCTL_FUNCTION", "AWS_", "GITHUB_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), **(extra or {})}


def run(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    cwd: Path | None = None,
    program: Sequence[str] = PROGRAM,
) -> subprocess.CompletedProcess[str]:
    """Run the program and return its exit status and output."""
    own_process = (
        program != PROGRAM
        or threading.current_thread() is not threading.main_thread()
        or any(name.startswith(_OF_THE_INTERPRETER) for name in env or {})
    )
    if own_process:
        return run_process(*arguments, env=env, stdin=stdin, cwd=cwd, program=program)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, ExitStack() as stack:
        error = stack.enter_context(tempfile.TemporaryFile())
        given.write(stdin.encode())
        given.seek(0)
        stack.enter_context(_process_state(environment(env), cwd))
        stack.enter_context(_streams(given.fileno(), out.fileno(), error.fileno()))
        status = main.run(arguments)
        stdout, stderr = _content(out.fileno()), _content(error.fileno())
        refuse_undocumented(stdout)
        refuse_undocumented(stderr.rstrip("\n").rpartition("\n")[2])
        return subprocess.CompletedProcess([*program, *arguments], status, stdout, stderr)


def run_on_terminal(*arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run the program in this process; return its exit status and the errors on a terminal.

    No thread is left that would keep a process alive.
    """
    shown, before = bytearray(), set(threading.enumerate())
    above, below = pty.openpty()
    reader = threading.Thread(target=_read_terminal, args=(above, shown), daemon=True)
    reader.start()
    with open(os.devnull, "r+b") as nothing:
        try:
            with (
                _process_state(environment(env), None),
                _streams(nothing.fileno(), nothing.fileno(), below),
            ):
                status = main.run(arguments)
        finally:
            os.close(below)
            reader.join()
            os.close(above)
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
    return status, shown.decode()


def _read_terminal(above: int, shown: bytearray) -> None:
    with suppress(OSError):  # the other end is closed
        while chunk := os.read(above, 4096):
            shown += chunk


@contextmanager
def _streams(given: int, out: int, error: int) -> Iterator[None]:
    """Replace the standard streams by these open files."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    with ExitStack() as stack:
        for name, descriptor, mode, errors in (
            ("stdin", given, "r", "strict"),
            ("stdout", out, "w", "strict"),
            ("stderr", error, "w", "backslashreplace"),
        ):
            stream = open(descriptor, mode, -1, encoding, errors, closefd=False)  # noqa: SIM115
            stack.enter_context(stream)
            stack.enter_context(patch.object(sys, name, stream))
        yield


def run_process(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    cwd: Path | None = None,
    program: Sequence[str] = PROGRAM,
    timeout_s: float = 170,
) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    return subprocess.run(
        [*program, *arguments],
        env=environment(env),
        input=stdin,
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout_s,  # a moment before that of pytest
    )


def _content(descriptor: int) -> str:
    """What was written, with the line ends that a pipe's reader gets."""
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()
    return content.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def _process_state(env: Mapping[str, str], cwd: Path | None) -> Iterator[None]:
    """Set what belongs to a process, and restore it with everything that the program changes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    signals = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        with (
            patch.dict(os.environ, env, clear=True),
            chdir(cwd or "."),
        ):
            time.tzset()
            root.handlers.clear()
            root.setLevel(logging.WARNING)
            yield
    finally:
        time.tzset()
        for number, handler in signals.items():
            signal.signal(number, handler)
        root.handlers[:] = handlers
        root.setLevel(level)
