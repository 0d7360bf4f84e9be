"""Saved logs that hands or programs changed on the way: quoted, wrapped, expanded, cut quotes."""

from __future__ import annotations

import json

import pytest

from retryctl.errors import UnreadableInput
from retryctl.sources.saved.formats import detect_format, rewritten_text
from retryctl.sources.saved.formats.rewritten_text import RewrittenText
from tests.support.lambda_log import Environment, events_of
from tests.support.saved_logs import EVENTS, ID, STREAM, T0, Event, read_bytes, tail
from tests.support.saved_shapes import SHAPES, iso, without_closing_quotes, wrapped

REWRITTEN = {
    *("aws logs tail in a quotation", "aws logs tail in a terminal", "open rows of the console"),
    *(shape for shape in SHAPES if "button" in shape),
    "console CSV, quotes not closed",
}


def messages(text: str) -> list[str]:
    return [event.message.rstrip() for event in read_bytes(text.encode())[0]]


JSON_EVENTS: list[Event] = [
    (event.timestamp_ms, event.log_stream or "", event.message.rstrip())
    for event in events_of(Environment("a", json=True).inits().starts().prints("0").reports())
]


def pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=4) if text.startswith("{") else text


def expanded(events: list[Event], form: str) -> str:
    """Rows that were opened in the console: ``form`` numbers the time, pretty and raw message."""
    return "".join(form.format(f"{iso(ms)}Z", pretty(text), text) for ms, _, text in events)


# --------------------------------------------------------------------------- quoted


@pytest.mark.parametrize("shape", ["aws logs tail", "messages", "pasted rows", "console CSV"])
@pytest.mark.parametrize("mark", ["> ", ">", "> > "])
def test_a_quoted_log_is_read_as_the_log(shape: str, mark: str) -> None:
    text = SHAPES[shape][0](EVENTS)
    quoted = "".join(f"{mark}{line}".rstrip(" ") + "\n" for line in text.splitlines())
    assert messages(quoted) == messages(text)


def test_text_before_a_quoted_log_is_no_event() -> None:
    text = f"> **Function Logs**\n> START RequestId: {ID} Version: 7\n> 0\n> process A\n"
    assert messages(text)[-3:] == [f"START RequestId: {ID} Version: 7", "0", "process A"]


# --------------------------------------------------------------------------- wrapped


@pytest.mark.parametrize("width", [132, 139, 141, 142])
@pytest.mark.parametrize("shape", ["aws logs tail", "sam logs"])
def test_lines_that_a_terminal_cut_are_joined(shape: str, width: int) -> None:
    found = [event for event in EVENTS if "Traceback" not in event[2]]
    text = SHAPES[shape][0](found)
    assert max(map(len, text.splitlines())) > width
    found_messages = messages(wrapped(text.expandtabs(8), width))
    assert [each.split() for each in found_messages] == [text.split() for *_, text in found]


def test_a_traceback_behind_a_line_as_wide_as_the_terminal_stays_behind_it() -> None:
    row = f"{iso(T0)}000+00:00 {STREAM} "
    long = "[ERROR] ValueError: x".ljust(139 - len(row), "x")
    traceback = 'Traceback (most recent call last):\n  File "/var/task/app.py", line 1, in f'
    start = tail([(T0, STREAM, f"START RequestId: {ID} Version: $LATEST\n")])
    text = f"{wrapped(start, 139)}{row}{long}\n{traceback}\n"
    assert messages(text)[-1] == f"{long}\n{traceback}"


def test_messages_alone_that_a_terminal_cut_are_joined_with_a_doubt() -> None:
    text = SHAPES["messages"][0](EVENTS).replace("\n\n", "\n")
    events, coverage = read_bytes(wrapped(text, 55).encode())
    assert events[0].message == f"START RequestId: {ID} Version: $LATEST"
    [gap] = coverage.gaps
    assert (gap.kind, gap.hides_lines) == ("not-understood", True)
    assert "55" in gap.message


# --------------------------------------------------------------------------- expanded

FORMS: dict[str, str] = {
    "pretty and raw": "{0}\n{1}\n\n{2}\n",
    "pretty": "{0}\n{1}\n",
    "pretty, blank line": "{0}\n{1}\n\n",
    "raw twice": "{0}\n{2}\n{2}\n\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_that_are_open_in_the_console_are_read_once(form: str) -> None:
    events, coverage = read_bytes(expanded(JSON_EVENTS, FORMS[form]).encode())
    found = [(event.timestamp_ms, event.message.replace('": ', '":')) for event in events]
    assert [ms for ms, _ in found] == [ms for ms, *_ in JSON_EVENTS]
    assert [json.loads(text) for _, text in found if text.startswith("{")] == [
        json.loads(text) for *_, text in JSON_EVENTS if text.startswith("{")
    ]
    assert not coverage.gaps


@pytest.mark.parametrize("form", ["{0}\n{2}\n{2}\n\n", "{0}\n{2}\n\n{2}\n"])
def test_a_record_that_stands_twice_under_its_time_is_one(form: str) -> None:
    text = "".join(form.format(f"{iso(ms)}Z", "", text.rstrip()) for ms, _, text in EVENTS)
    found = messages(text)
    assert found[0] == EVENTS[0][2].rstrip()
    assert found[-1].split() == EVENTS[-1][2].split()
    assert len(found) == len(EVENTS)


def test_pretty_records_without_times_are_messages() -> None:
    text = "".join(f"{pretty(text)}\n" for *_, text in JSON_EVENTS)
    assert [json.loads(each) for each in messages(text) if each.startswith("{")] == [
        json.loads(text) for *_, text in JSON_EVENTS if text.startswith("{")
    ]


# --------------------------------------------------------------------------- quotes of CSV


@pytest.mark.parametrize("end", ["", '"\n'])
def test_rows_whose_quotes_never_close_are_read(end: str) -> None:
    events, coverage = read_bytes((without_closing_quotes(EVENTS) + end).encode())
    assert [(event.timestamp_ms, event.message.rstrip()) for event in events] == [
        (ms, text.rstrip()) for ms, _, text in EVENTS
    ]
    assert not coverage.gaps


def test_a_log_that_none_changed_is_not_rewritten() -> None:
    for shape in SHAPES.keys() - REWRITTEN:
        found = detect_format(SHAPES[shape][0](EVENTS).encode())
        assert not isinstance(found, RewrittenText), shape


@pytest.mark.parametrize("shape", sorted(REWRITTEN))
def test_a_large_text_is_refused_with_the_next_step(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SHAPES[shape][0](EVENTS)
    monkeypatch.setattr(rewritten_text, "MOST_BYTES", len(text.encode()) - 1)
    with pytest.raises(UnreadableInput, match="larger than") as refused:
        read_bytes(text.encode())
    assert "aws logs tail" in str(refused.value.next_step)
    assert refused.value.hides_attempts
