"""A folder with more than logs: reports of the program, other files, hidden folders."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.check_logs import right, save, succeeded
from tests.support.lambda_log import ID
from tests.support.program import run

WIDE = {"COLUMNS": "400"}
A_REPORT = "it is not a saved log: it is a report of retryctl."


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return save(tmp_path / "log.jsonl", right(), succeeded())


@pytest.mark.parametrize(
    ("command", "form"),
    [
        (("trace", ID, "--lines"), "html"),
        (("trace", ID, "--lines"), "svg"),
        (("trace", ID, "--lines"), "json"),
        (("trace", ID, "--lines"), "jsonl"),
        (("summary",), "html"),
        (("summary",), "json"),
        (("summary",), "jsonl"),
        (("check",), "json"),
        (("check",), "sarif"),
        (("check",), "junit"),
    ],
)
def test_a_report_of_the_program_hides_no_attempts(
    command: tuple[str, ...], form: str, log: Path
) -> None:
    report = log.parent / f"report.{form}"
    run(*command, "--from", str(log), f"--report={form}={report}")
    done = run("check", "--from", str(log.parent), env=WIDE)
    assert done.returncode == 0, done.stdout
    assert f"report.{form} was skipped: {A_REPORT}" in done.stdout
    alone = run("trace", "--from", str(report))
    assert (alone.returncode, alone.stdout) == (3, "")
    assert "it is a report of retryctl." in alone.stderr


def test_a_list_as_json_lines_hides_no_attempts(log: Path) -> None:
    listed = run("list", "--from", str(log), "-o", "jsonl").stdout
    (log.parent / "list.jsonl").write_text(listed)
    done = run("check", "--from", str(log.parent), env=WIDE)
    assert done.returncode == 0
    assert A_REPORT in done.stdout


def test_a_page_with_records_that_is_not_a_report_hides_attempts(log: Path) -> None:
    page = f"<!doctype html>\n<pre>START RequestId: {ID} Version: 1</pre>\n"
    (log.parent / "page.html").write_text(page)
    assert run("check", "--from", str(log.parent)).returncode == 5


def _gaps(folder: Path) -> list[tuple[str, bool]]:
    done = run("trace", ID, "--from", ".", "-o", "json", cwd=folder)
    gaps = json.loads(done.stdout)["coverage"]["gaps"]
    return [(gap["message"], gap["hides_attempts"]) for gap in gaps]


def test_hidden_folders_and_virtual_environments_are_skipped_and_named(log: Path) -> None:
    for name in (".git", ".venv/lib", "env/lib", "node_modules/a", "logs"):
        folder = log.parent / name
        folder.mkdir(parents=True)
        (folder / "a.gz").write_bytes(gzip.compress(b"START RequestId")[:20])
    for name in (".venv", "env"):
        (log.parent / name / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (file, hides), (folders, hides_none) = _gaps(log.parent)
    assert (hides, hides_none) == (True, False)
    assert file.startswith("./logs/a.gz was skipped: ")
    assert folders == (
        "./.git, ./.venv, ./env and 1 more folder were skipped: hidden folders, virtual "
        "environments and node_modules are not read from a folder"
    )
    (log.parent / "logs" / "a.gz").unlink()
    listed = run("list", "--from", ".", cwd=log.parent, env=WIDE).stdout
    assert ". Not read:\n! ./.git" in listed
    log.rename(log.parent / ".git" / "log.jsonl")
    alone = run("list", "--from", ".", cwd=log.parent)
    assert alone.returncode == 3
    assert "--from ./.git\n" in alone.stderr
    assert run("list", "--from", ".git", cwd=log.parent).returncode == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("old/failed.jsonl", None),
        ("a.gz", gzip.compress(b"START RequestId: 1")[:24]),
        ("logs.zip", b"PK\x03\x04log"),
    ],
    ids=["a log", "damaged", "packed"],
)
def test_a_hidden_folder_with_a_log_hides_attempts(
    name: str, content: bytes | None, log: Path
) -> None:
    hidden = log.parent / ".old" / name
    hidden.parent.mkdir(parents=True)
    hidden.write_bytes(log.read_bytes() if content is None else content)
    assert run("check", "--from", str(log.parent)).returncode == 5
    expected = (
        "./.old was skipped: a hidden folder is not read, and a file in it may contain log events"
    )
    assert _gaps(log.parent) == [(expected, True)]


@pytest.mark.parametrize(("number", "hides"), [(50, False), (51, True)])
def test_a_hidden_folder_of_many_files_hides_attempts(number: int, hides: bool, log: Path) -> None:
    (log.parent / ".notes").mkdir()
    for each in range(number):
        (log.parent / ".notes" / f"{each}.txt").write_text(f"Note {each}\n")
    ((message, is_hidden),) = _gaps(log.parent)
    assert is_hidden is hides
    assert ("only its first 50 files are searched for a log" in message) is hides


def test_files_of_tools_in_hidden_folders_are_not_searched(log: Path) -> None:
    places = {".git": "", ".cache": "CACHEDIR.TAG", ".tox/py": "pyvenv.cfg", ".x/node_modules": ""}
    for name, mark in places.items():
        (log.parent / name).mkdir(parents=True)
        (log.parent / name / "log.jsonl").write_bytes(log.read_bytes())
        if mark:
            (log.parent / name / mark).write_text("mark\n")
    assert run("check", "--from", str(log.parent)).returncode == 0


def test_many_skipped_files_are_counted_by_their_reason(log: Path) -> None:
    for number in range(5):
        (log.parent / f"a{number}.py").write_text(f"import a{number}\n")
        (log.parent / f"n{number}.txt").write_text(f"Note {number}\n")
        (log.parent / f"p{number}.gz").write_bytes(gzip.compress(b"START RequestId: 1")[:24])
        (log.parent / f"z{number}.xz").write_bytes(b"\xfd7zXZ" + bytes([number]))
    expected = [
        ("./a0.py, ./a1.py, ./a2.py and 2 more files were skipped: each is not a saved log: "
         "it is probably a program.", False),
        ("./n0.txt, ./n1.txt, ./n2.txt and 2 more files were skipped: they are not saved logs",
         False),
        ("./p0.gz, ./p1.gz, ./p2.gz and 2 more files were skipped: each is not a saved log: "
         "it starts with 'START Request'.", True),
        ("./z0.xz, ./z1.xz, ./z2.xz and 2 more files were skipped: each is not a saved log: "
         "it is packed by xz.", True),
    ]  # fmt: skip
    assert _gaps(log.parent) == expected
    told = run("trace", ID, "--from", ".", cwd=log.parent, env=WIDE).stdout
    assert "further reason" not in told
