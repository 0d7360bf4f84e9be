"""Messages that were saved without their times."""

from __future__ import annotations

import json

import pytest

from retryctl.core.grammar.record_parser import parse_record
from retryctl.core.model.records import Report, Start
from tests.support.program import run
from tests.support.saved_logs import EVENTS, ID, STREAM, T0, attempt, read_bytes
from tests.support.saved_shapes import SHAPES


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


@pytest.mark.parametrize("line", ["0process A", "process A1"])
def test_bare_messages_that_run_together_are_a_gap(line: str) -> None:
    """Another file was joined within the attempt: its counter and its branch are not known."""
    own = [text for *_, text in attempt(T0, STREAM, ID, counter=0)]
    assert not read_bytes("".join(own).encode())[1].gaps
    _, coverage = read_bytes("".join([own[0], f"{line}\n", *own[-2:]]).encode())
    assert [gap.kind for gap in coverage.gaps] == ["not-understood"]


@pytest.mark.parametrize("indent", ["", "  "])
def test_figures_of_a_report_on_lines_of_their_own_are_of_the_report(indent: str) -> None:
    figures = "Duration: 13.82 ms", "Billed Duration: 129 ms", "Memory Size: 512 MB"
    more = "Max Memory Used: 71 MB", "Restore Duration: 204.27 ms", "Billed Restore Duration: 9 ms"
    lines = (f"REPORT RequestId: {ID}", *(f"{indent}{each}" for each in (*figures, *more)))
    printed = ("0", "Duration: 7 s")
    text = "\n".join(
        (f"START RequestId: {ID} Version: 2", *printed, f"END RequestId: {ID}", *lines)
    )
    events, coverage = read_bytes(f"{text}\n".encode())
    assert [event.message for event in events[1:3]] == list(printed)
    report = parse_record(events[-1])
    assert isinstance(report, Report)
    assert (report.duration_ms, report.max_memory_used_mb, report.cut) == (13.82, 71, False)
    assert len(events) == 5
    assert not coverage.gaps


def test_a_start_whose_version_is_on_the_next_line_is_whole() -> None:
    text = f"START RequestId: {ID}\nVersion: $LATEST\n0\nEND RequestId: {ID}\n"
    events, _ = read_bytes(text.encode())
    assert isinstance(parse_record(events[0]), Start)
    assert [event.message for event in events[1:]] == ["0", f"END RequestId: {ID}"]


def test_an_indented_print_behind_a_branch_is_a_message_of_its_own() -> None:
    first, *_, end, report = (text for *_, text in attempt(T0, STREAM, ID, counter=1))
    for printed in ("", "  order 7: 3 items\n"):
        text = "".join([first, "1\n", "process B\n", printed, end, report])
        shown = json.loads(run("trace", "--from", "-", "-o", "json", stdin=text).stdout)
        (one,) = shown["requests"][0]["attempts"]
        assert (one["counter"]["logged"], one["branch"]["logged"]) == (1, "B")
