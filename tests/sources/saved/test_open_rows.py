"""Rows of the console that are open, all or some: each shows its message twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retryctl.app.options import SourceOptions
from retryctl.app.trace import trace
from retryctl.core.model.request import RequestOutcome
from tests.support.program import run
from tests.support.saved_logs import ID, T0, Event, read_bytes
from tests.support.saved_shapes import iso, open_rows, rows

START = f"START RequestId: {ID} Version: $LATEST"
ENDS = [
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 54.60 ms\tBilled Duration: 100 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 36 MB",
]
GO_ERROR = '2026/11/23 03:00:00 {"errorMessage":"x","errorType":"E"}'
ERROR = '[ERROR] ValueError: x\nTraceback (most recent call last):\n  File "a.py", line 1, in h'
PRINTED = "+----+\n| id |\n+----+"


def events_of(*texts: str) -> list[Event]:
    return [(T0 + 10 * n, "", text) for n, text in enumerate((START, *texts, *ENDS))]


def closed_rows(events: list[Event]) -> str:
    return rows(events, "\n")


def some_open(events: list[Event], is_open: Callable[[int], bool]) -> str:
    written = (open_rows, closed_rows)
    return "".join(written[not is_open(n)]([event]) for n, event in enumerate(events))


def answer(path: Path, text: str) -> tuple[object, ...]:
    (path / "log").write_text(text)
    log = trace((), SourceOptions(source=str(path / "log")))
    [one] = log.checked
    found = [(each.outcome, each.claim.counter, each.claim.branch) for each in one.request.attempts]
    return one.request.outcome, one.verdict, found, [each.rule for each in one.findings]


CASES = [("7", "process B"), (GO_ERROR,), (ERROR,), ("0", "process A"), ("7", "process B", ERROR)]


@pytest.mark.parametrize("texts", CASES)
def test_rows_that_are_all_open_have_the_answer_of_closed_ones(
    texts: tuple[str, ...], tmp_path: Path
) -> None:
    events = events_of(*texts)
    assert answer(tmp_path, open_rows(events)) == answer(tmp_path, closed_rows(events))
    assert not read_bytes(open_rows(events).encode())[1].gaps


@pytest.mark.parametrize("texts", [("7", "process B"), (GO_ERROR,)])
@pytest.mark.parametrize("opened", [[0, 1], [1], [1, 2]])
def test_a_row_that_may_be_open_among_closed_ones_is_a_gap(
    texts: tuple[str, ...], opened: list[int], tmp_path: Path
) -> None:
    text = some_open(events_of(*texts), opened.__contains__)
    [gap] = read_bytes(text.encode())[1].gaps
    assert (gap.kind, gap.hides_lines) == ("not-understood", True)
    assert answer(tmp_path, text)[0] is not RequestOutcome.SUCCEEDED
    assert run("check", "--fail-on", "error", "--from", str(tmp_path / "log")).returncode != 0


@pytest.mark.parametrize(
    "message",
    [
        "7\n7",
        f"{GO_ERROR}\n{GO_ERROR}",
        f"{ERROR.splitlines()[0]}\n{ERROR}",
        '{\n "a": 1\n}\n{"a":1}',
    ],
)
def test_an_open_row_behind_many_closed_ones_is_a_gap(message: str) -> None:
    many = ["working"] * 100
    text = closed_rows(events_of(*many, message, "done"))
    [gap] = read_bytes(text.encode())[1].gaps
    assert gap.hides_lines


def test_closed_rows_and_open_records_leave_no_doubt() -> None:
    events = events_of("0", "process A", PRINTED, "first\nsecond")
    for opened in ([0], [0, 5, 6], []):
        text = some_open(events, opened.__contains__)
        found, coverage = read_bytes(text.encode())
        assert [event.message.strip() for event in found] == [text for *_, text in events]
        assert not coverage.gaps


def test_a_message_whose_blanks_the_row_shows_otherwise_is_one() -> None:
    report = ENDS[1].replace("\t", " ")
    text = open_rows(events_of("0")[:-1]) + f"{iso(T0 + 90)}Z\n{report}\n{ENDS[1]}\n"
    assert read_bytes(text.encode())[0][-1].message == ENDS[1]
