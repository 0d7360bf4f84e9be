"""A header over messages that begin with a quote: CSV of one column, or messages alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from retryctl.bulk.reader import BulkReader
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.coverage import LogQuery
from tests.support.lambda_log import ID, Environment

OTHER, THIRD = (f"{digit * 8}-0d3f-4697-b07a-ac58fc914c95" for digit in "12")


def run(request_id: str, *lines: str, log: str = "") -> str:
    """The messages of an attempt that prints ``lines``."""
    events = Environment("a").runs(request_id, *lines).events
    kept = [event.message.rstrip("\n") for event in events if "INIT" not in event.message]
    return log + "\n".join(kept) + "\n"


def verdicts(path: Path, text: str) -> tuple[dict[str, Verdict], list[str]]:
    """The verdict of each request, and the kinds of gaps that hide attempts."""
    path.write_text(text)
    traced = BulkReader(str(path)).trace(LogQuery())
    gaps: list[str] = [gap.kind for gap in traced.coverage.gaps if gap.hides_attempts]
    return {one.request.request_id: one.verdict for one in traced.requests}, gaps


def test_a_printed_quote_hides_no_claim(tmp_path: Path) -> None:
    log = run(ID, '"note"', "0", "process A") + run(OTHER, "hello")
    log += run(ID, '"first', "0", "process A", 'last"')
    found, gaps = verdicts(tmp_path / "log", "message\n" + log)
    assert (found[ID], gaps) == (Verdict.DISAGREES, [])


@pytest.mark.parametrize("before", ['"stray\n', 'a "quote" in it\n"stray\n'])
def test_a_printed_quote_hides_no_request(before: str, tmp_path: Path) -> None:
    log = run(ID, "hello") + before + run(OTHER, "0", "process A") + 'end"\n' + run(THIRD, "bye")
    found, gaps = verdicts(tmp_path / "log", "@message\n" + log)
    assert (set(found), gaps) == ({ID, OTHER, THIRD}, [])


def test_a_row_of_two_cells_is_a_message(tmp_path: Path) -> None:
    log = run(ID, '"a", said b', "0", "process A")
    found, gaps = verdicts(tmp_path / "log", "message\n" + log)
    assert (found, gaps) == ({ID: Verdict.AGREES}, [])


def test_quotes_that_may_be_printed_hide_attempts(tmp_path: Path) -> None:
    log = run(ID, '"first', "0", "process A", 'last"')
    found, gaps = verdicts(tmp_path / "log", "message\n" + log)
    assert (found[ID], gaps) == (Verdict.UNDETERMINED, ["not-understood"])


def test_a_record_within_quotes_may_be_one(tmp_path: Path) -> None:
    rows = [f'"{line}\n"' for line in run(ID, "fine").splitlines()]
    rows += [f'"printed\n{line}\n"' for line in run(OTHER, "fine").splitlines()[:1]]
    for number in range(60):  # behind the first lines, which show the format
        rows[3:3] = [f'"line {number}\n"']
    found, gaps = verdicts(tmp_path / "log", "\n".join(["@message", *rows]) + "\n")
    assert (set(found), gaps) == ({ID}, ["not-understood"])


def test_a_quoted_row_that_needs_its_quotes_is_one(tmp_path: Path) -> None:
    log = run(ID, '"he said ""no"", then"', "0", "process A")
    found, gaps = verdicts(tmp_path / "log", "message\n" + log)
    assert (found, gaps) == ({ID: Verdict.AGREES}, [])
