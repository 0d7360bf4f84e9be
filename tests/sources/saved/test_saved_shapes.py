"""Saved logs in the shapes that people have: one log, one answer, but for what a shape lacks."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retryctl.core.model.events import LogEvent, is_timed, stream_name
from retryctl.core.model.group_names import group_name
from retryctl.core.timestamps import iso_ms
from retryctl.errors import UnreadableInput
from tests.support.random_cases import LONG
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
    get_log_events_document,
    lines,
    read,
    read_bytes,
)
from tests.support.saved_shapes import (
    ENDS,
    SECONDS,
    SHAPES,
    STREAMS,
    TIMES,
    insights_rows,
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


@pytest.mark.parametrize("shape", [name for name in SHAPES if name.startswith("awslogs get")])
def test_the_time_of_a_timeout_is_no_time_of_its_event(shape: str) -> None:
    timeout = f"2026-11-23T03:00:03.000Z {ID} Task timed out after 3.00 seconds\n"
    whole = [
        (T0, STREAM, f"START RequestId: {ID} Version: $LATEST\n"),
        (T0 + 3_000, STREAM, timeout),
    ]
    events, coverage = read_bytes(SHAPES[shape][0](whole).encode())
    assert [event.message for event in events] == [message.rstrip() for *_, message in whole]
    assert not coverage.events_unrecognised


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
