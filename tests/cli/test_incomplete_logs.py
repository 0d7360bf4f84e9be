"""No command calls a log complete whose last attempt has not ended, or that hides anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retryctl.core.model.limits import (
    LONGEST_ATTEMPT_MS,
    LONGEST_EVENT_AGE_S,
    USUAL_WAITS_MS,
    WAIT_TOLERANCE_MS,
)
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.made_up_logs import line_of
from tests.support.program import run

COMMANDS = {
    "trace": ("trace", ID, "--from"),
    "summary": ("summary", "--from"),
    "list": ("list", "--from"),
    "check": ("check", "--from"),
}
FORMS = ("text", "json", "html", "markdown")
DONE = Environment("a").runs(ID, "0", "process A", ends="error").at(63).runs(ID)
RUNNING = Environment("a").runs(ID, "0", "process A", ends="error").at(62).starts(ID)
BEHIND = Environment("b").at(63).runs(OTHER_ID)
UNENDED = Environment("a").inits().starts(ID)  # its REPORT is overdue at the last event
LATER = Environment("b").at(8_000).runs(OTHER_ID)
CUT = Environment("a").runs(ID, "1", "process B", ends="error")  # an earlier attempt is missing
LOST = Environment("a").runs(ID, "0", "process A", ends="error")
LOST.events.remove(next(event for event in LOST.events if event.message.startswith("END")))
LOGS = {"running": (RUNNING, BEHIND), "unended": (UNENDED, LATER), "cut": (CUT,)}


def shown(path: Path, command: str, form: str) -> str:
    done = run(*COMMANDS[command], str(path), *([] if form == "text" else ["-o", form]))
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", COMMANDS)
def test_each_view_says_so(command: str, form: str, tmp_path: Path) -> None:
    if (command, form) == ("check", "html"):
        pytest.skip("check writes no page")
    for name, environments in {**LOGS, "whole": (DONE,)}.items():
        path = tmp_path / name
        events = [event for each in environments for event in each.events]
        path.write_text("".join(map(line_of, events)))
        text = shown(path, command, form)
        if form == "json":
            assert json.loads(text)["coverage"]["complete"] is (name == "whole"), name
        else:
            assert ("The log is complete" in text) is (name == "whole"), name
            assert ("All of it was read" in text) is (name in ("unended", "cut")), name


def test_every_command_gives_the_verdict_that_a_lost_end_allows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(map(line_of, LOST.events)))
    answers = {name: json.loads(shown(path, name, "json")) for name in COMMANDS}
    trace, row = answers["trace"]["requests"][0], answers["list"]["requests"][0]
    assert trace["verdict"] == row["verdict"] == "undetermined"
    assert answers["summary"]["counter"]["undetermined"] == 1
    assert answers["check"]["passed"] is None
    gaps = {name: [gap["kind"] for gap in answers[name]["coverage"]["gaps"]] for name in COMMANDS}
    assert set(map(tuple, gaps.values())) == {("lost-lines",)}


def page_of_two_requests(tmp_path: Path) -> Path:
    """The first page of an answer of FilterLogEvents, with two requests."""
    environment = Environment("a").runs(ID, "0", "process A").runs(OTHER_ID, "0", "process A")
    events = [json.loads(line_of(event)) for event in environment.events]
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"events": events, "searchedLogStreams": [], "nextToken": "t"}))
    return path


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_check_names_a_gap_once_for_all_requests(form: str, tmp_path: Path) -> None:
    said = shown(page_of_two_requests(tmp_path), "check", form)
    assert " ".join(said.split()).count("page of an answer") == 1
    assert ID in said
    assert OTHER_ID in said


def test_one_page_names_the_command_that_saves_all(tmp_path: Path) -> None:
    page = page_of_two_requests(tmp_path)
    (gap,) = json.loads(run("trace", ID, "--from", str(page), "-g", "g/x", "-o", "json").stdout)[
        "coverage"
    ]["gaps"]
    first_ms = json.loads(page.read_text())["events"][0]["timestamp"]
    command = (
        f"aws logs filter-log-events --log-group-name g/x --start-time {first_ms} --output json"
    )
    assert gap["settle"] == f"{command} > log.json"


def test_an_environment_that_is_not_known_is_not_drawn_as_one(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = [
        f'{1_700_000_000_000 + number * 65_000},"{text}"'
        for number in (1, 2)
        for text in (f"START RequestId: {ID} Version: 1", f"END RequestId: {ID}", report_line(ID))
    ]
    log.write_text("\n".join(["timestamp,message", *rows]))
    said = run("trace", "--from", str(log), ID).stdout
    lane = next(line for line in said.splitlines() if line.startswith(" ? not known"))
    assert "╌" not in lane


def report_line(request_id: str) -> str:
    return (
        f"REPORT RequestId: {request_id}\tDuration: 1.00 ms\tBilled Duration: 1 ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 36 MB\t"
    )


ENDS_EARLY = {
    "before the next attempt was due": Environment("a")
    .starts(ID)
    .prints("0")
    .raises(ID)
    .reports(ID),
    "before the last attempt ended": Environment("a")
    .starts(ID)
    .raises(ID)
    .reports(ID)
    .at(63)
    .starts(ID),
}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_log_that_ends_before_its_requests_is_not_called_complete(
    command: str, form: str, tmp_path: Path
) -> None:
    if (command, form) == ("check", "html"):
        pytest.skip("check writes no page")
    for number, (sentence, log) in enumerate(ENDS_EARLY.items()):
        path = tmp_path / f"{number}.jsonl"
        path.write_text("".join(map(line_of, log.events)))
        text = " ".join(shown(path, command, form).split())
        assert f", {sentence}." in text
        assert "The log ends at 00:0" in text
        assert "The log is complete" not in text
        assert "All of it was read" not in text


def test_check_of_a_log_that_ends_before_its_requests_is_undetermined(tmp_path: Path) -> None:
    for number, log in enumerate(ENDS_EARLY.values()):
        path = tmp_path / f"{number}.jsonl"
        path.write_text("".join(map(line_of, log.events)))
        for ids in ((), (ID,)):
            done = run("check", *ids, "--from", str(path))
            assert done.returncode == 5, done.stdout
            assert "the log ends before the request was over" in " ".join(done.stdout.split())


def test_the_window_to_save_reaches_from_before_the_first_attempt_to_after_the_last_retry(
    tmp_path: Path,
) -> None:
    log = Environment("a").starts(ID).raises(ID).reports(ID)
    first_ms, last_ms = log.events[0].timestamp_ms, log.events[-1].timestamp_ms
    found = [{"timestamp": each.timestamp_ms, "message": each.message} for each in log.events]
    path = tmp_path / "answer.json"
    path.write_text(
        json.dumps({"events": found, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"})
    )
    (gap,) = json.loads(shown(path, "trace", "json"))["coverage"]["gaps"]
    words = gap["settle"].split()
    since_ms, until_ms = (int(words[words.index(f"--{end}-time") + 1]) for end in ("start", "end"))
    assert since_ms == first_ms - LONGEST_EVENT_AGE_S * 1000 - LONGEST_ATTEMPT_MS
    waits_ms = sum(USUAL_WAITS_MS.values()) + 2 * WAIT_TOLERANCE_MS
    assert until_ms == last_ms + waits_ms + 2 * LONGEST_ATTEMPT_MS
