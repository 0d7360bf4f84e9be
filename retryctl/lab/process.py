"""One process of a function: started, watched, and ended without a trace."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retryctl.errors import CouldNotLook
from retryctl.lab import process as memory
from retryctl.lab.clock import ClockPage
from retryctl.lab.function import Function
from retryctl.lab.output import Splitter, Written
from retryctl.lab.pipes import Pipes
from retryctl.lab.runtime_api import Answer, Invocation, RuntimeApi

_BOOTSTRAP = Path(__file__).with_name("inside") / "bootstrap.py"
_LOOK_AT_MEMORY_S = 0.005
_END_WITHIN_S = 5.0

Kind = Literal["ready", "init_error", "response", "error", "exit", "timeout", "out-of-memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What ended a wait."""

    kind: Kind
    answer: Answer | None = None


class FunctionProcess:
    """A supervisor, the runtime client under it, and the Runtime API that they talk to.

    ``on_output`` is called with each event that the function writes, in order. ``facts`` is
    what bootstrap says: ``isolation`` (the way to a private /tmp), ``refused`` (the ways that
    were not to be had, each with the reason), ``pid``, ``client`` and ``client_reason``.

    :raises CouldNotLook: the function's interpreter cannot be started.
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
        self.facts: dict[str, Any] = {}
        self._function = function
        self._on_output = on_output
        self._splitter = Splitter()
        self._status = b""
        self._ended = False
        self._peak_mb = 0
        self._api = RuntimeApi()
        self._pipes = Pipes()
        fds = {**self._pipes.theirs, "clock_fd": page.fileno()}
        settings = {
            **fds,
            "handler": function.handler,
            "task": str(function.task),
            "tmp": str(tmp),
            "isolation": function.isolation,
            "bwrap": shutil.which("bwrap"),
            "stand_in": function.stand_in,
        }
        try:
            self._popen = subprocess.Popen(
                [function.python, str(_BOOTSTRAP), json.dumps(settings)],
                env=_needs() | function.variables(log_stream, self._api.address),
                stdin=subprocess.DEVNULL,
                stdout=fds["log_fd"],
                stderr=fds["log_fd"],
                pass_fds=tuple(fds.values()),
                start_new_session=True,
            )
        except OSError as error:
            self._free()
            what = f"the function's interpreter cannot be started: {error}"
            raise CouldNotLook(what, "Name another with --python.") from error
        finally:
            self._pipes.close_theirs()

    def wait_for_tmp(self) -> None:
        """Wait until the process has a /tmp of its own.

        :raises CouldNotLook: it ended before.
        """
        while "isolation" not in self.facts:
            if not self._read_status():
                lines = [written.message.strip() for written in self._read_log()]
                said = lines[-1] if lines else "it ended at once"
                raise CouldNotLook(f"the function's process could not be set up: {said}")

    def invoke(self, invocation: Invocation) -> None:
        """Hand an invocation to the runtime client."""
        self._api.invoke(invocation)

    def wait_for(self, kinds: tuple[Kind, ...], limit_s: float) -> Happening:
        """Wait until one of ``kinds`` is answered, the process ends or breaks a limit.

        All that it wrote until then has been passed to ``on_output``.
        """
        deadline = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            for fd in (self._pipes.log, self._pipes.status, self._api.wake_fd):
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
                    self._pass_on(self._read_log())
                    return happening

    def _look(self, ready: set[int], kinds: tuple[Kind, ...]) -> Happening | None:
        """Take in what is there to be read; return what it tells."""
        if self._pipes.log in ready:
            self._pass_on(self._read_log())
        if self._pipes.status in ready:
            self._read_status()
        if self._api.wake_fd in ready:
            os.read(self._api.wake_fd, 4096)
        while self._api.answers:
            answer = self._api.answers.popleft()
            if answer.kind in kinds:
                return Happening(kind=answer.kind, answer=answer)
        met = self.facts.get("met")
        if self._ended:
            return Happening(kind="out-of-memory" if met == "oom" else "exit")
        return Happening(kind="timeout") if met == "timeout" else None

    def peak_mb(self) -> int:
        """Return the most memory that the runtime's process was seen to hold, 0 if not yet."""
        if "pid" in self.facts:
            self._peak_mb = max(self._peak_mb, memory.peak_mb(self.facts["pid"]))
        return self._peak_mb

    def flush(self) -> None:
        """Pass on all that was written, and a last line that has no newline."""
        self._pass_on(self._read_log())
        self._pass_on(self._splitter.flush())

    def kill(self) -> None:
        """End the process and every descendant, pass on its last words, and free all it held."""
        self._pipes.close_control()
        try:
            self._popen.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            _kill_group(self._popen.pid)
            self._popen.wait()
        if self._popen.returncode and "pid" in self.facts:
            _kill_group(self.facts["pid"])  # the supervisor could not do its work
        self.flush()
        self._free()

    def _free(self) -> None:
        self._pipes.close()
        self._api.close()

    def _read_log(self) -> list[Written]:
        return self._splitter.feed(self._pipes.read_log())

    def _pass_on(self, events: list[Written]) -> None:
        for written in events:
            self._on_output(written)

    def _read_status(self) -> bool:
        """Take in what bootstrap says; return whether there was anything."""
        data = self._pipes.read_status()
        *lines, self._status = (self._status + data).split(b"\n")
        for line in lines:
            self.facts |= json.loads(line)
        self._ended = not data or "ended" in self.facts
        return bool(data)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _needs() -> dict[str, str]:
    """What the interpreter itself may need of the host's environment, to start at all."""
    names = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def peak_mb(pid: int) -> int:
    """Return the process's peak of resident memory in MB, 0 where the process is gone.

    Its own children are not counted. Where the host has no /proc, the memory of this moment
    stands for the peak.
    """
    if not Path("/proc/self").exists():
        return _now_mb(pid)
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return math.ceil(int(found[1]) / 1024) if found else 0


def _now_mb(pid: int) -> int:
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return math.ceil(int(answer) / 1024) if answer else 0
