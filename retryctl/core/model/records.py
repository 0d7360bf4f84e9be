"""The frozen vocabulary: log events, and the records in them.

A *log event* is what CloudWatch Logs stores. A *record* is what Lambda, a runtime or the
application meant by it. ``grammar.record_parser.parse_record`` turns the first into the second.

Times are epoch milliseconds (``_ms``), the names of durations have their unit, sizes are in MB as
Lambda counts them. ``None`` means that the record does not have it.
"""

from __future__ import annotations

from retryctl.core.value_classes import value_class


@value_class
class Start:
    """``START`` or ``platform.start``: an attempt begins."""

    request_id: str
    version: str | None = None
    json: bool = False
    function_arn: str | None = None


@value_class
class End:
    """``END`` or ``platform.end``: the runtime has answered, or is gone."""

    request_id: str


@value_class
class Report:
    """``REPORT`` or ``platform.report``: the figures of an attempt that is over.

    ``status`` is ``success``, ``failure``, ``error`` or ``timeout``, and ``None`` in the text
    format for anything but an error or a timeout. ``cut`` shows that the line breaks off, so
    that a status may be missing from it.
    """

    request_id: str
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    xray_trace_id: str | None = None
    json: bool = False
    cut: bool = False

    @property
    def failed(self) -> bool:
        """Whether Lambda itself saw the attempt fail (a raised exception leaves no trace here)."""
        return self.status not in (None, "success")


@value_class
class RuntimeDone:
    """``platform.runtimeDone``: the runtime has answered (at level DEBUG, or no success)."""

    request_id: str
    status: str | None = None
    error_type: str | None = None
    duration_ms: float | None = None


@value_class
class InitStart:
    """``INIT_START`` or ``platform.initStart``: a new execution environment."""

    runtime_version: str | None = None
    initialization_type: str | None = None
    phase: str | None = None
    function_name: str | None = None
    json: bool = False


@value_class
class InitReport:
    """``INIT_REPORT``, ``platform.initReport`` or ``platform.initRuntimeDone``."""

    duration_ms: float | None = None
    phase: str | None = None
    status: str | None = None
    error_type: str | None = None
    initialization_type: str | None = None


@value_class
class RestoreStart:
    """``RESTORE_START`` or ``platform.restoreStart``: an environment comes back from a snapshot."""

    runtime_version: str | None = None


@value_class
class RestoreReport:
    """``RESTORE_REPORT``, ``platform.restoreReport`` or ``platform.restoreRuntimeDone``."""

    duration_ms: float | None = None
    status: str | None = None
    error_type: str | None = None


@value_class
class Extension:
    """``EXTENSION``, ``TELEMETRY``, ``LOGS`` and their JSON forms: what runs beside it."""

    name: str | None = None
    state: str | None = None
    events: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    error_type: str | None = None


@value_class
class LogsDropped:
    """``platform.logsDropped``: records that never reached the log."""

    dropped_records: int | None = None
    reason: str | None = None


@value_class
class WebRecord:
    """A record of a web function: ``platform.invokeStart``, ``requestComplete``, …"""

    type: str
    request_id: str | None = None


@value_class
class TimedOut:
    """``<time> <id> Task timed out after N.NN seconds``."""

    request_id: str
    timeout_s: float


@value_class
class RuntimeExited:
    """``RequestId: <id> Error: …`` or ``… Process exited before completing request``."""

    request_id: str
    error_type: str | None = None
    error_message: str | None = None
    signal: str | None = None


@value_class
class FunctionError:
    """A runtime's own marker of an error that the function raised or returned.

    ``certain`` is false where an application can log the very same record (Node.js in JSON,
    .NET, older runtimes): then it is a marker only as the last record of its attempt. ``in_init``:
    the function was not loaded, so that its handler did not run. ``frame`` is the first
    frame in the function's own code, as ``file:line function``.
    """

    error_type: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    runtime: str = "python"
    certain: bool = True
    in_init: bool = False
    frame: str | None = None


@value_class
class LambdaWarning:
    """``LAMBDA_WARNING: Unhandled exception …``, which some awslambdaric put before an error."""

    request_id: str | None = None


@value_class
class AppLine:
    """Output of the function's own code, or of an extension: everything that Lambda did not write.

    ``request_id`` and ``level`` are those of a runtime's logger, ``None`` on a printed line.
    ``fields`` is the object where the line is JSON, else ``None``.
    """

    text: str
    request_id: str | None = None
    level: str | None = None
    fields: dict[str, object] | None = None


@value_class
class Unrecognised:
    """It has the shape of a record of Lambda's, and cannot be read as one.

    ``cut``: its end is missing, or its request ID is masked.
    """

    text: str
    why: str
    cut: bool = False


Record = (
    Start
    | End
    | Report
    | RuntimeDone
    | InitStart
    | InitReport
    | RestoreStart
    | RestoreReport
    | Extension
    | LogsDropped
    | WebRecord
    | TimedOut
    | RuntimeExited
    | FunctionError
    | LambdaWarning
    | AppLine
    | Unrecognised
)
