"""The records that the lab writes in Lambda's stead: to the byte, and as the grammar reads them."""

import json

import pytest

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.events import LogEvent
from retryctl.core.model.records import InitReport, InitStart, Record, Report, Start
from retryctl.lab.platform_log import (
    AttemptEnd,
    InitEnd,
    JsonLog,
    Subject,
    SystemLevel,
    TextLog,
)

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
NOW_MS = 1_795_402_800_123
SUBJECT = Subject(
    function="orders-worker",
    version="$LATEST",
    runtime_version="python:3.13.v74",
    runtime_version_arn="arn:aws:lambda:us-east-1::runtime:" + "0f" * 32,
    log_stream="2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
    memory_mb=128,
)
GOOD = AttemptEnd(request_id=ID, duration_ms=54.6, max_memory_used_mb=36, init_duration_ms=101.2)
TIMEOUT = AttemptEnd(request_id=ID, duration_ms=3000.0, max_memory_used_mb=36, status="timeout")
CRASH = AttemptEnd(
    request_id=ID,
    duration_ms=12.345,
    max_memory_used_mb=36,
    status="error",
    error_type="Runtime.ExitError",
)
BAD_INIT = InitEnd(
    phase="init", duration_ms=171.15, status="error", error_type="Runtime.ImportModuleError"
)


def records(messages: list[str]) -> list[Record]:
    return [parse_record(LogEvent(timestamp_ms=NOW_MS, message=message)) for message in messages]


def test_text_records_to_the_byte() -> None:
    log = TextLog(SUBJECT)
    assert log.init_start(NOW_MS) == [
        "INIT_START Runtime Version: python:3.13.v74\t"
        f"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:{'0f' * 32}\n"
    ]
    assert log.start(NOW_MS, ID) == [f"START RequestId: {ID} Version: $LATEST\n"]
    assert log.init_end(NOW_MS, InitEnd(phase="init", duration_ms=101.2)) == []
    assert log.init_end(NOW_MS, BAD_INIT) == [
        "INIT_REPORT Init Duration: 171.15 ms\tPhase: init\tStatus: error\t"
        "Error Type: Runtime.ImportModuleError\n"
    ]
    assert log.end(NOW_MS, GOOD) == [
        f"END RequestId: {ID}\n",
        f"REPORT RequestId: {ID}\tDuration: 54.60 ms\tBilled Duration: 156 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 101.20 ms\t\n",
    ]
    assert log.end(NOW_MS, TIMEOUT)[1].endswith("Max Memory Used: 36 MB\tStatus: timeout\n")
    assert log.end(NOW_MS, CRASH)[1].endswith(
        "36 MB\tStatus: error\tError Type: Runtime.ExitError\n"
    )


@pytest.mark.parametrize("log", [TextLog(SUBJECT), JsonLog(SUBJECT)], ids=["text", "json"])
def test_the_grammar_reads_what_the_lab_writes(log: TextLog | JsonLog) -> None:
    (start,) = records(log.start(NOW_MS, ID))
    assert isinstance(start, Start)
    assert (start.request_id, start.version) == (ID, "$LATEST")
    (init,) = records(log.init_start(NOW_MS))
    assert isinstance(init, InitStart)
    assert init.runtime_version == "python:3.13.v74"
    bad_init = records(log.init_end(NOW_MS, BAD_INIT))[-1]
    assert isinstance(bad_init, InitReport)
    assert (bad_init.status, bad_init.phase) == ("error", "init")
    report = records(log.end(NOW_MS, GOOD))[-1]
    assert isinstance(report, Report)
    assert (report.duration_ms, report.billed_duration_ms) == (54.6, 156)
    assert (report.init_duration_ms, report.max_memory_used_mb) == (101.2, 36)
    assert not report.failed
    for end, status in ((TIMEOUT, "timeout"), (CRASH, "error")):
        report = records(log.end(NOW_MS, end))[-1]
        assert isinstance(report, Report)
        assert (report.status, report.error_type) == (status, end.error_type)


@pytest.mark.parametrize(
    ("level", "end", "kinds"),
    [
        ("DEBUG", GOOD, ["platform.runtimeDone", "platform.report"]),
        ("INFO", GOOD, ["platform.report"]),
        ("WARN", GOOD, []),
        ("DEBUG", CRASH, ["platform.runtimeDone", "platform.report"]),
        ("INFO", CRASH, ["platform.runtimeDone", "platform.report"]),
        ("WARN", CRASH, ["platform.runtimeDone", "platform.report"]),
    ],
)
def test_the_system_level_decides_what_exists(
    level: SystemLevel, end: AttemptEnd, kinds: list[str]
) -> None:
    log = JsonLog(SUBJECT, level)
    assert [json.loads(m)["type"] for m in log.end(NOW_MS, end)] == kinds
    assert bool(log.start(NOW_MS, ID)) == (level != "WARN")
    assert bool(log.init_end(NOW_MS, InitEnd(phase="init", duration_ms=1.0))) == (level == "DEBUG")
    assert len(log.init_end(NOW_MS, BAD_INIT)) == 2


def test_json_records_carry_their_time() -> None:
    (message,) = JsonLog(SUBJECT).start(NOW_MS, ID)
    assert json.loads(message)["time"] == "2026-11-23T03:00:00.123Z"
