"""The frozen vocabulary: log events, the records in them, what is asked, what was looked at.

A *log event* is what CloudWatch Logs stores. A *record* is what Lambda, a runtime or the
application meant by it. ``grammar.read`` turns the first into the second.

Times are epoch milliseconds (``_ms``), durations say their unit, sizes are in MB as Lambda
counts them. ``None`` means that the record does not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# --------------------------------------------------------------------------- log events


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One event of a log stream.

    ``event_id`` is CloudWatch's, a decimal number in text that grows in the order of the
    stream; GetLogEvents gives none, and there ``position`` (the place in what was read)
    is the order. ``log_stream`` and ``log_group`` are ``None`` where a saved log does not
    name them.
    """

    timestamp_ms: int
    message: str
    log_stream: str | None = None
    log_group: str | None = None
    event_id: str | None = None
    position: int = 0


# --------------------------------------------------------------------------- requests' IDs

REQUEST_ID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_WHOLE_ID = re.compile(REQUEST_ID)


def request_id_in(text: str) -> str | None:
    """The one request ID that ``text`` is, lower-cased; ``None`` where it is something else."""
    return text.lower() if _WHOLE_ID.fullmatch(text) else None


def is_event_source_id(request_id: str) -> bool:
    """Whether the ID is a UUID of version 5.

    The three requests from SQS that were captured had such IDs. Their retries are the
    queue's, so Lambda's two asynchronous retries and their waits do not apply to them.
    """
    return request_id[14] == "5"


# --------------------------------------------------------------------------- records


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """``START`` or ``platform.start``: an attempt begins."""

    request_id: str
    version: str | None = None
    json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """``END`` or ``platform.end``: the runtime has answered, or is gone."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``REPORT`` or ``platform.report``: the figures of an attempt that is over.

    ``status`` is ``success``, ``failure``, ``error`` or ``timeout``, and ``None`` in the text
    format for anything but an error or a timeout. ``cut`` tells that the line breaks off, so
    that a status may be missing from it.
    """

    request_id: str
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    billed_restore_duration_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    xray_trace_id: str | None = None
    xray_segment_id: str | None = None
    xray_sampled: bool | None = None
    json: bool = False
    cut: bool = False

    @property
    def failed(self) -> bool:
        """Whether Lambda itself saw the attempt fail (a raised exception leaves no trace here)."""
        return self.status not in (None, "success")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeDone:
    """``platform.runtimeDone``: the runtime has answered (at level DEBUG, or no success)."""

    request_id: str
    status: str | None = None
    error_type: str | None = None
    duration_ms: float | None = None
    produced_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InitStart:
    """``INIT_START`` or ``platform.initStart``: a new execution environment."""

    runtime_version: str | None = None
    runtime_version_arn: str | None = None
    initialization_type: str | None = None
    phase: str | None = None
    function_name: str | None = None
    function_version: str | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """``INIT_REPORT``, ``platform.initReport`` or ``platform.initRuntimeDone``."""

    duration_ms: float | None = None
    phase: str | None = None
    status: str | None = None
    error_type: str | None = None
    initialization_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreStart:
    """``RESTORE_START`` or ``platform.restoreStart``: an environment comes back from a snapshot."""

    runtime_version: str | None = None
    runtime_version_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """``RESTORE_REPORT``, ``platform.restoreReport`` or ``platform.restoreRuntimeDone``."""

    duration_ms: float | None = None
    status: str | None = None
    error_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """``EXTENSION``, ``TELEMETRY``, ``LOGS`` and their JSON forms: what runs beside it."""

    name: str | None = None
    state: str | None = None
    events: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    error_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsDropped:
    """``platform.logsDropped``: records that nobody will ever read."""

    dropped_records: int | None = None
    dropped_bytes: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRecord:
    """``platform.invokeStart``, ``requestComplete``, ``invokeReport``: of a web function."""

    type: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """``<time> <id> Task timed out after N.NN seconds``."""

    request_id: str
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeExited:
    """``RequestId: <id> Error: …`` or ``… Process exited before completing request``."""

    request_id: str
    error_type: str | None = None
    error_message: str | None = None
    signal: str | None = None
    exit_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionError:
    """A runtime's own marker of an error that the function raised or returned.

    ``certain`` is false where an application can log the very same record (Node.js in JSON,
    .NET): then it is a marker only as the last record of its attempt. ``frame`` is the first
    frame in the function's own code, as ``file:line function``.
    """

    error_type: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    runtime: str = "python"
    certain: bool = True
    frame: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaWarning:
    """``LAMBDA_WARNING: Unhandled exception …``, which some awslambdaric put before an error."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLine:
    """Output of the function's own code, or of an extension: everything that Lambda did not write.

    ``request_id`` and ``level`` are those of a runtime's logger, ``None`` on a printed line.
    ``fields`` is the object where the line is JSON, else ``None``.
    """

    text: str
    request_id: str | None = None
    level: str | None = None
    fields: dict[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecognised:
    """It has the shape of a record of Lambda's, and cannot be read as one."""

    text: str
    why: str


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

# --------------------------------------------------------------------------- asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked of a source; each source turns it into its own terms.

    CloudWatch makes a filterPattern of it, a saved file a test on the bytes before anything
    is parsed. The window is [since_ms, until_ms), ``None`` where it is open. With
    ``request_ids`` a source yields whatever is needed to rebuild these requests whole: their
    attempts before and after the window too, and around each attempt the lines of its
    stream, which carry no ID.
    """

    request_ids: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    log_groups: tuple[str, ...] = ()
    function: str | None = None


# --------------------------------------------------------------------------- what was looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that was not seen.

    ``kind`` is a word for programs, ``message`` a sentence for people, ``settle`` a command
    that would close the gap, or ``None``. ``hides_attempts`` says whether a whole attempt
    could lie in it, so that counting attempts is not safe.
    """

    kind: str
    message: str
    log_group: str | None = None
    log_stream: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    settle: str | None = None
    hides_attempts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at: groups, window, streams, calls, and what could not be seen.

    ``since_ms`` and ``until_ms`` bound what was read; ``horizon_ms`` is the moment as of
    which outcomes are told: now, ``--until``, or the last event of a saved log.
    ``pages`` are answers of a search, ``bytes_scanned`` what Logs Insights was charged for.
    ``first_event_ms`` is set where the start of what was read is only that of a file, so
    that earlier attempts may have been cut away; ``last_event_ms`` is where that file ends.
    ``where`` is the file or folder as it was given. ``left_out`` has request IDs that stand
    in what of the file was not asked for, each with its function or log group there.
    """

    source: str
    where: str | None = None
    log_groups: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    horizon_ms: int | None = None
    first_event_ms: int | None = None
    last_event_ms: int | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    events_read: int = 0
    events_unrecognised: int = 0
    api_calls: int = 0
    pages: int = 0
    bytes_read: int = 0
    bytes_scanned: int = 0
    gaps: tuple[Gap, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return not self.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCount:
    """How many attempts of a request ``store`` (its URL) holds, each as a piece of evidence.

    An event's message is the place where the attempt is recorded, its ``timestamp_ms`` when
    that was; it has no log stream.
    """

    request_id: str
    store: str
    evidence: tuple[LogEvent, ...]

    @property
    def count(self) -> int:
        """The number of attempts recorded; 0 where the store does not know the request."""
        return len(self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """What a function's configuration says of retries and logs; ``None`` where it is not known.

    These are today's settings, not those of the day of an attempt.
    """

    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    timeout_s: int | None = None
    runtime: str | None = None
    log_format: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    durable: bool = False
    managed_instances: bool = False
    reserved_concurrency: int | None = None

    @property
    def retries_allowed(self) -> int:
        """Lambda's default is two retries."""
        return 2 if self.maximum_retry_attempts is None else self.maximum_retry_attempts

    @property
    def event_age_ms(self) -> int:
        """Lambda's default, and its most, is six hours."""
        return (21_600 if self.maximum_event_age_s is None else self.maximum_event_age_s) * 1000

    @property
    def timeout_ms(self) -> int:
        """Lambda's most is 900 s (5,400 s on Managed Instances)."""
        if self.timeout_s is not None:
            return self.timeout_s * 1000
        return 5_400_000 if self.managed_instances else 900_000
