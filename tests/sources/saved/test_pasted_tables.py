"""Tables as people save and paste them: CSV, Markdown, columns parted by tabs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from retryctl.sources.saved.formats.insights_tables import InsightsTable, PastedTable
from tests.sources.saved.test_saved_shapes import expected, told
from tests.support.lambda_log import Environment
from tests.support.saved_logs import EVENTS, GROUP, ID, STREAM, T0, Event, attempt, read_bytes
from tests.support.saved_shapes import SHAPES, STREAMS, TIMES, iso, rows, rows_with_streams


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
