"""``retryctl diff``: the differences between the log lines of two attempts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retryctl.core.attempt_diff import comparable
from tests.support.check_logs import save, succeeded
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment
from tests.support.program import run


@pytest.fixture
def log(tmp_path: Path) -> str:
    """A request that fails at the rate limit twice and then goes on, and two others."""
    one = Environment("a")
    lines = ("order 1002", "fetched 3 rows in 41 ms")
    one.at(0).runs(ID, *lines, "rate limit reached", ends="error")
    one.at(61).runs(ID, *lines, "rate limit reached", ends="error")
    one.at(182).runs(ID, "order 1002", "fetched 17 rows in 9 ms", "charged", "\x1b[31mred")
    two = Environment("b").at(5).runs(OTHER_ID, "order 7", "fetched 1 rows in 2 ms", "charged")
    return str(save(tmp_path / "log.jsonl", one, two, succeeded()))


def test_the_first_attempt_against_the_last(log: str) -> None:
    done = run("diff", ID, "--from", log, env={"COLUMNS": "120"})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"- attempt 1 of {ID}: error, a cold start"
    assert lines[1] == f"+ attempt 3 of {ID}: ok"
    assert "- rate limit reached" in lines
    assert "+ charged" in lines
    assert r"+ \x1b[31mred" in lines
    assert not [line for line in lines if "fetched" in line and line[0] in "-+"]


def test_attempts_that_are_the_same_times_and_figures_aside(log: str) -> None:
    done = run("diff", ID, "--attempts", "2,1", "--from", log, "-o", "json")
    document = json.loads(done.stdout)
    assert (document["left"]["attempt"], document["right"]["attempt"]) == (2, 1)
    assert (document["same"], document["parts_after"]) == (True, None)
    text = run("diff", ID, "--attempts", "2,1", "--from", log).stdout
    assert "Both logged the same" in text


def test_two_requests(log: str) -> None:
    done = run("diff", ID, OTHER_ID, "--attempts", "3,1", "--from", log, "-o", "json")
    document = json.loads(done.stdout)
    differing = [stretch for stretch in document["lines"] if not stretch["same"]]
    left = [event["message"].strip() for stretch in differing for event in stretch["left"]]
    assert "\x1b[31mred" in left
    assert not any("order" in line or "fetched" in line for line in left)
    assert document["right"]["request_id"] == OTHER_ID


def test_shortened_ids_and_no_id_at_all(log: str) -> None:
    whole = run("diff", ID, "--from", log).stdout
    assert whole
    assert run("diff", ID[:10], "--from", log).stdout == whole
    assert run("diff", "--from", log).stdout == whole  # the only request that was retried
    both = run("diff", ID, OTHER_ID, "--from", log).stdout
    assert run("diff", ID[:10], OTHER_ID[:10], "--from", log).stdout == both
    assert run("diff", "--from", "demo").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((OTHER_ID,), 4, "attempt 1 is the only attempt"),
        ((ID, "--attempts", "1,9"), 4, "has no attempt 9"),
        (("2c1f0a8e-3b57-4c6d-9a41-d1f6a7e0b9c3",), 4, "was not found"),
        ((ID, OTHER_ID, THIRD_ID), 2, "diff compares one or two"),
        ((ID, "--attempts", "first"), 2, "not two numbers"),
        ((ID, "--attempts", "3,3"), 2, "names attempt 3 of"),
        ((ID, "-o", "svg"), 2, "'svg' is not a value of --output"),
        (("ffff",), 4, "no request ID of this log begins with ffff"),
    ],
)
def test_what_cannot_be_compared(
    log: str, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = run("diff", *arguments, "--from", log)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"START RequestId: {ID} Version: 7", f"START RequestId: {OTHER_ID} Version: 8"),
        ("2026-11-23T03:00:00.123Z took 3.5 ms", "2026-11-24T04:01:01Z took 12 ms"),
        ("<Order at 0x7f3a9c>", "<Order at 0x1b2c>"),
        ("trace 1-5bef4de7-ad49b0e87f6ef6c87fc2e700", "trace 1-5bef4de8-ad49b0e87f6ef6c87fc2e701"),
        ("etag 9f86d081884c7d65", "etag 2c26b46b68ffc68f"),
    ],
)
def test_what_varies_is_no_difference(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


def test_words_are_a_difference() -> None:
    assert comparable("deadbeef is a word of letters") != comparable(
        "cafebabe is a word of letters"
    )
    assert comparable("status ok") != comparable("status failed")


def test_ten_thousand_lines_are_compared(tmp_path: Path) -> None:
    one = Environment("a")
    for at, word in ((0, "left"), (61, "right")):
        lines = (f"{word if n % 2 else 'both'} {'x' * (n % 7)}" for n in range(10_000))
        one.at(at).runs(ID, *lines, ends="error")
    path = save(tmp_path / "log.jsonl", one)
    done = run("diff", ID, "--from", str(path))
    assert done.returncode == 0
    assert "more lines" in done.stdout


def test_the_number_of_an_attempt_leads_to_its_option(log: str) -> None:
    done = run("diff", ID, "1", "3", "--from", log)
    assert done.returncode == 2
    assert done.stderr == (
        "retryctl: 1 is not a request ID.\nName attempts with an option: --attempts 1,3\n"
    )
    assert run("diff", ID, "--attempts", "1,3", "--from", log).returncode == 0


def test_the_counter_of_both_attempts_is_shown_with_the_true_number(tmp_path: Path) -> None:
    one, other = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    other.at(61).runs(ID, "0", "process A", ends="error")
    one.at(182).runs(ID, "1", "process B", ends="error")
    path = str(save(tmp_path / "log.jsonl", one, other))
    lines = run("diff", ID, "--from", path, env={"COLUMNS": "120"}).stdout.splitlines()
    assert lines[0] == f"- attempt 1 of {ID}: error, a cold start; counter 0; branch A"
    assert lines[1] == f"+ attempt 3 of {ID}: error; counter 1 not 2; branch B not C"
    differing = [line for line in lines[2:] if line[:2] in ("- ", "+ ")]
    assert differing == ["- 0", "- process A", "+ 1", "+ process B"]
    right = json.loads(run("diff", ID, "--from", path, "-o", "json").stdout)["right"]
    assert (right["counter"]["logged"], right["counter"]["expected"]) == (1, 2)
    assert right["check"] == "disagrees"


def test_an_equal_branch_of_another_counter_is_no_difference(tmp_path: Path) -> None:
    one = Environment("a")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(61).runs(ID, "1", "process A", ends="error")
    one.at(182).runs(ID, "process A", ends="error")
    path = str(save(tmp_path / "log.jsonl", one))
    for numbers, expected in (("1,2", ["- 0", "+ 1"]), ("1,3", ["- 0"]), ("3,2", ["+ 1"])):
        done = run("diff", ID, "--from", path, "--attempts", numbers, env={"COLUMNS": "120"})
        lines = done.stdout.splitlines()
        assert [line for line in lines[2:] if line[:2] in ("- ", "+ ")] == expected


def test_the_cold_start_that_only_one_logged_is_named() -> None:
    listed = json.loads(run("list", "--from", "demo", "-o", "json").stdout)["requests"]
    switched = next(one for one in listed if "environment-switch" in one["findings"])
    done = run("diff", switched["request_id"], "--from", "demo")
    assert "Not compared, only in +: the cold start (INIT_START, Init Duration).\n" in done.stdout
    found = json.loads(run("diff", switched["request_id"], "--from", "demo", "-o", "json").stdout)
    sides = (found["left"]["not_compared"], found["right"]["not_compared"])
    assert sides == ([], ["INIT_START", "Init Duration"])
    warm = run("diff", switched["request_id"], "--from", "demo", "--attempts", "1,2")
    assert "Not compared" not in warm.stdout
