"""The streams of the process: full, closed, unbuffered, in another encoding, or a terminal."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.dom import minidom

import pytest

from tests.cli.test_cli import ID
from tests.support.conversation import converse
from tests.support.program import PROGRAM, environment, run

ONE = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
OF_ONE = f"trace --from demo {ONE}"
NO_SPACE = "cannot write the answer: No space left on device."
CLOSED = "cannot write the answer: standard output is closed."


def shell(line: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A line for bash, in which ``retryctl`` is the program."""
    program = " ".join(PROGRAM)
    return subprocess.run(
        ["bash", "-c", line.replace("retryctl", program, 1)],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


# --------------------------------------------------------------------------- what is lost


@pytest.fixture
def full() -> Iterator[int]:
    """An open file that has no room."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb", buffering=0) as file:
        yield file.fileno()


@pytest.mark.parametrize(
    "arguments", [OF_ONE, "demo -o json", "--version", "trace --help", "explain", "--help"]
)
def test_an_answer_that_cannot_be_written_is_an_error(arguments: str, full: int) -> None:
    done = run(*arguments.split(), stdout=full)
    assert done.returncode == 3
    assert NO_SPACE in done.stderr
    done = run(*arguments.split(), stdout=None)
    assert done.returncode == 3
    assert CLOSED in done.stderr


UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


@pytest.mark.usefixtures("full")
def test_what_python_writes_at_its_end_changes_no_status(tmp_path: Path) -> None:
    for line, env, status, printed in (
        (f"retryctl {OF_ONE} >/dev/full", {}, 3, f"retryctl: {NO_SPACE}\n"),
        ("retryctl --help >/dev/full", UNBUFFERED, 3, f"retryctl: {NO_SPACE}\n"),
        (f"retryctl {OF_ONE} >&-", {}, 3, f"retryctl: {CLOSED}\n"),
        ("retryctl trace no-id 2>/dev/full", {}, 2, ""),
        ("retryctl trace no-id 2>/dev/full", UNBUFFERED, 2, ""),
        ("retryctl trace no-id 2>&-", {}, 2, ""),
        ("retryctl check --from demo | head -0; exit ${PIPESTATUS[0]}", {}, 1, ""),
    ):
        done = shell(line, tmp_path, **env)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", printed), line


def test_an_answer_that_is_written_in_part_is_an_error(tmp_path: Path) -> None:
    """The program's own stream has a buffer, also where Python is told to have none."""
    # Python would write a part of its bytecode, which no later run can load.
    env = {**UNBUFFERED, "PYTHONDONTWRITEBYTECODE": "1"}
    done = shell("ulimit -f 8; retryctl demo -o json > part", tmp_path, **env)
    assert done.returncode == 3
    assert "cannot write the answer: File too large." in done.stderr
    assert (tmp_path / "part").stat().st_size == 8192


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(OF_ONE, 0), (f"{OF_ONE} {ID}", 0), ("trace no-id", 2), ("trace no-id --debug", 2)],
)
def test_a_remark_that_cannot_be_written_changes_nothing(
    arguments: str, status: int, full: int
) -> None:
    expected = run(*arguments.split())
    for stderr in (full, None):
        done = run(*arguments.split(), stderr=stderr)
        assert (done.returncode, done.stdout) == (status, expected.stdout)


def test_standard_input_that_is_closed() -> None:
    done = run("trace", "--from", "-", ID, stdin=None)
    assert done.returncode == 3
    assert done.stderr.startswith("retryctl: standard input is closed.\n")


# --------------------------------------------------------------------------- encodings


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp932"])
def test_documents_are_utf_8_whatever_the_terminal_shows(encoding: str, tmp_path: Path) -> None:
    text = 'über ✓ 😀 <b>"x"'
    events = [
        f"START RequestId: {ID} Version: 1\n",
        f"[ERROR] RuntimeError: {text}\nTraceback (most recent call last):\n\u00a0\u00a0File x",
        f"END RequestId: {ID}\n",
        f"REPORT RequestId: {ID}\tDuration: 9.00 ms\tBilled Duration: 9 ms\t\n",
    ]
    with (tmp_path / "log").open("w") as file:
        for n, message in enumerate(events):
            print(json.dumps({"timestamp": 1795402800000 + n, "message": message}), file=file)
    shown = {}
    for form in ("json", "jsonl", "html", "svg"):
        arguments = ("trace", "--from", "log", "--lines", ID, "-o", form)
        done = run(*arguments, cwd=tmp_path, env={"PYTHONIOENCODING": encoding, "COLUMNS": "200"})
        assert done.returncode == 0, done.stderr
        shown[form] = done.stdout
    (request,) = json.loads(shown["json"])["requests"]
    assert request["attempts"][0]["error"]["message"] == text
    assert json.loads(shown["jsonl"]) == request
    assert "über" in unescape(shown["html"])
    assert "über" in minidom.parseString(shown["svg"]).toxml()


@pytest.mark.parametrize(
    "arguments",
    [
        "explain",
        "explain environment-switch",
        "--help",
        "trace --help",
        f"{OF_ONE} --lines",
        "list --from demo",
        "summary --from demo",
    ],
)
def test_a_terminal_without_unicode_is_shown_its_like(arguments: str) -> None:
    shown = run(*arguments.split(), env={"PYTHONIOENCODING": "ascii"})
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.isascii()
    assert not {r"\x", r"\u"} & {shown.stdout[at : at + 2] for at in range(len(shown.stdout))}
    assert max(map(len, shown.stdout.splitlines())) <= 80


# --------------------------------------------------------------------------- terminals


def on_a_terminal(*arguments: str, typed: str = "", columns: int = 40) -> str:
    """What stderr shows where it and stdin are a terminal on which ``typed`` is typed."""
    env = {"COLUMNS": str(columns), "TERM": "dumb"}
    terminal = ("stdin", "stderr")
    return converse(
        lambda person: person.type(typed), *arguments, env=env, terminal=terminal
    ).stderr


def test_a_person_before_an_empty_terminal_is_told_what_is_waited_for() -> None:
    end = "\x04"
    log = on_a_terminal("trace", "--from", "-", ID, typed=end, columns=200)
    assert "retryctl: reading the log from standard input; end with Ctrl-D." in log
    ids = on_a_terminal("trace", "--from", "demo", "-", typed=end, columns=200)
    assert "retryctl: reading request IDs from standard input; end with Ctrl-D." in ids
    quiet = on_a_terminal("trace", "-q", "--from", "demo", "-", typed=end)
    assert "reading" not in quiet


def test_an_error_is_broken_between_words_and_never_within_what_is_to_be_copied() -> None:
    shown = on_a_terminal("trace", "--from", "s3://a-bucket/with/a/long/name", ID)
    assert "\n  aws s3 cp --recursive s3://a-bucket/with/a/long/name log/\n" in shown
    shown = on_a_terminal("trace", "--from", "demo", ID)
    assert ID in shown
    lines = shown.splitlines()
    assert all(len(line) <= 40 or ID in line for line in lines)
    plain = run("trace", "--from", "demo", ID).stderr
    assert shown.split() == plain.split()
    assert len(plain.splitlines()) == 3
