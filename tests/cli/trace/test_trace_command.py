"""``retryctl trace`` and ``demo`` from outside, on the history that the package carries."""

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import ID
from tests.support.program import run


def trace(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return run("trace", "--from", "demo", *arguments, **more)


# --------------------------------------------------------------------------- the demo


def test_the_demo_shows_what_goes_right_and_both_ways_of_going_wrong(
    demo_requests: list[dict[str, Any]],
) -> None:
    branches = [[a["branch"]["logged"] for a in request["attempts"]] for request in demo_requests]
    assert ["A", "B", "C"] in branches
    rules = {finding["rule"] for request in demo_requests for finding in request["findings"]}
    assert {"environment-switch", "uncounted-attempt"} <= rules


def test_the_demo_says_what_to_try_next(demo_id: str) -> None:
    shown = run("demo")
    assert shown.returncode == 0
    assert demo_id in shown.stdout
    *_, hint, command = shown.stdout.splitlines()
    assert hint == "One request with its log lines:"
    again = run(*command.split()[1:])
    assert again.returncode == 0
    assert "process" in again.stdout
    assert shown.stdout.startswith(run("demo", "--quiet").stdout + "\n")
    assert shown.stderr == ""


def test_the_demo_heeds_no_settings_and_no_function_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "retryctl.toml").write_text("function = 'other'\n[markers]\ncounter_field = 'n'")
    shown = run("demo", cwd=tmp_path, env={"RETRYCTL_FUNCTION": "another"})
    assert shown.stdout == run("demo").stdout


# --------------------------------------------------------------------------- what is found


def test_the_outputs_hold_the_same_requests(demo_id: str) -> None:
    document = json.loads(trace(demo_id, "-o", "json").stdout)
    (line,) = trace(demo_id, "-o", "jsonl").stdout.splitlines()
    assert document["schema"] == "retryctl/trace/1"
    assert document["requests"] == [json.loads(line)]
    assert document["not_found"] == []
    assert document["coverage"]["complete"] is True


def test_ids_from_stdin(demo_id: str) -> None:
    piped = trace("-", "-o", "json", stdin=f"START RequestId: {demo_id.upper()} Version: 1\n")
    assert piped.stdout == trace(demo_id, "-o", "json").stdout


def test_a_log_from_stdin(demo_id: str, tmp_path: Path) -> None:
    log = (Path(__file__).parents[3] / "retryctl" / "demo.jsonl").read_text("utf-8")
    (tmp_path / "saved.jsonl").write_text(log, "utf-8")
    from_file = json.loads(
        run("trace", "--from", str(tmp_path / "*.jsonl"), demo_id, "-o", "json").stdout
    )
    from_pipe = json.loads(run("trace", "--from", "-", demo_id, "-o", "json", stdin=log).stdout)
    assert from_pipe["requests"] == from_file["requests"]
    assert len(from_file["requests"]) == 1


def test_the_lines_that_carry_no_id_stand_under_their_attempt(demo_id: str) -> None:
    (request,) = json.loads(trace(demo_id, "--lines", "-o", "json").stdout)["requests"]
    for attempt, branch in zip(request["attempts"], "ABC", strict=True):
        messages = "".join(event["message"] for event in attempt["events"])
        assert f"process {branch}\n" in messages
        assert "Traceback (most recent call last)" in messages
    shown = trace(demo_id, "--lines", "--attempt", "2").stdout
    assert "process B" in shown
    assert "process A" not in shown


def test_an_id_that_is_not_there(demo_id: str) -> None:
    none, some = trace(ID), trace(ID, demo_id)
    assert (none.returncode, none.stdout) == (4, "")
    assert none.stderr.startswith(f"retryctl: {ID} was not found.\n")
    assert len(none.stderr.splitlines()) == 3
    assert "The whole window was read." in none.stderr
    assert some.returncode == 0
    assert f"retryctl: {ID} was not found." in some.stderr
    assert json.loads(trace(ID, demo_id, "-o", "json").stdout)["not_found"] == [ID]
    empty = trace(ID, "-o", "json")
    assert empty.returncode == 4
    assert json.loads(empty.stdout)["requests"] == []


def test_an_id_that_is_only_mentioned(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        json.dumps({"timestamp": 1795402800000, "message": f"caller got {ID}\n"}) + "\n"
    )
    done = run("trace", "--from", "log.jsonl", ID, cwd=tmp_path)
    assert done.returncode == 4
    assert f"{ID} is mentioned, but no attempt of it is in the log that was read." in done.stderr


def test_a_window_that_no_attempt_is_in(demo_id: str) -> None:
    assert trace(demo_id, "--since", "2026-11-23T03:00Z").returncode == 0
    later = trace(demo_id, "--since", "2026-11-24")
    assert later.returncode == 4
    assert "no attempt between --since and --until" in later.stderr


@pytest.mark.parametrize(("until", "attempts"), [("03:00:30", 1), ("03:02", 2), ("03:10", 3)])
def test_until_means_as_of_then_in_trace_and_list(demo_id: str, until: str, attempts: int) -> None:
    window = ("--from", "demo", "-o", "json", "--until", f"2026-11-23T{until}Z")
    (traced,) = json.loads(run("trace", demo_id, *window).stdout)["requests"]
    rows = json.loads(run("list", *window).stdout)["requests"]
    (listed,) = (row for row in rows if row["request_id"] == demo_id)
    assert len(traced["attempts"]) == listed["attempts"] == attempts
    assert (traced["outcome"], traced["verdict"]) == (listed["outcome"], listed["verdict"])


def test_a_window_after_the_end_of_the_log_or_before_its_start(demo_id: str) -> None:
    after, before = trace(demo_id, "--since", "2026-11-24"), trace(demo_id, "--until", "2026-11-22")
    assert "The log ends at 23 Nov 2026 03:05 UTC, before --since." in after.stderr
    assert "The log begins at 23 Nov 2026 03:00 UTC, after --until." in before.stderr
    for option, moment in (("since", "2026-11-24"), ("until", "2026-11-22")):
        told = json.loads(trace(demo_id, f"--{option}", moment, "-o", "json").stdout)["coverage"]
        assert told[option].startswith(moment)
        assert told["since"] <= told["until"]


def test_a_window_without_a_request_is_not_a_log_without_one(tmp_path: Path) -> None:
    for window in (("--since", "2026-11-24"), ("--until", "2026-11-22")):
        done = run("trace", "--from", "demo", *window)
        assert done.returncode == 4
        assert done.stderr.startswith("retryctl: the window contains no request.\n")
        for command in ("list", "summary"):
            assert run(command, "--from", "demo", *window).stderr == done.stderr
    (tmp_path / "log.txt").write_text("2026-11-23T03:00:00.000Z no request here\n")
    done = run("trace", "--from", str(tmp_path / "log.txt"))
    assert done.stderr.startswith("retryctl: the log contains no request.\n"), done.stderr


def test_a_request_that_is_in_another_function(demo_id: str) -> None:
    for arguments, where in (
        (["-f", "foo"], "function foo"),
        (["-g", "/aws/lambda/foo"], "the requested log group"),
    ):
        done = trace(demo_id, *arguments)
        assert done.returncode == 4
        what, _, step = done.stderr.splitlines()
        assert what == (
            f"retryctl: {demo_id} is in this log, but not in {where}: "
            "the log has it in orders-worker."
        )
        assert step == "Give -f orders-worker, or neither -f nor -g."
        assert "The log is complete" not in done.stderr


def test_a_broken_file_is_to_be_saved_again(demo_id: str, tmp_path: Path) -> None:
    whole = (Path(__file__).parents[3] / "retryctl" / "demo.jsonl").read_bytes()
    (tmp_path / "log.gz").write_bytes(gzip.compress(whole)[:1400])
    found = run("trace", "--from", "log.gz", "-o", "jsonl", demo_id, cwd=tmp_path)
    assert found.stderr == "retryctl: not read: log.gz: its gzip data breaks off at byte 1400.\n"
    missing = run("trace", "--from", "log.gz", ID, cwd=tmp_path)
    assert missing.returncode == 4
    _, looked, step = missing.stderr.splitlines()
    assert looked.endswith("Missing: log.gz: its gzip data breaks off at byte 1400.")
    assert step == "Download or save the file again."


def test_the_demo_names_a_file_that_was_given_in_the_place_of_an_id(
    demo_id: str, tmp_path: Path
) -> None:
    (tmp_path / "log.jsonl").touch()
    done = run("trace", demo_id, "log.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert "Give it with --from log.jsonl" in done.stderr


def test_an_attempt_that_there_was_not(demo_id: str) -> None:
    done = trace(demo_id, "--attempt", "9")
    assert done.returncode == 4
    assert "attempt 9 does not exist" in done.stderr


def test_the_exit_status_of_a_verdict(demo_requests: list[dict[str, Any]]) -> None:
    status = {"agrees": 0, "disagrees": 1}
    for request in demo_requests:
        assert trace(request["request_id"]).returncode == 0
        done = trace(request["request_id"], "--exit-code", "-o", "jsonl")
        assert done.returncode == status[request["verdict"]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.json", b""),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x01\x02"),
        ("prose.txt", b"Dear\n"),
    ],
)
def test_a_file_that_is_no_log(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    done = run("trace", "--from", name, ID, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "saved.json").write_text("[]")
    done = run("trace", "--from", "savd.json", ID, cwd=tmp_path)
    assert done.returncode == 3
    assert "saved.json" in done.stderr


def test_the_settings_name_other_markers(tmp_path: Path) -> None:
    message = f"REPORT RequestId: {ID}\tDuration: 9.00 ms\tBilled Duration: 9 ms\t\n"
    lines = [f"START RequestId: {ID} Version: 1\n", "tries so far: 0, doing: first\n", message]
    log = "".join(
        json.dumps({"timestamp": 1795402800000 + n, "logStreamName": "s", "message": line}) + "\n"
        for n, line in enumerate(lines)
    )
    (tmp_path / "log.jsonl").write_text(log)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.retryctl.markers]\n"
        r"counter = 'tries so far: (?P<count>\d+)'"
        "\nbranch = 'doing: (?P<branch>\\w+)'\n[tool.retryctl.branches]\nfirst = 0\nrest = 1\n"
    )
    done = run("trace", "--from", "log.jsonl", ID, "-o", "jsonl", cwd=tmp_path)
    (attempt,) = json.loads(done.stdout)["attempts"]
    assert attempt["counter"]["logged"] == 0
    assert attempt["branch"]["logged"] == "first"


def test_the_variable_of_the_region_that_is_named_is_the_one_that_is_read() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": os.devnull}
    nowhere = {**keys, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    without = run("trace", ID, "-g", "/x", env=nowhere)
    assert without.returncode == 3
    assert "no AWS region is set" in without.stderr
    assert "--from FILE" in without.stderr
    assert "without a filter" in without.stderr
    assert "Download search results (CSV)" in without.stderr
    probe = run("probe", "--yes", env=nowhere)
    assert "no AWS region is set" in probe.stderr
    assert "--from" not in probe.stderr
    assert "Download" not in probe.stderr
    (named,) = re.findall("AWS_[A-Z_]+", without.stderr)
    with_it = run("trace", ID, "-g", "/x", env={**nowhere, named: "eu-west-1"})
    assert with_it.returncode == 3
    assert "region is set" not in with_it.stderr


def test_the_links_of_a_saved_log_go_to_the_region_that_cloudwatch_would_be_asked_in(
    demo_id: str,
) -> None:
    without = trace(demo_id, "--links", env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""})
    assert without.returncode == 2
    assert "AWS_REGION" in without.stderr
    for env in ({"AWS_REGION": "eu-west-1"}, {"AWS_DEFAULT_REGION": "eu-west-1"}):
        shown = trace(demo_id, "--links", env={"AWS_REGION": "", "AWS_DEFAULT_REGION": "", **env})
        assert "https://eu-west-1.console.aws.amazon.com/" in shown.stdout


# --------------------------------------------------------------------------- without an ID


def traced(*arguments: str) -> list[str]:
    done = run("trace", *arguments, "-o", "json")
    return [each["request_id"] for each in json.loads(done.stdout)["requests"]]
