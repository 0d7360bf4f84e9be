"""The streams of the process: full, closed, unbuffered, in another encoding, or a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from html import unescape
from pathlib import Path
from xml.dom import minidom

import pytest

from tests.cli.test_cli import ID
from tests.support.program import PROGRAM, environment, run

ONE = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
OF_ONE = f"trace --from demo {ONE}"
NO_SPACE = "cannot write the answer: No space left on device."
CLOSED = "cannot write the answer: standard output is closed."

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


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


@needs_full
@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        *((each, {}) for each in (OF_ONE, "demo -o json", "--version", "trace --help", "explain")),
        *((each, {"PYTHONUNBUFFERED": "1"}) for each in (OF_ONE, "--help")),
    ],
)
def test_an_answer_that_cannot_be_written_is_an_error(
    arguments: str, env: dict[str, str], tmp_path: Path
) -> None:
    full = shell(f"retryctl {arguments} >/dev/full", tmp_path, **env)
    assert full.returncode == 3
    assert NO_SPACE in full.stderr
    closed = shell(f"retryctl {arguments} >&-", tmp_path, **env)
    assert closed.returncode == 3
    assert CLOSED in closed.stderr


@pytest.mark.parametrize("env", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_an_answer_that_is_written_in_part_is_an_error(env: dict[str, str], tmp_path: Path) -> None:
    done = shell("ulimit -f 8; retryctl demo -o json > part", tmp_path, **env)
    assert done.returncode == 3
    assert "cannot write the answer: File too large." in done.stderr
    assert (tmp_path / "part").stat().st_size == 8192


@needs_full
@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [(OF_ONE, 0), (f"{OF_ONE} {ID}", 0), ("trace no-id", 2), ("trace no-id --debug", 2)],
)
def test_a_remark_that_cannot_be_written_changes_nothing(
    arguments: str, status: int, stderr: str, tmp_path: Path
) -> None:
    expected = run(*arguments.split())
    done = shell(f"retryctl {arguments} {stderr}", tmp_path)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout == expected.stdout


def test_standard_input_that_is_closed(tmp_path: Path) -> None:
    done = shell(f"retryctl trace --from - {ID} <&-", tmp_path)
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


def on_a_terminal(arguments: list[str], cwd: Path, typed: bytes = b"", columns: int = 40) -> str:
    """What stderr shows where it and stdin are a terminal on which ``typed`` is typed."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env=environment({"COLUMNS": str(columns), "TERM": "dumb"}),
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    ) as program:
        os.close(terminal)
        os.write(controller, typed)
        shown = b""
        # A terminal whose other end is closed gives an error on Linux, not an end of file.
        with suppress(OSError):
            while part := os.read(controller, 65536):
                shown += part
        program.wait(60)
    os.close(controller)
    return shown.decode().replace("\r\n", "\n")


def test_a_person_before_an_empty_terminal_is_told_what_is_waited_for(tmp_path: Path) -> None:
    end = b"\x04"
    log = on_a_terminal(["trace", "--from", "-", ID], tmp_path, end, columns=200)
    assert "retryctl: reading the log from standard input; end with Ctrl-D." in log
    ids = on_a_terminal(["trace", "--from", "demo", "-"], tmp_path, end, columns=200)
    assert "retryctl: reading request IDs from standard input; end with Ctrl-D." in ids
    quiet = on_a_terminal(["trace", "-q", "--from", "demo", "-"], tmp_path, end)
    assert "reading" not in quiet


def test_an_error_is_broken_between_words_and_never_within_what_is_to_be_copied(
    tmp_path: Path,
) -> None:
    shown = on_a_terminal(["trace", "--from", "s3://a-bucket/with/a/long/name", ID], tmp_path)
    assert "\n  aws s3 cp --recursive s3://a-bucket/with/a/long/name log/\n" in shown
    shown = on_a_terminal(["trace", "--from", "demo", ID], tmp_path)
    assert ID in shown
    lines = shown.splitlines()
    assert all(len(line) <= 40 or ID in line for line in lines)
    plain = run("trace", "--from", "demo", ID).stderr
    assert shown.split() == plain.split()
    assert len(plain.splitlines()) == 3
