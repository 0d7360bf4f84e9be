"""Lines that only look like records, or take long to read, and what is read exactly."""

from __future__ import annotations

import time

import pytest

from retryctl.core.model.records import AppLine, End, InitReport, Report, Start
from tests.core.grammar.test_grammar import TIME, read_record
from tests.support.lambda_log import ID, OTHER_ID


@pytest.mark.parametrize(
    "trap",
    [
        "]END RequestId: " + ID,
        " START RequestId: " + ID + " Version: $LATEST",
        "START RequestId: not-an-id Version: $LATEST",
        f"END RequestId: {ID[:-1]}",
        f"the event was START RequestId: {ID} Version: $LATEST",
        f"Task timed out after 3.00 seconds in {ID}",
        f"{TIME} {ID} Task timed out after a while",
        f"RequestId: {ID} Error: nothing of importance",
        f"RequestId: {ID} was handled",
        "[ERROR] no stock, and no traceback",
        "[ERROR] NameError: printed by hand",
        "Traceback (most recent call last):",
        "java.lang.IllegalStateException: no stock\n\tat example.App.handle(App.java:20)\n",
        "java.io.IOException: Timeout\n\tat example.App.handle(App.java:20)\n",
        "java.io.IOException: no stock at example.App.handle(App.java:20)",
        "java.io.IOException: Timeout at example.App.handle(App.java:20)",
        "the order: OUT of stock at example.App (shelf 7)",
        "[ERROR] NameError: printed by hand Traceback (most recent call last): was logged",
        "INIT_START is what I wait for",
        "INIT_REPORT in the afternoon",
        "EXTENSION to the deadline",
        "LOGS are wood",
        "{not json",
        "[1, 2]",
        '{"time": "2026-11-23T03:00:00Z", "level": "INFO", "msg": "hello"}',
        '2026/11/23 03:00:00 {"count": 1}',
        "2026-11-23T03:00:00.123Z nothing else",
        "Error raised from the depths",
    ],
)
def test_what_only_looks_like_a_record_is_the_application_s(trap: str) -> None:
    record = read_record(trap)
    assert isinstance(record, AppLine)
    assert record.text == trap


HEADS = (
    f"START RequestId: {ID} ",
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 1 ms\t",
    "INIT_START ",
    "EXTENSION\tName: ",
    f"RequestId: {ID} Error: ",
    "[ERROR] X: ",
    "[ERROR] ",
    f"[WARNING]\t{TIME}\t\tLAMBDA_WARNING: ",
    f"[INFO]\t{TIME}\t",
    f"{TIME}\t{ID}\tERROR\tInvoke Error ",
    f"{TIME}\t{ID}\tfail\t",
    f"{TIME} {ID} Task timed out after 3.00 seconds",
    '2026/11/23 03:00:00 {"errorMessage":',
    "Error raised from handler method",
    "no: java.X\n\tat ",
    "Unknown application error occurred",
    "Unable to import module '",
    "Error loading class a.A: ",
    "no: X\n   at lambda_method(",
    "thread 'main' ",
    "no: X\nTraceback (most recent call last):\n",
    f'{TIME}\t{ID}\t{{"errorMessage":',
    "a: ",
    '{"type":"platform.start","record":',
)

TAILS = (" ", "\n", "\t", "a", "a.", "A: ", "A.A ", "\r\n", "{", "[", '{"a":', '": ', "a: java.X\n")


@pytest.mark.parametrize("head", HEADS)
def test_it_reads_long_hostile_lines_at_once(head: str) -> None:
    started = time.perf_counter()
    for tail in TAILS:
        record = read_record(head + tail * (300_000 // len(tail)) + "!")
        assert not isinstance(record, (Start, End, Report))
    # a quadratic reading of one such line takes minutes, a linear one of all of them a second
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("tail", TAILS)
def test_a_hostile_line_just_short_enough_to_be_a_record_is_read_at_once(tail: str) -> None:
    started = time.perf_counter()
    for head in HEADS:
        for _ in range(20):
            read_record(head + tail * ((8192 - len(head)) // len(tail) - 1) + "!")
    assert time.perf_counter() - started < 10


def test_ids_are_compared_whole() -> None:
    assert read_record(f"END RequestId: {OTHER_ID}") != read_record(
        f"END RequestId: {OTHER_ID[:-1]}1"
    )


def test_a_field_of_tomorrow_spoils_no_record() -> None:
    line = (
        "INIT_REPORT Init Duration: 9.5 ms\tPhase: invoke\tStatus: error\tError Type: X\tNew: y\n"
    )
    expected = InitReport(duration_ms=9.5, phase="invoke", status="error", error_type="X")
    assert read_record(line) == expected
