"""One process of a function: start it, watch it, freeze it, and end it with all that it started."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from retryctl.errors import CouldNotRead
from retryctl.lab import process_memory
from retryctl.lab.clock import ClockPage
from retryctl.lab.function import Function
from retryctl.lab.host_config import hidden_paths
from retryctl.lab.output_splitter import Splitter, Written
from retryctl.lab.plan import PlannedFault
from retryctl.lab.runtime_api import AnswerKind, Invocation, RuntimeAnswer, RuntimeApi

_WIDTH = 1 << 20
"""Bytes: as much as Linux gives an ordinary user."""


class Pipes:
    """Three pipes, by the lab's ends.

    ``log`` carries all that the function writes, ``status`` the facts of ``inside.bootstrap``.
    Nothing is written to ``control``: when it closes, the supervisor ends the function.
    ``theirs`` are the other ends, by the names that bootstrap knows.
    """

    def __init__(self, log: int, status: int, control: int, theirs: Mapping[str, int]) -> None:
        self.log, self.status, self._control, self.theirs = log, status, control, theirs

    @classmethod
    def open(cls) -> Pipes:
        """Make the pipes."""
        (log, log_fd), (status, status_fd), (control_fd, control) = (os.pipe() for _ in range(3))
        if sys.platform == "linux":  # a function that logs much need not wait
            with contextlib.suppress(OSError):  # the user's pipes are at their limit
                fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, _WIDTH)
        theirs = {"log_fd": log_fd, "status_fd": status_fd, "control_fd": control_fd}
        return cls(log, status, control, theirs)

    def close_theirs(self) -> None:
        """Close the other ends, which the process alone uses."""
        for fd in self.theirs.values():
            os.close(fd)

    def close_control(self) -> None:
        """Let the supervisor end the process."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def close(self) -> None:
        """Close the lab's ends."""
        self.close_control()
        os.close(self.log)
        os.close(self.status)

    def read_log(self) -> bytes:
        """Read what is written by now, not what follows: a function may never pause."""
        (length,) = struct.unpack("i", fcntl.ioctl(self.log, termios.FIONREAD, bytes(4)))
        return os.read(self.log, length) if length else b""

    def read_status(self) -> bytes:
        """Wait for facts of bootstrap and read them; return nothing where it has ended."""
        return os.read(self.status, 4096)


# --------------------------------------------------------------------------- the process


_LIMITS = (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_MORE = "Raise the limits of processes (ulimit -u), files (ulimit -n) and memory (ulimit -v)."
_BOOTSTRAP = Path(__file__).with_name("inside") / "bootstrap.py"
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_MEMORY_CHECK_S = 0.005
_END_WITHIN_S = 5.0
_READY_WITHIN_S = 0.5

_KIND_OF_FAULT: dict[str, AnswerKind] = {
    "timeout": "timeout",
    "kill": "exit",
    "exit": "exit",
    "oom": "out-of-memory",
}


class FunctionProcess:
    """A supervisor, the runtime client under it, and the Runtime API that they talk to.

    ``on_output`` is called with each event that the function writes, in order. ``namespace_fds``
    are the namespaces of an earlier process of the environment. ``facts`` comes from bootstrap:
    ``isolation`` (the way to a private /tmp), ``refused`` (the ways that failed, each with the
    reason), ``clock``, ``pid``, ``supervisor``, ``client`` and ``client_reason``.
    """

    def __init__(
        self,
        function: Function,
        popen: subprocess.Popen[bytes],
        pipes: Pipes,
        api: RuntimeApi,
        on_output: Callable[[Written], None],
    ) -> None:
        self.facts: dict[str, Any] = {}
        self._function = function
        self._on_output = on_output
        self._splitter = Splitter()
        self._status = b""
        self._ended = False
        self._peak_mb = 0
        self._has_written = False
        self._frozen: list[int] = []
        self._popen, self._pipes, self._api = popen, pipes, api

    @classmethod
    def start(
        cls,
        function: Function,
        *,
        tmp: Path,
        log_stream: str,
        page: ClockPage,
        namespace_fds: Sequence[int],
        on_output: Callable[[Written], None],
    ) -> FunctionProcess:
        """Start the process.

        :raises CouldNotRead: the function's interpreter cannot be started.
        """
        api, pipes = RuntimeApi.start(), Pipes.open()
        fds = {**pipes.theirs, "clock_fd": page.fileno()}
        settings = {
            **fds,
            "handler": function.handler,
            "task": str(function.task),
            "tmp": str(tmp),
            "layers": str(function.layers) if function.layers else None,
            "ephemeral_mb": function.ephemeral_mb,
            "hidden": hidden_paths(),
            "isolation": function.isolation,
            "namespace_fds": list(namespace_fds),
            "bwrap": shutil.which("bwrap"),
            "real_time": function.real_time,
            "stand_in": function.stand_in,
        }
        # what the interpreter itself may need to start
        needed = {name: os.environ[name] for name in _LIBRARY_PATHS if name in os.environ}
        try:
            popen = subprocess.Popen(
                [function.python, str(_BOOTSTRAP), json.dumps(settings)],
                env={**needed, **function.variables(log_stream, api.address)},
                stdin=subprocess.DEVNULL,
                stdout=fds["log_fd"],
                stderr=fds["log_fd"],
                pass_fds=(*fds.values(), *namespace_fds),
                start_new_session=True,
            )
        except OSError as error:
            pipes.close()
            api.close()
            what = f"the function's interpreter cannot be started: {error}"
            next_step = _MORE if error.errno in _LIMITS else "Name another with --python."
            raise CouldNotRead(what, next_step) from error
        finally:
            pipes.close_theirs()
        return cls(function, popen, pipes, api, on_output)

    def wait_for_tmp(self) -> None:
        """Wait until the process has a /tmp of its own.

        :raises CouldNotRead: it ended before.
        """
        while "isolation" not in self.facts:
            if not self._read_status():
                lines = [written.message.strip() for written in self._read_log()]
                reason = lines[-1] if lines else "it ended at once"
                raise CouldNotRead(f"the function's process could not be set up: {reason}")

    def invoke(self, invocation: Invocation) -> None:
        """Thaw the process, and hand an invocation to the runtime client."""
        for pid in reversed(self._frozen):
            _send(pid, signal.SIGCONT)
        self._frozen.clear()
        self._api.invoke(invocation)

    def freeze(self) -> None:
        """Stop the process and its descendants, as Lambda does between invocations."""
        self.wait_for(("ready",), _READY_WITHIN_S)
        if sys.platform != "linux" or self._ended or "pid" not in self.facts:
            return
        for pid in process_memory.descendants(self.facts["supervisor"]):
            if _send(pid, signal.SIGSTOP):
                self._frozen.append(pid)

    def wait_for(
        self, kinds: tuple[AnswerKind, ...], limit_s: float, fault: PlannedFault | None = None
    ) -> RuntimeAnswer:
        """Wait until one of ``kinds`` is answered, the process ends or breaks a limit.

        A ``fault`` with a time of its own happens then, an early one after the first output. All
        that the process wrote until the end of the wait has been passed to ``on_output``.
        """
        self._has_written = False
        began_s = time.monotonic()
        fault_s = fault.after_s if fault is not None else None
        end_s = limit_s if fault_s is None else min(limit_s, fault_s)
        with selectors.DefaultSelector() as selector:
            for fd in (self._pipes.log, self._pipes.status, self._api.wake_fd):
                selector.register(fd, selectors.EVENT_READ)
            while True:
                left_s = began_s + end_s - time.monotonic()
                ready = selector.select(max(0.0, min(left_s, _MEMORY_CHECK_S)))
                answer = self._read({key.fd for key, _ in ready}, kinds)
                if answer is None and self.peak_mb() > self._function.memory_mb:
                    answer = RuntimeAnswer(kind="out-of-memory")
                if answer is None and fault is not None:
                    due = left_s <= 0 and fault_s == end_s
                    if due or (fault.early and self._has_written):
                        answer = RuntimeAnswer(kind=_KIND_OF_FAULT[fault.kind])
                if answer is None and left_s <= 0:
                    answer = RuntimeAnswer(kind="timeout")
                if answer is not None:
                    self._pass_on(self._read_log())
                    return answer

    def _read(self, ready: set[int], kinds: tuple[AnswerKind, ...]) -> RuntimeAnswer | None:
        """Read what is ready; return what happened, if anything of ``kinds`` or an end did."""
        if self._pipes.log in ready:
            self._pass_on(self._read_log())
        if self._pipes.status in ready:
            self._read_status()
        if self._api.wake_fd in ready:
            os.read(self._api.wake_fd, 4096)
        while self._api.answers:
            answer = self._api.answers.popleft()
            if answer.kind in kinds:
                return answer
        fault = self.facts.get("fault")
        if self._ended:
            return RuntimeAnswer(kind="out-of-memory" if fault == "oom" else "exit")
        return RuntimeAnswer(kind="timeout") if fault == "timeout" else None

    def peak_mb(self) -> int:
        """Return the most memory in MB that the function has used, its children's included."""
        if "pid" in self.facts:
            self._peak_mb = max(self._peak_mb, process_memory.used_mb(self.facts["pid"]))
        return self._peak_mb

    def flush(self) -> None:
        """Pass on all that was written, and a last line that has no newline."""
        self._pass_on(self._read_log())
        self._pass_on(self._splitter.flush())

    def kill(self) -> None:
        """End the process and its descendants, pass on its last output, and free its resources."""
        self._pipes.close_control()
        try:
            self._popen.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            _kill_group(self._popen.pid)
            self._popen.wait()
        if self._popen.returncode and "pid" in self.facts:
            _kill_group(self.facts["pid"])  # the supervisor was killed
        self.flush()
        self._pipes.close()
        self._api.close()

    def _read_log(self) -> list[Written]:
        return self._splitter.feed(self._pipes.read_log())

    def _pass_on(self, events: list[Written]) -> None:
        for written in events:
            self._has_written = True
            self._on_output(written)

    def _read_status(self) -> bool:
        """Read facts of bootstrap; return whether there were any."""
        data = self._pipes.read_status()
        *lines, self._status = (self._status + data).split(b"\n")
        for line in lines:
            self.facts |= json.loads(line)
        self._ended = not data or "ended" in self.facts
        return bool(data)


def _send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; return whether the process is still there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
