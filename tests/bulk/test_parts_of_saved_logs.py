"""A part of a saved log, in any shape, never gives another answer than the whole, only less.

Random histories are written in every shape of saved log and cut at any byte, thinned to the
answer of a search by ID, to one stream and to one page; two halves of it are joined without the
newline between them. Each of them is read by every command, and the commands contradict each other
nowhere, nor do they in the JSON that they print of a folder of files.

``RETRYCTL_HISTORIES=2000`` runs so many histories, and prints the figures with ``-s``.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from retryctl.app.options import SourceOptions
from retryctl.app.trace import trace
from retryctl.core.crosscheck.checked_request import CheckedRequest
from retryctl.errors import UnreadableInput
from tests.support.lambda_log import ID, OTHER_ID, RUNTIME, Environment, timed_out
from tests.support.log_answers import Answers, answers, contradictions, differences, undetermined
from tests.support.made_up_streams import (
    JAVA_ERROR,
    dotnet_error,
    node_error,
    node_invoke_error,
)
from tests.support.program import run
from tests.support.random_history import RandomHistory
from tests.support.saved_logs import GROUP, Event
from tests.support.saved_shapes import SECONDS, SHAPES, STREAMS, TIMES

# An answer of invoke, a container and an extension have the log of one environment.
OF_ONE_ENVIRONMENT = ("answer of invoke", "docker compose logs", "Telemetry API")
NAMES = [name for name in SHAPES if name not in OF_ONE_ENVIRONMENT]
TIMED = {name for name in NAMES if SHAPES[name][1] & {TIMES, SECONDS}}
OF_ONE_STREAM = {"get-log-events", "get-log-events --output text", "subscription event"}
# Nobody joins what was copied by hand.
COPIED = {
    *("aws logs tail in a quotation", "aws logs tail in a terminal", "open rows of the console"),
    "console CSV, quotes not closed",
}
JOINABLE = TIMED - OF_ONE_STREAM - COPIED
CHECKS = ("agrees", "disagrees", "silent", "undetermined")
HISTORIES = int(os.environ.get("RETRYCTL_HISTORIES", "15"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The text of a part of a log; ``ends_early`` and ``starts_late`` say where it was cut."""

    name: str
    text: str
    ends_early: bool = False
    starts_late: bool = False


def parts_of(random: Random, history: RandomHistory, shape: str) -> Iterator[Part]:
    """The parts of a log in a shape: its cuts, and the answers that have less than all of it."""
    write, _ = SHAPES[shape]
    text = write(_events(history))
    at = random.randrange(1, len(text))
    yield Part(name="end cut", text=text[:at], ends_early=True)
    at = random.randrange(1, len(text))
    yield Part(name="start cut", text=text[at:], starts_late=True)
    if shape in TIMED - COPIED:
        rows, at = _events(history), random.randrange(1, len(history.events))
        yield Part(name="joined", text=write(rows[:at]).rstrip("\n") + write(rows[at:]))
    request_id = random.choice(history.ids)
    document, _ = SHAPES["document"]
    found = [event for event in _events(history) if request_id in event[2]]
    if found:
        yield Part(name="one ID", text=document(found))
        if shape != "JSON lines":  # the records of one attempt alone are a silent function's there
            yield Part(name="one ID, in its shape", text=write(found))
    stream = random.choice(history.events).log_stream
    of_stream = [event for event in _events(history) if event[1] == stream]
    yield Part(name="one stream", text=SHAPES["get-log-events"][0](of_stream))
    last = random.randrange(1, len(history.events) + 1)
    page = json.loads(document(_events(history)[:last])) | {"nextToken": "t/1"}
    yield Part(name="one page", text=json.dumps(page))
    known = max(text.rfind("REPORT RequestId: "), 1)
    at = random.randrange(known, min(known + 200, len(text)))
    yield Part(name="end cut in a REPORT", text=text[:at], ends_early=True)


def _events(history: RandomHistory) -> list[Event]:
    return [(event.timestamp_ms, event.log_stream or "", event.message) for event in history.events]


def read(path: Path, text: str) -> Answers:
    """The answers to a log."""
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return answers(SourceOptions(source=str(path), log_groups=(GROUP,)))


def campaign(folder: Path, seeds: range, print_each: Callable[[str], None]) -> Counter[str]:
    """Cases, wrong answers, contradictions and undetermined requests, by the kind of part."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        random = Random(seed)
        history = RandomHistory(random)
        shape = NAMES[seed % len(NAMES)]
        carried = SHAPES[shape][1]
        whole = read(folder / "whole", SHAPES[shape][0](_events(history)))
        counts[f"refused whole: {shape}"] += bool(whole.refused)
        sure = {TIMES, STREAMS} <= carried and not history.uncounted and shape not in OF_ONE_STREAM
        counts["whole: cases"] += 1
        counts["whole: requests"] += len(whole.requests)
        counts["whole: undetermined"] += undetermined(whole) if sure else 0
        known = read(folder / "known", SHAPES["document"][0](_events(history)))
        found = [*differences(known, whole), *contradictions(whole)]
        wrong = [("whole", each) for each in found]
        for part in parts_of(random, history, shape):
            answered = read(folder / "part", part.text)
            counts[f"{part.name}: cases"] += 1
            counts[f"{part.name}: refused"] += bool(answered.refused)
            counts[f"{part.name}: requests"] += len(answered.requests)
            counts[f"{part.name}: undetermined"] += undetermined(answered)
            found = differences(
                known, answered, ends_early=part.ends_early, starts_late=part.starts_late
            )
            if not carried & {TIMES, SECONDS}:  # the queue and an event source look the same
                found = [each for each in found if "exhausted, in the whole unknown" not in each]
            wrong += [(part.name, each) for each in [*found, *contradictions(answered)]]
        for name, each in wrong:
            counts[f"{name}: wrong"] += 1
            print_each(f"seed {seed}, {shape}, {name}: {each}")
    return counts


def write_folder(random: Random, history: RandomHistory, folder: Path) -> bool:
    """Write each stream into a file of its own, in any shape; return whether one is left out."""
    folder.mkdir()
    streams = list(dict.fromkeys(event.log_stream for event in history.events))
    lost = random.choice([*streams, *(None for _ in streams)]) if streams[1:] else None
    shapes = [name for name in NAMES if {TIMES, STREAMS} <= SHAPES[name][1]]
    for number, stream in enumerate(streams):
        if stream != lost:
            write, _ = SHAPES[random.choice(shapes)]
            rows = [event for event in _events(history) if event[1] == stream]
            (folder / f"{number}.log").write_text(write(rows), errors="surrogatepass")
    return lost is not None


def printed(folder: Path, *command: str) -> dict[str, Any]:
    """What a command prints as JSON; nothing where it refuses the folder."""
    done = run(*command, "--from", str(folder), "-g", GROUP, "-q", "-o", "json")
    return dict(json.loads(done.stdout)) if done.stdout else {}


@pytest.mark.parametrize("seed", range(max(12, HISTORIES // 5)))
def test_every_command_prints_one_story_of_a_folder(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    history, folder = RandomHistory(random), tmp_path / "logs"
    lacks_one = write_folder(random, history, folder)
    listed = printed(folder, "list")
    summary, check = printed(folder, "summary"), printed(folder, "check")
    rows = {row["request_id"]: row for row in listed["requests"]}
    traced = printed(folder, "trace", *rows)
    assert rows or lacks_one
    told = {one["request_id"]: one for one in traced.get("requests", ())}
    assert {
        name: (row["outcome"], row["verdict"], row["attempts"]) for name, row in rows.items()
    } == {
        name: (one["outcome"], one["verdict"], len(one["attempts"])) for name, one in told.items()
    }
    assert Counter(one["outcome"] for one in told.values()) == +Counter(summary["outcomes"])
    assert Counter(a["check"] for one in told.values() for a in one["attempts"]) == +Counter(
        {name: count for name, count in summary["counter"].items() if name in CHECKS}
    )
    results = {one["request_id"]: one["passed"] for one in check["checks"] if one["request_id"]}
    for name, one in told.items():
        errors = any(finding["severity"] == "error" for finding in one["findings"])
        assert not errors or results[name] is False
        assert one["verdict"] != "undetermined" or results[name] is not True
    documents = [each for each in (listed, summary, check, traced) if each]
    assert len({json.dumps(each["coverage"]["gaps"]) for each in documents}) == 1
    assert len({each["coverage"]["complete"] for each in documents}) == 1


@pytest.mark.parametrize("json_format", [False, True])
@pytest.mark.parametrize("shape", [name for name in NAMES if TIMES in SHAPES[name][1]])
def test_a_message_that_begins_with_a_time_or_ends_as_printed_is_read_in_every_shape(
    shape: str, json_format: bool, tmp_path: Path
) -> None:
    here, marker = Environment(json=json_format), {"retryctl": 1, "request_id": ID, "counter": 0}
    here.inits("nodejs:22.v1").starts().prints(json.dumps(marker))
    here.logs(*([] if json_format else [timed_out(here.now_ms)]))
    here.reports(status="timeout" if json_format else None)
    error = node_error if json_format else node_invoke_error
    here.at(62).starts().logs(error(here.now_ms)).reports()
    rows = [(event.timestamp_ms, event.log_stream or "", event.message) for event in here.events]
    (tmp_path / "log").write_text(SHAPES[shape][0](rows))
    (traced,) = _traced(tmp_path / "log")
    found = [attempt.outcome.value for attempt in traced.request.attempts]
    assert (found, traced.request.attempts[0].claim.counter) == (["timeout", "error"], 0)


@pytest.mark.parametrize("shape", NAMES)
def test_a_report_that_the_end_of_the_file_cuts_short_proves_no_outcome(
    shape: str, tmp_path: Path
) -> None:
    here = Environment().inits(RUNTIME).starts(OTHER_ID).prints("0").reports(OTHER_ID)
    here.at(60).starts().prints("0").reports(status="error", error_type="Runtime.OutOfMemory")
    rows = [(event.timestamp_ms, event.log_stream or "", event.message) for event in here.events]
    text = SHAPES[shape][0](rows)
    known = text.rfind("Used: 36 MB") + len("Used: 36 MB")
    for at in (known, known + 1, text.rfind("Status: error") + len("Status: error"), -2):
        (tmp_path / "log").write_text(text[:at])
        with suppress(UnreadableInput):  # packed data
            traced = trace((ID,), SourceOptions(source=str(tmp_path / "log"))).checked
            found = {each.outcome.value for one in traced for each in one.request.attempts}
            assert found <= {"unknown", "running"} or at == -2
            assert "ok" not in found


TO_THE_MEMORY = f"REPORT RequestId: {ID}\tDuration: 2 ms\tMax Memory Used: 36 MB"
STREAM = "2026/11/23/[7]0123456789abcdef0123456789abcdef"
ENDS_WITHIN_REPORT = {
    "messages": ("", "{0}\n"),
    "console CSV": ("timestamp,message\n", "179540280000{1},{0}\n"),
    "Insights CSV": ("@timestamp,@message\n", "2026-11-23 03:00:0{1}.000,{0}\n"),
    "Insights CSV with streams": (
        "@timestamp,@logStream,@message\n",
        f"2026-11-23 03:00:0{{1}}.000,{STREAM},{{0}}\n",
    ),
    "pasted rows": ("", "2026-11-23T03:00:0{1}.000Z\t{0}\n"),
    "pasted rows with streams": (
        "Log stream\tTimestamp\tMessage\n",
        f"{STREAM}\t2026-11-23T03:00:0{{1}}.000Z\t{{0}}\n",
    ),
    "aws logs tail": ("", f"2026-11-23T03:00:0{{1}}.000000+00:00 {STREAM} {{0}}\n"),
}


@pytest.mark.parametrize("end", ["", "\t", "\tStatus: ti"])
@pytest.mark.parametrize("shape", ENDS_WITHIN_REPORT)
def test_a_file_that_ends_within_its_last_report_has_a_gap_in_every_command(
    shape: str, end: str, tmp_path: Path
) -> None:
    found = read(tmp_path / "log", _silent_log(shape, end))
    assert not contradictions(found)
    assert found.requests[ID].request.outcome.value == "unknown"
    hides = "Status" in end  # else other attempts are as they are in the whole log
    assert ("truncated" in {gap.kind for gap in found.gaps["list"]}) is hides
    assert set(found.complete.values()) == {False}
    assert found.checked is None or found.checked.passed is not True


@pytest.mark.parametrize("end", ["\tStatus: timeout", "\t\n"])
@pytest.mark.parametrize("shape", ENDS_WITHIN_REPORT)
def test_a_report_whose_end_is_known_is_whole(shape: str, end: str, tmp_path: Path) -> None:
    found = read(tmp_path / "log", _silent_log(shape, end))
    [attempt] = found.requests[ID].request.attempts
    assert attempt.outcome.value == ("timeout" if "Status" in end else "ok")
    assert not any(gap.kind == "truncated" for gap in found.gaps["list"])


def _silent_log(shape: str, end: str) -> str:
    header, row = ENDS_WITHIN_REPORT[shape]
    first = (f"START RequestId: {ID} Version: 7", "hello", f"END RequestId: {ID}")
    rows = "".join(row.format(each, at) for at, each in enumerate((*first, TO_THE_MEMORY)))
    return header + rows.removesuffix("\n") + end


@pytest.mark.parametrize("json_format", [False, True])
@pytest.mark.parametrize("shape", sorted(JOINABLE))
def test_files_joined_without_a_newline_at_any_event_give_no_other_answer(
    shape: str, json_format: bool, tmp_path: Path
) -> None:
    marker = {"retryctl": 1, "request_id": ID, "counter": 0, "recorded": True}
    printed = f"START RequestId: {OTHER_ID} Version: $LATEST"
    here = Environment(json=json_format).inits("dotnet:8.v1").starts().prints(printed)
    here.prints(json.dumps(marker)).reports(status="success" if json_format else None)
    rows = [(event.timestamp_ms, event.log_stream or "", event.message) for event in here.events]
    write, _ = SHAPES[shape]
    whole = read(tmp_path / "whole", write(rows))
    assert whole.requests[ID].verdict.value == "agrees"
    for at in range(1, len(rows)):
        joined = read(tmp_path / "joined", write(rows[:at]).rstrip("\n") + write(rows[at:]))
        assert not [*differences(whole, joined), *contradictions(joined)], at


def test_rows_of_tsv_whose_first_line_is_cut_are_read_as_such(tmp_path: Path) -> None:
    here = Environment(json=True).inits("python:3.13.v74").starts().prints("0").raises().reports()
    rows = [(event.timestamp_ms, event.log_stream or "", event.message) for event in here.events]
    text = SHAPES["jq @tsv"][0](rows)
    part = read(tmp_path / "part", text[len(text.partition("\n")[0]) // 2 :])
    [attempt] = part.requests[ID].request.attempts
    assert attempt.outcome.value == "error"


def test_attempts_in_several_files_without_times_have_no_order(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name, count in (("1", 0), ("10", 2), ("2", 1)):
        here = Environment().runs(ID, str(count), f"process {'ABC'[count]}", ends="error")
        text = SHAPES["messages"][0]([(e.timestamp_ms, "", e.message) for e in here.events])
        (tmp_path / "logs" / name).write_text(text)
    found = answers(SourceOptions(source=str(tmp_path / "logs")))
    assert found.requests[ID].verdict.value == "undetermined"
    assert not contradictions(found)


@pytest.mark.parametrize("tab", ["", "    "])
def test_an_error_of_java_in_bare_messages_is_read_without_its_tabs(
    tab: str, tmp_path: Path
) -> None:
    here = Environment().inits("java:21.v9").starts().logs(JAVA_ERROR).reports()
    text = SHAPES["messages"][0]([(e.timestamp_ms, "", e.message) for e in here.events])
    (tmp_path / "log").write_text(text.replace("\t", tab or " ").replace("\n at ", "\nat "))
    (traced,) = _traced(tmp_path / "log")
    assert traced.request.attempts[0].outcome.value == "error"


@pytest.mark.parametrize("shape", NAMES)
def test_an_error_of_java_is_read_in_every_shape(shape: str, tmp_path: Path) -> None:
    here = Environment().inits("java:21.v9").starts().logs(JAVA_ERROR).reports()
    rows = [(event.timestamp_ms, event.log_stream or "", event.message) for event in here.events]
    (tmp_path / "log").write_text(SHAPES[shape][0](rows))
    (traced,) = _traced(tmp_path / "log")
    assert traced.request.attempts[0].outcome.value == "error"


@pytest.mark.parametrize("json_format", [False, True])
def test_a_failed_init_beside_an_attempt_is_not_its_error(
    json_format: bool, tmp_path: Path
) -> None:
    """Without streams nothing shows in which environment the init ran."""
    here, there = Environment(json=json_format).starts(), Environment("b", json=json_format)
    there.at(1).fails_init()
    here.at(2).reports(status="success" if json_format else None)
    rows = sorted((e.timestamp_ms, "", e.message) for e in (*here.events, *there.events))
    (tmp_path / "log").write_text(SHAPES["ms and message"][0](rows))
    (traced,) = _traced(tmp_path / "log")
    assert traced.request.outcome.value == "unknown"


def test_of_streams_in_two_formats_that_are_not_named_each_has_its_own_lines(
    tmp_path: Path,
) -> None:
    """The text attempt has no END yet; its counter is not that of the next attempt in JSON."""
    text, json_stream = Environment().inits(), Environment("b", json=True)
    text.starts(OTHER_ID).prints("0", "process A")
    json_stream.at(30).inits().starts().reports(status="success")
    rows = [(e.timestamp_ms, "", e.message) for e in (*text.events, *json_stream.events)]
    (tmp_path / "log").write_text(SHAPES["ms and message"][0](rows))
    found = {one.request.request_id: one for one in _traced(tmp_path / "log")}
    assert found[ID].request.attempts[0].claim.silent
    assert found[OTHER_ID].request.attempts[0].claim.counter == 0


def _traced(path: Path) -> Sequence[CheckedRequest]:
    return trace((), SourceOptions(source=str(path))).checked


@pytest.mark.parametrize("error", [node_invoke_error, dotnet_error])
@pytest.mark.parametrize("shape", ["pasted rows", "rows with bars", "aws logs tail", "console CSV"])
def test_an_error_whose_tabs_became_blanks_is_read(
    shape: str, error: Callable[[int], str], tmp_path: Path
) -> None:
    here = Environment().inits("nodejs:22.v1").starts()
    here.logs(error(here.now_ms)).reports()
    rows = [
        (event.timestamp_ms, event.log_stream or "", event.message.replace("\t", "    "))
        for event in here.events
    ]
    (tmp_path / "log").write_text(SHAPES[shape][0](rows))
    (traced,) = _traced(tmp_path / "log")
    assert traced.request.attempts[0].outcome.value == "error"


@pytest.mark.parametrize("first", range(0, HISTORIES, max(1, HISTORIES // 3)))
def test_no_part_of_a_saved_log_answers_otherwise(first: int, tmp_path: Path) -> None:
    seeds = range(first, min(HISTORIES, first + max(1, HISTORIES // 3)))
    found: list[str] = []
    counts = campaign(tmp_path, seeds, found.append)
    print(dict(counts))
    assert not found, "\n".join(found[:10])
    assert counts["whole: undetermined"] == 0
