"""A log that was saved twice, in two forms, is counted once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retryctl.core.model.events import LogEvent
from tests.support.lambda_log import ID, OTHER_ID, Environment, events_of
from tests.support.program import run


def csv_of(*events: LogEvent, streams: bool) -> str:
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(["timestamp", "message", "logStreamName"][: 3 if streams else 2])
    for event in events:
        row = [event.timestamp_ms, event.message, event.log_stream]
        writer.writerow(row[: 3 if streams else 2])
    return rows.getvalue()


def assert_counted_once(command: str, folder: Path) -> None:
    """The folder ``two`` has each event twice, ``one`` has it once."""
    once, twice = (
        json.loads(run(command, "--from", str(folder / name), "-o", "json").stdout)
        for name in ("one", "two")
    )
    assert once.pop("coverage")["events_read"] * 2 == twice.pop("coverage")["events_read"]
    assert once == twice


@pytest.mark.parametrize("command", ["list", "summary"])
def test_a_log_saved_twice_with_and_without_streams_is_counted_once(
    command: str, tmp_path: Path
) -> None:
    one, two = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    two.at(70).runs(ID, "0", "process A", ends="error")
    two.at(90).runs(OTHER_ID, "0", "process A")
    events = sorted(events_of(one, two), key=lambda event: event.timestamp_ms)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "named.csv").write_text(csv_of(*events, streams=True))
    (tmp_path / "two" / "nameless.csv").write_text(csv_of(*events, streams=False))
    assert_counted_once(command, tmp_path)


@pytest.mark.parametrize("lost", ["lines without the ID", "the end"])
def test_of_two_records_of_an_attempt_the_fuller_one_counts(lost: str, tmp_path: Path) -> None:
    """The file with streams lacks the error and the counter, or the attempt's end."""
    here = Environment("a")
    here.inits().runs(ID, "0", "process A", ends="error")
    (tmp_path / "whole.csv").write_text(csv_of(*here.events, streams=False))
    part = [e for e in here.events if ID in e.message] if lost != "the end" else here.events[:4]
    (tmp_path / "part.csv").write_text(csv_of(*part, streams=True))
    document = json.loads(run("trace", ID, "--from", str(tmp_path), "-o", "json").stdout)
    [attempt] = document["requests"][0]["attempts"]
    assert attempt["log_stream"] == here.events[0].log_stream
    assert (attempt["outcome"], attempt["counter"]["logged"]) == ("error", 0)


def test_a_stream_whose_name_breaks_off_is_not_another_environment(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, "0", "process A", ends="error")
    text = csv_of(*events_of(one), streams=True)
    path = tmp_path / "log.csv"
    path.write_text(text[:-10])
    document = json.loads(run("list", "--from", str(path), "-o", "json").stdout)
    assert [row["attempts"] for row in document["requests"]] == [1]
    assert [gap["kind"] for gap in document["coverage"]["gaps"]] == ["truncated"]
    assert "breaks off" in document["coverage"]["gaps"][0]["message"]


def in_seconds(events: Sequence[LogEvent]) -> str:
    """What ``aws logs tail --format short`` prints."""
    times = (datetime.fromtimestamp(e.timestamp_ms / 1000, UTC) for e in events)
    rows = zip(times, events, strict=True)
    return "".join(f"{time:%Y-%m-%dT%H:%M:%S} {e.message.rstrip()}\n" for time, e in rows)


@pytest.mark.parametrize("command", ["list", "summary"])
@pytest.mark.parametrize("streams", [True, False])
def test_a_log_saved_twice_with_and_without_milliseconds_is_counted_once(
    command: str, streams: bool, tmp_path: Path
) -> None:
    one = Environment("a")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(70.1).runs(ID, "1", "process B")
    for number in range(20):
        quiet = f"{number:08x}-0000-4000-8000-000000000000"
        one.at(100 + number * 1.37).runs(quiet)
        one.at(200 + number * 1.61).runs(quiet, "0")
    events = events_of(one)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_text(csv_of(*events, streams=streams))
    (tmp_path / "two" / "short.txt").write_text(in_seconds(events))
    assert_counted_once(command, tmp_path)
