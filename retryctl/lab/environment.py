"""An execution environment: a /tmp and a log stream that outlive the processes in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from retryctl.core.value_classes import value_class
from retryctl.lab.clock import ClockPage, VirtualClock
from retryctl.lab.function import Function
from retryctl.lab.log_level import is_delivered
from retryctl.lab.output_splitter import Written
from retryctl.lab.plan import PlannedFault
from retryctl.lab.platform_log import AttemptEnd, InitEnd, JsonLog, Phase, Subject, TextLog
from retryctl.lab.process import FunctionProcess
from retryctl.lab.runtime_api import TOO_LARGE, WITHOUT_ANSWER, Invocation, RuntimeAnswer

_EXIT_WITHIN_S = 2.0
INIT_TIMEOUT_S = 10.0
"""Lambda gives the first init ten seconds, whatever the function's timeout."""

OUT_OF_MEMORY = "Runtime.OutOfMemory"

Source = Literal["platform", "function"]
AddEvent = Callable[[int, str, Source], None]


@value_class
class LabAttempt:
    """What came of one attempt.

    ``answer`` is the function's response or error; where it gave none, ``failure`` is the type and
    message of Lambda's own error. ``fault_missed``: it ended before its planned fault.
    """

    request_id: str
    answer: RuntimeAnswer | None
    failure: tuple[str, str] | None = None
    fault_missed: bool = False

    @property
    def ok(self) -> bool:
        """Whether the function returned a result."""
        return self.answer is not None and self.answer.kind == "response"

    @property
    def body(self) -> bytes | None:
        """The JSON document of the response or the error, if there is one."""
        return self.answer.body if self.answer is not None and self.answer.body else None


class Environment:
    """Runs one attempt after another; a process that ended is replaced at the next.

    ``close`` closes its ``page`` too; ``tmp`` is a folder, which stays.
    ``add_event`` is called with each log event: its time (epoch ms), message and source.
    ``facts`` are those of the last process.
    """

    def __init__(
        self,
        function: Function,
        *,
        tmp: Path,
        page: ClockPage,
        subject: Subject,
        clock: VirtualClock,
        add_event: AddEvent,
        init_timeout_s: float = INIT_TIMEOUT_S,
    ) -> None:
        self._function = function
        self._stream = subject.log_stream
        self._clock = clock
        self._add_event = add_event
        self._init_timeout_s = init_timeout_s
        self._tmp = tmp
        self._page = page
        self._log = (
            JsonLog(subject, function.system_level)
            if function.log_format == "json"
            else TextLog(subject)
        )
        self._process: FunctionProcess | None = None
        self._namespace_fds: list[int] = []
        self._init_answer: RuntimeAnswer | None = None
        self._new = True
        self._peak_mb = 0
        self.facts: dict[str, Any] = {}

    def invoke(
        self, request_id: str, event: bytes, *, trace_id: str, fault: PlannedFault | None = None
    ) -> LabAttempt:
        """Run one attempt to its end. ``event`` is JSON; ``fault`` is how the attempt ends."""
        self._plan_fault(fault)
        init = self._initialise() if self._process is None else None
        self._log_platform(self._log.start(self._clock.now_ms(), request_id))
        began = time.perf_counter()
        if init is not None and init.status != "success":
            status, error_type, answer = init.status, init.error_type, self._init_answer
        else:
            end = self._run(request_id, event, trace_id, fault)
            (status, error_type), answer = _status(end), None if end.kind in WITHOUT_ANSWER else end
        duration_ms = (time.perf_counter() - began) * 1000
        if init is not None and init.phase == "invoke":
            duration_ms += init.duration_ms
        # only of an init phase that went well
        is_reported = init and init.phase == "init" and init.status == "success"
        self._end(
            AttemptEnd(
                request_id=request_id,
                duration_ms=self._function.timeout_s * 1000 if status == "timeout" else duration_ms,
                max_memory_used_mb=self._memory_used_mb(error_type),
                init_duration_ms=init.duration_ms if init and is_reported else None,
                status=status,
                error_type=error_type,
                produced_bytes=len(answer.body) if answer and status == "success" else 0,
            )
        )
        missed = fault is not None and fault.by_the_lab and status == "success"
        return LabAttempt(
            request_id=request_id,
            answer=answer,
            failure=self._failure(status, error_type),
            fault_missed=missed,
        )

    def _failure(self, status: str, error_type: str | None) -> tuple[str, str] | None:
        if status == "timeout":
            seconds = f"{self._function.timeout_s:.2f}"
            return "Sandbox.Timedout", f"Error: Task timed out after {seconds} seconds"
        if status == "error":
            return error_type or "Runtime.Unknown", "Error: Runtime exited"
        return None

    def _plan_fault(self, fault: PlannedFault | None) -> None:
        if fault is None or fault.by_the_lab:
            self._page.write(self._clock.offset_s)
        else:
            self._page.write(self._clock.offset_s, fault.kind, late=fault.late)

    def close(self) -> None:
        """End the process; the log stream stays."""
        self._end_process()
        self._page.close()
        for fd in self._namespace_fds:
            os.close(fd)
        self._namespace_fds.clear()

    def _initialise(self) -> InitEnd:
        """Load the function's code: in the init phase, and where that failed, once more.

        Code whose init failed, or whose process ended, is loaded as part of the invocation.
        """
        if self._new:
            self._new = False
            init = self._load("init", self._init_timeout_s)
            if init.status == "success":
                return init
        return self._load("invoke", self._function.timeout_s)

    def _load(self, phase: Phase, limit_s: float) -> InitEnd:
        began_ms, began = self._clock.now_ms(), time.perf_counter()
        self._process = FunctionProcess.start(
            self._function,
            tmp=self._tmp,
            log_stream=self._stream,
            page=self._page,
            namespace_fds=self._namespace_fds,
            on_output=self._log_written,
        )
        self._process.wait_for_tmp()
        self.facts = self._process.facts
        if not self._namespace_fds and self.facts["isolation"] != "patched":
            self._namespace_fds = _open_namespaces(self.facts["supervisor"])
        if phase == "init":
            self._log_platform(self._log.init_start(began_ms), began_ms)
        answer = self._process.wait_for(("ready", "init_error"), limit_s)
        self._init_answer = answer if answer.kind == "init_error" else None
        status, error_type = _status(answer)
        if status != "success":
            self._end_process()
        duration_ms = (time.perf_counter() - began) * 1000
        end = InitEnd(phase=phase, duration_ms=duration_ms, status=status, error_type=error_type)
        self._log_platform(self._log.init_end(self._clock.now_ms(), end))
        return end

    def _run(
        self, request_id: str, event: bytes, trace_id: str, fault: PlannedFault | None
    ) -> RuntimeAnswer:
        """Hand the invocation to the process, and wait for its end."""
        assert self._process is not None
        timeout_s, began_s = self._function.timeout_s, self._clock.now_s()
        function_began_s = time.time() if self._function.real_time else began_s
        self._process.invoke(
            Invocation(
                request_id=request_id,
                event=event,
                deadline_ms=int((function_began_s + timeout_s) * 1000),
                function_arn=self._function.arn,
                trace_id=trace_id,
            )
        )
        answer = self._process.wait_for(("response", "error", "refused"), timeout_s, fault)
        if answer.kind == "timeout":  # at once where the plan has it
            self._clock.advance_to(began_s + timeout_s)
        if answer.kind == "refused":  # the runtime logs that, and exits
            self._process.wait_for((), _EXIT_WITHIN_S)
        return answer

    def _end(self, report: AttemptEnd) -> None:
        """Log the end of an attempt, after all that the function wrote in it."""
        if report.status != "success":
            self._end_process()
        elif self._process is not None:
            self._process.freeze()
            self._process.flush()
        self._log_platform(self._log.end(self._clock.now_ms(), report))

    def _memory_used_mb(self, error_type: str | None) -> int:
        if self._process is not None:
            self._peak_mb = self._process.peak_mb()
        limit = self._function.memory_mb
        return limit if error_type == OUT_OF_MEMORY else min(self._peak_mb, limit)

    def _end_process(self) -> None:
        if self._process is not None:
            self._peak_mb = self._process.peak_mb()
            self._process.kill()
            self._process = None

    def _log_platform(self, messages: list[str], at_ms: int | None = None) -> None:
        for message in messages:
            self._add_event(self._clock.now_ms() if at_ms is None else at_ms, message, "platform")

    def _log_written(self, written: Written) -> None:
        if is_delivered(written, self._function):
            time_us = written.time_us
            own_time = time_us is not None and not self._function.real_time
            at_ms = time_us // 1000 if own_time and time_us else self._clock.now_ms()
            self._add_event(at_ms, written.message, "function")


def _status(answer: RuntimeAnswer) -> tuple[str, str | None]:
    """Return the status and the error type of a report; an error that was raised is a success."""
    if answer.kind == "refused":
        return "error", TOO_LARGE
    if answer.kind == "timeout":
        return "timeout", None
    if answer.kind == "out-of-memory":
        return "error", OUT_OF_MEMORY
    if answer.kind == "exit":
        return "error", "Runtime.ExitError"
    if answer.kind == "init_error":
        error_type = answer.error_type or ""
        return "error", error_type if error_type.startswith("Runtime.") else "Runtime.Unknown"
    return "success", None


def _open_namespaces(pid: int) -> list[int]:
    """Open a process's namespaces, which then outlive it: its user's, if not ours, and its mounts.

    With them /tmp stays when the function's process ends, and its size stays limited.
    """
    names = ["user", "mnt"]
    if os.stat(f"/proc/{pid}/ns/user").st_ino == os.stat("/proc/self/ns/user").st_ino:
        names.remove("user")
    return [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in names]
