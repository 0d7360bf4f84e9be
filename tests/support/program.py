"""Run the program: in this process where that is enough, in a process of its own where not.

``run`` calls the console script's function with real streams (files), an environment, a folder
and arguments of its own, and restores all of them. It starts a process where an interpreter
setting is part of the test, and outside of the main thread, which alone may
set signal handlers.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from unittest.mock import patch

from retryctl.cli import main, signals
from tests.support.json_schemas import refuse_undocumented

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
PROGRAM = (PYTHON, "-m", "retryctl")
COLLECTED = -1
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
    stdin: str | bytes | None = "",
    stdout: int | None = COLLECTED,
    stderr: int | None = COLLECTED,
    cwd: Path | None = None,
    program: Sequence[str] = PROGRAM,
) -> subprocess.CompletedProcess[str]:
    """Run the program and return its exit status and output.

    In this process, the output may be another open file, and ``None`` is a closed stream.
    """
    own_process = (
        program != PROGRAM
        or threading.current_thread() is not threading.main_thread()
        or any(name.startswith(_OF_THE_INTERPRETER) for name in env or {})
    )
    if own_process:
        assert isinstance(stdin, str)
        return run_process(*arguments, env=env, stdin=stdin, cwd=cwd, program=program)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, ExitStack() as stack:
        error = stack.enter_context(tempfile.TemporaryFile())
        given.write(stdin.encode() if isinstance(stdin, str) else stdin or b"")
        given.seek(0)
        streams = (
            None if stdin is None else given.fileno(),
            out.fileno() if stdout == COLLECTED else stdout,
            error.fileno() if stderr == COLLECTED else stderr,
        )
        with prepared(streams, env, cwd):
            status = main.run(arguments)
        written, remarks = _content(out.fileno()), _content(error.fileno())
        refuse_undocumented(written)
        refuse_undocumented(remarks.rstrip("\n").rpartition("\n")[2])
        return subprocess.CompletedProcess([*program, *arguments], status, written, remarks)


@contextmanager
def prepared(
    streams: tuple[int | None, int | None, int | None],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[None]:
    """Make this process like the program's own, with these open files; ``None`` is a closed one."""
    with _process_state(environment(env), cwd), _streams(*streams):
        yield


@contextmanager
def _streams(given: int | None, out: int | None, error: int | None) -> Iterator[None]:
    """Replace the standard streams by these open files, as Python does where one is closed."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    with ExitStack() as stack:
        for name, descriptor, mode, errors in (
            ("stdin", given, "r", "strict"),
            ("stdout", out, "w", "strict"),
            ("stderr", error, "w", "backslashreplace"),
        ):
            stream = None
            if descriptor is not None:
                opened = open(descriptor, mode, -1, encoding, errors, closefd=False)  # noqa: SIM115
                stream = stack.enter_context(opened)
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
    heard = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        with (
            patch.dict(os.environ, env, clear=True),
            patch.object(signals, "_LONGEST_END_S", 60),  # it ends this process
            patch.object(tempfile, "tempdir", None),  # TMPDIR is read again
            chdir(cwd or "."),
        ):
            time.tzset()
            root.handlers.clear()
            root.setLevel(logging.WARNING)
            yield
    finally:
        time.tzset()
        for number, handler in heard.items():
            signal.signal(number, handler)
        root.handlers[:] = handlers
        root.setLevel(level)
