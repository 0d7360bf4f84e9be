"""Saved logs in the shapes that people have: one log, one answer, but for what a shape lacks."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retryctl.core.model.events import LogEvent, is_timed, stream_name
from retryctl.core.model.group_names import group_name
from retryctl.core.timestamps import iso_ms
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.formats import detect_format, formats
from retryctl.sources.saved.formats.insights_tables import InsightsTable, PastedTable
from retryctl.sources.saved.formats.json_documents import JsonDocuments
from retryctl.sources.saved.formats.json_shapes import JSON_SHAPES
from tests.support.campaigns import LONG
from tests.support.lambda_log import Environment
from tests.support.program import run
from tests.support.saved_logs import (
    EVENTS,
    GROUP,
    ID,
    OTHER_STREAM,
    STREAM,
    T0,
    Event,
    attempt,
    document,
    fields,
    get_log_events_document,
    lines,
    read,
    read_bytes,
    refused,
)
from tests.support.saved_shapes import (
    ENDS,
    SECONDS,
    SHAPES,
    STREAMS,
    TIMES,
    insights_rows,
    iso,
    rows,
    rows_with_streams,
    table_of,
)


def expected(
    events: list[Event], carries: frozenset[str]
) -> list[tuple[int | None, str | None, str]]:
    return [
        (
            ms if TIMES in carries else ms // 1000 * 1000 if SECONDS in carries else None,
            stream if STREAMS in carries else None,
            text if ENDS in carries else text.rstrip(),
        )
        for ms, stream, text in events
    ]


def told(
    events: list[LogEvent], carries: frozenset[str]
) -> list[tuple[int | None, str | None, str]]:
    return [
        (
            event.timestamp_ms if is_timed(event.timestamp_ms) else None,
            stream_name(event.log_stream),
            event.message if ENDS in carries else event.message.rstrip(),
        )
        for event in events
    ]


def shapes() -> list[tuple[str, str]]:
    """The name of each shape with the command that makes it."""
    of_json = [(shape.name, shape.made_by) for shape in JSON_SHAPES]
    others = [(shape.name, shape.made_by) for shape in formats() if shape is not JsonDocuments]
    return [*of_json, *others]


def shapes_table() -> str:
    """The table of shapes in Markdown."""
    rows = "".join(
        f"| {name} | {made_by.replace('|', chr(92) + '|')} |\n" for name, made_by in shapes()
    )
    return f"| format | made by |\n| --- | --- |\n{rows}"


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_gives_the_events(shape: str) -> None:
    write, carries = SHAPES[shape]
    events, coverage = read_bytes(write(EVENTS).encode())
    assert told(events, carries) == expected(EVENTS, carries)
    assert {gap.kind for gap in coverage.gaps} <= {"one-stream"}
    places = [event.timestamp_ms for event in events if not is_timed(event.timestamp_ms)]
    assert places == sorted(set(places))
    groups = {event.log_group for event in events}
    assert {group and group_name(group) for group in groups} <= {None, GROUP}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_read_from_windows_and_from_gzip(shape: str) -> None:
    write, carries = SHAPES[shape]
    text = write(EVENTS)
    for content in (
        text.replace("\n", "\r\n").encode("utf-8-sig"),
        text.replace("\n", "\r\n").encode("utf-16"),
        gzip.compress(text.encode()),
    ):
        events, _ = read_bytes(content)
        found = [(ms, s, text.replace("\r\n", "\n")) for ms, s, text in told(events, carries)]
        assert found == expected(EVENTS, carries)


LEVELS = ("[INFO]", "[WARNING]")
WORDS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_characters="|\x7f\x85"),
    max_size=12,
)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Some attempts, with lines of a logger that hold any text."""
    events: list[Event] = []
    start_ms = T0
    for counter in range(draw(st.integers(1, 3))):
        stream = draw(st.sampled_from((STREAM, OTHER_STREAM)))
        rows = attempt(start_ms, stream, ID, counter=counter)
        for word in draw(st.lists(WORDS, max_size=3)):
            text = f"{draw(st.sampled_from(LEVELS))}\t2026-11-23T03:00:00.003Z\t{ID}\tx{word}\n"
            rows.insert(2, (rows[1][0], stream, text))
        events += rows
        start_ms += draw(st.integers(50_000, 200_000))
    return events


@settings(max_examples=1_000 if LONG else 10)  # each in every shape
@given(logs())
def test_each_shape_of_a_random_log_gives_the_same_events(events: list[Event]) -> None:
    for shape, (write, carries) in SHAPES.items():
        found, _ = read_bytes(write(events).encode())
        assert told(found, carries) == expected(events, carries), shape


@pytest.mark.parametrize("shape", SHAPES)
def test_a_damaged_shape_never_crashes(shape: str) -> None:
    whole = bytearray(SHAPES[shape][0](EVENTS).encode())
    noise = random.Random(shape)
    for _ in range(600 if LONG else 20):
        content = bytearray(whole)
        for _ in range(noise.randrange(1, 20)):
            at = noise.randrange(len(content))
            kind = noise.randrange(3)
            if kind == 0:
                content[at] = noise.randrange(256)
            elif kind == 1:
                del content[at : at + noise.randrange(40)]
            else:
                content[at:at] = noise.choice(
                    (b"\n", b'"', b"\x00", b"|", b"\xff\xfe", b"\x1b[31m", b"{")
                )
        with contextlib.suppress(UnreadableInput):
            for event in read_bytes(bytes(content[: noise.randrange(len(content) + 1)]))[0]:
                assert event.message.encode().decode() == event.message


# --------------------------------------------------------------------------- order


@pytest.mark.parametrize("shape", [s for s in SHAPES if TIMES in SHAPES[s][1]])
def test_a_log_that_is_newest_first_gives_the_order_of_the_log(shape: str) -> None:
    write, carries = SHAPES[shape]
    events, _ = read_bytes(write(EVENTS[::-1]).encode())
    ordered = sorted(events, key=lambda event: (event.timestamp_ms, event.position))
    assert told(ordered, carries) == expected(EVENTS, carries)


# --------------------------------------------------------------------------- spellings


def test_columns_are_found_by_their_names() -> None:
    names = ["@log", "@message", "@duration", "@timestamp", "@logStream"]
    found = [
        [row["@log"], row["@message"], "5", row["@timestamp"], row["@logStream"]]
        for row in insights_rows(EVENTS)
    ]
    events, _ = read_bytes(table_of(names, found).encode())
    assert [(e.timestamp_ms, e.log_stream, e.message) for e in events] == EVENTS
    assert {event.log_group for event in events} == {GROUP}


def test_a_copied_table_with_times_of_events_has_times() -> None:
    content = (
        "| Event Time | Message |\n| --- | --- |\n"
        f"| 2026-11-23T03:00:00.000Z | START RequestId: {ID} Version: $LATEST |\n"
    )
    [event], _ = read_bytes(content.encode())
    assert event.timestamp_ms == iso_ms("2026-11-23T03:00:00.000Z")


@pytest.mark.parametrize(
    "time",
    ["2026-11-23T03:00:00Z", "2026-11-23T03:00:00.0+00:00", "2026-11-23 04:00:00.000000+0100"],
)
def test_any_offset_and_any_fraction(time: str) -> None:
    events, _ = read_bytes(f"{time}\tSTART RequestId: {ID} Version: 7\n".encode())
    assert [event.timestamp_ms for event in events] == [T0 // 1000 * 1000]


def test_colours_around_times_and_streams_go() -> None:
    text = "".join(
        f"\x1b[32m{s}\x1b[0m \x1b[33m2026-11-23T03:00:0{n}+00:00\x1b[0m {t.rstrip()}\n"
        for n, (_, s, t) in enumerate(EVENTS[:6])
    )
    events, _ = read_bytes(text.encode())
    assert [event.log_stream for event in events] == [s for _, s, _ in EVENTS[:6]]
    assert "\x1b" not in "".join(event.message for event in events)


@pytest.mark.parametrize("place", [GROUP, f"{GROUP} {STREAM}", STREAM])
def test_the_time_of_a_runtime_is_no_ingestion_time(place: str) -> None:
    line = f"2026-11-23T03:00:00.500Z    {ID}    fail    System.Exception: boom"
    timed = f"{place} 2026-11-23T03:00:00.100Z"
    text = f"{timed} START RequestId: {ID} Version: $LATEST\n{timed} {line}\n"
    later = f"{timed} 2026-11-23T03:00:01.000Z process A\n"
    events, _ = read_bytes(f"{text}{later}".encode())
    assert [event.message for event in events[1:]] == [line, "process A"]


def test_a_colour_before_every_line_goes() -> None:
    header = "2026-11-23T03:00:01.000000+00:00 2026/11/23/[$LATEST]a1"
    error = "[ERROR] ValueError: two\nTraceback (most recent call last):\n  File"
    text = f"{header} START RequestId: {ID} Version: 7\n{header} {error}\n"
    coloured = "".join(f"\x1b[1;32m{line}\n" for line in text.splitlines())
    assert [event.message for event in read_bytes(coloured.encode())[0]][1] == error


def test_messages_of_several_lines_are_put_together() -> None:
    error = (
        '[ERROR] ValueError: two\nlines\nTraceback (most recent call last):\n  File "a.py"\n    x'
    )
    text = (
        f"START RequestId: {ID} Version: $LATEST\n{error}END RequestId: {ID}\n"
        f"REPORT RequestId: {ID}\tDuration: 1.00 ms\t\nXRAY TraceId: 1-a\tSegmentId: b\n"
        f"RequestId: {ID} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n"
    )
    messages = [event.message for event in read_bytes(text.encode())[0]]
    assert messages[1:3] == [error, f"END RequestId: {ID}"]
    assert messages[3].endswith("\nXRAY TraceId: 1-a\tSegmentId: b")
    assert messages[4].endswith("\nRuntime.ExitError")


def test_times_of_sls_logs_are_those_of_the_runtime() -> None:
    text = (
        f"START RequestId: {ID} Version: $LATEST\n"
        f"2026-11-23 04:00:00.123 (+01:00)\t{ID}\tERROR\tInvoke Error \t{{}}\nEND RequestId: {ID}\n"
    )
    events, _ = read_bytes(text.encode())
    assert events[1].message == f"2026-11-23T03:00:00.123Z\t{ID}\tERROR\tInvoke Error \t{{}}"


def test_messages_in_json_of_lambda_and_of_a_logger_are_messages() -> None:
    messages = [
        json.dumps(
            {
                "time": "2026-11-23T03:00:00.000Z",
                "type": "platform.start",
                "record": {"requestId": ID},
            }
        ),
        json.dumps({"timestamp": T0, "level": 30, "message": "placing order"}),
    ]
    events, _ = read_bytes("\n".join(messages).encode())
    assert [event.message for event in events] == messages
    assert not any(is_timed(event.timestamp_ms) for event in events)


# --------------------------------------------------------------------------- parts of a log


def test_answers_of_get_log_events_are_streams_of_their_own(tmp_path: Path) -> None:
    for name, part in (("a.json", EVENTS[:6]), ("b.json", EVENTS[6:])):
        (tmp_path / name).write_text(get_log_events_document(part))
    events, coverage = read(tmp_path)
    assert {stream_name(event.log_stream) for event in events} == {None}
    assert len({event.log_stream for event in events}) == 2
    assert [gap.kind for gap in coverage.gaps] == ["one-stream"] * 2
    both = get_log_events_document(EVENTS[:6]) + get_log_events_document(EVENTS[6:])
    assert len({event.log_stream for event in read_bytes(both.encode())[0]}) == 2


def page(events: list[Event], key: str | None) -> str:
    whole = json.loads(document(events))
    return json.dumps({**whole, **({key: "abc"} if key else {})}, indent=4)


@pytest.mark.parametrize("key", ["nextToken", "NextToken"])
def test_one_page_of_several_is_a_gap_from_its_last_event_on(key: str) -> None:
    _, coverage = read_bytes(page(EVENTS[:9], key).encode())
    [gap] = coverage.gaps
    assert (gap.kind, gap.since_ms, gap.hides_attempts) == ("more-pages", EVENTS[8][0], True)


def test_the_next_page_behind_a_page_closes_the_gap() -> None:
    pages = page(EVENTS[:9], "nextToken") + page(EVENTS[9:], None)
    events, coverage = read_bytes(pages.encode())
    assert len(events) == len(EVENTS)
    assert coverage.complete


def test_a_query_that_did_not_end_or_matched_more_is_a_gap() -> None:
    results = [[{"field": k, "value": v} for k, v in row.items()] for row in insights_rows(EVENTS)]
    for extra in ({"status": "Running"}, {"statistics": {"recordsMatched": 99.0}}):
        _, coverage = read_bytes(json.dumps({"results": results, **extra}).encode())
        [gap] = coverage.gaps
        assert gap.hides_attempts


def test_one_row_of_a_query_is_read() -> None:
    """As ``--query 'results[0]'`` prints it: the cells of a row, and no row around them."""
    row = [{"field": k, "value": v} for k, v in insights_rows(EVENTS)[0].items()]
    events, coverage = read_bytes(json.dumps([*row, {"field": "@ptr", "value": "a"}]).encode())
    assert [event.message for event in events] == [EVENTS[0][2]]
    assert coverage.gaps == ()


def test_a_document_that_is_no_log_before_the_log_is_passed_over() -> None:
    events, coverage = read_bytes((json.dumps({"queryId": "a-b"}) + document(EVENTS)).encode())
    assert len(events) == len(EVENTS)
    assert [gap.kind for gap in coverage.gaps] == ["unrecognised"]


def test_records_of_lambda_in_lines_not_understood_are_a_gap_of_their_own() -> None:
    mixed = lines(EVENTS) + f"START RequestId: {ID} Version: 7\n"
    events, coverage = read_bytes(mixed.encode())
    assert len(events) == len(EVENTS)
    gap = next(gap for gap in coverage.gaps if gap.kind == "not-understood")
    assert gap.hides_attempts


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("content", "what", "next_step"),
    [
        ("id,name\n1,x\n", "CSV with the columns id, name", "Download search results"),
        ("@time,@msg\n1,x\n", "columns @time, @msg", "fields @timestamp, @message"),
        ("bin(1h),count(*)\n2026-11-23,4\n", "columns bin(1h), count(*)", "fields @timestamp"),
        ('{"logStreams": []}', "a list of log streams", "aws logs tail"),
        ('{"queryId": "a"}', "the ID of a query", "get-query-results"),
        ("events:\n- eventId: '1'\n", "YAML of the AWS CLI", "--output json"),
        ("<!DOCTYPE html><html>", "a web page", "Download search results"),
        (
            "| bin(5m) | count |\n| --- | --- |\n| 1 | 2 |\n",
            "without a column of messages",
            "fields",
        ),
        (
            '{"requestContext": {"requestId": "x", "condition": "y"}}',
            "a destination",
            "retryctl trace",
        ),
        (f"<2> START RequestId: {ID} Version: 7\n", "records of Lambda", "aws logs tail"),
        (
            f"2026-11-23 05:00:00.123 (UTC+02:00)\tSTART RequestId: {ID} Version: 7\n",
            "records of Lambda",
            "aws logs tail",
        ),
        ("timestamp,message\n1.8E+12,0\n1.8E+12,x\n", "a spreadsheet", "Download it again"),
        ("@timestamp,@message\n23.11.2026 03:00,0\n", "a spreadsheet", "Download it again"),
        ("timestamp,message\n11/23/2026 3:00,0\n", "a spreadsheet", "Download it again"),
        (
            "timestamp,message\n1795400000000,0\n1795400000000,x\n",
            "a spreadsheet",
            "Download it again",
        ),
        (
            "RESULTS\t@timestamp\t2026-11-23 03:00:00.123\nRESULTS\t@message\t0\n",
            "text of get-query-results",
            "--output json",
        ),
        ("U1RBUlQg" * 20 + "\n", "a text in base64", "base64 -d"),
        ("H4sIAAAA" * 20 + "\n", "a packed record", "gunzip"),
        ("hello\n", "starts with 'hello", "aws logs tail"),
    ],
)
def test_a_refusal_leads_on(tmp_path: Path, content: str, what: str, next_step: str) -> None:
    (tmp_path / "x").write_text(content)
    error = refused(tmp_path / "x")
    assert what in error.what
    assert next_step in error.next_step


# --------------------------------------------------------------------------- the table of shapes


def test_every_format_has_a_name_and_a_command_of_its_own() -> None:
    assert len({name for name, _ in shapes()}) == len(shapes())
    assert all(command for _, command in shapes())
    detected = {type(detect_format(write(EVENTS).encode())) for write, _ in SHAPES.values()}
    assert len(detected) >= len(list(formats())) - 2


def test_splits_of_a_format_read_the_same_as_the_whole() -> None:
    for shape, (write, _) in SHAPES.items():
        content = write(EVENTS * 3).encode()
        log_format = detect_format(content)
        assert log_format, shape
        if not log_format.splittable:
            continue
        starts = [
            at + 1
            for at in range(len(content))
            if content[at : at + 1] == b"\n"
            and log_format.begins_event(content[at + 1 :].split(b"\n")[0])
        ]
        for cut in starts[:: max(1, len(starts) // 5)]:
            parts = [
                event
                for part in (content[:cut], content[cut:])
                if part
                for event in read_bytes(part)[0]
            ]
            whole = read_bytes(content)[0]
            assert [(e.timestamp_ms, e.message) for e in parts] == [
                (e.timestamp_ms, e.message) for e in whole
            ], shape


DOCUMENT = Path(__file__).parents[2] / "README.md"


def test_the_table_in_the_readme_is_the_list_of_shapes() -> None:
    """The README has the usual ones first; they are recognised in another order."""
    table = DOCUMENT.read_text().split("<!-- formats -->\n")[1].split("<!-- end -->")[0]
    assert sorted(table.splitlines()) == sorted(shapes_table().splitlines())


def test_a_document_with_an_event_on_each_line_is_no_json_lines() -> None:
    body = ",\n".join(lines(EVENTS).splitlines())
    events, coverage = read_bytes(f'{{"events": [\n{body}\n], "searchedLogStreams": []}}'.encode())
    assert len(events) == len(EVENTS)
    assert coverage.complete


def test_what_stands_before_a_table_is_passed_over() -> None:
    """Names of groups, the query, rules of a table: as people save and paste them."""
    csv_text = f"{GROUP}:\n\n" + SHAPES["console CSV"][0](EVENTS)
    assert [event.message for event in read_bytes(csv_text.encode())[0]] == [e[2] for e in EVENTS]
    head = f"**CloudWatch Logs Insights**\nlog-group-names: {GROUP}\nquery-string:\n---\n"
    table = "| @timestamp | @message |\n| --- | --- |\n| 2026-11-23 03:00:00.123 | a | b |\n"
    [event], coverage = read_bytes((head + table).encode())
    assert (event.log_group, event.message) == (GROUP, "a | b")
    assert coverage.complete


@pytest.mark.parametrize("form", ["| {0} | {2} |", "{1}\t{0}\t{2}"])
def test_rows_of_a_table_that_was_joined_to_one_with_a_header_are_read(form: str) -> None:
    header = form.format("Timestamp", "Log stream name", "Message")
    first, second = (
        [
            form.format(f"{iso(ms)}Z", stream, text.rstrip())
            for ms, stream, text in attempt(start_ms, STREAM, ID, counter=counter)
        ]
        for counter, start_ms in enumerate((T0, T0 + 60_000))
    )
    text = "\n".join([header, *first]) + "\n".join(second) + "\n"
    events, found = read_bytes(text.encode())
    assert sum(event.message.startswith("START") for event in events) == 2
    assert len(events) == 12
    assert not found.gaps


def test_rows_that_a_ticket_shows_as_a_table() -> None:
    text = "No older events.\n-- | --\n" + "".join(
        f"  | {row}\n" for row in rows(EVENTS[:3], " | ", "+02:00", 2).splitlines()
    )
    events, _ = read_bytes(text.encode())
    assert [(e.timestamp_ms, e.message) for e in events] == [
        (ms, text.rstrip()) for ms, _, text in EVENTS[:3]
    ]


def test_a_record_of_lambda_that_a_tool_wrapped_in_json_of_its_own() -> None:
    line = {
        "level": "info",
        "timestamp": "2026-11-23T04:00:00+01:00",
        "message": f"END RequestId: {ID}",
    }
    [event], _ = read_bytes((json.dumps(line) + "\n").encode())
    assert (event.timestamp_ms, event.message) == (T0 // 1000 * 1000, f"END RequestId: {ID}")


def test_a_log_without_times_shows_none_and_still_its_order() -> None:
    text = SHAPES["messages"][0]([e for e in EVENTS if ID in e[2] or "process" in e[2]])
    shown = json.loads(run("trace", ID, "--from", "-", "-o", "json", stdin=text).stdout)
    [request] = shown["requests"]
    assert len(request["attempts"]) == 2
    for attempt_shown in request["attempts"]:
        times = {attempt_shown[key] for key in ("started_at", "ended_at", "wait_s", "log_stream")}
        assert times == {None}
    assert {shown["coverage"][key] for key in ("since", "until")} == {None}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("record", ["END", "REPORT"])
def test_a_lost_end_in_a_log_without_times_leaves_what_follows_undetermined(
    record: str, number: int
) -> None:
    first, second, third = (attempt(T0, STREAM, ID, counter=counter) for counter in (0, 1, 0))
    events = [first, second, third][number - 1]
    events.remove(next(event for event in events if event[2].startswith(record)))
    text = SHAPES["messages"][0]([*first, *second, *third])
    [request] = json.loads(run("trace", "--from", "-", "-o", "json", stdin=text).stdout)["requests"]
    assert request["verdict"] == "undetermined"
    doubted = request["attempts"][number - 1 :]
    assert {one["counter"]["expected"] for one in doubted} == {None}
    [row] = json.loads(run("list", "--from", "-", "-o", "json", stdin=text).stdout)["requests"]
    assert row["verdict"] == "undetermined"
    summary = run("summary", "--from", "-", stdin=text).stdout
    assert "no counter of a retry was compared" in summary
    assert run("check", "--from", "-", "--max-wrong-branch", "0", stdin=text).returncode == 5


def test_a_counter_and_a_branch_on_both_sides_of_a_join_are_no_pair() -> None:
    """The end of another request, which had ended before, shows that a file was joined there."""
    other = "99999999-1111-4222-8333-000000000009"
    whole = [text for *_, text in EVENTS if other not in text]
    ends = [text for text in whole if text.startswith(("END", "REPORT"))][:2]
    ended = ends[0].split()[2]
    first = [f"START RequestId: {ended} Version: 7\n", *ends]
    joined = [*first, f"START RequestId: {other} Version: 7\n", "0\n", "process B\n", *ends]
    done = run("trace", other, "--from", "-", "-o", "json", stdin="".join(joined))
    [request] = json.loads(done.stdout)["requests"]
    assert request["verdict"] == "undetermined"
    assert request["attempts"][0]["counter"]["logged"] is None


def test_a_last_row_that_is_cut_within_its_time_is_a_gap() -> None:
    """What is left of the time is a time too, of another moment."""
    text = SHAPES["pasted rows, message first"][0](EVENTS).rstrip("\n")
    events, coverage = read_bytes(text[:-3].encode())
    assert len(events) == len(EVENTS) - 1
    assert [gap.kind for gap in coverage.gaps] == ["truncated"]
    assert not read_bytes(text.encode())[1].gaps


PASTED = ("{2}\t{0}\t{1}", "{0}\t{2}\t{1}", "{1}\t{2}\t{0}", "| {0} | {2} | {1} |")


def pasted(form: str, events: list[Event]) -> str:
    header = form.format("Timestamp", "Log stream", "Message")
    return f"{header}\n{rows_with_streams(events, form)}"


def with_message(text: str) -> list[Event]:
    """A log whose third event has a text of many lines."""
    return [(ms, stream, text if n == 2 else own) for n, (ms, stream, own) in enumerate(EVENTS)]


@pytest.mark.parametrize(
    ("form", "line"),
    [
        *product(PASTED, ("a line\n", "a\tline\twith tabs\n", f"{STREAM}\tof it\n")),
        *((form, "\n") for form in PASTED if "|" not in form),  # it separates rows with bars
    ],
)
def test_a_row_of_many_lines_costs_no_more_for_each(
    form: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text whose cells are separated is counted: each line is part of it a few times."""
    separated = 0
    for table in (InsightsTable, PastedTable):
        content = table.content

        def count(row: str, content: Callable[[str], str] = content) -> str:
            nonlocal separated
            separated += len(row)
            return content(row)

        monkeypatch.setattr(table, "content", staticmethod(count))
    events = with_message(f"first\n{line * 2_000}last")
    text = pasted(form, events)
    found, coverage = read_bytes(text.encode())
    assert told(found, frozenset({TIMES, STREAMS})) == expected(events, frozenset({TIMES, STREAMS}))
    assert not coverage.gaps
    assert separated < 2_000 * 1_000


@pytest.mark.parametrize("form", PASTED)
def test_a_row_that_is_longer_than_any_log_event_is_a_gap(form: str) -> None:
    longest = with_message(f"{'x' * 9_999}\n" * 104)
    assert not read_bytes(pasted(form, longest).encode())[1].gaps
    events, coverage = read_bytes(pasted(form, with_message(f"{'x' * 9_999}\n" * 230)).encode())
    assert any(gap.hides_attempts for gap in coverage.gaps)
    assert all(len(event.message) <= 1 << 20 for event in events)
    assert events[-1].message.rstrip() == EVENTS[-1][2].rstrip()


def test_containers_of_several_services_are_read() -> None:
    other = "99999999-1111-4222-8333-000000000009"
    text = "".join(
        f"{name}-1  | {line}\n"
        for name, request_id in (("orders", ID), ("mail", other))
        for line in (
            f"START RequestId: {request_id} Version: $LATEST",
            f"END RequestId: {request_id}",
        )
    )
    events, _ = read_bytes(text.encode())
    assert [event.message.split()[0] for event in events] == ["START", "END"] * 2


def in_container(name: str, counter: int, at_ms: int | None = None) -> str:
    time = "" if at_ms is None else f"{iso(at_ms)}456789Z "
    events = attempt(T0, STREAM, ID, counter=counter)
    return "".join(
        f"{name}  | {time}{line}\n" for *_, text in events for line in text.rstrip().split("\n")
    )


def test_lines_of_a_container_without_lambda_belong_to_no_attempt() -> None:
    silent = [
        line
        for line in in_container("orders-1", 0).splitlines(True)
        if not line.endswith("| 0\n") and "process" not in line
    ]
    silent.insert(1, "db-1  | 0\ndb-1  | process A\n")
    events, found = read_bytes("".join(silent).encode())
    assert not any("process" in event.message for event in events)
    assert {event.log_stream for event in events} == {None}
    assert not found.gaps


def test_containers_are_streams_whose_common_order_only_times_show() -> None:
    untimed = in_container("orders-2", 1) + in_container("orders-1", 0)
    events, found = read_bytes(untimed.encode())
    assert {stream_name(event.log_stream or "") for event in events} == {"orders-1", "orders-2"}
    assert [gap.kind for gap in found.gaps] == ["unordered"]
    done = run("check", "--from", "-", stdin=untimed)
    assert done.returncode == 5
    assert "docker compose logs -t" in run("trace", "--from", "-", stdin=untimed).stdout

    timed = in_container("orders-2", 1, T0 + 60_000) + in_container("orders-1", 0, T0)
    events, found = read_bytes(timed.encode())
    assert [event.log_stream for event in events if event.message.startswith("START")] == [
        "orders-1",
        "orders-2",
    ]
    assert not found.gaps


@pytest.mark.parametrize("line", ["0process A", "process A1"])
def test_bare_messages_that_run_together_are_a_gap(line: str) -> None:
    """Another file was joined within the attempt: its counter and its branch are not known."""
    own = [text for *_, text in attempt(T0, STREAM, ID, counter=0)]
    assert not read_bytes("".join(own).encode())[1].gaps
    _, coverage = read_bytes("".join([own[0], f"{line}\n", *own[-2:]]).encode())
    assert [gap.kind for gap in coverage.gaps] == ["not-understood"]


@pytest.mark.parametrize("shape", ["get-log-events --output text", "subscription event"])
def test_a_shape_that_has_one_stream_by_its_nature_is_a_gap(shape: str) -> None:
    _, coverage = read_bytes(SHAPES[shape][0](EVENTS).encode())
    assert [gap.kind for gap in coverage.gaps] == ["one-stream"]


@pytest.mark.parametrize(("other", "is_one"), [(STREAM, True), (OTHER_STREAM, False)])
def test_batches_of_one_stream_are_one_stream(other: str, is_one: bool) -> None:
    write = SHAPES["subscription event"][0]
    first, second = (
        write([(ms, stream, text) for ms, _, text in EVENTS[part]])
        for stream, part in ((STREAM, slice(6)), (other, slice(6, None)))
    )
    control = json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": []})
    _, coverage = read_bytes(f"{first}\n{second}\n{control}\n".encode())
    assert [gap.kind for gap in coverage.gaps] == ["one-stream"] * is_one
    _, coverage = read_bytes(f"{first}\n{document(EVENTS[6:])}\n".encode())
    assert not coverage.gaps


def test_documents_with_commas_between_them_are_read() -> None:
    joined = ",\n".join(json.dumps(fields(each, n), indent=2) for n, each in enumerate(EVENTS))
    events, coverage = read_bytes(joined.encode())
    assert (len(events), coverage.gaps) == (len(EVENTS), ())


def test_a_request_in_lines_not_understood_is_unreadable_and_not_missing() -> None:
    other = "99999999-1111-4222-8333-000000000009"
    mixed = lines(EVENTS) + f"START RequestId: {other} Version: 7\n"
    assert run("trace", other, "--from", "-", stdin=mixed).returncode == 3
    assert run("trace", other, "--from", "-", stdin=lines(EVENTS)).returncode == 4


@pytest.mark.parametrize(
    ("printed", "is_unclear"),
    [(["0", "process A"], False), (["retries:", "0", "process A"], True), (["a", "b"], False)],
)
def test_a_counter_behind_a_printed_line_may_be_a_table_where_tabs_separate_messages(
    printed: list[str], is_unclear: bool
) -> None:
    log = Environment().starts().prints(*printed).reports()
    rows = [(event.timestamp_ms, "", event.message) for event in log.events]
    text = SHAPES["messages of --query as text"][0](rows)
    events, coverage = read_bytes(text.encode())
    assert len(events) == len(rows)
    doubts = ["text of the message before" in gap.message for gap in coverage.gaps]
    assert doubts == [True] * is_unclear


def test_a_column_of_messages_may_have_records_in_json_alone() -> None:
    log = Environment(json=True).inits().starts().prints("0", "process A").reports()
    rows = [(event.timestamp_ms, "", event.message) for event in log.events]
    events, _ = read_bytes(SHAPES["CSV of messages"][0](rows).encode())
    assert [event.message for event in events] == [message for *_, message in rows]
