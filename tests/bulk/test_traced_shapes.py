"""A request is traced alike in every shape, wrapping, order and cut of its log."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retryctl.bulk import reader
from retryctl.bulk.chunk_tasks import SurveyTask
from retryctl.bulk.chunks import Chunk
from retryctl.bulk.id_survey import SurveyedChunk
from retryctl.bulk.reader import BulkReader, TracedLog
from retryctl.core.model.coverage import LogQuery
from retryctl.sources.saved import raw_blocks
from retryctl.sources.saved.files import SavedFile
from tests.support.saved_logs import (
    EVENTS,
    GROUP,
    HOUR,
    ID,
    JSON_SHAPES,
    OTHER_ID,
    STREAM,
    T0,
    TEXT_SHAPES,
    attempt,
    fields,
    in_time_order,
    lines,
    write_export,
)

OF_ID = LogQuery(request_ids=(ID,))
SHAPES: dict[str, Callable[..., str]] = {**JSON_SHAPES, **TEXT_SHAPES}


def traced(source: bytes | Path, query: LogQuery = OF_ID) -> TracedLog:
    if isinstance(source, bytes):
        return BulkReader("-", stdin=io.BytesIO(source)).trace(query)
    return BulkReader(str(source)).trace(query)


def story(log: TracedLog) -> list[object]:
    """What happened, without the fields that a shape cannot carry and the ends of messages."""
    return [
        (
            *(one.request.request_id, one.request.outcome, one.verdict),
            [(finding.rule, finding.attempt) for finding in one.findings],
            [
                (
                    *(each.number, each.log_stream, each.started_ms, each.ended_ms, each.outcome),
                    *(each.error, each.claim.counter, each.claim.branch),
                    [(event.timestamp_ms, event.message.rstrip()) for event in each.events],
                )
                for each in one.request.attempts
            ],
        )
        for one in log.requests
    ]


EXPECTED: Any = story(traced(lines(EVENTS).encode()))


def test_the_expected_story_is_one() -> None:
    ((request_id, outcome, verdict, _, attempts),) = EXPECTED
    assert (request_id, outcome, verdict) == (ID, "not-retried", "not-counted")
    assert [len(each[-1]) for each in attempts] == [6, 6]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_one_story(shape: str) -> None:
    found = traced(SHAPES[shape](EVENTS).encode())
    assert story(found) == EXPECTED
    assert found.mentioned == {ID}
    assert found.coverage.events_read == len(EVENTS)
    assert found.coverage.horizon_ms == EVENTS[-1][0]


@pytest.mark.parametrize("block_bytes", [100, 700])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_one_story_from_the_blocks_of_its_streams(
    shape: str, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(reader, "EXAMINED_BYTES", 0)
    assert story(traced(SHAPES[shape](EVENTS).encode())) == EXPECTED


@pytest.mark.parametrize("shape", ["lines", "document", "tail"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gzip", "crlf"])
def test_a_wrapped_log_gives_the_story(shape: str, encoding: str) -> None:
    text = SHAPES[shape](EVENTS)
    if encoding == "gzip":
        content = gzip.compress(text.encode())
    elif encoding == "crlf":
        content = text.replace("\n", "\r\n").encode()
    else:
        content = text.encode(encoding)
    assert story(traced(content)) == EXPECTED


def test_an_export_folder_gives_the_story(tmp_path: Path) -> None:
    write_export(tmp_path / "prefix", EVENTS)
    assert story(traced(tmp_path)) == EXPECTED


@given(order=st.permutations(range(len(EVENTS))), cut=st.integers(0, len(EVENTS)))
def test_any_order_over_several_files_gives_the_story(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("shuffled")
    numbered = [json.dumps(fields(event, number)) + "\n" for number, event in enumerate(EVENTS)]
    shuffled = [numbered[number] for number in order]
    (folder / "a").write_text("".join(shuffled[:cut]))
    (folder / "b").write_text('{"events": [' + ",".join(shuffled[cut:]) + "]}")
    assert story(traced(folder)) == EXPECTED


@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("write", ["lines", "document"])
def test_newest_first_gives_the_story(write: str, ids: bool) -> None:
    rows = [fields(event, number) for number, event in enumerate(EVENTS)][::-1]
    if not ids:
        rows = [{key: row[key] for key in row if key != "eventId"} for row in rows]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if write == "document":
        text = json.dumps({"events": rows}, indent=4)
    assert story(traced(text.encode())) == EXPECTED


def test_an_id_is_found_in_any_case() -> None:
    upper = lines(EVENTS).replace(ID, ID.upper()).encode()
    assert len(traced(upper).requests[0].request.attempts) == 2
    assert story(traced(lines(EVENTS).encode(), LogQuery(request_ids=(ID.upper(),)))) == EXPECTED


def test_another_layout_of_some_lines_changes_nothing() -> None:
    rows = [json.loads(line) for line in lines(EVENTS).splitlines()]
    mixed = "".join(
        json.dumps(dict(reversed(row.items())) if number % 3 else row, ensure_ascii=number % 2 == 0)
        + "\n"
        for number, row in enumerate(rows)
    )
    assert story(traced(mixed.encode())) == EXPECTED


@pytest.mark.parametrize("request_id", [ID[:-1] + "6", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_id_gives_nothing_and_the_coverage_of_what_was_read(request_id: str) -> None:
    found = traced(lines(EVENTS).encode(), LogQuery(request_ids=(request_id,)))
    assert (found.requests, found.mentioned) == ((), frozenset())
    assert found.coverage.events_read == len(EVENTS)
    assert found.coverage.until_ms == EVENTS[-1][0]


def test_a_mention_alone_is_no_request() -> None:
    rows = in_time_order([*attempt(T0, STREAM, OTHER_ID, counter=0), (T0 + 5, STREAM, f"saw {ID}")])
    found = traced(lines(rows).encode())
    assert not found.requests
    assert found.mentioned == {ID}


def test_several_ids_are_found_in_one_reading() -> None:
    log = lines(EVENTS).encode()
    found = traced(log, LogQuery(request_ids=(OTHER_ID, ID)))
    assert [one.request.request_id for one in found.requests] == [ID, OTHER_ID]
    many = (*(f"{number:08x}-0000-4000-8000-000000000000" for number in range(40)), ID)
    assert story(traced(log, LogQuery(request_ids=many))) == EXPECTED


def test_a_request_of_another_function_is_named_with_its_function() -> None:
    log = "".join(
        json.dumps({**fields(event, number), "logGroupName": GROUP}) + "\n"
        for number, event in enumerate(EVENTS)
    ).encode()
    for query in (
        LogQuery(request_ids=(ID,), function="foo"),
        LogQuery(request_ids=(ID,), log_groups=("/aws/lambda/foo",)),
    ):
        found = traced(log, query)
        assert found.requests == ()
        assert found.coverage.left_out == ((ID, "orders-worker"),)
    assert traced(log).coverage.left_out == ()


def test_the_command_that_closes_a_gap_has_no_times_where_the_log_has_none() -> None:
    messages = (f"START RequestId: {ID} Version: 7", f"[INFO]\t{ID}\tx", f"END RequestId: {ID}")
    timed = lines([(T0, STREAM, message) for message in messages])
    commands = []
    for log in (timed, "\n".join(messages)):
        (gap,) = traced(log.encode()).coverage.gaps
        assert gap.kind == "searched-by-id"
        commands.append(str(gap.settle))
    six_hours_and_the_longest_attempt = 21_600_000 + 1_860_000
    assert f"--start-time {T0 - six_hours_and_the_longest_attempt} " in commands[0]
    assert "--start-time START_MS " in commands[1]
    assert all(each.endswith(f"&& retryctl trace {ID} --from log.json") for each in commands)


def test_the_command_that_closes_a_gap_names_the_group_of_the_function() -> None:
    messages = (f"START RequestId: {ID} Version: 7", f"[INFO]\t{ID}\tx", f"END RequestId: {ID}")
    log = lines([(T0, STREAM, message) for message in messages]).encode()
    queries = (LogQuery(function="foo"), LogQuery(log_groups=("/aws/lambda/foo",)), LogQuery())
    settled = [str(traced(log, query).coverage.gaps[0].settle) for query in queries]
    names = [each.split("--log-group-name ")[1].split()[0] for each in settled]
    assert names == ["/aws/lambda/foo", "/aws/lambda/foo", "GROUP"]


def test_the_window_bounds_the_coverage_and_not_the_attempts() -> None:
    query = LogQuery(request_ids=(ID,), since_ms=T0 + 1_000, until_ms=T0 + HOUR)
    found = traced(lines(EVENTS).encode(), query)
    assert [each.started_ms for each in found.requests[0].request.attempts] == [T0, T0 + 62_877]
    assert (found.coverage.since_ms, found.coverage.horizon_ms) == (T0 + 1_000, T0 + HOUR)


def test_progress_reports_the_bytes_of_both_passes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(lines(EVENTS * 300))
    heard: list[tuple[int, int | None]] = []
    log = BulkReader(str(path))
    found = log.trace(OF_ID, progress=lambda done, all_: heard.append((done, all_)))
    size = path.stat().st_size
    assert heard[-1] == (2 * size, 2 * size)
    assert heard == sorted(heard)
    assert found.coverage.bytes_read == size


MEASURE = """
import re, sys
from retryctl.bulk.reader import BulkReader
from retryctl.core.model.coverage import LogQuery
found = BulkReader(sys.argv[1]).trace(LogQuery(request_ids=(sys.argv[2],)))
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(len(found.requests), found.coverage.events_read, peak_kb, "boto3" in sys.modules)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_a_request_in_a_large_document_takes_little_memory_and_no_boto3(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("w") as file:
        file.write('{"events": [\n')
        for number in range(40_000):
            stream = f"2026/11/23/[7]{number % 50:032x}"
            file.write(json.dumps(fields((T0 + number * 100, stream, "item\n"), number)) + ",\n")
        file.write(
            json.dumps(fields((T0 + 9 * HOUR, STREAM, f"START RequestId: {ID} Version: 7\n"), 1))
        )
        file.write('\n], "searchedLogStreams": []}\n')
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.json"), ID]
    count, events, peak_kb, boto3 = subprocess.check_output(command, text=True).split()
    assert (int(count), int(events)) == (1, 40_001)
    assert int(peak_kb) < 50_000
    assert boto3 == "False"


@pytest.mark.parametrize("shape", ["document", "tail"])
def test_a_survey_shows_where_the_blocks_of_a_stream_are(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_blocks, "BLOCK_BYTES", 700)
    others = [(T0 + at, f"2026/11/23/[$LATEST]{'b' * 32}", "other\n") for at in range(100)]
    content = SHAPES[shape](in_time_order([*EVENTS, *others])).encode()
    file = SavedFile(name="log", size=len(content), open=lambda: io.BytesIO(content))
    survey = SurveyTask(query=OF_ID)(Chunk(file=file), lambda _: None)
    assert isinstance(survey, SurveyedChunk)
    stretches = survey.index.stretches([STREAM.encode()])
    assert stretches
    assert 0 < len(stretches.bounds) < len(survey.index.bounds)
