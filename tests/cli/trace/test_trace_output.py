"""How ``retryctl trace`` prints its answer, and what it prints without an ID."""

import json
import os
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import retryctl
from tests.cli.test_cli import ID
from tests.cli.trace.test_trace_command import trace, traced
from tests.support.conversation import converse, do_nothing
from tests.support.lambda_log import OTHER_ID, Environment, events_of
from tests.support.made_up_logs import line_of
from tests.support.program import run

DEMO = Path(retryctl.__file__).with_name("demo.jsonl")


def test_which_attempts_are_shown_in_each_form(demo_id: str) -> None:
    for form in ("text", "svg", "html"):
        shown = trace(demo_id, "--attempt", "2", "--lines", "-o", form)
        said = re.sub(r"<text[^>]*>|</text>", " ", unescape(shown.stdout))
        assert re.search(r"process\s+B", said)
        assert not re.search(r"process\s+A", said)
        assert shown.stderr == ""
    for form in ("json", "jsonl"):
        for option in (["--failed"], ["--attempt", "2"]):
            shown = trace(demo_id, *option, "-o", form)
            assert shown.stderr == (
                "retryctl: --attempt and --failed do not change JSON: it has every attempt.\n"
            )
            assert shown.stdout == trace(demo_id, *option, "-o", form, "--quiet").stdout
        assert trace(demo_id, *option, "-o", form, "--quiet").stderr == ""


def test_times_in_another_zone(demo_id: str) -> None:
    shown = trace(demo_id, "--tz", "Asia/Tokyo").stdout
    assert "JST" in shown
    assert " 12:0" in shown


def test_no_colour_in_a_pipe_unless_it_is_asked_for(demo_id: str) -> None:
    assert "\x1b[" not in trace(demo_id).stdout
    assert "\x1b[" in trace(demo_id, "--color", "always").stdout
    assert "\x1b[" in trace(demo_id, env={"CLICOLOR_FORCE": "1"}).stdout
    assert "\x1b[" not in trace(demo_id, env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).stdout
    assert "\x1b[" not in trace(demo_id, "--color", "never", env={"CLICOLOR_FORCE": "1"}).stdout


@pytest.mark.parametrize(
    ("env", "colour"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_in_a_terminal(demo_id: str, env: dict[str, str], colour: bool) -> None:
    done = converse(
        do_nothing,
        *("trace", "--from", "demo", demo_id),
        env={"TERM": "xterm-256color", **env},
        terminal=("stdout",),
    )
    assert done.returncode == 0
    assert demo_id in done.stdout
    assert ("\x1b[" in done.stdout) is colour


def test_a_terminal_without_unicode(demo_id: str) -> None:
    shown = trace(demo_id, env={"PYTHONIOENCODING": "ascii"})
    assert shown.returncode == 0
    assert shown.stdout.isascii()


def test_a_closed_pipe_is_quiet(demo_requests: list[dict[str, Any]]) -> None:
    wrong = next(r["request_id"] for r in demo_requests if r["verdict"] == "disagrees")
    for arguments, status in (
        (["demo"], 0),
        (["trace", "--from", "demo", wrong, "--exit-code"], 1),
        (["explain", "late-retry"], 0),
        (["check", "--from", "demo"], 1),
        (["--help"], 0),
    ):
        reader, writer = os.pipe()
        os.close(reader)
        done = run(*arguments, stdout=writer)
        os.close(writer)
        assert (done.returncode, done.stderr.count("Traceback")) == (status, 0)
        assert "Broken" not in done.stderr


def test_without_an_id_the_newest_request_that_failed_or_was_retried_is_shown() -> None:
    listed = run("list", "--from", "demo", "--retried", "-o", "jsonl").stdout.splitlines()
    newest = sorted(map(json.loads, listed), key=lambda row: row["started_at"], reverse=True)
    ids = [row["request_id"] for row in newest]
    assert traced("--from", "demo") == ids[:1]
    assert sorted(traced("--from", "demo", "--last", "2")) == sorted(ids[:2])
    assert sorted(traced("--from", "demo", "--failed", "--last", "9")) == sorted(ids)
    done = run("trace", "--from", "demo")
    assert done.stderr == "retryctl: 8 other requests: retryctl list --from demo\n"


def test_the_newest_request_is_that_of_the_latest_attempt(tmp_path: Path) -> None:
    first, second = Environment("a"), Environment("b")
    first.runs(ID, "0", "process A", ends="error").at(300).runs(ID, "1", "process B", ends="error")
    second.at(100).runs(OTHER_ID, ends="error")
    log = tmp_path / "log.jsonl"
    log.write_text("".join(line_of(event) for event in events_of(first, second)))
    assert traced("--from", str(log), "--last", "1") == [ID]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_requests_with_a_wrong_counter_that_are_not_shown_are_counted(form: str) -> None:
    shown = unescape(run("trace", "--from", "demo", "-o", form).stdout)
    listed = run("list", "--from", "demo", "-o", "jsonl").stdout.splitlines()
    rows = list(map(json.loads, listed))
    (newest,) = traced("--from", "demo")
    others = [row for row in rows if row["request_id"] != newest]
    wrong = sum(row["verdict"] == "disagrees" for row in others)
    exhausted = sum(row["outcome"] == "exhausted" for row in others)
    assert wrong
    assert f"Not shown: {wrong} with a wrong counter and {exhausted} exhausted" in shown
    assert shown.count("retryctl list --from demo --verdict disagrees") == 1
    assert "Not shown" not in run("trace", newest, "--from", "demo").stdout


def test_a_saved_log_with_few_requests_is_shown_whole(tmp_path: Path) -> None:
    demo = (Path(__file__).parents[3] / "retryctl" / "demo.jsonl").read_text("utf-8")
    lines = demo.splitlines(keepends=True)
    log = tmp_path / "few.jsonl"
    log.write_text("".join(lines[:12]))
    listed = run("list", "--from", str(log), "-o", "jsonl").stdout.splitlines()
    assert 1 <= len(listed) <= 3
    shown = traced("--from", str(log))
    assert sorted(shown) == sorted(json.loads(line)["request_id"] for line in listed)


def test_the_first_characters_of_an_id_name_a_request_of_a_saved_log(demo_id: str) -> None:
    assert traced(demo_id[:6], "--from", "demo") == [demo_id]
    none = run("trace", "ffffffff", "--from", "demo")
    assert none.returncode == 4
    assert "no request ID of this log begins" in none.stderr


def test_last_and_ids_exclude_each_other(demo_id: str) -> None:
    assert run("trace", demo_id, "--last", "2", "--from", "demo").returncode == 2


@pytest.mark.parametrize("options", [[], ["--last", "2"], ["--failed"], ["d869069c"]])
def test_without_a_whole_id_standard_input_is_read_as_a_file_is(options: list[str]) -> None:
    log = DEMO.read_text()
    piped = run("trace", *options, "--from", "-", "-o", "json", stdin=log)
    saved = run("trace", *options, "--from", str(DEMO), "-o", "json")
    assert piped.returncode == saved.returncode == 0
    assert piped.stdout.replace("standard input", str(DEMO)) == saved.stdout


def test_empty_standard_input_is_no_log() -> None:
    done = run("trace", "--from", "-", stdin="")
    assert done.returncode == 3
    assert "standard input is empty" in done.stderr


def test_a_request_id_alone_is_traced(demo_id: str) -> None:
    assert run(demo_id, "--from", "demo").stdout == run("trace", demo_id, "--from", "demo").stdout


@pytest.mark.parametrize("named", ["d869069c-1c88-49a9-9779-0fbb5587aaa5", "d869069c"])
def test_an_id_alone_is_a_trace(named: str) -> None:
    assert run(named, "--from", "demo").stdout == run("trace", named, "--from", "demo").stdout != ""


@pytest.mark.parametrize("command", ["trace", "summary", "list"])
def test_a_report_is_named_on_stderr(command: str, tmp_path: Path) -> None:
    page = tmp_path / "page.json"
    done = run(command, "--from", "demo", "--report", str(page))
    assert f"Report: {page}" in done.stderr
    quiet = run(command, "--from", "demo", "--report", str(page), "-q")
    assert "Report:" not in quiet.stderr


def test_without_credentials_no_setting_is_assumed_aloud() -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-west-1"}
    none = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    done = run("trace", ID, "-f", "orders-worker", env={**nothing, **none})
    assert done.returncode == 3
    assert "no AWS credentials" in done.stderr
    assert "are assumed" not in done.stderr


def test_without_credentials_a_queue_is_no_saved_log() -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-west-1"}
    none = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"
    done = run("trace", "--from-queue", queue, "-f", "orders-worker", env={**nothing, **none})
    assert done.returncode == 3
    assert "or read a saved log with --from FILE" in done.stderr


def test_the_near_id_of_a_wrong_digit_is_suggested(demo_id: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(DEMO.read_bytes())
    last = "0" if demo_id[-1] != "0" else "1"
    for command in ("trace", "check", "diff"):
        done = run(command, demo_id[:-1] + last, "--from", str(log))
        assert done.returncode == 4
        assert f"was not found. Did you mean {demo_id}?\n" in done.stderr
    shortened = run("trace", demo_id[:7] + ("0" if demo_id[7] != "0" else "1"), "--from", str(log))
    assert f"Did you mean {demo_id}?" in shortened.stderr


def test_a_near_id_is_suggested_beside_requests_that_were_found(
    demo_id: str, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(DEMO.read_bytes())
    wrong = demo_id[:-1] + ("0" if demo_id[-1] != "0" else "1")
    done = run("trace", wrong, demo_id, "--from", str(log))
    assert done.returncode == 0
    assert f"{wrong} was not found. Did you mean {demo_id}?\n" in done.stderr


def test_no_near_id_is_suggested_that_the_options_exclude(demo_id: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(DEMO.read_bytes())
    wrong = demo_id[:-1] + ("0" if demo_id[-1] != "0" else "1")
    done = run("trace", wrong, "--from", str(log), "-f", "another")
    assert done.returncode == 4
    assert f"{wrong} was not found." in done.stderr
    assert "Did you mean" not in done.stderr


def test_no_near_id_is_searched_for_many_ids(demo_id: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(DEMO.read_bytes())
    wrong = [demo_id[:-1] + digit for digit in "0123456789abcdef" if digit != demo_id[-1]]
    assert "Did you mean" in run("trace", *wrong[:3], "--from", str(log)).stderr
    assert "Did you mean" not in run("trace", *wrong[:4], "--from", str(log)).stderr


def test_an_id_that_is_not_near_leads_to_the_list_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(DEMO.read_bytes())
    done = run("trace", ID, "--from", str(log))
    assert "Did you mean" not in done.stderr
    assert f"retryctl list --from {log} shows the requests of this log." in done.stderr
    short = run("trace", "3d9", "--from", str(log))
    assert "of a saved log, the first 4 are enough" in short.stderr
