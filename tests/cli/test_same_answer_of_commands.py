"""Logs out of order and logs with misleading output: each command gives the same right answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lambda_log import ID, MIDNIGHT_MS, OTHER_ID, end, platform, report, start
from tests.support.program import run

Event = tuple[int, str]
SECOND_MS, THIRD_MS = 63_000, 193_000


def failed(at: int, count: int, request_id: str = ID, *, apart: int = 1) -> list[Event]:
    """An attempt that logs its counter and its branch, and fails."""
    messages = (
        start(request_id),
        f"{count}\n",
        f"process {'ABC'[count]}\n",
        "[ERROR] NameError: no\nTraceback (most recent call last):\n",
        end(request_id),
        report(request_id),
    )
    return [(at + number * apart, message) for number, message in enumerate(messages)]


def lines(letter: str, events: Iterable[Event], *, other_keys: bool = False) -> list[str]:
    stream = f"2026/11/23/[$LATEST]{letter * 32}"
    saved = []
    for at, message in events:
        fields = {"logStreamName": stream, "timestamp": MIDNIGHT_MS + at, "message": message}
        saved.append(json.dumps(dict(reversed(fields.items())) if other_keys else fields))
    return saved


def other_order_of_keys() -> list[str]:
    second = lines("b", failed(SECOND_MS, 0))
    second[:1] = lines("b", failed(SECOND_MS, 0)[:1], other_keys=True)
    return [*lines("a", failed(0, 0)), *second, *lines("b", failed(THIRD_MS, 1))]


def attempts_interleaved() -> list[str]:
    both = zip(failed(SECOND_MS, 0), failed(THIRD_MS, 1), strict=True)
    return [*lines("a", failed(0, 0)), *lines("b", (event for pair in both for event in pair))]


def newest_first() -> list[str]:
    """Several lines in one millisecond, as Insights exports them."""
    attempts = (failed(0, 0, apart=0), failed(SECOND_MS, 0, apart=0), failed(THIRD_MS, 1, apart=0))
    streams = zip("abb", attempts, strict=True)
    return [line for letter, events in streams for line in lines(letter, events)][::-1]


def a_line_between_integer_and_branch() -> list[str]:
    events = failed(0, 0, apart=2)
    events.insert(2, (3, f"other work of {OTHER_ID}\n"))
    return lines("a", events)


def own_report_printed() -> list[str]:
    """The function prints a REPORT of its own request, and runs on for a minute."""
    events = failed(0, 0)
    late = [(at + 70_000, message) for at, message in events[3:5]]
    late.append((70_005, report(duration_ms=70_005)))
    second = failed(140_000, 1)
    return lines("a", [*events[:3], (3, report()), (60_000, "still here\n"), *late, *second])


def echo_during_init() -> list[str]:
    echo = platform("start", {"requestId": OTHER_ID, "version": "$LATEST"})
    init = [(-9, "INIT_START Runtime Version: python:3.13.v74\n"), (-8, f"{echo}\n")]
    return lines("a", [*init, *failed(0, 0), *failed(SECOND_MS, 1)])


def success(request_id: str, at: int, *, in_json: bool = False) -> list[Event]:
    if not in_json:
        return [(at, start(request_id)), (at + 5, "x\n"), (at + 7, end(request_id)),
                (at + 7, report(request_id))]  # fmt: skip
    first = platform("start", {"requestId": request_id, "version": "$LATEST"}, MIDNIGHT_MS + at)
    metrics = {"durationMs": 7.0, "billedDurationMs": 8, "memorySizeMB": 128, "maxMemoryUsedMB": 40}
    last = platform(
        "report",
        {"requestId": request_id, "status": "success", "metrics": metrics},
        MIDNIGHT_MS + at + 7,
    )
    return [(at, first), (at + 5, "hello"), (at + 7, last)]


def output_beside_the_next_start() -> list[str]:
    stray = [(15, "2"), (16, "process C")]
    first, second = success(ID, 0, in_json=True), success(OTHER_ID, 40, in_json=True)
    return lines("a", [*first, *stray, *second])


def start_quoted_in_the_background() -> list[str]:
    other = [*success(OTHER_ID, 30_000), (30_030, start(ID))]
    own, again = lines("a", failed(0, 0)), lines("a", failed(SECOND_MS, 1))
    return [*own, *lines("c", other), *again]


def half_a_character() -> list[str]:
    return lines("a", [(at, m.replace("LATEST", "LATEST\ud83d") if "platform.start" in m else m)
                       for at, m in success(ID, 0, in_json=True)])  # fmt: skip


LOGS = {
    other_order_of_keys: (3, "exhausted", "disagrees"),
    attempts_interleaved: (3, "exhausted", "disagrees"),
    newest_first: (3, "exhausted", "disagrees"),
    a_line_between_integer_and_branch: (1, "pending", "agrees"),
    own_report_printed: (2, "pending", "agrees"),
    echo_during_init: (2, "pending", "agrees"),
    output_beside_the_next_start: (1, "succeeded", "not-counted"),
    start_quoted_in_the_background: (2, "pending", "agrees"),
    half_a_character: (1, "succeeded", "not-counted"),
}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.__name__)
def test_each_command_gives_the_same_answer(log: Any, tmp_path: Path) -> None:
    attempts, outcome, verdict = LOGS[log]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(log()) + "\n", encoding="utf-8")

    def document(*command: str) -> dict[str, Any]:
        done = run(*command, "--from", str(path), "-o", "json")
        assert done.returncode in (0, 1, 5), done.stderr
        return dict(json.loads(done.stdout))

    (traced,) = document("trace", ID)["requests"]
    assert (len(traced["attempts"]), traced["outcome"], traced["verdict"]) == LOGS[log]
    others = {OTHER_ID} if "background" in log.__name__ or "beside" in log.__name__ else set()
    listed = {one["request_id"]: one for one in document("list")["requests"]}
    assert listed.keys() == {ID} | others
    own = listed[ID]
    assert (own["attempts"], own["outcome"], own["verdict"]) == LOGS[log]
    summary = document("summary")
    assert summary["attempts"] == attempts + len(others)
    assert summary["outcomes"][outcome] >= 1
    passed = {one["request_id"]: one["passed"] for one in document("check")["checks"]}
    assert passed[ID] is (None if outcome == "pending" else verdict != "disagrees")
    assert run("trace", ID, "--from", str(path)).returncode == 0, "shown as text"


EXITED = f"RequestId: {ID} Process exited before completing request\n"
CRASH = (start(), "an order\n", end(), report(), EXITED)


def test_no_command_states_what_followed_a_failure_that_ends_a_log_without_times(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(CRASH))
    what = "attempt 1 failed, and the log does not show what followed"
    assert what in run("trace", ID, "--from", str(path)).stdout
    assert what in " ".join(run("check", "--from", str(path)).stdout.split())
    summary = run("summary", "--from", str(path)).stdout
    assert "No retry was read, and the log does not show how 1 request ended." in summary
    assert "Nothing was retried" not in summary


def test_no_command_shows_a_start_of_a_log_without_times_whose_start_is_missing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(CRASH[1:]))
    listed = run("list", "--from", str(path))
    assert "started" not in listed.stdout
    assert "no time" in run("trace", ID, "--from", str(path)).stdout
