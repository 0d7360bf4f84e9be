"""``--report``: files beside what is printed, and whether they can be, known before all else."""

import csv
import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from retryctl.cli.output.report_files import write
from tests.support.check_logs import right, save, succeeded, switched
from tests.support.lambda_log import ID, OTHER_ID, Environment
from tests.support.program import run, run_process
from tests.views.test_page import read

TRACE_FORMS = ("text", "json", "jsonl", "html", "svg")
SUMMARY_FORMS = ("text", "json", "jsonl", "csv", "html")
MISSING = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return save(tmp_path / "log.jsonl", right(), *switched(), succeeded())


@pytest.mark.parametrize(
    ("command", "forms"), [(("trace", OTHER_ID), TRACE_FORMS), (("summary",), SUMMARY_FORMS)]
)
def test_every_form_of_the_output_is_a_report_too(
    command: tuple[str, ...], forms: tuple[str, ...], log: Path
) -> None:
    reports = [f"--report={form}=r.{form}" for form in forms]
    done = run(*command, "--from", log.name, *reports, cwd=log.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (log.parent / "r.text").read_text("utf-8")
    for form in forms:
        printed = run(*command, "--from", log.name, "-o", form, cwd=log.parent)
        assert printed.returncode == 0, printed.stderr
        assert (log.parent / f"r.{form}").read_text("utf-8") == printed.stdout


def test_a_text_file_is_neither_coloured_nor_as_narrow_as_the_terminal(log: Path) -> None:
    env = {"COLUMNS": "40", "PYTHONIOENCODING": "ascii"}
    for command in (("trace", OTHER_ID), ("summary",)):
        done = run(
            *(*command, "--from", log.name, "--color", "always", "--report", "text=r.txt"),
            cwd=log.parent,
            env=env,
        )
        assert "\x1b[" in done.stdout
        text = (log.parent / "r.txt").read_text("utf-8")
        assert "\x1b" not in text
        assert not text.isascii()
        assert max(map(len, text.splitlines())) > 40


def test_the_reports_of_a_trace_are_what_other_programs_read(log: Path) -> None:
    run("trace", OTHER_ID, "--from", str(log), "--report=json=r.json", cwd=log.parent)
    run("trace", OTHER_ID, "--from", str(log), "--report=svg=r.svg", cwd=log.parent)
    assert json.loads((log.parent / "r.json").read_text())["schema"].startswith("retryctl/trace/")
    assert ElementTree.parse(log.parent / "r.svg").getroot().tag.endswith("svg")


def test_a_trace_that_finds_nothing_writes_what_it_looked_at(log: Path) -> None:
    done = run(
        *("trace", MISSING, "--from", log.name),
        *(f"--report={form}=r.{form}" for form in TRACE_FORMS),
        cwd=log.parent,
    )
    assert done.returncode == 4
    assert MISSING in read((log.parent / "r.html").read_text()).all_text
    assert json.loads((log.parent / "r.json").read_text())["not_found"] == [MISSING]
    assert MISSING in (log.parent / "r.text").read_text()


# --------------------------------------------------------------------------- the page of a summary


def test_the_page_of_a_summary_from_outside(log: Path) -> None:
    done = run("summary", "--from", str(log), "-o", "html")
    page = read(done.stdout)
    assert page.find("h1")[0].all_text == "3 requests of orders-worker"
    assert "environment-switch" in page.all_text


def test_several_functions_have_a_row_each(log: Path) -> None:
    other = Environment("f", group="/aws/lambda/payments").at(5).runs(ID)
    save(log, *switched(), other)
    page = read(run("summary", "--from", str(log), "-o", "html").stdout)
    assert page.find("h1")[0].all_text == "2 requests of 2 functions"
    (table,) = [t for t in page.find("table") if t.find("caption")[0].all_text == "Each function"]
    rows = [[cell.all_text for cell in row.children] for row in table.find("tr")]
    written = csv.DictReader(run("summary", "--from", str(log), "-o", "csv").stdout.splitlines())
    named = {row["function"]: row["requests"] for row in written}
    assert {row[0]: row[1] for row in rows[1:]} == named
    assert rows[1][0] == "orders-worker"


def test_a_page_tells_what_changed_since_the_summary_before(log: Path) -> None:
    before = log.parent / "before.json"
    before.write_text(run("summary", "--from", str(log), "-o", "json").stdout)
    save(log, right(), succeeded())
    told = run("summary", "--from", str(log), "--compare", str(before), "-o", "html").stdout
    assert "counter right on retries" in read(told).all_text
    assert "better" in read(told).all_text


# --------------------------------------------------------------------------- refused

REFUSED = [
    ("xml=r", "'xml' is not a value of --report.", "text, json"),
    ("htlm=r", "'htlm' is not a value of --report.", "html?"),
    ("html", "'html' has no file name.", "FORM=FILE"),
    ("html=-", "--report writes files, and - is not a file.", "For stdout: -o html."),
    ("html=no/r.html", "cannot write no/r.html", "folder"),
]


@pytest.mark.parametrize(("report", "what", "next_step"), REFUSED)
@pytest.mark.parametrize("command", [("trace", ID, "-f", "one"), ("summary", "one")])
def test_a_bad_report_is_refused_before_any_call(
    command: tuple[str, ...], report: str, what: str, next_step: str, tmp_path: Path
) -> None:
    # nobody listens there, and without a region a first AWS call would say so
    nowhere = ("--endpoint-url", "http://127.0.0.1:9")
    done = run(*command, *nowhere, "--report", report, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    first, *rest = done.stderr.splitlines()
    assert what in first
    assert next_step in " ".join(rest)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("trace", ID), ("summary",), ("check",)])
def test_the_log_that_is_read_is_not_written_over(command: tuple[str, ...], log: Path) -> None:
    before = log.read_bytes()
    (log.parent / "link").symlink_to(log.name)
    for name in ("log.jsonl", "./log.jsonl", "link"):
        done = run(*command, "--from", "log.jsonl", "--report", f"json={name}", cwd=log.parent)
        assert done.returncode == 2
        assert "is the log that is read" in done.stderr
    assert log.read_bytes() == before


def test_two_reports_do_not_meet_in_one_file_by_a_link(log: Path) -> None:
    (log.parent / "link").symlink_to("r")
    reports = ("--report", "json=r", "--report", "text=link")
    done = run("check", "--from", log.name, *reports, cwd=log.parent)
    assert done.returncode == 2
    assert "link is the file of two reports" in done.stderr
    assert (log.parent / "link").is_symlink()
    assert not (log.parent / "r").exists()


def test_a_report_on_stdout_is_written_there(log: Path) -> None:
    done = run_process("summary", "--from", str(log), "--report", "json=/dev/stdout", "-q")
    assert done.returncode == 0, done.stderr
    assert '"retryctl/summary/' in done.stdout


def test_a_check_says_where_a_page_is_made(log: Path) -> None:
    for asked in (("-o", "html"), ("--report", "html=r.html")):
        done = run("check", "--from", str(log), *asked, cwd=log.parent)
        assert done.returncode == 2
        assert "'html' is not a value of --" in done.stderr
        assert "retryctl trace and retryctl summary write pages" in done.stderr


def test_a_report_changes_at_once_and_keeps_its_permissions(log: Path) -> None:
    report = log.parent / "r.json"
    report.write_text("{}")
    report.chmod(0o640)
    earlier = report.open()
    assert run("list", "--from", str(log), "--report", str(report)).returncode == 0
    assert earlier.read() == "{}"
    earlier.close()
    assert json.loads(report.read_text())["schema"] == "retryctl/list/1"
    assert report.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in log.parent.iterdir()) == ["log.jsonl", "r.json"]


def test_a_report_follows_no_planted_link(tmp_path: Path) -> None:
    other, report = tmp_path / "other", tmp_path / ("r" * 250 + ".json")
    other.write_text("theirs")
    (tmp_path / f".retryctl-{os.getpid()}.part").symlink_to(other)
    write(report, iter(["[", "]"]))
    assert other.read_text() == "theirs"
    assert (report.is_symlink(), report.read_text()) == (False, "[]")


def test_a_report_through_a_link_is_written_where_it_leads(log: Path) -> None:
    link = log.parent / "latest.json"
    link.symlink_to("r.json")
    assert run("list", "--from", str(log), "--report", str(link)).returncode == 0
    assert link.is_symlink()
    assert json.loads((log.parent / "r.json").read_text())["schema"] == "retryctl/list/1"


def test_demo_and_lab_run_write_reports(tmp_path: Path) -> None:
    handler = tmp_path / "app.py"
    handler.write_text("def handler(event, context):\n    raise ValueError('no address')\n")
    commands = (
        ("demo",),
        ("lab", "run", "app.py:handler", "--event", "{}", "--plan", "same,fresh"),
        ("lab", "run", "app.py:handler", "--event", "{}", "--plan", "all", "--retries", "1"),
    )
    for number, command in enumerate(commands):
        page = tmp_path / f"{number}.html"
        done = run(*command, "--report", str(page), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"Report: {page}" in done.stderr
        assert page.read_text().startswith("<!doctype html>")
    refused = run("demo", "--report", "page")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_an_extension_names_the_format_before_a_file_too(tmp_path: Path) -> None:
    asked = ("--report", "md=notes.txt", "--report", "xml=cases.txt")
    done = run("check", "--from", "demo", *asked, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "notes.txt").read_text("utf-8").startswith("## ")
    assert (tmp_path / "cases.txt").read_text("utf-8").startswith("<?xml ")
