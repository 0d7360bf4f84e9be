"""What ``--from`` can name, and what is said where it names no saved log."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from retryctl.core.history.history_builder import build_history
from retryctl.core.model.coverage import LogQuery
from retryctl.core.timestamps import iso_ms
from retryctl.errors import RetryctlError, UnreadableInput, UsageError
from tests.support.program import run
from tests.support.reference_reader import SavedLog
from tests.support.saved_logs import (
    EVENTS,
    HOUR,
    ID,
    STREAM,
    T0,
    attempt,
    document,
    lines,
    plain,
    read,
    read_bytes,
    refused,
    subscription,
)

FOLDER = "2026-11-23-[$LATEST]0123456789abcdef0123456789abcdef"


# --------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "source",
    [
        f"export/task/{FOLDER}/*.log",
        f"export/task/{FOLDER}/000000.log",
        f"export/*/{FOLDER}/*.log",
        "export/**/*.log",
        "export/task/2026-11-2[23]-*/*",
        "./export//task",
    ],
)
def test_the_brackets_of_a_log_stream_are_no_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "export" / "task" / FOLDER
    folder.mkdir(parents=True)
    (folder / "000000.log").write_text(lines(EVENTS))
    events, coverage = read(source)
    assert plain(events) == EVENTS
    assert coverage.where == source


def test_a_home_that_the_shell_did_not_expand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "log.jsonl").write_text(lines(EVENTS))
    for source in ("~/log.jsonl", "~/*.jsonl"):
        assert plain(read(source)[0]) == EVENTS


@pytest.mark.parametrize(
    ("source", "kind", "next_step"),
    [
        ("", UsageError, "- for stdin"),
        ("s3://logs/export", UnreadableInput, "aws s3 cp --recursive s3://logs/export log/"),
        ("file:///tmp/x.json", UnreadableInput, "Give the path: /tmp/x.json"),
        ("Cloudwatch", UnreadableInput, "Did you mean cloudwatch?"),
        ("demo/", UnreadableInput, "Did you mean demo?"),
        ("savd.json", UnreadableInput, "Did you mean saved.json?"),
        ("*.gz", UnreadableInput, "has saved.json"),
    ],
)
def test_what_is_no_file_is_refused_with_what_to_give(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    kind: type[RetryctlError],
    next_step: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved.json").touch()
    with pytest.raises(kind) as caught:
        list(SavedLog(source).read(LogQuery()))
    assert next_step in caught.value.next_step


def test_a_folder_without_a_log_says_what_is_in_it(tmp_path: Path) -> None:
    assert f"{tmp_path} contains no file" in refused(tmp_path).what
    (tmp_path / "note.txt").write_text("Dear\n")
    only = refused(tmp_path).what
    assert only.count("note.txt") == 1
    assert "starts with 'Dear'" in only
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x01")
    assert f"none of 2 files in {tmp_path} can be read; the first: " in refused(tmp_path).what


# --------------------------------------------------------------------------- shapes


def test_an_array_of_documents_is_read_as_one_after_another() -> None:
    """As ``jq -s`` puts them."""
    some, more = EVENTS[:9], EVENTS[9:]
    documents = f"[{document(some)},{document(more)}]"
    records = subscription(EVENTS).replace("}{", "},{")
    for content in (documents, f"[{records}]"):
        events, coverage = read_bytes(content.encode())
        assert plain(events) == EVENTS
        assert coverage.complete


def test_a_log_without_an_event_is_whole_and_one_cut_before_its_first_is_refused(
    tmp_path: Path,
) -> None:
    assert read_bytes(b'{"events": []}')[1].complete
    for cut in (b'{"events": [', b'{"events": [{"logStreamName": "20', b'{"events": [1, 2]}'):
        (tmp_path / "log").write_bytes(cut)
        error = refused(tmp_path / "log")
        assert error.what.startswith(f"nothing can be read of {tmp_path / 'log'}:")
        assert "again" in error.next_step


def test_a_file_of_an_export_that_is_cut_before_its_first_event_may_hide_attempts(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.json").write_text(document(EVENTS))
    (tmp_path / "b.json").write_text('{"events": [{"logStr')
    events, coverage = read(tmp_path)
    assert plain(events) == EVENTS
    [gap] = coverage.gaps
    assert (gap.kind, gap.hides_attempts) == ("skipped", True)
    told = run("summary", "--from", str(tmp_path), "-o", "json")
    assert [gap["message"] for gap in json.loads(told.stdout)["coverage"]["gaps"]] == [gap.message]


@pytest.mark.parametrize(
    ("content", "hides"),
    [
        (gzip.compress(document(EVENTS).encode())[:30], True),
        (b"BZh91AY&SY", True),
        (b"<log><line>START RequestId: 1 Version: 2</line></log>", True),
        (b"<html>a page</html>", False),
        (b"notes of the incident\n", False),
    ],
    ids=["cut gzip", "bzip2", "records in XML", "web page", "notes"],
)
def test_a_skipped_file_that_is_a_log_may_hide_attempts(
    content: bytes, hides: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(document(EVENTS))
    (tmp_path / "b").write_bytes(content)
    told = run("summary", "--from", str(tmp_path), "-o", "json")
    [gap] = json.loads(told.stdout)["coverage"]["gaps"]
    assert (gap["kind"], gap["hides_attempts"]) == ("skipped", hides)


@pytest.mark.parametrize("levels", [200, 5_000, 100_000])
@pytest.mark.parametrize(
    "around", ['{"events":[%s]}', '{"logEvents":[%s]}', '[{"timestamp":1,"message":%s}]', "%s"]
)
@pytest.mark.parametrize("nest", ["[%s]", '{"a":%s}', '["]",%s]'])
def test_json_that_is_nested_deeper_than_any_log_is_refused(
    tmp_path: Path, around: str, nest: str, levels: int
) -> None:
    before, after = nest.split("%s")
    (tmp_path / "log").write_text(around % (before * levels + "1" + after * levels))
    assert refused(tmp_path / "log").what


def test_what_comes_before_json_that_is_nested_too_deep_is_read() -> None:
    whole = document(EVENTS * 100)
    deep = whole[: whole.rindex("]")] + "[" * 100_000
    events, coverage = read_bytes(deep.encode())
    assert plain(events) == EVENTS * 100
    [gap] = coverage.gaps
    assert f"nested too deep after event {len(events)}" in gap.message
    assert gap.hides_attempts


def test_brackets_within_a_message_are_no_levels() -> None:
    messages = ["[" * 500, '{"a": "\\' * 300, "\\" * 301 + '"' + "[{" * 99, "]}" * 400]
    nasty = [(T0 + n, "s", message) for n, message in enumerate(messages)]
    events, coverage = read_bytes(document(nasty * 300).encode())
    assert plain(events) == nasty * 300
    assert coverage.complete


def test_a_line_that_is_nested_too_deep_is_one_line_that_is_no_event() -> None:
    deep = '{"timestamp": 1, "message": %s}\n' % ("[" * 100_000)
    whole = '{"timestamp": 1, "message": "x", "logStreamName": %s}\n' % ("[" * 900 + "]" * 900)
    events, coverage = read_bytes((lines(EVENTS) + deep + whole).encode())
    assert plain(events)[: len(EVENTS)] == EVENTS
    assert coverage.events_unrecognised >= 1


# --------------------------------------------------------------------------- what was looked at


END_MS = EVENTS[-1][0]


@pytest.mark.parametrize(
    ("since_ms", "until_ms", "window", "horizon_ms"),
    [
        (END_MS + HOUR, None, (END_MS + HOUR, END_MS + HOUR), END_MS),
        (END_MS + HOUR, END_MS + 2 * HOUR, (END_MS + HOUR, END_MS + HOUR), END_MS),
        (None, T0 - HOUR, (T0 - HOUR, T0 - HOUR), T0 - HOUR),
        (T0 - 2 * HOUR, T0 - HOUR, (T0 - 2 * HOUR, T0 - HOUR), T0 - HOUR),
        (None, END_MS + 24 * HOUR, (T0, END_MS), END_MS),
        (T0 + 1, END_MS - 1, (T0 + 1, END_MS - 1), END_MS - 1),
    ],
)
def test_the_window_ends_where_the_log_does_and_is_never_turned_round(
    since_ms: int | None, until_ms: int | None, window: tuple[int, int], horizon_ms: int
) -> None:
    for request_ids in ((), (ID,)):
        asked = LogQuery(request_ids=request_ids, since_ms=since_ms, until_ms=until_ms)
        _, coverage = read_bytes(lines(EVENTS).encode(), asked)
        assert (coverage.since_ms, coverage.until_ms) == window
        assert coverage.horizon_ms == horizon_ms
        assert coverage.last_event_ms == END_MS


def test_a_retry_that_would_lie_beyond_the_log_is_still_due() -> None:
    log = lines(attempt(T0, STREAM, ID, counter=0)).encode()
    events, coverage = read_bytes(log, LogQuery(request_ids=(ID,), until_ms=T0 + 24 * HOUR))
    (request,) = build_history(events, horizon_ms=coverage.horizon_ms or 0).requests
    assert request.outcome == "pending"


# --------------------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("2026-11-23T03:00:00Z", T0 - 123),
        ("2026-11-23 03:00:00", T0 - 123),
        ("2026-11-23T03:00:00.1", T0 - 23),
        ("2026-11-23T03:00:00,12+00:00", T0 - 3),
        ("2026-11-23T03:00:00.123999999Z", T0),
        ("2026-11-23T04:30:00.123+01:30", T0),
        ("2026-11-22T22:00:00.123-0500", T0),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", None),
        ("2026-W47-1", None),
        ("2026-11-23", None),
        ("20261123T030000Z", None),
        ("2026-11-23T24:00:00Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-11-23T03:00:00Z\n", None),
        ("\u0662026-11-23T03:00:00Z", None),
    ],
)
def test_a_time_is_read_alike_by_every_python_or_not_at_all(
    text: str, expected_ms: int | None
) -> None:
    assert iso_ms(text) == expected_ms


def test_a_summary_turns_no_window_round_either(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(lines(EVENTS))
    window = ("--until=2026-01-01", "-o", "json")
    told = run("summary", "--from", "log.jsonl", *window, cwd=tmp_path)
    assert told.returncode == 4
    coverage = json.loads(told.stdout)["coverage"]
    assert coverage["where"] == "log.jsonl"
    assert coverage["since"] <= coverage["until"]


def test_files_without_times_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in range(1, 6):
        request_id = f"{number}f507cfc-0d3f-4697-b07a-ac58fc914c95"
        name = tmp_path / f"{number}.txt"
        name.write_text(f"START RequestId: {request_id} Version: $LATEST\nfile {number}\n")
    events = sorted(SavedLog(str(tmp_path)).read(LogQuery()), key=lambda event: event.timestamp_ms)
    assert [event.message for event in events][1::2] == [f"file {n}" for n in range(1, 6)]
