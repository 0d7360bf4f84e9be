"""``retryctl list`` from outside: one row for each request, and the filters."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from retryctl.cli.options.times import zone
from retryctl.core.crosscheck.attempt_check import Verdict
from retryctl.core.model.coverage import Coverage
from retryctl.core.model.request import RequestOutcome
from retryctl.core.summary.request_row import RequestRow
from retryctl.views.screen import Screen
from retryctl.views.text.layout import text_of
from retryctl.views.text.request_list import list_blocks
from tests.cli.test_summary import retried_in_another, save
from tests.support.lambda_log import ID, OTHER_ID, THIRD_ID, Environment
from tests.support.program import run

COVERAGE = Coverage(source="saved")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    one, two = retried_in_another()
    two.at(1000).runs(THIRD_ID, ends="timeout")
    return save(tmp_path_factory.mktemp("list") / "log.jsonl", one, two)


def listed(log: Path, *arguments: str) -> list[dict[str, Any]]:
    told = run("list", "--from", str(log), "-o", "jsonl", *arguments)
    assert told.returncode in (0, 4), told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_a_line_has_the_keys_of_the_contract(log: Path) -> None:
    by_id = {each["request_id"]: each for each in listed(log)}
    assert by_id[ID] == {
        "request_id": ID,
        "function": "orders-worker",
        "started_at": "2026-11-23T00:00:00.001Z",
        "attempts": 3,
        "outcome": "exhausted",
        "verdict": "disagrees",
        "findings": ["environment-switch", "retries-exhausted"],
        "branches": ["A", "A", "B"],
        "wrong_branches": [2, 3],
        "environments": 2,
        "error": "NameError",
        "execution_arn": None,
    }
    assert set(by_id) == {ID, OTHER_ID, THIRD_ID}


def test_json_lines_are_in_the_order_of_the_table() -> None:
    table = run("list", "--from", "demo").stdout
    lines = run("list", "--from", "demo", "-o", "jsonl").stdout.splitlines()
    ids = [json.loads(line)["request_id"] for line in lines]
    assert ids == re.findall(r"^ *([0-9a-f-]{36})", table, re.MULTILINE)
    newest = run("list", "--from", "demo", "-o", "jsonl", "--limit", "2").stdout.splitlines()
    assert newest == lines[:2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--retried"], {ID}),
        (["--min-attempts", "2"], {ID}),
        (["--failed"], {ID, THIRD_ID}),
        (["--outcome", "succeeded,pending"], {OTHER_ID, THIRD_ID}),
        (["--verdict", "disagrees"], {ID}),
        (["--finding", "environment-switch"], {ID}),
        (["--error", "nameerror"], {ID}),
        (["--error", "no such text"], set()),
        (["--since", "2026-11-23T00:10:00Z"], {OTHER_ID, THIRD_ID}),
    ],
)
def test_filters(log: Path, arguments: list[str], expected: set[str]) -> None:
    assert {each["request_id"] for each in listed(log, *arguments)} == expected


def test_nothing_wanted_ends_with_4(log: Path) -> None:
    assert run("list", "--from", str(log), "--finding", "late-retry").returncode == 4


def test_an_unknown_name_is_refused_with_the_nearest(log: Path) -> None:
    told = run("list", "--from", str(log), "--outcome", "exausted")
    assert told.returncode == 2
    assert "exhausted" in told.stderr


def test_text_is_newest_first_with_whole_ids_that_trace_takes(log: Path) -> None:
    shown = run("list", "--from", str(log)).stdout
    places = [shown.index(each) for each in (THIRD_ID, OTHER_ID, ID)]
    assert places == sorted(places)
    assert max(map(len, shown.splitlines())) <= 80
    assert run("trace", "--from", str(log), ID).returncode == 0


def test_80_columns_show_branches_verdict_environments_and_the_names_of_findings(
    log: Path,
) -> None:
    table, _ = run("list", "--from", str(log), env={"COLUMNS": "80"}).stdout.split("\n\n")
    row = next(line for line in table.splitlines() if ID in line)
    assert row.split()[2:] == ["3", "2", "A", "A✗", "B✗", "✗", "exhausted", "disagrees"]
    assert "\n   error NameError  findings environment-switch\n" in table
    assert "✗ after a branch: another branch was expected." in table


@pytest.mark.parametrize("columns", ["40", "60", "80", "120", "200"])
def test_every_width_shows_every_value(log: Path, columns: str) -> None:
    table, _ = run("list", "--from", str(log), env={"COLUMNS": columns}).stdout.split("\n\n")
    for value in (ID, "3", "2", "A A✗ B✗", "✗ exhausted", "disagrees", "NameError"):
        assert value in table
    assert "environment-switch" in table


def test_60_columns_keep_outcome_and_verdict_beside_the_request(log: Path) -> None:
    table, _ = run("list", "--from", str(log), env={"COLUMNS": "60"}).stdout.split("\n\n")
    row = next(line for line in table.splitlines() if ID in line)
    assert row.split()[1:] == ["✗", "exhausted", "disagrees"]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_of_several_functions_each_request_names_its_own(tmp_path: Path, columns: str) -> None:
    other = Environment("c", group="/aws/lambda/mails").runs(THIRD_ID, "sent")
    log = save(tmp_path / "log.jsonl", other, *retried_in_another())
    shown = run("list", "--from", str(log), env={"COLUMNS": columns}).stdout
    table, _ = shown.split("\n\n")
    assert table.count("orders-worker") == 2
    assert table.count("mails") == 1
    one = run("list", "--from", str(log), "mails", env={"COLUMNS": columns}).stdout
    assert "function" not in one.split("\n\n")[0]


def test_limit(log: Path) -> None:
    assert len(listed(log, "--limit", "2")) == 2
    shown = run("list", "--from", str(log), "--limit", "1").stdout
    assert THIRD_ID in shown
    assert ID not in shown
    assert "1 of 3 requests" in shown


def test_csv_and_json(log: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--from", str(log), "-o", "csv").stdout)))
    assert [row["request_id"] for row in rows] == [THIRD_ID, OTHER_ID, ID]
    document = json.loads(run("list", "--from", str(log), "-o", "json").stdout)
    assert rows[-1]["branches"] == "A A B"
    assert rows[-1]["wrong_branches"] == "2 3"
    assert [each["request_id"] for each in document["requests"]] == [THIRD_ID, OTHER_ID, ID]
    assert document["coverage"]["complete"] is True


def test_the_order_does_not_hang_on_the_hashes_of_a_run(tmp_path: Path) -> None:
    here = Environment("a")
    for number in range(20):
        here.at(number).runs(f"{number:08x}-1111-4222-8333-444455556666", "0", "process A")
    log = save(tmp_path / "log.jsonl", here)
    asked = ("list", "--from", str(log), "-o", "jsonl")
    once, again = run(*asked), run(*asked, env={"PYTHONHASHSEED": "1"})
    assert once.stdout.count("\n") == 20
    assert once.stdout == again.stdout


def test_help_tells_the_forms_that_list_knows(log: Path) -> None:
    said = " ".join(run("list", "--help", env={"COLUMNS": "200"}).stdout.split())
    assert "text, json, jsonl (one request per line), csv, html or markdown." in said
    assert run("list", "--from", str(log), "-o", "svg").returncode == 2


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", [THIRD_ID, OTHER_ID, ID]),
        ("oldest", [ID, OTHER_ID, THIRD_ID]),
        ("attempts", [ID, THIRD_ID, OTHER_ID]),
        ("outcome", [ID, THIRD_ID, OTHER_ID]),
        ("verdict", [ID, THIRD_ID, OTHER_ID]),
    ],
)
def test_sort(log: Path, order: str, expected: list[str]) -> None:
    assert [each["request_id"] for each in listed(log, "--sort", order)] == expected
    table = run("list", "--from", str(log), "--sort", order, "-o", "csv").stdout
    assert [row["request_id"] for row in csv.DictReader(io.StringIO(table))] == expected


def test_an_unknown_order_is_refused(log: Path) -> None:
    assert "newest" in run("list", "--from", str(log), "--sort", "newset").stderr


def test_findings_are_never_shortened() -> None:
    names = ("environment-switch", "counter-lost")
    row = RequestRow(
        request_id=ID,
        function=None,
        placed_ms=0,
        latest_ms=0,
        started_ms=0,
        attempts=3,
        outcome=RequestOutcome.RECOVERED,
        verdict=Verdict.DISAGREES,
        findings=(*names, "retries-exhausted"),
        error="E",
    )
    for width in (180, 108, 80):
        shown = text_of(list_blocks([row], [], COVERAGE, UTC), Screen(width=width))
        assert "environment-switch, counter-lost, retries-exhausted" in shown
        assert "! recovered" in shown
    exhausted = replace(row, outcome=RequestOutcome.EXHAUSTED)
    assert "retries-exhausted" not in text_of(
        list_blocks([exhausted], [], COVERAGE, UTC), Screen(width=180)
    )


def test_a_row_stacks_whole_on_a_narrow_terminal(log: Path) -> None:
    shown = run("list", "--from", str(log), env={"COLUMNS": "60"}).stdout
    assert max(map(len, shown.splitlines())) <= 60
    assert "findings environment-switch" in shown
    assert "error NameError" in shown


def test_the_hour_that_comes_twice_names_its_zone() -> None:
    both = [
        RequestRow(
            request_id=request_id,
            function=None,
            placed_ms=start_ms,
            latest_ms=start_ms,
            started_ms=start_ms,
            attempts=1,
            outcome=RequestOutcome.SUCCEEDED,
            verdict=Verdict.AGREES,
        )
        for request_id, start_ms in (("a", 1792888200000), ("b", 1792891800000))
    ]
    text = text_of(list_blocks(both, [], COVERAGE, zone("Europe/Berlin")), Screen(width=100))
    assert "02:30:00 CEST" in text
    assert "02:30:00 CET " in text
    assert "CE" not in text_of(
        list_blocks(both[:1], [], COVERAGE, zone("Asia/Tokyo")), Screen(width=100)
    )


def test_markdown_and_html_have_every_column(log: Path, tmp_path: Path) -> None:
    page, notes = tmp_path / "page.html", tmp_path / "notes.md"
    shown = run("list", "--from", str(log), "--report", str(page), "--report", f"markdown={notes}")
    assert shown.returncode == 0, shown.stderr
    assert f"<code>{ID}</code>" in page.read_text().replace('<span class="bold">', "").replace(
        "</span></code>", "</code>"
    )
    row = next(line for line in notes.read_text().splitlines() if ID in line)
    assert row.split(" | ")[2:] == [
        *("3", "2", "A A✗ B✗", "✗ exhausted", "disagrees", "NameError", "environment-switch |")
    ]
    unnamed = run("list", "--from", str(log), "--report", str(tmp_path / "page.pdf"))
    assert unnamed.returncode == 2
    assert "html, markdown" in unnamed.stderr


def test_signs_of_the_table_are_explained_where_they_occur(tmp_path: Path) -> None:
    one, two = Environment("a"), Environment("b")
    one.at(0).runs(ID, "0", "process A", ends="error")
    one.at(61).runs(ID, ends="error")
    for number, branch in enumerate("ABCCCCCC"):
        two.at(1000 + 200 * number).runs(OTHER_ID, str(number), f"process {branch}", ends="error")
    path = save(tmp_path / "log.jsonl", one, two)
    for form in ("text", "html", "markdown"):
        shown = run("list", "--from", str(path), "-o", form, env={"COLUMNS": "200"}).stdout
        assert "among branches: the attempt logged none." in shown
        assert "2 more attempts; --output json has the branch of each." in shown
        assert "another branch was expected" not in shown
    assert run("explain", "A✗").stdout.startswith("branch\n")


def test_requests_of_one_minute_show_their_seconds_at_80_columns(tmp_path: Path) -> None:
    one, two = Environment("a"), Environment("b")
    for at, environment in ((0, one), (61, two)):
        environment.at(at).runs(ID, "0", "process A", ends="error")
    one.at(10).runs(OTHER_ID, "0", "process A", ends="error")
    path = save(tmp_path / "log.jsonl", one, two)
    lines = run("list", "--from", str(path), env={"COLUMNS": "80"}).stdout.splitlines()
    rows = [line for line in lines if line[1:37] in (ID, OTHER_ID)]
    starts = {time for row in rows for time in re.findall(r"\d\d:\d\d:\d\d", row)}
    assert starts == {"00:00:00", "00:00:10"}
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("form", ["text", "html", "markdown"])
def test_the_finding_that_selects_a_row_is_among_its_findings(form: str) -> None:
    selected = run("list", "--from", "demo", "--finding", "retries-exhausted", "-o", form).stdout
    count = run("list", "--from", "demo", "-o", "csv").stdout.count("retries-exhausted")
    assert selected.count("retries-exhausted") == count > 0
    assert "retries-exhausted" not in run("list", "--from", "demo", "-o", form).stdout


def test_the_legend_explains_each_sign_and_each_short_heading() -> None:
    shown = run("list", "--from", "demo", env={"COLUMNS": "80"}).stdout
    assert " # E ran " in shown
    assert (
        "#: attempts; E or env: execution environments; ran: the branch of each attempt." in shown
    )
    assert "— as a verdict: no attempt logged a counter." in shown
    wide = run("list", "--from", "demo", env={"COLUMNS": "200"}).stdout
    assert "ran:" not in wide
    silent = run("list", "--from", "demo", "--verdict", "not-counted").stdout
    assert "— among branches: the attempt logged none." in silent
