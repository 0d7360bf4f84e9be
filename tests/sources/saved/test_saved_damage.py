"""Saved logs that are cut, corrupt, closed, large, or no logs: nothing is lost in silence."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retryctl.bulk.reader import BulkReader
from retryctl.core.model.coverage import LogQuery
from retryctl.errors import UnreadableInput
from retryctl.sources.saved.searched_folders import searched_folders
from tests.support.saved_logs import (
    EVENTS,
    HOUR,
    ID,
    JSON_SHAPES,
    STREAM,
    T0,
    Event,
    document,
    fields,
    lines,
    plain,
    read,
    read_bytes,
    refused,
    stripped,
    subscription,
    tail,
)

# --------------------------------------------------------------------------- damage


@pytest.mark.parametrize("shape", ["document", "document on one line", "array", "lines"])
def test_a_cut_log_yields_what_it_holds_and_says_that_it_is_cut(shape: str) -> None:
    whole = JSON_SHAPES[shape](EVENTS).encode()
    cut = whole[: whole.rindex(b"REPORT")]
    events, coverage = read_bytes(cut)
    assert plain(events) == EVENTS[: len(events)]
    assert len(events) == len(EVENTS) - 1
    [gap] = coverage.gaps
    assert (gap.kind, gap.hides_attempts) == ("truncated", True)
    assert gap.message.startswith("standard input: ")


STREAM_B = "2026/11/23/[$LATEST]" + "b" * 32
QUOTED = f"START RequestId: {ID} Version: $LATEST\n"


@pytest.mark.parametrize(
    ("header", "ends"),
    [
        (f"/aws/lambda/orders {STREAM_B} 2026-11-23T03:00:00.000Z ", "flushed"),
        (f"2026-11-23T03:00:00.000000+00:00 {STREAM_B} ", "at="),
        (f"{STREAM_B} 2026-11-23T03:00:00.000000 ", "flushed"),
        ("2026-11-23T03:00:00.000Z ", "at:"),
    ],
)
def test_a_record_behind_a_line_of_text_is_read_or_a_gap(header: str, ends: str) -> None:
    whole, glued = (f"{header}one\n{header}{ends}{end}{header}{QUOTED}" for end in ("\n", ""))
    assert not read_bytes(whole.encode())[1].gaps
    events, coverage = read_bytes(glued.encode())
    hidden = [gap.kind for gap in coverage.gaps if gap.hides_attempts]
    assert len(events) == 3 or hidden == ["not-understood"]


@pytest.mark.parametrize("filling", ["A", "/aws/lambda/x", "2026/11/23/x", " |"])
def test_a_long_message_takes_no_time_but_its_reading(filling: str) -> None:
    header = f"/aws/lambda/orders {STREAM_B} 2026-11-23T03:00:00.000Z "
    for begin in (header, f"{STREAM_B} 2026-11-23T03:00:00.000000 ", "2026-11-23T03:00:00.000Z "):
        message = filling * (400_000 // len(filling))
        events, _ = read_bytes(f"{begin}{message}\n{begin}{QUOTED}".encode())
        assert len(events) == 2


def test_a_text_that_ends_within_a_line_is_read_to_its_last_byte() -> None:
    # attempts before the last event are not hidden
    events, coverage = read_bytes(tail(EVENTS).encode()[:-20])
    assert plain(events)[:-1] == stripped(EVENTS)[:-1]
    text, mark = events[-1].message[:-1], events[-1].message[-1]
    assert (stripped(EVENTS)[-1][2].startswith(text), mark) == (True, "…")
    [gap] = coverage.gaps
    assert (gap.kind, gap.since_ms) == ("truncated", coverage.last_event_ms)


def test_a_text_cut_at_its_start_names_the_lines_that_belong_to_nothing() -> None:
    content = tail(EVENTS).encode()
    events, coverage = read_bytes(content[content.index(b"Traceback") :])
    assert plain(events) == stripped(EVENTS)[4:]
    assert coverage.events_unrecognised == 3
    assert [gap.kind for gap in coverage.gaps] == [*["unrecognised"] * 3, "begins-late"]


@pytest.mark.parametrize("shape", [lines, document, tail])
def test_a_cut_gzip_yields_what_it_holds_and_says_that_it_is_cut(
    shape: Callable[[Iterable[Event]], str],
) -> None:
    packed = gzip.compress(shape(EVENTS * 200).encode())
    events, coverage = read_bytes(packed[: len(packed) // 2])
    assert 0 < len(events) < len(EVENTS * 200)
    assert [event[0] for event in plain(events)] == [e[0] for e in EVENTS * 200][: len(events)]
    assert any("gzip data breaks off" in gap.message for gap in coverage.gaps)
    assert all(gap.kind == "truncated" for gap in coverage.gaps)
    assert any(gap.hides_attempts for gap in coverage.gaps)


@pytest.mark.parametrize("broken", [0, 1, 3])
def test_a_corrupt_member_of_gzip_is_a_gap_and_the_rest_is_read(broken: int) -> None:
    parts = [EVENTS[at : at + 6] for at in range(0, len(EVENTS), 6)]
    members = [bytearray(gzip.compress(subscription(part).encode())) for part in parts]
    members[broken][20:60] = bytes(40)
    events, coverage = read_bytes(b"".join(members))
    kept = EVENTS[: broken * 6] + EVENTS[broken * 6 + 6 :]
    assert plain(events) == kept
    assert {gap.kind for gap in coverage.gaps} == {"truncated"}
    assert "corrupt gzip data" in coverage.gaps[0].message
    assert coverage.gaps[0].hides_attempts


def test_a_line_that_is_no_event_is_counted_and_the_first_few_are_named(tmp_path: Path) -> None:
    bad = ['{"timestamp": 1, "mess', '{"timestamp": "soon", "message": "x"}', "[1]", "hello", "{}"]
    rows = lines(EVENTS).splitlines()
    (tmp_path / "log").write_text("\n".join([*rows[:6], *bad, "", *rows[6:]]) + "\n")
    events, coverage = read(tmp_path / "log")
    assert plain(events) == EVENTS
    assert coverage.events_unrecognised == 5
    assert [gap.message.split(": ")[0] for gap in coverage.gaps] == [
        *(f"{tmp_path / 'log'}:{number}" for number in (7, 8, 9)),
        *[f"{tmp_path / 'log'}"] * 2,
    ]
    assert coverage.gaps[-2].message.endswith(": 2 more lines are not log events")
    assert coverage.gaps[-1].message.endswith(": not a whole event, or several joined: 1 line")


@pytest.mark.parametrize("shape", ["document", "document on one line", "array", "lines"])
@pytest.mark.parametrize("place", [2, 5])
def test_an_event_whose_end_runs_into_the_next_one_is_a_gap(shape: str, place: int) -> None:
    whole = JSON_SHAPES[shape](EVENTS)
    at = [found.start() for found in re.finditer('"message": ', whole)]
    end = whole.index('"eventId"', at[place])
    _, coverage = read_bytes((whole[: end + 7] + whole[at[place + 1] :]).encode())
    assert any(gap.hides_attempts for gap in coverage.gaps)


@pytest.mark.parametrize("shape", ["document", "document on one line", "array", "lines"])
def test_an_event_that_lost_its_time_is_a_gap(shape: str) -> None:
    printed = next(at for at, (*_, message) in enumerate(EVENTS) if message.strip() == "0")
    whole, numbers = JSON_SHAPES[shape](EVENTS), count()
    cut = re.sub(r'"timestamp": \d+,\s*', lambda m: m[0] * (next(numbers) != printed), whole)
    events, coverage = read_bytes(cut.encode())
    assert plain(events) == [*EVENTS[:printed], *EVENTS[printed + 1 :]]
    assert any("not a whole event" in gap.message for gap in coverage.gaps)


@pytest.mark.parametrize("time", [True, -1, 10**30, 1e308, [], "", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_makes_no_event(time: object) -> None:
    rows = lines(EVENTS) + json.dumps({"timestamp": time, "message": ID}) + "\n"
    events, coverage = read_bytes(rows.encode())
    assert plain(events) == EVENTS
    assert coverage.events_unrecognised == 1


def test_half_a_character_is_replaced_and_nothing_printed_can_fail() -> None:
    good = json.dumps({"timestamp": T0, "message": "half: @"}).encode()
    for half in (b"\xe2\x82", b"\\ud83d", b"\xff"):
        for content in (
            good.replace(b"@", half) + b"\n",
            b'{"events": [' + good.replace(b"@", half) + b"]}",
            tail([(T0, STREAM, "half: @")]).encode().replace(b"@", half),
        ):
            [event], _ = read_bytes(content)
            assert event.message.startswith("half: ")
            assert event.message.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x7fELF\x02\x01\x01\x00", "it is binary."),
        (b"PK\x03\x04zip", "it is a zip archive."),
        (b"\xff\xd8\xff\xe0picture", "it is binary."),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "it is a picture."),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "it is a picture."),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "it is a PDF file."),
        (b'{"trace_id": "1-6567f3a0-0123", "id": "a"}', "an answer of X-Ray."),
        (b"[1795402800200] [DEBUG] a message\n", "output of zappa tail, which leaves out"),
        (b'{"Label": "Errors", "Datapoints": []}', "figures of CloudWatch metrics."),
        (b'{"data": [{"id": "x", "attributes": {}}]}', "an answer of Datadog."),
        (b'AWSTemplateFormatVersion: "2010-09-09"\n', "a template of CloudFormation."),
        (b"hello\nworld\n", "hello"),
        (b"\x1b]0;title\x07", "\\x1b]0;title"),
        (b'{"foo": 1}', "foo"),
        (b"[1, 2]", "[1, 2]"),
        (b"{{{", "{{{"),
    ],
)
def test_what_is_no_saved_log_is_refused_with_what_was_found(
    tmp_path: Path, content: bytes, found: str
) -> None:
    (tmp_path / "x").write_bytes(content)
    error = refused(tmp_path / "x")
    assert str(tmp_path / "x") in error.what
    assert found in error.what
    assert error.what.isprintable()
    assert "aws logs tail" in error.next_step or "Unpack" in error.next_step


@pytest.mark.parametrize("part", ["[Content_Types].xml", "word/document.xml", "xl/workbook.xml"])
def test_a_document_of_an_office_program_leads_to_the_download(tmp_path: Path, part: str) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as document:
        document.writestr(part, "<x/>")
    error = refused(tmp_path / "x")
    assert "office program" in error.what
    assert "Download search results (CSV)" in error.next_step


@pytest.mark.parametrize("content", [b"", b"\n \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert refused(tmp_path / "x").what == f"{tmp_path / 'x'} is empty."


def test_a_gzip_cut_in_its_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(b"x")[:8])
    assert "breaks off" in refused(tmp_path / "x").what


def test_a_missing_file_is_refused_with_the_names_near_to_it(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text(lines(EVENTS))
    assert "orders.jsonl" in refused(tmp_path / "order.jsonl").next_step
    assert "its folder" in refused(tmp_path / "no" / "such").what


@contextlib.contextmanager
def not_as_root() -> Iterator[None]:
    """Root may read everything, so root becomes nobody for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_file_that_may_not_be_read_is_refused_and_in_a_folder_is_a_gap() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "log").write_text(lines(EVENTS))
        (folder / "secret").write_text(lines(EVENTS))
        (folder / "secret").chmod(0)
        (folder / "closed").mkdir(mode=0)
        with not_as_root():
            assert "not allowed" in refused(folder / "secret").what
            assert "not allowed" in refused(folder / "closed" / "log").what
            events, coverage = read(folder)
        assert plain(events) == EVENTS
        assert all(gap.hides_attempts for gap in coverage.gaps)
        assert {Path(gap.message.split()[0]).name for gap in coverage.gaps} == {"secret", "closed"}


@pytest.mark.parametrize("closed", ["secret", "closed"])
def test_a_hidden_folder_that_cannot_be_searched_hides_attempts(closed: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if closed == "secret":
            (folder / closed).write_text("a note\n")
        else:
            (folder / closed).mkdir()
        assert not any(found.hides_attempts for found in searched_folders([name]))
        (folder / closed).chmod(0)
        with not_as_root():
            (found,) = searched_folders([name])
    assert found.hides_attempts
    assert "cannot be opened" in found.why


@given(content=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@example(content=b'{"events": ')
@example(content=b"\x1f\x8b\x08\x1f\x8b\x08")
def test_any_bytes_are_read_or_refused_and_never_crash(content: bytes) -> None:
    good = lines(EVENTS[:1]).encode()
    for whole in (content, content + b"\n" + good, good + content, gzip.compress(content)):
        with contextlib.suppress(UnreadableInput):
            for event in read_bytes(whole)[0]:
                assert event.message.encode().decode() == event.message
        for ids in ((), (ID,)):
            with contextlib.suppress(UnreadableInput):
                BulkReader("-", stdin=io.BytesIO(whole)).trace(LogQuery(request_ids=ids))


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_message_comes_back_from_json(messages: list[str]) -> None:
    rows = [(T0 + number, STREAM, message) for number, message in enumerate(messages)]
    for write in JSON_SHAPES.values():
        assert plain(read_bytes(write(rows).encode())[0]) == rows


# --------------------------------------------------------------------------- memory

# The peak that the kernel counts for the program itself: ru_maxrss holds that of who started it.
MEASURE = """
import re, sys
from retryctl.sources.saved.log_file import saved_events
count = sum(1 for _ in saved_events(sys.argv[1]))
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(count, peak_kb, "boto3" in sys.modules)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_a_large_document_takes_little_memory_and_no_boto3(tmp_path: Path) -> None:
    noise = random.Random(7)
    with (tmp_path / "large.json").open("w") as file:
        file.write('{"events": [\n')
        for number in range(40_000):
            row = fields((T0 + number * 100, STREAM, f"item {noise.random()}\n"), number)
            file.write(json.dumps(row) + ",\n")
        file.write(json.dumps(fields((T0 + 9 * HOUR, STREAM, f"START RequestId: {ID}\n"), 1)))
        file.write('\n], "searchedLogStreams": []}\n')
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.json")]
    count, peak_kb, boto3 = subprocess.check_output(command, text=True).split()
    assert int(count) == 40_001
    assert int(peak_kb) < 50_000
    assert boto3 == "False"
