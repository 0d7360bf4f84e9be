"""Saved logs: the same few events in every shape, wrapped, shuffled, selected."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from retryctl.core.model.coverage import LogQuery
from retryctl.core.model.events import LogEvent, stream_name
from tests.support.reference_reader import SavedLog
from tests.support.saved_logs import (
    ALL,
    EVENTS,
    GROUP,
    HOUR,
    ID,
    JSON_SHAPES,
    STREAM,
    T0,
    TEXT_SHAPES,
    export_line,
    fields,
    get_log_events_document,
    lines,
    plain,
    read,
    read_bytes,
    refused,
    stripped,
    subscription,
    tail,
    without_last_newline,
    write_export,
)


@pytest.mark.parametrize("shape", JSON_SHAPES)
def test_every_shape_of_json_gives_the_events_as_they_were(shape: str) -> None:
    events, coverage = read_bytes(JSON_SHAPES[shape](EVENTS).encode())
    assert plain(events) == EVENTS
    assert [event.event_id for event in events] == [
        fields(event, int(read.event_id or -1))["eventId"]
        for event, read in zip(EVENTS, events, strict=True)
    ]
    assert [event.position for event in events] == list(range(len(EVENTS)))
    assert coverage.complete
    assert coverage.events_read == len(EVENTS)
    assert (coverage.first_event_ms, coverage.horizon_ms) == (EVENTS[0][0], EVENTS[-1][0])


def test_get_log_events_names_neither_streams_nor_ids() -> None:
    events, _ = read_bytes(get_log_events_document(EVENTS).encode())
    assert [(event.timestamp_ms, event.message) for event in events] == [
        (timestamp_ms, message) for timestamp_ms, _, message in EVENTS
    ]
    assert {stream_name(event.log_stream) for event in events} == {None}
    assert len({event.log_stream for event in events}) == 1


@pytest.mark.parametrize("shape", TEXT_SHAPES)
def test_every_shape_of_text_gives_the_events_but_for_the_ends_of_messages(shape: str) -> None:
    events, coverage = read_bytes(TEXT_SHAPES[shape](EVENTS).encode())
    assert plain(events) == stripped(EVENTS)
    assert coverage.complete


def test_a_whole_second_has_no_fraction_in_the_tail() -> None:
    events, _ = read_bytes(tail([(T0 // 1000 * 1000, STREAM, "x")]).encode())
    assert tail([(T0 // 1000 * 1000, STREAM, "x")]).startswith("2026-11-23T03:00:00+00:00 ")
    assert plain(events) == [(T0 // 1000 * 1000, STREAM, "x")]


@pytest.mark.parametrize("colour", [False, True])
def test_the_short_tail_has_whole_seconds_and_no_stream(colour: bool) -> None:
    content = tail(EVENTS, "short", colour=colour).encode()
    events, _ = read_bytes(content)
    assert plain(events) == [
        (timestamp_ms // 1000 * 1000, None, message.rstrip()) for timestamp_ms, _, message in EVENTS
    ]


def test_colours_of_a_message_stay() -> None:
    message = "\x1b[31mred\x1b[0m\n\x1b[1mstill"
    events, _ = read_bytes(tail([(T0, STREAM, message)], colour=True).encode())
    assert [event.message for event in events] == [message]


def test_a_message_in_json_is_still_json_behind_its_line_break() -> None:
    message = json.dumps({"type": "platform.start", "record": {"requestId": ID}})
    content = tail([(T0, STREAM, message), (T0 + 1, STREAM, "x")], "json").encode()
    events, _ = read_bytes(content)
    assert events[0].message.startswith("{")
    assert json.loads(events[0].message) == json.loads(message)
    assert events[1].message == "x"


def test_empty_messages_and_blank_lines_within_messages() -> None:
    rows = [(T0, STREAM, ""), (T0 + 1, STREAM, "a\n\n  b"), (T0 + 2, STREAM, "")]
    for form in ("detailed", "json"):
        assert plain(read_bytes(tail(rows, form).encode())[0]) == rows
    assert [e.message for e in read_bytes(tail(rows, "short").encode())[0]] == ["", "a\n\n  b", ""]


WRAPS: dict[str, Callable[[str], bytes]] = {
    "gzip": lambda text: gzip.compress(text.encode()),
    "members of gzip": lambda text: b"".join(
        gzip.compress(text.encode()[start : start + 500])
        for start in range(0, len(text.encode()), 500)
    ),
    "gzip twice": lambda text: gzip.compress(gzip.compress(text.encode())),
    "BOM": lambda text: text.encode("utf-8-sig"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "PowerShell": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16, no BOM": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 in gzip": lambda text: gzip.compress(text.encode("utf-16")),
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("shape", [*JSON_SHAPES, *TEXT_SHAPES])
def test_a_wrapped_log_is_the_log(wrap: str, shape: str) -> None:
    text = {**JSON_SHAPES, **TEXT_SHAPES}[shape](EVENTS)
    wrapped, wrapped_coverage = read_bytes(WRAPS[wrap](text))
    events, coverage = read_bytes(text.encode())
    assert wrapped == events
    assert wrapped_coverage.gaps == coverage.gaps == ()


@pytest.mark.parametrize(
    ("stream", "folder"),
    [
        (STREAM, "2026-11-23-[$LATEST]0123456789abcdef0123456789abcdef"),
        (
            "2026/11/23/orders-worker[7]0123456789abcdef0123456789abcdef",
            "2026-11-23-orders-worker[7]0123456789abcdef0123456789abcdef",
        ),
        (None, "Downloads"),
    ],
)
def test_an_export_names_its_stream_by_its_folder(
    tmp_path: Path, stream: str | None, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "000000").write_text(export_line((T0, "", "x")))
    assert plain(read(tmp_path)[0]) == [(T0, stream, "x")]
    assert plain(read(tmp_path / folder / "000000")[0]) == [(T0, stream, "x")]


def test_an_export_folder_is_read_whole_whatever_the_order_of_its_chunks(tmp_path: Path) -> None:
    write_export(tmp_path / "prefix", EVENTS)
    events, coverage = read(tmp_path)
    assert sorted(plain(events)) == sorted(without_last_newline(EVENTS))
    assert coverage.complete


# --------------------------------------------------------------------------- lines of JSON


@pytest.mark.parametrize("stream_key", ["logStreamName", "log_stream", "logStream"])
@pytest.mark.parametrize("group_key", ["logGroupName", "logGroup", "log_group"])
@pytest.mark.parametrize("id_key", ["eventId", "id", "event_id"])
@pytest.mark.parametrize("time", [T0, "2026-11-23T03:00:00.123Z", "2026-11-23T04:00:00.123+01:00"])
def test_the_spellings_of_an_events_keys(
    stream_key: str, group_key: str, id_key: str, time: object
) -> None:
    line = {stream_key: "s", group_key: "g", id_key: "7", "timestamp": time, "message": f"{ID}\n"}
    expected = LogEvent(
        timestamp_ms=T0, message=f"{ID}\n", log_stream="s", log_group="g", event_id="7"
    )
    assert read_bytes(json.dumps(line).encode() + b"\n")[0] == [expected]


def test_an_event_without_a_time_has_that_of_the_one_before() -> None:
    rows = [(None, "first"), (T0, "second"), (None, "third"), (T0 + 9, ID), (None, "fifth")]
    content = "".join(json.dumps({"timestamp": t, "message": m}) + "\n" for t, m in rows).encode()
    expected = [(0, "first"), (T0, "second"), (T0, "third"), (T0 + 9, ID), (T0 + 9, "fifth")]
    assert [(e.timestamp_ms, e.message) for e in read_bytes(content)[0]] == expected


def test_a_timestamp_within_a_message_is_no_timestamp() -> None:
    forged = json.dumps({"timestamp": T0 - 9 * HOUR, "message": "x"})
    rows = [(T0, STREAM, forged), (T0 + 1, STREAM, f"{ID}\n"), (T0 + 2, STREAM, forged)]
    backwards = "".join(
        json.dumps(dict(reversed(fields(row, n).items()))) + "\n" for n, row in enumerate(rows)
    )
    for content in (lines(rows), backwards):
        events, coverage = read_bytes(content.encode())
        assert plain(events) == rows
        assert coverage.first_event_ms == T0


def test_an_applications_own_json_is_no_saved_log(tmp_path: Path) -> None:
    own = {"timestamp": "2026-11-23T03:00:00Z", "level": "INFO", "message": "x", "requestId": ID}
    (tmp_path / "app.log").write_text(json.dumps(own) + "\n")
    assert "is not a saved log" in refused(tmp_path / "app.log").what


# --------------------------------------------------------------------------- selections


def test_the_window_bounds_the_coverage_and_not_the_events() -> None:
    asked = LogQuery(since_ms=T0 + 1, until_ms=T0 + HOUR)
    events, coverage = read_bytes(lines(EVENTS).encode(), asked)
    assert plain(events) == EVENTS
    assert (coverage.since_ms, coverage.until_ms) == (T0 + 1, T0 + HOUR)
    assert coverage.horizon_ms == T0 + HOUR
    assert coverage.first_event_ms == T0


ARN = f"arn:aws:logs:eu-west-1:123456789012:log-group:{GROUP}"
CUSTOM = "2026/11/23/orders-worker[7]0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("asked", "read_groups"),
    [
        (LogQuery(), {GROUP, "/custom", "/aws/lambda/other"}),
        (LogQuery(log_groups=(GROUP,)), {GROUP}),
        (LogQuery(log_groups=("/custom", GROUP)), {GROUP, "/custom"}),
        (LogQuery(log_groups=(f"{ARN}:*",)), {GROUP}),
        (LogQuery(log_groups=(ARN,)), {GROUP}),
        (LogQuery(log_groups=("/aws/lambda/*",)), {GROUP, "/aws/lambda/other"}),
        (LogQuery(log_groups=("*/orders-*", "/custom")), {GROUP, "/custom"}),
        (LogQuery(log_groups=("/aws/lambda/orders",)), set()),
        (LogQuery(function="other", log_groups=("/aws/*",)), {"/aws/lambda/other"}),
        (LogQuery(function="orders-worker"), {GROUP, "/custom"}),
        (LogQuery(function="worker"), set()),
        (LogQuery(function="orders-worker", log_groups=("/custom",)), {"/custom"}),
        (LogQuery(function="other", log_groups=("/custom",)), set()),
    ],
)
def test_groups_and_functions_select_where_events_name_them(
    asked: LogQuery, read_groups: set[str]
) -> None:
    content = (
        subscription([(T0, STREAM, "a")])
        + subscription([(T0, CUSTOM, "b")], "/custom")
        + subscription([(T0, STREAM, "c")], "/aws/lambda/other")
    )
    events, coverage = read_bytes(content.encode(), asked)
    assert {event.log_group for event in events} == read_groups
    assert set(coverage.log_groups) == read_groups


@pytest.mark.parametrize(
    ("asked", "group"),
    [
        (LogQuery(), None),
        (LogQuery(log_groups=(GROUP,)), GROUP),
        (LogQuery(log_groups=(ARN,)), GROUP),
        (LogQuery(log_groups=("/aws/lambda/*",)), None),
        (LogQuery(log_groups=(GROUP, "/custom")), None),
        (LogQuery(function="orders-worker"), GROUP),
        (LogQuery(function="orders-worker", log_groups=("/custom",)), "/custom"),
    ],
)
def test_events_that_name_no_group_have_the_one_that_was_asked_for(
    asked: LogQuery, group: str | None
) -> None:
    events, coverage = read_bytes(lines(EVENTS).encode(), asked)
    assert {event.log_group for event in events} == {group}
    assert coverage.log_groups == ((group,) if group else ())


# --------------------------------------------------------------------------- where it comes from


def test_standard_input_is_read_once_and_looked_at_twice() -> None:
    reader, writer = os.pipe()
    with open(writer, "wb") as end:
        end.write(gzip.compress(lines(EVENTS).encode()))
    with open(reader, "rb") as stdin:
        log = SavedLog("-", stdin=stdin)
        assert plain(log.read(ALL)) == EVENTS
        assert plain(log.read(ALL)) == EVENTS


def test_a_pipe_with_a_name_is_read_like_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    with subprocess.Popen(
        [sys.executable, "-c", write, str(tmp_path / "pipe")], stdin=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin
        writer.stdin.write(lines(EVENTS))
        writer.stdin.close()
        events, _ = read(tmp_path / "pipe")
    assert plain(events) == EVENTS


def test_a_glob_reads_its_files_in_order_and_a_name_with_brackets_is_a_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "1.log").write_text(lines(EVENTS[:5]))
    (tmp_path / "2.log").write_text(tail(EVENTS[5:]))
    (tmp_path / "3[x].txt").write_text(lines(EVENTS[:1]))
    assert [event[0] for event in plain(read(tmp_path / "*.log")[0])] == [e[0] for e in EVENTS]
    assert plain(read(tmp_path / "3[x].txt")[0]) == EVENTS[:1]
    assert "no file matches" in refused(tmp_path / "*.nothing").what


def test_a_folder_names_what_it_skips_and_reads_the_rest(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "log").write_text(lines(EVENTS))
    (tmp_path / "README.md").write_text("# Logs\n\nof last week\n")
    (tmp_path / "empty").write_bytes(b"")
    events, coverage = read(tmp_path)
    assert plain(events) == EVENTS
    [gap] = coverage.gaps
    assert gap.kind == "skipped"
    assert "README.md" in gap.message
    assert not gap.hides_attempts


def test_a_folder_with_nothing_to_read_is_refused(tmp_path: Path) -> None:
    assert "contains no file" in refused(tmp_path).what
    (tmp_path / "README.md").write_text("# Logs\n")
    assert "README.md" in refused(tmp_path).what


def test_the_demo_is_in_the_package_and_a_file_of_that_name_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").write_text(lines(EVENTS))
    assert plain(read("./demo")[0]) == EVENTS
    assert read("./demo")[1].source == "saved"
    events, coverage = read("demo")
    assert coverage.source == "demo"
    assert coverage.complete
    assert len(events) == coverage.events_read > 0
    assert plain(events) != EVENTS


def test_progress_reports_the_bytes_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(lines(EVENTS * 300))
    size = (tmp_path / "log").stat().st_size
    heard: list[tuple[int, int | None]] = []
    log = SavedLog(str(tmp_path / "log"))
    list(log.read(ALL, lambda done, all_: heard.append((done, all_))))
    assert heard[-1] == (size, size)
    assert heard == sorted(heard)
    assert log.coverage().bytes_read == size
