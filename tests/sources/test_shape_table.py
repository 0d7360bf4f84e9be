"""Each shape of a saved log by one table: what it gives, what it lacks, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from retryctl.core.model.events import stream_name
from retryctl.sources.saved.formats import detect_format, formats
from retryctl.sources.saved.formats.insights_tables import InsightsTable, PastedTable
from retryctl.sources.saved.formats.json_documents import JsonDocuments
from retryctl.sources.saved.formats.json_shapes import JSON_SHAPES
from tests.sources.test_saved_shapes import expected, told
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
    lines,
    read_bytes,
    refused,
)
from tests.support.saved_shapes import SHAPES, STREAMS, TIMES, iso, rows, rows_with_streams


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


def test_every_format_has_a_name_and_a_command_of_its_own() -> None:
    assert len({name for name, _ in shapes()}) == len(shapes())
    assert all(command for _, command in shapes())
    detected = {type(detect_format(write(EVENTS).encode())) for write, _ in SHAPES.values()}
    assert len(detected) >= len(list(formats())) - 2


def test_splits_of_a_format_read_the_same_as_the_whole() -> None:
    for shape, (write, _) in SHAPES.items():
        content = write(EVENTS * 3).encode()
        saved_format = detect_format(content)
        assert saved_format, shape
        if not saved_format.splittable:
            continue
        starts = [
            at + 1
            for at in range(len(content))
            if content[at : at + 1] == b"\n"
            and saved_format.begins_event(content[at + 1 :].split(b"\n")[0])
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
