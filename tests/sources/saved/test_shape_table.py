"""Each shape of a saved log by one table: what it gives, what it lacks, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retryctl.sources.saved.formats import detect_format, formats
from retryctl.sources.saved.formats.json_documents import JsonDocuments
from retryctl.sources.saved.formats.json_shapes import JSON_SHAPES
from tests.support.program import run
from tests.support.saved_logs import (
    EVENTS,
    ID,
    OTHER_STREAM,
    STREAM,
    T0,
    document,
    fields,
    lines,
    read_bytes,
    refused,
)
from tests.support.saved_shapes import SHAPES


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


DOCUMENT = Path(__file__).parents[3] / "README.md"


def test_the_table_in_the_readme_is_the_list_of_shapes() -> None:
    """The README has the usual ones first; they are recognised in another order."""
    table = DOCUMENT.read_text().split("<!-- formats -->\n")[1].split("<!-- end -->")[0]
    assert sorted(table.splitlines()) == sorted(shapes_table().splitlines())


def test_a_document_with_an_event_on_each_line_is_no_json_lines() -> None:
    body = ",\n".join(lines(EVENTS).splitlines())
    events, coverage = read_bytes(f'{{"events": [\n{body}\n], "searchedLogStreams": []}}'.encode())
    assert len(events) == len(EVENTS)
    assert coverage.complete


def test_a_record_of_lambda_that_a_tool_wrapped_in_json_of_its_own() -> None:
    line = {
        "level": "info",
        "timestamp": "2026-11-23T04:00:00+01:00",
        "message": f"END RequestId: {ID}",
    }
    [event], _ = read_bytes((json.dumps(line) + "\n").encode())
    assert (event.timestamp_ms, event.message) == (T0 // 1000 * 1000, f"END RequestId: {ID}")


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
