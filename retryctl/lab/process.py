"""One process of a function: started, watched, and ended without a trace.

Three pipes join it to the lab: its output, a line of JSON for each thing that
``inside.bootstrap`` has to say, and one that nobody writes to, whose end tells the
supervisor that the lab is done.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retryctl.errors import CouldNotLook
from retryctl.lab import memory
from retryctl.lab.clock import ClockPage
from retryctl.lab.function import Function
from retryctl.lab.output import Splitter, Written
from retryctl.lab.runtime_api import Answer, Invocation, RuntimeApi

_BOOTSTRAP = Path(__file__).with_name("inside") / "bootstrap.py"
_LOOK_AT_MEMORY_S = 0.005
_PIPE_BYTES = 1 << 20  # as much as Linux gives an ordinary user

Kind = Literal["ready", "init_error", "response", "error", "exit", "timeout", "out-of-memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What ended a wait."""

    kind: Kind
    answer: Answer | None = None


class FunctionProcess:
    """A supervisor, the runtime client under it, and the Runtime API that they talk to.

    ``on_output`` is called with each event that the function writes, in order.
    """

    def __init__(
        self,
        function: Function,
        *,
        tmp: Path,
        log_stream: str,
        page: ClockPage,
        on_output: Callable[[Written], None],
    ) -> None:
        self._function = function
        self._on_output = on_output
        self._splitter = Splitter()
        self._status = b""
        self._exit_code: int | None = None
        self._met: str | None = None
        self._peak_mb = 0
        self.facts: dict[str, Any] = {}
        self._api = RuntimeApi()
        self._log_fd, log = os.pipe()
        self._status_fd, status = os.pipe()
        control, self._control_fd = os.pipe()
        _widen(self._log_fd)
        given = {
            "log_fd": log,
            "status_fd": status,
            "control_fd": control,
            "clock_fd": page.fileno(),
        }
        settings = {
            **given,
            "handler": function.handler,
            "task": str(function.task),
            "tmp": str(tmp),
            "isolation": function.isolation,
            "stand_in": function.stand_in,
        }
        try:
            self._popen = subprocess.Popen(
                [function.python, str(_BOOTSTRAP), json.dumps(settings)],
                env=_needs() | function.variables(log_stream, self._api.address),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=tuple(given.values()),
                start_new_session=True,
            )
        except OSError as error:
            self._close_own()
            raise CouldNotLook(
                f"the function's interpreter cannot be started: {error}",
                "Name another with --python.",
            ) from error
        finally:
            for fd in (log, status, control):
                os.close(fd)

    def started(self) -> dict[str, Any]:
        """Wait until the process has its /tmp; return what it says of itself.

        ``isolation`` is the way to a private /tmp, ``refused`` the ways that were not to be
        had, each with the reason.

        :raises CouldNotLook: it ended before.
        """
        while "isolation" not in self.facts:
            if not self._read_status():
                lines = [written.message.strip() for written in self._read_output()]
                said = lines[-1] if lines else "it ended at once"
                raise CouldNotLook(f"the function's process could not be set up: {said}")
        return self.facts

    def invoke(self, invocation: Invocation) -> None:
        """Hand an invocation to the runtime client."""
        self._api.invoke(invocation)

    def wait_for(self, kinds: tuple[Kind, ...], limit_s: float) -> Happening:
        """Wait until one of ``kinds`` is answered, the process ends or breaks a limit.

        All that it wrote until then has been passed to ``on_output``.
        """
        deadline = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            for fd in (self._log_fd, self._status_fd, self._api.wake_fd):
                selector.register(fd, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                ready = selector.select(max(0.0, min(left, _LOOK_AT_MEMORY_S)))
                happening = self._look({key.fd for key, _ in ready}, kinds)
                if happening is None and self.peak_mb() > self._function.memory_mb:
                    happening = Happening(kind="out-of-memory")
                if happening is None and left <= 0:
                    happening = Happening(kind="timeout")
                if happening is not None:
                    self.drain()
                    return happening

    def _look(self, ready: set[int], kinds: tuple[Kind, ...]) -> Happening | None:
        if self._log_fd in ready:
            self.drain()
        if self._status_fd in ready:
            self._read_status()
        if self._api.wake_fd in ready:
            os.read(self._api.wake_fd, 4096)
        while self._api.answers:
            answer = self._api.answers.popleft()
            if answer.kind in kinds:
                return Happening(kind=answer.kind, answer=answer)
        if self._exit_code is not None:
            return Happening(kind="out-of-memory" if self._met == "oom" else "exit")
        return Happening(kind="timeout") if self._met == "timeout" else None

    def peak_mb(self) -> int:
        """Return the most memory that the runtime's process was seen to hold, 0 if not yet."""
        if "pid" in self.facts:
            self._peak_mb = max(self._peak_mb, memory.peak_mb(self.facts["pid"]))
        return self._peak_mb

    def drain(self) -> None:
        """Pass on all that has been written so far."""
        for written in self._read_output():
            self._on_output(written)

    def flush(self) -> None:
        """Pass on a last line that has no newline."""
        self.drain()
        for written in self._splitter.flush():
            self._on_output(written)

    def kill(self) -> None:
        """End the process and every descendant, pass on its last words, and free all it held."""
        os.close(self._control_fd)
        self._control_fd = -1
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        if self._popen.returncode and "pid" in self.facts:  # the supervisor could not do its work
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.facts["pid"], signal.SIGKILL)
        self.flush()
        self._close_own()

    def _close_own(self) -> None:
        for fd in (self._log_fd, self._status_fd, self._control_fd):
            if fd >= 0:
                os.close(fd)
        self._api.close()

    def _read_output(self) -> list[Written]:
        """Read as much as was written until now: a function that never pauses is no reason to."""
        (length,) = struct.unpack("i", fcntl.ioctl(self._log_fd, termios.FIONREAD, bytes(4)))
        return self._splitter.feed(os.read(self._log_fd, length)) if length else []

    def _read_status(self) -> bool:
        """Read what bootstrap tells; return whether there was anything."""
        data = os.read(self._status_fd, 4096)
        *lines, self._status = (self._status + data).split(b"\n")
        for line in lines:
            facts = json.loads(line)
            self._exit_code = facts.pop("exit", self._exit_code)
            self._met = facts.pop("met", self._met)
            self.facts |= facts
        if not data and self._exit_code is None:
            self._exit_code = -signal.SIGKILL  # not even the supervisor is left to tell
        return bool(data)


def _needs() -> dict[str, str]:
    """What the interpreter itself may need of the host's environment, to start at all."""
    names = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


def _widen(pipe: int) -> None:
    """Let the pipe hold what fits: a long write that waits for room can be cut by another's."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user's pipes hold too much already
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
