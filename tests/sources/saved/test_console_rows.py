"""Rows of the console that were copied with more than their text."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.app.options import SourceOptions
from retryctl.app.trace import trace
from retryctl.core.model.request import RequestOutcome
from tests.support.saved_logs import EVENTS, ID, T0, Event, read_bytes
from tests.support.saved_shapes import SHAPES, iso, rows

TIMEOUT = f"2026-11-23T03:00:03.124Z {ID} Task timed out after 3.00 seconds"
RECORDS = [
    f"START RequestId: {ID} Version: $LATEST",
    "[INFO] placing an order",
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 60 MB",
]
ROWS: list[Event] = [(T0 + 1_000 * n, "", text) for n, text in enumerate(RECORDS)]


def outcome(path: Path, text: str) -> RequestOutcome:
    (path / "log").write_text(text)
    (one,) = trace((), SourceOptions(source=str(path / "log"))).checked
    return one.request.outcome


@pytest.mark.parametrize(
    "row",
    [
        f"  | 2026-11-23T03:00:03.125-00:00Copy{TIMEOUT} | {TIMEOUT}\n",
        f"2026-11-23T03:00:03.125ZCopy{TIMEOUT} | {TIMEOUT}\n",
        f"2026-11-23T03:00:03.125ZCopy{TIMEOUT}\n",
        f"2026-11-23T03:00:03.125Z\nCopy\n{TIMEOUT}\n",
        f"  | 2026-11-23T03:00:03.125Z | x{TIMEOUT}\n2026-11-23T03:00:03.125Z | {TIMEOUT}\n",
    ],
)
@pytest.mark.parametrize("between", [" | ", "\t", " "])
def test_a_timeout_behind_the_text_of_a_button_is_read(
    row: str, between: str, tmp_path: Path
) -> None:
    text = rows(ROWS, between)
    assert outcome(tmp_path, text) is RequestOutcome.SUCCEEDED
    timed_out = outcome(tmp_path, f"{text}2026-11-23T03:00:03.125Z{between}{TIMEOUT}\n")
    assert timed_out is not RequestOutcome.SUCCEEDED
    assert outcome(tmp_path, text + row) in (timed_out, RequestOutcome.UNKNOWN)


@pytest.mark.parametrize("message", ["Copying 2 files", "Copy a | b", "a | a", "Copy"])
def test_the_name_of_the_button_in_a_message_is_text(message: str) -> None:
    text = rows([*ROWS[:1], (T0 + 5, "", message), *ROWS[2:]], "\t")
    assert read_bytes(text.encode())[0][1].message == message


def test_a_rule_behind_a_row_is_not_of_its_message() -> None:
    table = SHAPES["table in a ticket"][0](EVENTS)
    assert "$LATEST\n-- | --\n  | 2026" in table
    printed = "id | name\n---+-----\n 7 | x"
    text = f"{table}  | {iso(T0)}Z | {printed}\n"
    assert read_bytes(text.encode())[0][-1].message == printed


PANIC = "thread 'main' panicked at src/main.rs:1:1:\nboom"
GO_ERROR = '2026/11/23 03:00:00 {"errorMessage":"x","errorType":"E"}'
RUBY_ERROR = '{"errorMessage":"x","errorType":"Function<E>","stackTrace":["a"]}'


@pytest.mark.parametrize("message", ["7", "process B", GO_ERROR, RUBY_ERROR, PANIC, "Copying x"])
@pytest.mark.parametrize(
    "form",
    [
        *("{0}ZCopy{1}\n", "{0}ZCopy{1}\n{1}\n", "{0}ZCopy{1} | {1}\n", "  | {0}ZCopy{1} | {1}\n"),
        *("{0}Z\nCopy\n{1}\n", "{0}Z\nCopy\n{1}\n{1}\n", "| {0}ZCopy{1} | {1} |\n"),
    ],
)
@pytest.mark.parametrize("between", ["\t", " | ", " ", "\n"])
@pytest.mark.parametrize("number", [1, 60])
def test_the_text_of_a_button_is_none_of_the_message(
    form: str, message: str, between: str, number: int
) -> None:
    one = form.format(iso(T0 + 5), message)
    several = rows([(T0 + n, "", "x") for n in range(number)], between)
    text = rows(ROWS[:1], between) + several + one + rows(ROWS[2:], between)
    found = [event.message.strip() for event in read_bytes(text.encode())[0]]
    assert found == [RECORDS[0], *["x"] * number, message, *RECORDS[2:]]


def test_a_table_with_a_header_and_the_text_of_buttons_is_read() -> None:
    table = "".join(f"| {iso(ms)}ZCopy{text} | {text} |\n" for ms, _, text in ROWS)
    events, coverage = read_bytes(f"| Timestamp | Message |\n|---|---|\n{table}".encode())
    assert [event.message for event in events] == RECORDS
    assert not coverage.gaps
    cut, coverage = read_bytes(table[:-20].encode())
    assert [event.message for event in cut[:-1]] == RECORDS[:-1]
    assert coverage.gaps
