"""Records that an export or a paste altered: cut, with blank lines, with written newlines."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.check_logs import right, save
from tests.support.lambda_log import ID, Environment, events_of
from tests.support.program import run

PYTHON = (
    "[ERROR] KeyError: 'sku'\nTraceback (most recent call last):\n"
    '  File "/var/task/app.py", line 31, in handler\n    place(event["sku"])'
)
JAVA = "boom: java.lang.RuntimeException\njava.lang.RuntimeException: boom\n\tat a.H.run(H.java:12)"


def traced(log: Path) -> dict[str, Any]:
    done = run("trace", ID, "--from", str(log), "-o", "json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["requests"]
    return dict(found)


def failed_once(error: str) -> Environment:
    environment = Environment("a").at(0).starts(ID).prints("0", "process A")
    environment.prints(error).reports(ID)
    return environment.at(61).runs(ID, "1", "process B")


def as_csv(path: Path, *environments: Environment) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("timestamp", "message", "logStreamName"))
        for event in events_of(*environments):
            rows.writerow((event.timestamp_ms, event.message, event.log_stream))
    return path


@pytest.mark.parametrize("save_as", [save, as_csv])
@pytest.mark.parametrize("error", [PYTHON, JAVA])
def test_an_error_with_written_newlines_leaves_the_outcome_unknown(
    tmp_path: Path, error: str, save_as: Any
) -> None:
    written = error.replace("\n", "\\n").replace("\t", "\\t")
    for text in (written, f"{written}\n"):
        found = traced(save_as(tmp_path / "log", failed_once(text)))
        assert [each["outcome"] for each in found["attempts"]] == ["unknown", "ok"]
        assert found["outcome"] == "unknown"
        (finding,) = found["findings"]
        assert finding["rule"] == "logs-incomplete"
        assert r"with \n written for its newlines" in finding["message"]


def test_text_that_only_mentions_a_written_newline_changes_nothing(tmp_path: Path) -> None:
    for text in (r"[ERROR] disk full\nretrying", r"error: a.B\nno frame", r"path C:\new at x(1)"):
        found = traced(save(tmp_path / "log", failed_once(text)))
        assert [each["outcome"] for each in found["attempts"]] == ["ok", "ok"]


def test_a_stack_of_java_with_blank_lines_between_is_an_error(tmp_path: Path) -> None:
    rows = [f"2026-11-23T03:00:00.000Z\tSTART RequestId: {ID} Version: 7"]
    rows += [f"2026-11-23T03:00:00.020Z\t{JAVA}".replace("\n", "\n\n") + "\n"]
    rows += [f"2026-11-23T03:00:00.050Z\tEND RequestId: {ID}"]
    rows += [
        f"2026-11-23T03:00:00.050Z\tREPORT RequestId: {ID}\tDuration: 50.00 ms\t"
        "Billed Duration: 51 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\n"
    ]
    log = tmp_path / "log.tsv"
    log.write_text("\n".join(rows))
    (attempt,) = traced(log)["attempts"]
    assert attempt["outcome"] == "error"
    assert attempt["error"]["type"] == "java.lang.RuntimeException"
    assert attempt["error"]["message"] == "boom"


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("Status: error\tError Type: Runtime.OutOfMemory", "out-of-memory"),
        ("Status: error\tError Type: Runtime.ExitError", "crash"),
        ("Status: error\tError Type: My.Own", "crash"),
        ("Status: error\tError Type: Runtime.O", "unknown"),
        ("Status: error\tError Type: Run", "unknown"),
        ("Status: tim", "unknown"),
        ("Status: timeout", "timeout"),
    ],
)
def test_a_report_that_breaks_off_within_its_status_tells_no_outcome(
    tmp_path: Path, end: str, outcome: str
) -> None:
    log = save(tmp_path / "log.jsonl", right())
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[-1]["message"] = lines[-1]["message"].rstrip() + f"\t{end}\n"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = traced(log)
    assert found["attempts"][-1]["outcome"] == outcome
    if outcome == "unknown":
        assert "breaks off" in found["findings"][-1]["message"]
