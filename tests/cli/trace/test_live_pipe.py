"""A log that comes through a pipe: what is known is shown as it comes, and at the end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

from tests.support.conversation import Person, converse
from tests.support.program import PATIENT_PROGRAM, environment, run

ID = "8f507cfc-0d3f-4697-b07a-ac58fc914c95"
STREAM = "2026/11/23/[$LATEST]" + "0123456789abcdef" * 2


def tail(second: int, message: str) -> str:
    """A line of ``aws logs tail``."""
    return f"2026-11-23T03:00:{second:02d}.000000+00:00 {STREAM} {message}\n"


FIRST = tail(1, f"START RequestId: {ID} Version: $LATEST") + tail(2, "0") + tail(2, "process A")
REST = (
    tail(3, f"END RequestId: {ID}")
    + tail(3, f"REPORT RequestId: {ID}\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\t"
              "Memory Size: 128 MB\tMax Memory Used: 30 MB")
)  # fmt: skip


def test_an_interrupt_prints_what_has_come() -> None:
    """In a process of its own, as for a user."""
    pipe = subprocess.PIPE
    command = [*PATIENT_PROGRAM, "trace", ID, "--from", "-"]
    with subprocess.Popen(
        command, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8"
    ) as program:
        assert program.stdin
        assert program.stderr
        program.stdin.write(FIRST)
        program.stdin.flush()
        assert f"waiting: {ID}" in program.stderr.readline()
        program.send_signal(signal.SIGINT)
        story, _ = program.communicate(timeout=60)
    assert program.returncode == 130
    assert f"request {ID}" in story
    assert "running" in story


def test_an_interrupt_without_a_line_of_the_request_prints_nothing() -> None:
    def act(person: Person) -> None:
        person.type('{"timestamp": 1795402800000, "message": "x"}\n')
        person.wait_for("\n")
        assert person.text("stderr") == f"retryctl: waiting: no log line of {ID} yet\n"
        person.send(signal.SIGINT)

    done = converse(act, "trace", "--from", "-", ID)
    assert (done.returncode, done.stdout) == (130, "")


def test_an_interrupt_without_an_id_shows_the_newest_request_so_far() -> None:
    def act(person: Person) -> None:
        person.type(FIRST)
        person.wait_for("reading standard input")
        person.send(signal.SIGINT)

    done = converse(act, "trace", "--from", "-", "--output", "json")
    assert done.returncode == 130
    assert f'"request_id": "{ID}"' in done.stdout


def test_what_comes_after_the_last_reading_is_in_the_story() -> None:
    def act(person: Person) -> None:
        person.type(FIRST)
        person.wait_for("\n")
        person.type(REST)
        time.sleep(0.3)
        person.send(signal.SIGINT)

    done = converse(act, "trace", ID, "--from", "-", "--output", "json")
    assert done.returncode == 130
    assert '"succeeded"' in done.stdout


def test_each_change_is_a_line_of_json() -> None:
    def act(person: Person) -> None:
        person.type(FIRST)
        person.wait_for('"running"', "stdout")
        person.type(REST)
        person.wait_for('"succeeded"', "stdout")
        person.type(tail(9, "half a line")[:40])
        person.end_input()

    done = converse(act, "trace", ID, "--from", "-", "--output", "jsonl")
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert (done.returncode, outcomes[0], outcomes[-1]) == (0, "running", "succeeded")


def test_a_pipe_that_ends_gives_the_answer_of_the_file(tmp_path: Path) -> None:
    def act(person: Person) -> None:
        person.type(FIRST + REST)
        person.end_input()

    path = tmp_path / "log.txt"
    path.write_text(FIRST + REST)
    piped = converse(act, "trace", ID, "--from", "-", "--output", "json")
    saved = run("trace", ID, "--from", str(path), "--output", "json")
    assert piped.returncode == saved.returncode == 0
    assert piped.stdout.replace("standard input", str(path)) == saved.stdout
