"""Shortened request IDs that a saved log does not contain: like whole ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.check_logs import right, save
from tests.support.lambda_log import ID
from tests.support.program import run

WHOLE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    log = save(tmp_path / "log.jsonl", right())
    (tmp_path / "part.gz").write_bytes(gzip.compress(log.read_bytes())[:-40])
    return tmp_path


@pytest.mark.parametrize("command", ["trace", "check", "diff"])
def test_the_status_and_the_gaps_are_those_of_the_whole_id(command: str, folder: Path) -> None:
    whole, short = (run(command, one, "--from", str(folder)) for one in (WHOLE, WHOLE[:8]))
    assert (short.returncode, whole.returncode) == (4, 4)
    assert "no request ID of this log begins with 00000000." in short.stderr
    assert "part.gz: its gzip data breaks off" in short.stderr


def test_json_names_it_beside_what_was_found(folder: Path) -> None:
    options = ("--from", str(folder / "log.jsonl"), "-o", "json")
    alone = run("trace", WHOLE[:8], *options)
    assert alone.returncode == 4
    assert json.loads(alone.stdout)["not_found"] == [WHOLE[:8]]
    beside = run("trace", ID[:8], WHOLE[:8], *options)
    found = json.loads(beside.stdout)
    assert (beside.returncode, found["not_found"]) == (0, [WHOLE[:8]])
    assert [one["request_id"] for one in found["requests"]] == [ID]
    assert "begins with 00000000" in beside.stderr


def test_records_that_were_not_understood_make_the_log_unreadable(tmp_path: Path) -> None:
    log = save(tmp_path / "log.jsonl", right())
    with log.open("a") as file:
        file.write(f"START RequestId: {WHOLE} Version: 1\n")
    statuses = [run("trace", one, "--from", str(log)).returncode for one in (WHOLE, WHOLE[:8])]
    assert statuses == [3, 3]
