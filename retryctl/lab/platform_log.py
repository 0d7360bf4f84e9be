"""The platform's own records, as Lambda writes them: text to the byte, or JSON by system level.

Sources: captured logs of 2025, and "Lambda Telemetry API Event schema reference" in
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html. A timeout and
a crash are on REPORT alone, as on Lambda since 2025.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Literal

from retryctl.core.timestamps import iso_text
from retryctl.core.value_classes import value_class

SystemLevel = Literal["DEBUG", "INFO", "WARN"]
Phase = Literal["init", "invoke"]


@value_class
class Subject:
    """The environment that a record is about."""

    function: str
    version: str
    runtime_version: str
    runtime_version_arn: str
    log_stream: str
    memory_mb: int


@value_class
class InitEnd:
    """How an init ended. ``status`` is ``success``, ``error`` or ``timeout``."""

    phase: Phase
    duration_ms: float
    status: str = "success"
    error_type: str | None = None


@value_class
class AttemptEnd:
    """How an attempt ended: the figures of its report."""

    request_id: str
    duration_ms: float
    max_memory_used_mb: int
    init_duration_ms: float | None = None
    status: str = "success"
    error_type: str | None = None
    produced_bytes: int = 0

    @property
    def billed_duration_ms(self) -> int:
        """Lambda bills the init too, since August 2025."""
        return math.ceil(self.duration_ms + (self.init_duration_ms or 0))


class TextLog:
    """The text format."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def init_start(self, now_ms: int) -> list[str]:
        """``INIT_START``."""
        s = self._subject
        return [
            f"INIT_START Runtime Version: {s.runtime_version}\t"
            f"Runtime Version ARN: {s.runtime_version_arn}\n"
        ]

    def init_end(self, now_ms: int, end: InitEnd) -> list[str]:
        """``INIT_REPORT``, which an init that went well does not get."""
        if end.status == "success":
            return []
        return [
            f"INIT_REPORT Init Duration: {end.duration_ms:.2f} ms\tPhase: {end.phase}\t"
            f"{_status(end)}\n"
        ]

    def start(self, now_ms: int, request_id: str) -> list[str]:
        """``START``."""
        return [f"START RequestId: {request_id} Version: {self._subject.version}\n"]

    def end(self, now_ms: int, end: AttemptEnd) -> list[str]:
        """``END`` and ``REPORT``, the latter with a tab at its end where all went well."""
        init = f"Init Duration: {end.init_duration_ms:.2f} ms\t" if end.init_duration_ms else ""
        return [
            f"END RequestId: {end.request_id}\n",
            f"REPORT RequestId: {end.request_id}\tDuration: {end.duration_ms:.2f} ms\t"
            f"Billed Duration: {end.billed_duration_ms} ms\t"
            f"Memory Size: {self._subject.memory_mb} MB\t"
            f"Max Memory Used: {end.max_memory_used_mb} MB\t{init}{_status(end)}\n",
        ]


def _status(end: InitEnd | AttemptEnd) -> str:
    if end.status == "success":
        return ""
    return f"Status: {end.status}" + (f"\tError Type: {end.error_type}" if end.error_type else "")


class JsonLog:
    """The JSON format, as much of it as the system log level lets through."""

    def __init__(self, subject: Subject, level: SystemLevel = "INFO") -> None:
        self._subject = subject
        self._level = level

    def init_start(self, now_ms: int) -> list[str]:
        """``platform.initStart``."""
        s = self._subject
        record = {
            "initializationType": "on-demand",
            "phase": "init",
            "runtimeVersion": s.runtime_version,
            "runtimeVersionArn": s.runtime_version_arn,
            "functionName": s.function,
            "functionVersion": s.version,
            "instanceId": s.log_stream,
            "instanceMaxMemory": s.memory_mb * 1024 * 1024,
        }
        return self._at("INFO", now_ms, "platform.initStart", record)

    def init_end(self, now_ms: int, end: InitEnd) -> list[str]:
        """``platform.initRuntimeDone`` and ``platform.initReport``."""
        level: SystemLevel = "DEBUG" if end.status == "success" else "WARN"
        record = {"initializationType": "on-demand", "phase": end.phase, **_json_status(end)}
        metrics = {"metrics": {"durationMs": round(end.duration_ms, 3)}}
        return [
            *self._at(level, now_ms, "platform.initRuntimeDone", record),
            *self._at(level, now_ms, "platform.initReport", {**record, **metrics}),
        ]

    def start(self, now_ms: int, request_id: str) -> list[str]:
        """``platform.start``."""
        record = {"requestId": request_id, "version": self._subject.version}
        return self._at("INFO", now_ms, "platform.start", record)

    def end(self, now_ms: int, end: AttemptEnd) -> list[str]:
        """``platform.runtimeDone`` and ``platform.report``; CloudWatch's JSON has no END."""
        well = end.status == "success"
        record: dict[str, object] = {"requestId": end.request_id, **_json_status(end)}
        done = {"durationMs": round(end.duration_ms, 3), "producedBytes": end.produced_bytes}
        metrics: dict[str, object] = {
            "durationMs": round(end.duration_ms, 3),
            "billedDurationMs": end.billed_duration_ms,
            "memorySizeMB": self._subject.memory_mb,
            "maxMemoryUsedMB": end.max_memory_used_mb,
        }
        if end.init_duration_ms:
            metrics["initDurationMs"] = round(end.init_duration_ms, 3)
        return [
            *self._at(
                "DEBUG" if well else "WARN",
                now_ms,
                "platform.runtimeDone",
                {**record, "metrics": done},
            ),
            *self._at(
                "INFO" if well else "WARN",
                now_ms,
                "platform.report",
                {**record, "metrics": metrics},
            ),
        ]

    def _at(
        self, level: SystemLevel, now_ms: int, kind: str, record: Mapping[str, object]
    ) -> list[str]:
        order = ("DEBUG", "INFO", "WARN")
        if order.index(level) < order.index(self._level):
            return []
        return [json.dumps({"time": iso_text(now_ms), "type": kind, "record": record})]


def _json_status(end: InitEnd | AttemptEnd) -> dict[str, object]:
    kind = {"errorType": end.error_type} if end.error_type else {}
    return {"status": end.status, **kind}
