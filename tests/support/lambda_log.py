"""Logs as Lambda writes them, told like a story: environments, attempts, what they print.

An ``Environment`` is one log stream with a clock of its own. Each method writes the records of
one happening and lets a little time pass; ``at`` moves the clock. The forms of the records are
those of AWS's documentation, in the text and in the JSON format::

    one, two = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    two.at(60.1).runs(ID, "0", "process A", ends="error")
    told = checked(one, two)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from retryctl.core.crosscheck.checked_request import CheckedRequest, check_request
from retryctl.core.crosscheck.claims import Markers
from retryctl.core.history.history_builder import History, build_history
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.events import LogEvent
from retryctl.core.model.function_config import FunctionConfig

ID = "0d9b2f7e-41c8-4a36-9e15-6b7c3f20d8a4"
OTHER_ID = "c3e8a1d4-7f02-4b9d-8a6e-15f4d92b7c30"
THIRD_ID = "7a52c6f9-e0b3-4d17-b8c4-2f9e6d31a085"
QUEUE_ID = "5b1f9c3a-d270-5e84-a9b6-80c2e47d1f35"
GROUP = "/aws/lambda/orders-worker"
RUNTIME = "python:3.13.v74"
RUNTIME_ARN = "arn:aws:lambda:eu-west-1::runtime:" + "5f" * 32
MIDNIGHT_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
TRACEBACK = (
    'Traceback (most recent call last):\n\xa0\xa0File "/var/task/app.py", line 11, in handler\n'
    "\xa0\xa0\xa0\xa0total += 1"
)


def stream_name(letter: str, day: str = "2026/11/23", version: str = "$LATEST") -> str:
    """The stream of an environment, its 32 hex digits all ``letter``."""
    return f"{day}/[{version}]{letter * 32}"


def iso(at_ms: int) -> str:
    """``2026-11-23T03:00:00.123Z``."""
    when = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


# --------------------------------------------------------------------------- single records


def start(request_id: str = ID, version: str = "$LATEST") -> str:
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str = ID) -> str:
    return f"END RequestId: {request_id}\n"


def report(
    request_id: str = ID,
    duration_ms: float = 3.0,
    *,
    init_ms: float | None = None,
    status: str | None = None,
    error_type: str | None = None,
    xray: str | None = None,
) -> str:
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {int(duration_ms) + 1} ms",
        "Memory Size: 128 MB",
        "Max Memory Used: 36 MB",
    ]
    fields += [f"Init Duration: {init_ms:.2f} ms"] if init_ms is not None else []
    fields += [f"Status: {status}"] if status else []
    fields += [f"Error Type: {error_type}"] if error_type else []
    line = "\t".join(fields) + ("\n" if status else "\t\n")
    return line + (f"XRAY TraceId: {xray}\tSegmentId: 5ebd01c\tSampled: true\t\n" if xray else "")


def timed_out(at_ms: int, request_id: str = ID, seconds: float = 3.0) -> str:
    return f"{iso(at_ms)} {request_id} Task timed out after {seconds:.2f} seconds\n\n"


def exited(request_id: str = ID, how: str = "exit status 1") -> str:
    return f"RequestId: {request_id} Error: Runtime exited with error: {how}\nRuntime.ExitError\n"


def python_error(kind: str = "NameError", message: str = "name 'total' is not defined") -> str:
    return f"[ERROR] {kind}: {message}\n{TRACEBACK}" if message else f"[ERROR] {kind}\n{TRACEBACK}"


def python_json_error(
    request_id: str, kind: str = "NameError", message: str = "name 'total' is not defined"
) -> str:
    return json.dumps(
        {
            "timestamp": "2026-11-23T00:00:00Z",
            "level": "ERROR",
            "errorMessage": message,
            "errorType": kind,
            "requestId": request_id,
            "stackTrace": ['  File "/var/task/app.py", line 11, in handler\n    total += 1\n'],
        }
    )


def platform(kind: str, record: object, at_ms: int = MIDNIGHT_MS) -> str:
    return json.dumps({"time": iso(at_ms), "type": f"platform.{kind}", "record": record})


def init_start(runtime: str = RUNTIME) -> str:
    return f"INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {RUNTIME_ARN}\n"


def init_report(phase: str, status: str, error_type: str | None = None) -> str:
    kind = f"\tError Type: {error_type}" if error_type else ""
    return f"INIT_REPORT Init Duration: 171.15 ms\tPhase: {phase}\tStatus: {status}{kind}\n"


# --------------------------------------------------------------------------- a stream

# how an attempt ends: the status and the error type on its REPORT
ENDS: dict[str, tuple[str | None, str | None]] = {
    "ok": (None, None),
    "error": (None, None),
    "timeout": ("timeout", None),
    "crash": ("error", "Runtime.ExitError"),
    "out-of-memory": ("error", "Runtime.OutOfMemory"),
}


class Environment:
    """One execution environment and its log stream.

    ``letter`` makes the stream's name; with ``named=False`` the saved log gives none. With
    ``ids=False`` events carry no event ID, as GetLogEvents hands them over.
    """

    def __init__(
        self,
        letter: str = "a",
        *,
        json: bool = False,
        named: bool = True,
        ids: bool = True,
        group: str | None = GROUP,
        day: str = "2026/11/23",
        version: str = "$LATEST",
    ) -> None:
        self.stream = stream_name(letter, day, version) if named else None
        self.letter, self.json, self.ids, self.group = letter, json, ids, group
        self.version = version
        self.now_ms = MIDNIGHT_MS
        self.events: list[LogEvent] = []
        self.cold = True

    def at(self, seconds: float) -> Environment:
        """Move the clock to so many seconds after midnight."""
        self.now_ms = MIDNIGHT_MS + round(seconds * 1000)
        return self

    def logs(self, *messages: str, early_ms: int = 0) -> Environment:
        """One event for each message, a millisecond apart; ``early_ms`` dates them back."""
        for message in messages:
            order = len(self.events)
            self.events.append(
                LogEvent(
                    timestamp_ms=self.now_ms - early_ms,
                    message=message,
                    log_stream=self.stream,
                    log_group=self.group,
                    event_id=f"{ord(self.letter)}{self.now_ms}{order:06d}" if self.ids else None,
                    position=order,
                )
            )
            self.now_ms += 1
        return self

    def prints(self, *lines: str) -> Environment:
        return self.logs(*(f"{line}\n" for line in lines))

    def platform(self, kind: str, record: object) -> Environment:
        return self.logs(platform(kind, record, self.now_ms))

    def inits(self, runtime: str = RUNTIME, kind: str = "on-demand") -> Environment:
        """INIT_START: the environment is new."""
        if not self.json:
            return self.logs(init_start(runtime))
        return self.platform(
            "initStart",
            {"initializationType": kind, "phase": "init", "runtimeVersion": runtime},
        )

    def fails_init(self, error_type: str = "Runtime.Unknown") -> Environment:
        """A failed init: everything twice, as phase init and again as phase invoke."""
        for phase in ("init", "invoke"):
            if self.json:
                self.logs(python_json_error("", "Exception", "no such table"))
                record = {"initializationType": "on-demand", "phase": phase, "status": "error"}
                self.platform("initReport", {**record, "errorType": error_type})
            else:
                self.logs(python_error("Exception", "no such table"))
                self.logs(init_report(phase, "error", error_type))
        return self

    def starts(self, request_id: str = ID) -> Environment:
        if not self.json:
            return self.logs(start(request_id, self.version))
        return self.platform("start", {"requestId": request_id, "version": self.version})

    def raises(
        self,
        request_id: str = ID,
        kind: str = "NameError",
        message: str = "name 'total' is not defined",
    ) -> Environment:
        """The runtime's own marker of an error that the function raised."""
        write = python_json_error(request_id, kind, message) if self.json else None
        return self.logs(write or python_error(kind, message))

    def reports(
        self,
        request_id: str = ID,
        *,
        status: str | None = None,
        error_type: str | None = None,
        duration_ms: float = 3.0,
        init_ms: float | None = None,
    ) -> Environment:
        """END and REPORT; the JSON format has the latter only, and a status for every one."""
        if not self.json:
            line = report(
                request_id, duration_ms, init_ms=init_ms, status=status, error_type=error_type
            )
            return self.logs(end(request_id), line)
        metrics: dict[str, Any] = {
            "durationMs": duration_ms,
            "billedDurationMs": int(duration_ms) + 1,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 36,
        }
        metrics |= {"initDurationMs": init_ms} if init_ms is not None else {}
        record = {"requestId": request_id, "status": status or "success", "metrics": metrics}
        return self.platform("report", record | ({"errorType": error_type} if error_type else {}))

    def runs(self, request_id: str = ID, *lines: str, ends: str = "ok") -> Environment:
        """A whole attempt: it starts, prints ``lines``, and ends as one of ``ENDS``."""
        if self.cold:
            self.inits()
        self.cold = False
        started_ms = self.now_ms
        self.starts(request_id).prints(*lines)
        if ends == "error":
            self.raises(request_id)
        status, error_type = ENDS[ends]
        duration_ms = float(self.now_ms - started_ms)
        return self.reports(
            request_id, status=status, error_type=error_type, duration_ms=duration_ms
        )


# --------------------------------------------------------------------------- reading it


def events_of(*environments: Environment) -> list[LogEvent]:
    """All events in the order of their time."""
    events = [event for each in environments for event in each.events]
    return sorted(events, key=lambda event: event.timestamp_ms)


def end_of(events: Iterable[LogEvent], later_s: float = 0) -> int:
    """The horizon: the last event, and ``later_s`` seconds."""
    return max(event.timestamp_ms for event in events) + round(later_s * 1000)


def history(*environments: Environment, later_s: float = 0, **how: Any) -> History:
    """What the logs tell, as of ``later_s`` seconds after their last event."""
    events = events_of(*environments)
    return build_history(events, horizon_ms=end_of(events, later_s), **how)


def saved(events: list[LogEvent], later_s: float = 0) -> Coverage:
    """A saved log of these events, read whole."""
    return Coverage(
        source="saved",
        first_event_ms=min(event.timestamp_ms for event in events),
        horizon_ms=end_of(events, later_s),
    )


def whole(events: list[LogEvent], later_s: float = 0) -> Coverage:
    """All there was to see: nothing lies before or between."""
    return Coverage(source="cloudwatch", horizon_ms=end_of(events, later_s))


def judged(
    events: list[LogEvent],
    coverage: Coverage,
    *,
    settings: FunctionConfig | None = None,
    markers: Markers | None = None,
) -> dict[str, CheckedRequest]:
    """Every request in ``events``, checked, by its ID."""
    assert coverage.horizon_ms is not None
    told = build_history(events, horizon_ms=coverage.horizon_ms, settings=settings, markers=markers)
    return {
        request.request_id: check_request(request, coverage, settings=settings, markers=markers)
        for request in told.requests
    }


def checked(
    *environments: Environment,
    request_id: str = ID,
    later_s: float = 0,
    coverage: Coverage | None = None,
    settings: FunctionConfig | None = None,
    markers: Markers | None = None,
) -> CheckedRequest:
    """One request, judged on a log that is whole unless ``coverage`` says otherwise."""
    events = events_of(*environments)
    found = judged(events, coverage or whole(events, later_s), settings=settings, markers=markers)
    return found[request_id]
